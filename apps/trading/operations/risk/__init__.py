"""The trading state: what latches, clears or ends it, and the limits it follows."""
