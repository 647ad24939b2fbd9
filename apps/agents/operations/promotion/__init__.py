"""Promotion of agents: open, sign off, follow, end."""
