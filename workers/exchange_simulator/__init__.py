"""An exchange that can be told to misbehave: Binance's and Kraken's spot interfaces over one matching engine.

``engine`` is pure and decides everything from its arguments; the dialects translate requests and answers; the server
carries them, injects faults on request and keeps the truth log.
"""
