"""What the admin's home shows above its tables: mode, trading state, open incidents and breaks."""

from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest

from apps.management.queries import incident_views, system_view
from apps.market.queries import current_moment
from apps.trading.queries import recent_breaks

_MOST_BREAKS = 100
MODE_WORDS = {"live": "LIVE PRICES", "recorded": "RECORDED MARKET", "simulated": "SIMULATED MARKET"}


def mode_badge(request: HttpRequest) -> list[str]:  # noqa: ARG001
    """The words beside the title on every admin page, and their colour."""
    real = settings.VENUE not in {"paper", "simulated"}
    if real:
        return ["LIVE MONEY", "danger"]
    where = "SIMULATED EXCHANGE" if settings.VENUE == "simulated" else "PAPER"
    return [f"{where}, {MODE_WORDS[settings.MARKET]}", "info"]


def add_state(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Add ``firm`` (the dashboard's system view), ``incidents``, open ``breaks``; out of reach, ``state_missing``."""
    try:
        waiting = [row for row in recent_breaks(_MOST_BREAKS) if row["state"] == "OPEN"]
        return context | {"firm": system_view(current_moment()), "incidents": incident_views(), "breaks": waiting}
    except DatabaseError as error:
        return context | {"state_missing": f"The state can't be read now ({type(error).__name__})."}
