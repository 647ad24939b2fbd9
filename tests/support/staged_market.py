"""A lock-step market whose bars a test writes one by one."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.foundation.clock import Moment, wall_now
from apps.market.domain.candle_columns import PRICES as PRICE_COLUMNS
from apps.market.domain.candle_columns import CandleColumns
from apps.market.models import Instrument, MarketClock, StoredCandle

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SOURCE = "staged"
RULES = {
    "BTC/USDT": {"tick_size": "0.01", "step_size": "0.00001", "min_quantity": "0.00001", "min_notional": "5"},
    "ETH/USDT": {"tick_size": "0.01", "step_size": "0.0001", "min_quantity": "0.0001", "min_notional": "5"},
    "SOL/USDT": {"tick_size": "0.01", "step_size": "0.001", "min_quantity": "0.001", "min_notional": "5"},
}
PRICES = {"BTC/USDT": Decimal(50_000), "ETH/USDT": Decimal(2_500), "SOL/USDT": Decimal(100)}


@dataclass
class StagedMarket:
    """``bar_at`` is the close of the last written bar, which is the firm's time."""

    bar_at: datetime = START
    last: dict[str, Decimal] = field(default_factory=lambda: dict(PRICES))

    @property
    def moment(self) -> Moment:
        return Moment(wall=wall_now(), firm=self.bar_at)

    def bar(self, **bars: tuple) -> Moment:
        """Write the next one-minute bar. ``BTC=(open, high, low, close[, volume])``; the others stand still."""
        self.bar_at += timedelta(minutes=1)
        candles = []
        for symbol, before in self.last.items():
            values = bars.get(symbol.split("/")[0])
            candles.append(_candle(symbol, self.bar_at, values or (before, before, before, before)))
            self.last[symbol] = candles[-1].close
        StoredCandle.objects.bulk_create(candles)
        MarketClock.objects.update(bar_at=self.bar_at, released_at=wall_now())
        return self.moment


def _candle(symbol, closes, values: tuple) -> StoredCandle:
    opening, high, low, close, volume = (*values, 1000)[:5]
    return StoredCandle(
        instrument_id=symbol,
        source=SOURCE,
        timeframe="1m",
        open_at=closes - timedelta(minutes=1),
        open=Decimal(opening),
        high=Decimal(high),
        low=Decimal(low),
        close=Decimal(close),
        volume=Decimal(volume),
    )


def stage_market(*, history: int = 40) -> StagedMarket:
    """Instruments, a running clock and ``history`` quiet bars behind it."""
    for place, (symbol, rules) in enumerate(RULES.items()):
        base, quote = symbol.split("/")
        numbers = {name: Decimal(value) for name, value in rules.items()}
        Instrument.objects.create(symbol=symbol, base=base, quote=quote, sources=[SOURCE], place=place, **numbers)
    MarketClock.objects.create(
        kind="recorded",
        digest="staged",
        description="A market written by a test",
        speed=0,
        base_timeframe="1m",
        sources=[SOURCE],
        primary_source=SOURCE,
        first_open=START - timedelta(minutes=history),
        bar_at=START,
        state="running",
        started_at=wall_now(),
        released_at=wall_now(),
    )
    StoredCandle.objects.bulk_create(
        _candle(symbol, START - timedelta(minutes=ago), (price, price, price, price))
        for symbol, price in PRICES.items()
        for ago in range(history)
    )
    return StagedMarket()


def store_columns(columns: CandleColumns) -> None:
    """Keep a whole series as stored candles."""
    StoredCandle.objects.bulk_create(
        StoredCandle(
            instrument_id=candle.symbol,
            source=candle.source,
            timeframe=candle.timeframe,
            open_at=candle.open_at,
            **{name: getattr(candle, name) for name in PRICE_COLUMNS},
        )
        for candle in (columns.candle(place) for place in range(len(columns)))
    )
