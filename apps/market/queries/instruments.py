"""Instruments: what is watched, under which rules, by whom it is quoted."""

from collections.abc import Collection, Mapping, Sequence

from apps.foundation.errors import NotFound
from apps.market.domain.instruments import InstrumentRules
from apps.market.models import Instrument, MarketClock, Provider, ProviderState


def watched_symbols() -> list[str]:
    """The watch list in its own order."""
    return list(Instrument.objects.filter(watched=True).order_by("place", "symbol").values_list("symbol", flat=True))


def instrument_rules(symbol: str) -> InstrumentRules:
    """Steps and minimums of one instrument; ``NotFound`` with code ``unknown_instrument``."""
    return rules_of(found_instrument(symbol))


def rules_by_symbol(symbols: Collection[str]) -> dict[str, InstrumentRules]:
    """Steps and minimums of those of these instruments that there are."""
    return {row.symbol: rules_of(row) for row in Instrument.objects.filter(symbol__in=symbols)}


def rules_of(row: Instrument) -> InstrumentRules:
    """Steps and minimums as the row states them."""
    return InstrumentRules(
        symbol=row.symbol,
        base=row.base,
        quote=row.quote,
        tick_size=row.tick_size,
        step_size=row.step_size,
        min_quantity=row.min_quantity,
        min_notional=row.min_notional,
        assumed=tuple(row.assumed),
        calendar=row.calendar,
    )


def paused_reasons(symbols: Collection[str]) -> dict[str, str]:
    """Why those of these instruments that are paused are."""
    rows = Instrument.objects.filter(symbol__in=symbols, paused_reason__isnull=False)
    return {row.symbol: row.paused_reason or "" for row in rows}


def listed_sources(symbol: str) -> list[str]:
    """The sources that quote this instrument, the leading one first."""
    return list(found_instrument(symbol).sources)


def primary_source(symbol: str) -> str:
    """The source whose candles count for this instrument: the market's leading one, or the first that quotes it and is
    not down.
    """
    return _leading({symbol: listed_sources(symbol)})[symbol]


def primary_sources(symbols: Collection[str]) -> dict[str, str]:
    """``primary_source`` of each of these instruments that there is."""
    return _leading(dict(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", "sources")))


def _leading(listed: Mapping[str, Sequence[str]]) -> dict[str, str]:
    leading = MarketClock.objects.values_list("primary_source", flat=True).first() or ""
    others = {symbol: sources for symbol, sources in listed.items() if sources and leading not in sources}
    down: set[str] = set()
    if others:
        named = {source for sources in others.values() for source in sources}
        down = set(Provider.objects.filter(name__in=named, state=ProviderState.DOWN).values_list("name", flat=True))
    chosen = {
        symbol: next((source for source in sources if source not in down), sources[0])
        for symbol, sources in others.items()
    }
    return dict.fromkeys(listed, leading) | chosen


def found_instrument(symbol: str) -> Instrument:
    """The row of one instrument; ``NotFound`` with code ``unknown_instrument``."""
    row = Instrument.objects.filter(symbol=symbol).first()
    if row is None:
        known = ", ".join(watched_symbols()) or "none yet"
        told = f"Instrument was {symbol!r}; known are {known}. Others come in by the setting INSTRUMENTS."
        raise NotFound(told, code="unknown_instrument", field="instrument")
    return row
