"""The watch list and its rules, and the rows of its sources."""

from collections.abc import Mapping, Sequence

from apps.market.domain.instruments import InstrumentRules
from apps.market.models import Instrument, Provider


def watch(rules: Sequence[InstrumentRules], sources: Mapping[str, Sequence[str]]) -> None:
    """Make exactly these instruments the watch list, in this order, each with its sources. Pauses stay as they are."""
    for place, rule in enumerate(rules):
        Instrument.objects.update_or_create(
            symbol=rule.symbol,
            defaults={
                "base": rule.base,
                "quote": rule.quote,
                "tick_size": rule.tick_size,
                "step_size": rule.step_size,
                "min_quantity": rule.min_quantity,
                "min_notional": rule.min_notional,
                "assumed": list(rule.assumed),
                "calendar": rule.calendar,
                "sources": list(sources.get(rule.symbol, ())),
                "watched": True,
                "place": place,
            },
        )
    Instrument.objects.exclude(symbol__in=[rule.symbol for rule in rules]).update(watched=False)


def name_providers(names: Sequence[str], market: str) -> None:
    """Make exactly these the enabled sources, the first leading; what is known of their health stays."""
    for priority, name in enumerate(names):
        Provider.objects.update_or_create(name=name, defaults={"market": market, "priority": priority, "enabled": True})
    Provider.objects.exclude(name__in=names).update(enabled=False)
