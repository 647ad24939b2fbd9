"""What one source asks and bids for one instrument, and how a quote is assumed where only candles are recorded."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from apps.foundation.money import BASIS_POINT
from apps.market.domain.candles import Candle

# Assumptions about the half spread in basis points of the close, stated on every screen that shows such a quote.
RECORDED_HALF_SPREAD_BPS = Decimal(1)
SIMULATED_SHARE_OF_RANGE = Decimal("0.04")  # a simulated venue also widens with the bar's range
SIMULATED_LARGEST_BPS = Decimal(12)
# Sources that tell no bid and ask: what is assumed about them, in words.
LAST_TRADE_ONLY = {"yfinance": "yfinance tells the last trade only: bid and ask are assumed 1 bp to each side of it."}
_SIGNIFICANT_STEP = Decimal("1e-6")


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask of one source; ``event_at`` is the source's time, ``received_at`` ours (wall). ``market``:
    live, recorded, simulated.
    """

    symbol: str
    source: str
    bid: Decimal
    ask: Decimal
    last: Decimal | None
    event_at: datetime
    received_at: datetime
    market: str

    @property
    def middle(self) -> Decimal:
        """Half way between bid and ask."""
        return (self.bid + self.ask) / 2

    @property
    def spread_bps(self) -> Decimal:
        """Ask minus bid in basis points of the middle."""
        return (self.ask - self.bid) / self.middle / BASIS_POINT


def problem(quote: Quote) -> str | None:
    """Why this quote can't be used, in words; None for a sound one."""
    if not (quote.bid.is_finite() and quote.ask.is_finite()):
        return "bid or ask is not a finite number"
    if quote.bid <= 0 or quote.ask <= 0:
        return f"bid {quote.bid} and ask {quote.ask} must be positive"
    if quote.bid > quote.ask:
        return f"bid {quote.bid} is above ask {quote.ask}"
    return None


def quote_around(last: Decimal, *, symbol: str, source: str, event_at: datetime, received_at: datetime) -> Quote:
    """The quote assumed around a live source's last trade, where it tells no bid and ask."""
    half = RECORDED_HALF_SPREAD_BPS * BASIS_POINT * last
    grain = Decimal(1).scaleb(last.adjusted()) * _SIGNIFICANT_STEP if last.is_finite() and last > 0 else Decimal(1)
    return Quote(
        symbol=symbol,
        source=source,
        bid=((last - half) / grain).to_integral_value(rounding=ROUND_FLOOR) * grain,
        ask=((last + half) / grain).to_integral_value(rounding=ROUND_CEILING) * grain,
        last=last,
        event_at=event_at,
        received_at=received_at,
        market="live",
    )


def assumed_quote(candle: Candle, *, received_at: datetime, market: str) -> Quote:
    """The quote assumed at the candle's close: close plus and minus a stated half spread, rounded away from the middle.

    A pure function of the candle, so that the same bar gives the same quote on every run, with or without a cache.
    """
    bid, ask = around_close(candle.close, half_bps=half_spread_bps(candle, market))
    return Quote(candle.symbol, candle.source, bid, ask, candle.close, candle.close_at, received_at, market)


def around_close(close: Decimal, *, half_bps: Decimal) -> tuple[Decimal, Decimal]:
    """Bid and ask ``half_bps`` to both sides of a close, rounded away from it to six digits after the first."""
    half, grain = half_bps * BASIS_POINT * close, Decimal(1).scaleb(close.adjusted()) * _SIGNIFICANT_STEP
    bid = ((close - half) / grain).to_integral_value(rounding=ROUND_FLOOR) * grain
    return bid, ((close + half) / grain).to_integral_value(rounding=ROUND_CEILING) * grain


def half_spread_bps(candle: Candle, market: str) -> Decimal:
    """The assumed half spread of this candle in basis points."""
    if market == "recorded":
        return RECORDED_HALF_SPREAD_BPS
    ranged = (candle.high - candle.low) / candle.close / BASIS_POINT * SIMULATED_SHARE_OF_RANGE
    return min(RECORDED_HALF_SPREAD_BPS + ranged, SIMULATED_LARGEST_BPS)
