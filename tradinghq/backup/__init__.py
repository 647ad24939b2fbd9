"""Copies of the firm's database, sealed to its key, and the way back from one."""
