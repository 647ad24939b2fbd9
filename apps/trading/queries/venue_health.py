"""How the venues answer: the rung each account's stands on, and why."""

from typing import Any

from apps.foundation.time_text import utc_text
from apps.trading.domain.risk.trading_state import worst
from apps.trading.domain.risk.venue_ladder import MEANING, Rung
from apps.trading.models import Account, StateCause, VenueHealth


def venue_ladder(account: str) -> Rung | None:
    """The rung of an account's venue; None before its first answer."""
    rung = VenueHealth.objects.filter(pk=account).values_list("rung", flat=True).first()
    return None if rung is None else Rung(rung)


def venue_views() -> list[dict[str, Any]]:
    """Every account with its venue's rung, its clock and its trading state, in the accounts' order."""
    health = {row.account: row for row in VenueHealth.objects.all()}
    causes = list(StateCause.objects.filter(closed_wall__isnull=True).values_list("account", "state"))
    return [
        {
            "account": account.name,
            "venue": account.venue,
            "in_house": account.venue == "paper",
            "enabled": account.enabled,
            "state": worst(state for owner, state in causes if owner in {"", account.name}),
            **_health(health.get(account.name)),
        }
        for account in Account.objects.order_by("created_wall", "name")
    ]


def _health(row: VenueHealth | None) -> dict[str, Any]:
    """What was measured; nulls before the first answer."""
    row = row or VenueHealth(rung="")
    return {
        "rung": row.rung or None,
        "means": MEANING[Rung(row.rung)] if row.rung else "Nothing was heard of it yet.",
        "since": utc_text(row.rung_since),
        "reason": row.reason,
        "latency_ms": None if row.latency_ms is None else round(row.latency_ms, 1),
        "answers": row.answers,
        "failures": row.failures,
        "failures_in_row": row.failures_in_row,
        "last_failure_kind": row.last_failure_kind,
        "last_failure_at": utc_text(row.last_failure_wall),
        "last_ok_at": utc_text(row.last_ok_wall),
        "clock_offset_ms": row.clock_offset_ms,
        "clock_read_at": utc_text(row.clock_wall),
    }
