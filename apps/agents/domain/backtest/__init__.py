"""Runs over recorded candles: one strategy's signal alone, and the whole firm. Pure, and the same on every run."""
