"""Accounts, their keys and portfolios, and agents' budgets."""
