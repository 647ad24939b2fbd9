"""What guards a position: its stops, the exits that fired, the orders that wait for a trigger."""
