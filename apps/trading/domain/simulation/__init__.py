"""A paper account in memory for backtests: the house's own sizing, gate, fills and stops without its database."""
