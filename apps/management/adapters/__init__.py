"""The outside world of the fleet: the supervisor's processes."""
