"""Positions, postings, fees: the arithmetic of money."""
