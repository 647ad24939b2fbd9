"""The firm at a glance: what the status line and the ``system`` channel show."""

from collections import Counter
from datetime import datetime
from typing import Any

from django.conf import settings

from apps.agents.queries import agent_cards
from apps.foundation.clock import Moment
from apps.foundation.time_text import utc_text
from apps.management.models import Incident
from apps.management.queries.incident_views import incident_views
from apps.management.queries.instance_views import lease_view
from apps.management.queries.process_views import process_views
from apps.management.queries.stop_progress import stop_progress
from apps.market import queries as market
from apps.market.queries import MarketClockView
from apps.trading import queries as trading

MODES = {"live": "paper", "recorded": "recorded", "simulated": "simulated"}
SHOWN_INCIDENTS = 20


def system_view(moment: Moment) -> dict[str, Any]:
    """Mode, market, trading state with causes, data age, leader, sources, loops, agents, open incidents."""
    clock, state = market.market_clock(), trading.state_view(history=0)
    cards, account, held, stop = agent_cards(), _account(), lease_view(), stop_progress()
    return {
        "mode": "live" if account["mode"] == "live" else MODES[clock.kind],
        "venue": settings.VENUE,
        "account": account,
        "market": market.clock_view(clock),
        "trading_state": state["state"],
        "causes": state["causes"],
        "data_age_seconds": data_age_seconds(clock, moment.wall),
        "leader": held["leader"],
        "lease": held,
        "instance": settings.HQ_INSTANCE,
        "role": settings.HQ_ROLE,
        "runtime": settings.HQ_RUNTIME,
        "providers": market.provider_views(),
        "processes": process_views(moment.wall),
        "warming": [
            {"agent": card["id"], "name": card["name"], "text": card["warming"]} for card in cards if card["warming"]
        ],
        "agents": _agents(cards),
        "fleet_paused": stop is not None,
        "emergency_stop": stop,
        "open_incidents": Incident.objects.filter(closed_at__isnull=True).count(),
        "incidents": incident_views(limit=SHOWN_INCIDENTS),
        "as_of": utc_text(moment.wall),
        "firm_at": utc_text(moment.firm),
    }


def _account() -> dict[str, Any]:
    """The account that the house trades, as far as it is known: none before the first start is through."""
    known = trading.all_accounts().filter(pk=settings.VENUE).first()
    if known is None:
        return {"name": settings.VENUE, "venue": None, "mode": "paper", "enabled": False, "trouble": ""}
    return {name: getattr(known, name) for name in ("name", "venue", "mode", "enabled", "trouble")}


def _agents(cards: list[dict[str, Any]]) -> dict[str, Any]:
    wanted = [card for card in cards if card["desired_state"] == "running"]
    words = Counter("warming" if card["warming"] else card["activity"] for card in wanted)
    return {"total": len(cards), "wanted": len(wanted), **words}


def data_age_seconds(clock: MarketClockView, wall: datetime) -> float | None:
    """Seconds since the newest price arrived; None when none ever did."""
    if clock.lock_step:
        return None if clock.released_at is None else round((wall - clock.released_at).total_seconds(), 1)
    latest = market.latest_quotes_of(market.watched_symbols(), None, clock)
    newest = [quote.received_at for quotes in latest.values() for quote in quotes]
    return round((wall - max(newest)).total_seconds(), 1) if newest else None
