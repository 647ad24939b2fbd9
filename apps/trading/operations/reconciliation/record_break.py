"""Keep what a venue and our books differ in: one open row a difference, told to people, shown until it is closed."""

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import F, Q

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.identifiers import new_id
from apps.foundation.money import plain
from apps.foundation.outbox import record_event
from apps.trading.domain.risk.cause_kinds import FOREIGN_TRADE
from apps.trading.domain.risk.trading_state import TradingState
from apps.trading.domain.venues.break_kinds import EVENTS, BreakKind, BreakState, Choice
from apps.trading.models import ReconciliationBreak
from apps.trading.operations.risk.state_causes import open_cause
from apps.trading.operations.risk.want_incident import incident_over, want_incident

RECONCILER = "reconciliation"
LONGEST_CAUSE = 200
_FOREIGN = frozenset({BreakKind.FOREIGN_ORDER, BreakKind.FOREIGN_TRADE})
_ALARMING = frozenset({BreakKind.UNKNOWN_ORDER})  # a person looks even at one that the house made good at once


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference before it is kept. ``cause`` tells it from others of its account; ``amount`` is its size now.

    ``healed``: the house made it good at once, as ``healing`` says; it is kept for the record.
    """

    account: str
    kind: BreakKind
    cause: str
    detail: str
    symbol: str = ""
    asset: str = ""
    amount: Decimal | None = None
    order_id: UUID | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    quarantines: bool = True
    healing: str = ""
    healed: bool = False


def record_break(
    *,
    account: str,
    kind: str,
    symbol: str,
    facts: dict[str, Any],
    moment: Moment,
    order_id: UUID | None = None,
    quarantines: bool = True,
) -> UUID | None:
    """Keep something strange that a venue said, known only by its facts; ``facts["detail"]`` is the sentence shown.

    The id of its break; None when exactly this was told before and a person closed it.
    """
    digest = hashlib.sha256(orjson.dumps(facts, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]
    detail = str(facts.get("detail") or f"{account} gave an answer that can't be right.")
    finding = Finding(
        account=account,
        kind=BreakKind(kind),
        cause=f"{kind}:{symbol}:{digest}",
        detail=detail,
        symbol=symbol,
        order_id=order_id,
        quarantines=quarantines,
        facts=orjson.loads(orjson.dumps(facts, default=str)),
        healing="Nothing of it was taken into the books.",
    )
    return keep_break(finding, moment=moment)


@transaction.atomic
def keep_break(finding: Finding, *, moment: Moment) -> UUID | None:
    """Open the break, or see it again; its id. None when it was closed before and may not come back (yet).

    A new one asks for an incident. What others do on the account also restricts trading until a person resumes it.
    """
    rows = ReconciliationBreak.objects.filter(account_id=finding.account, cause=finding.cause[:LONGEST_CAUSE])
    standing = rows.select_for_update().filter(state=BreakState.OPEN).first()
    if standing is not None:
        _seen_again(standing, finding, moment)
        return standing.pk
    if _settled(rows, finding):
        return None
    row = _new_row(finding, moment)
    # The partial unique index decides between two that open it at once.
    ReconciliationBreak.objects.bulk_create([row], ignore_conflicts=True)
    if not ReconciliationBreak.objects.filter(pk=row.pk).exists():
        return rows.filter(state=BreakState.OPEN).values_list("pk", flat=True).first()
    _tell(row, moment)
    return row.pk


def heal_breaks(*, breaks: Q, healing: str, moment: Moment) -> int:
    """Close open breaks by evidence, inside the running transaction; how many."""
    rows = list(
        ReconciliationBreak.objects.select_for_update(of=("self",)).filter(breaks, state=BreakState.OPEN).order_by("pk")
    )
    for row in rows:
        close_break(row, state=BreakState.HEALED, healing=healing, moment=moment)
        audit_break(row, action="break.healed", actor=RECONCILER, payload={"healing": healing}, moment=moment)
    return len(rows)


def close_break(row: ReconciliationBreak, *, state: BreakState, healing: str, moment: Moment, **fields: Any) -> None:
    """Close a locked open break and tell the screens."""
    for name, value in {**fields, "state": state, "healing": healing, "closed_wall": moment.wall}.items():
        setattr(row, name, value)
    row.save()
    tell_screens(row.pk)
    if row.kind not in _ALARMING or state == BreakState.RESOLVED:
        incident_over(kind=incident_kind(row), subject=f"break:{row.pk}", reason=healing or fields["choice_reason"])


def incident_kind(row: ReconciliationBreak) -> str:
    """The kind of incident that a break asks for."""
    return f"break_{row.kind}"


def tell_screens(break_id: UUID) -> None:
    """The break changed."""
    record_event(kind="break.changed", aggregate=f"break:{break_id}", payload={"break_id": str(break_id)})


def audit_break(row: ReconciliationBreak, *, action: str, actor: str, payload: dict[str, Any], moment: Moment) -> None:
    """One entry in the chain of operations, with what the break is about."""
    about = {
        "kind": row.kind,
        "account": row.account_id,
        "symbol": row.symbol,
        "asset": row.asset,
        "amount": plain(row.amount),
        "detail": row.detail,
    }
    audit.append(
        chain=audit.OPERATIONS,
        action=action,
        actor=actor,
        subject=f"break:{row.pk}",
        payload=about | payload,
        moment=moment,
    )


def _new_row(finding: Finding, moment: Moment) -> ReconciliationBreak:
    return ReconciliationBreak(
        id=new_id(),
        account_id=finding.account,
        kind=finding.kind,
        cause=finding.cause[:LONGEST_CAUSE],
        symbol=finding.symbol,
        asset=finding.asset,
        amount=finding.amount,
        order_id=finding.order_id,
        detail=finding.detail,
        healing=finding.healing,
        facts=finding.facts,
        quarantines=finding.quarantines and not finding.healed,
        state=BreakState.HEALED if finding.healed else BreakState.OPEN,
        opened_wall=moment.wall,
        opened_firm=moment.firm,
        seen_wall=moment.wall,
        closed_wall=moment.wall if finding.healed else None,
    )


def _seen_again(row: ReconciliationBreak, finding: Finding, moment: Moment) -> None:
    changed = (row.amount, row.detail) != (finding.amount, finding.detail)
    row.amount, row.detail = finding.amount, finding.detail
    row.facts = row.facts | finding.facts
    row.seen_wall = moment.wall
    row.times_seen += 1
    if finding.healed:
        close_break(row, state=BreakState.HEALED, healing=finding.healing, moment=moment)
        audit_break(row, action="break.healed", actor=RECONCILER, payload={"healing": finding.healing}, moment=moment)
        return
    row.save()
    if changed:
        tell_screens(row.pk)


def _settled(rows: Any, finding: Finding) -> bool:
    """Whether the latest closed break of this cause ended it for good, or for as long as the amount stays."""
    latest = rows.exclude(state=BreakState.OPEN).order_by(F("closed_wall").desc(), "-pk").first()
    if latest is None:
        return False
    if finding.kind in EVENTS:
        # What evidence closed may be told of again; what a person closed, or was made good at once, is settled.
        return not (finding.kind == BreakKind.BAD_ANSWER and latest.state == BreakState.HEALED)
    return bool(latest.choice == Choice.IGNORE and latest.amount == finding.amount)


def _tell(row: ReconciliationBreak, moment: Moment) -> None:
    tell_screens(row.pk)
    if row.state == BreakState.OPEN or row.kind in _ALARMING:
        want_incident(kind=incident_kind(row), subject=f"break:{row.pk}", detail=f"{row.account_id}: {row.detail}")
    if row.kind in _FOREIGN and row.state == BreakState.OPEN:
        open_cause(
            kind=FOREIGN_TRADE,
            account=row.account_id,
            state=TradingState.REDUCING,
            latched=True,
            author=RECONCILER,
            reason=f"Somebody else trades on the account {row.account_id}: {row.detail}",
            moment=moment,
            facts={"break_id": str(row.pk)},
        )
    action = "break.healed" if row.state == BreakState.HEALED else "break.opened"
    told = {"healing": row.healing, "facts": row.facts}
    audit_break(row, action=action, actor=RECONCILER, payload=told, moment=moment)
