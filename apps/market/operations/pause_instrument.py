"""Pausing one instrument: no new risk in it until somebody lifts the pause. Both leave an audit entry."""

from typing import Any

from django.db import transaction

from apps.foundation import audit, outbox
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused
from apps.market.models import Instrument
from apps.market.queries.instruments import found_instrument
from apps.market.queries.views import instrument_view

LONGEST_REASON = 500


@transaction.atomic
def pause_instrument(*, symbol: str, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """Pause; the instrument's view. ``Conflict`` (code ``already_paused``) when it is, ``Refused`` without a reason."""
    told = _reason(reason)
    found_instrument(symbol)
    changed = Instrument.objects.filter(symbol=symbol, paused_reason__isnull=True).update(
        paused_reason=told, paused_by=actor, paused_at=moment.wall
    )
    if not changed:
        raise Conflict(f"{symbol} is already paused: {found_instrument(symbol).paused_reason}", code="already_paused")
    return _recorded("instrument.paused", symbol, actor, told, moment)


@transaction.atomic
def unpause_instrument(*, symbol: str, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """Lift the pause; the instrument's view. ``Conflict`` (code ``not_paused``) when there is none, ``Refused``
    without a reason.
    """
    told = _reason(reason)
    found_instrument(symbol)
    changed = Instrument.objects.filter(symbol=symbol, paused_reason__isnull=False).update(
        paused_reason=None, paused_by=None, paused_at=None, split_note=None
    )
    if not changed:
        raise Conflict(f"{symbol} is not paused.", code="not_paused")
    return _recorded("instrument.unpaused", symbol, actor, told, moment)


def _reason(reason: str) -> str:
    told = reason.strip()
    if not told or len(told) > LONGEST_REASON:
        raise Refused(
            f"The reason had {len(told)} characters; say why in 1 to {LONGEST_REASON}.",
            code="reason_needed",
            field="reason",
        )
    return told


def _recorded(action: str, symbol: str, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    outbox.record_event(kind="system.changed", aggregate="market", payload={})
    audit.append(
        chain="operations", action=action, actor=actor, subject=symbol, payload={"reason": reason}, moment=moment
    )
    return instrument_view(found_instrument(symbol))
