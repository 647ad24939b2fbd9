"""What judging an order needs of the market: rules, pause and marks, with one read of the database, or none.

A reading has a key (``hq_market_key``): while the database gives the same key, rules, pause and clock are the same.
"""

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
    """One instrument's rules, why it is paused (None while it isn't), marks; no ``key`` before the market runs."""

    rules: InstrumentRules
    paused_reason: str | None
    marks: dict[str, Mark]
    key: str | None


@dataclass(frozen=True, slots=True)
class _Terms:
    rules: InstrumentRules
    paused_reason: str | None
    clock: MarketClockView
    key: str | None


_terms: dict[str, _Terms] = {}  # as last read by this process


def order_market(symbol: str, beside: Iterable[str], moment: Moment) -> OrderMarket:
    """The instrument, with its mark and those of ``beside``. ``NotFound`` with code ``unknown_instrument``."""
    _terms[symbol] = terms = _read_terms(symbol)
    return _market(terms, beside, moment)


def remembered_market(symbol: str, beside: Iterable[str], moment: Moment) -> OrderMarket:
    """The same from what this process read last. Whoever acts on it compares its ``key`` with the database's."""
    terms = _terms.get(symbol)
    if terms is None or (terms.clock.lock_step and terms.clock.bar_at != moment.firm):
        return order_market(symbol, beside, moment)
    return _market(terms, beside, moment)


def _market(terms: _Terms, beside: Iterable[str], moment: Moment) -> OrderMarket:
    marks = priced(sorted({terms.rules.symbol, *beside}), moment, terms.clock)
    told = {name: mark for name, (mark, _) in marks.items()}
    return OrderMarket(terms.rules, terms.paused_reason, told, terms.key)


def _read_terms(symbol: str) -> _Terms:
    # By hand: orders wait for this read, and the ORM would take several times as long to build it.
    with connection.cursor() as cursor:
        cursor.execute(_READ, [symbol])
        found = cursor.fetchone()
    if found is None:
        found_instrument(symbol)  # raises
    key, values = found[0], found[1:]
    instrument = _row(Instrument, _INSTRUMENT, values[: len(_INSTRUMENT)])
    clock = _row(MarketClock, _CLOCK, values[len(_INSTRUMENT) :]) if key is not None else None
    return _Terms(rules_of(instrument), instrument.paused_reason, clock_view_of(clock), key)


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
    f"SELECT i.xmin || '/' || c.xmin, {', '.join(_COLUMNS)} FROM market_instrument i"  # noqa: S608 - our own columns
    " LEFT JOIN market_marketclock c ON true WHERE i.symbol = %s"
)
