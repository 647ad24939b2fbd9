"""What judging an order needs of the market: rules, pause and marks, with one read of the database."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from django.db import connection, models

from apps.foundation.clock import Moment
from apps.market.domain.instruments import InstrumentRules
from apps.market.domain.mark_price import Mark
from apps.market.models import Instrument, MarketClock
from apps.market.queries.instruments import found_instrument, rules_of
from apps.market.queries.market_clock import MarketClockView, clock_view_of
from apps.market.queries.prices import priced

Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True, slots=True)
class OrderMarket:
    """One instrument's rules, why it is paused (None while it isn't), and marks."""

    rules: InstrumentRules
    paused_reason: str | None
    marks: dict[str, Mark]


def order_market(symbol: str, beside: Iterable[str], moment: Moment) -> OrderMarket:
    """The instrument, with its mark and those of ``beside``. ``NotFound`` with code ``unknown_instrument``."""
    row, clock = _instrument_and_clock(symbol)
    marks = priced(sorted({symbol, *beside}), moment, clock)
    return OrderMarket(rules_of(row), row.paused_reason, {name: mark for name, (mark, _) in marks.items()})


def _instrument_and_clock(symbol: str) -> tuple[Instrument, MarketClockView]:
    # By hand: every order waits for this read, and the ORM would take several times as long to build it.
    with connection.cursor() as cursor:
        cursor.execute(_READ, [symbol])
        values = cursor.fetchone()
    if values is None:
        return found_instrument(symbol), clock_view_of(None)
    instrument, clock = values[: len(_INSTRUMENT)], values[len(_INSTRUMENT) :]
    return _row(Instrument, _INSTRUMENT, instrument), clock_view_of(
        None if clock[0] is None else _row(MarketClock, _CLOCK, clock)
    )


def _row(model: type[Row], fields: "list[models.Field[Any, Any]]", values: tuple[Any, ...]) -> Row:
    parsed = [
        orjson.loads(value) if isinstance(field, models.JSONField) else value
        for field, value in zip(fields, values, strict=True)
    ]
    return model.from_db(connection.alias, [field.attname for field in fields], parsed)


_INSTRUMENT = list(Instrument._meta.concrete_fields)  # noqa: SLF001 - Django's documented _meta
_CLOCK = list(MarketClock._meta.concrete_fields)  # noqa: SLF001
_COLUMNS = [f"i.{field.column}" for field in _INSTRUMENT] + [f"c.{field.column}" for field in _CLOCK]
_READ = (
    f"SELECT {', '.join(_COLUMNS)} FROM market_instrument i"  # noqa: S608 - the columns are our own
    " LEFT JOIN market_marketclock c ON true WHERE i.symbol = %s"
)
