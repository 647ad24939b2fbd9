"""The house's processes on one machine: what they are, and how they start, stay up and stop."""
