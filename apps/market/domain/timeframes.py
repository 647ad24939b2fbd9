"""Bar lengths by name. Bars lie on the UTC grid that starts at the Unix epoch."""

from datetime import UTC, datetime, timedelta

SECONDS = {
    "1m": 60,
    "3m": 180,
    "5m": 300,
    "15m": 900,
    "30m": 1_800,
    "1h": 3_600,
    "2h": 7_200,
    "4h": 14_400,
    "6h": 21_600,
    "12h": 43_200,
    "1d": 86_400,
}
LADDER = ("1m", "5m", "15m", "1h", "4h", "1d")  # what is stored; each divides the next
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seconds(timeframe: str) -> int:
    """Length in seconds; ``ValueError`` names what is known for a name that isn't."""
    try:
        return SECONDS[timeframe]
    except KeyError:
        raise ValueError(f"{timeframe!r} is no timeframe; known are {', '.join(SECONDS)}.") from None


def span(timeframe: str) -> timedelta:
    """Length as a time span."""
    return timedelta(seconds=seconds(timeframe))


def floor_time(at: datetime, timeframe: str) -> datetime:
    """The last bar boundary at or before ``at`` (aware), in UTC."""
    length = seconds(timeframe)
    elapsed = int((at.astimezone(UTC) - _EPOCH).total_seconds() // length) * length
    return _EPOCH + timedelta(seconds=elapsed)


def is_boundary(at: datetime, timeframe: str) -> bool:
    """Does a bar of ``timeframe`` end (and the next one start) at ``at``?"""
    return floor_time(at, timeframe) == at


def stored_from(base: str) -> tuple[str, ...]:
    """The base timeframe and every coarser one of the ladder that it divides, finest first."""
    length = seconds(base)
    return (base, *(name for name in LADDER if SECONDS[name] > length and SECONDS[name] % length == 0))


def from_milliseconds(timestamp_ms: int) -> datetime:
    """A UTC time from the milliseconds that exchanges and candle files use."""
    return _EPOCH + timedelta(milliseconds=timestamp_ms)


def to_milliseconds(at: datetime) -> int:
    """Milliseconds since the epoch of an aware time."""
    return (at - _EPOCH) // timedelta(milliseconds=1)
