"""Trades into ledger, positions and equity under the portfolio's lock, and the verifier of it all."""
