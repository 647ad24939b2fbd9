"""The venues an account may be at."""

PAPER = "paper"
SIMULATED = "simulated"  # the exchange simulator that the house starts; speaks Binance's dialect
SIMULATED_DIALECT = "binance"
CCXT_VENUES = ("binance", "kraken")
STOCK_VENUES = ("alpaca",)
REAL_VENUES = (*CCXT_VENUES, *STOCK_VENUES)
# Where a practice account exists at the venue itself. Elsewhere an account of mode paper would move real money.
PRACTICE_VENUES = ("binance", "alpaca")
