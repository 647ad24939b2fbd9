"""The matching engine: pure, deterministic, in Decimals; times in milliseconds are arguments."""
