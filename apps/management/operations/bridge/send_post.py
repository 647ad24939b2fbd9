"""Send to a peer what was written for it, in order, again where the line lost it, until its receipt arrives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from django.db.models import F
from prometheus_client import Counter

from apps.foundation.clock import Moment
from apps.foundation.errors import NotReady
from apps.foundation.firm_key import PublicKey
from apps.foundation.foreign_keys import seal_to
from apps.foundation.signing_key import SigningKey
from apps.management.domain.bridge_envelope import KINDS, Envelope, Kind, body_text, lane
from apps.management.models import BridgeLink, OutgoingEnvelope, TakenEnvelope
from apps.management.ports import BridgeLine, BridgeRoute
from apps.management.queries.bridge_state import OwnClaim, holding_keys
from apps.trading import queries as trading

SENT_AT_ONCE = 10  # in one step: each signature takes a third of a second
REPEAT_AFTER = timedelta(seconds=30)
BEAT_EVERY = timedelta(seconds=15)
TOLD_REFUSALS = 10
SENT = Counter("hq_bridge_sent_total", "Envelopes put on the bridge's line.", ["kind"])


@dataclass(frozen=True, slots=True)
class Sender:
    """Who speaks, with which key, over which line."""

    claim: OwnClaim
    key: SigningKey
    line: BridgeLine


@dataclass(frozen=True, slots=True)
class Number:
    """Which message it is, and the how-manieth copy of it."""

    sequence: int
    attempt: int


def send_post(*, sender: Sender, link: BridgeLink, moment: Moment) -> int:
    """Send what waits; how many. Raises ``NotReady``: what was not sent waits on, in its order."""
    waiting = link.outgoing.filter(taken_at__isnull=True).order_by("series", "sequence")
    due = [row for row in waiting[: 2 * SENT_AT_ONCE] if row.sent_at is None]
    sent = list(waiting.filter(sent_at__isnull=False)[:1])
    if sent and _is_lost(sender, link, sent[0], moment):
        waiting.update(sent_at=None)  # this one and all after it: the peer takes them in order
        due = list(waiting[:SENT_AT_ONCE])
    for row in due[:SENT_AT_ONCE]:
        _send(sender, link, row, moment)
    return min(len(due), SENT_AT_ONCE)


def send_beat(*, sender: Sender, link: BridgeLink, moment: Moment) -> bool:
    """Say that we live, who we are and what we took, where that is due or a receipt is owed; whether it was sent.

    Raises ``NotReady``.
    """
    if not link.receipt_owed and link.beat_sent_at and moment.wall - link.beat_sent_at < BEAT_EVERY:
        return False
    BridgeLink.objects.filter(pk=link.pk).update(out_beat=F("out_beat") + 1, receipt_owed=False)
    link.refresh_from_db()
    try:
        _put(
            sender,
            link,
            kind=Kind.HEARTBEAT,
            body=_beat_body(sender.claim, link),
            number=Number(link.out_beat, 1),
            moment=moment,
        )
    except NotReady:
        BridgeLink.objects.filter(pk=link.pk).update(receipt_owed=True)
        raise
    BridgeLink.objects.filter(pk=link.pk).update(beat_sent_at=moment.wall)
    return True


def _is_lost(sender: Sender, link: BridgeLink, row: OutgoingEnvelope, moment: Moment) -> bool:
    """Whether the oldest one without a receipt is to be sent again: gone from the line, or its signature has ended."""
    assert row.sent_at is not None
    if moment.wall - row.sent_at < REPEAT_AFTER:
        return False
    route = BridgeRoute(link.own, link.peer_id, lane(Kind(row.kind)))
    if not row.entry or not sender.line.holds(route, row.entry):
        return True
    if row.expires_at is None or row.expires_at > moment.wall:
        return False  # the peer is away; it is there for it
    stale = link.outgoing.filter(taken_at__isnull=True, sent_at__isnull=False).exclude(entry="")
    sender.line.remove(route, list(stale.values_list("entry", flat=True)))
    return True


def _send(sender: Sender, link: BridgeLink, row: OutgoingEnvelope, moment: Moment) -> None:
    kind = Kind(row.kind)
    mine = OutgoingEnvelope.objects.filter(pk=row.pk, series=row.series, attempt=row.attempt, sent_at__isnull=True)
    ends = moment.wall + KINDS[kind].life
    # The attempt is counted first and for good: a copy is told from a replay by it.
    if not mine.update(attempt=F("attempt") + 1, sent_at=moment.wall, expires_at=ends):
        return
    row.refresh_from_db()
    try:
        entry = _put(sender, link, kind=kind, body=row.body, number=Number(row.sequence, row.attempt), moment=moment)
    except NotReady:
        OutgoingEnvelope.objects.filter(pk=row.pk, attempt=row.attempt).update(sent_at=None)
        raise
    OutgoingEnvelope.objects.filter(pk=row.pk, attempt=row.attempt).update(entry=entry)


def _put(
    sender: Sender,
    link: BridgeLink,
    *,
    kind: Kind,
    body: Mapping[str, Any],
    number: Number,
    moment: Moment,
) -> str:
    envelope = Envelope(
        sender=link.own,
        recipient=link.peer_id,
        kind=kind,
        series=link.out_series,
        sequence=number.sequence,
        attempt=number.attempt,
        epoch=sender.claim.epoch,
        issued_at=moment.wall,
        expires_at=moment.wall + KINDS[kind].life,
        body=_sealed(body, link, moment) if KINDS[kind].sealed else body,
    )
    text = envelope.text()
    route = BridgeRoute(link.own, link.peer_id, lane(kind))
    entry = sender.line.put(route, text=text, signature=sender.key.sign(text))
    SENT.labels(kind=kind.value).inc()
    return entry


def _sealed(body: Mapping[str, Any], link: BridgeLink, moment: Moment) -> str:
    keys = holding_keys(link.peer_id, moment.wall)
    if not keys:
        raise NotReady(f"{link.peer_id} has no key that holds; nothing secret can be sent to it.", code="no_peer_key")
    return seal_to(body_text(body), PublicKey(keys[0].fingerprint, keys[0].armored))


def _beat_body(claim: OwnClaim, link: BridgeLink) -> dict[str, Any]:
    return {
        "role": claim.role,
        "leads": claim.leads,
        "trading_state": trading.trading_state().state.value,
        "version": version("tradinghq"),
        "waiting": link.outgoing.filter(taken_at__isnull=True).count(),
        "taken_series": link.in_series,
        "taken_sequence": link.in_sequence,
        "refused": _refusals(link),
    }


def _refusals(link: BridgeLink) -> Sequence[Mapping[str, Any]]:
    """The latest of the peer's messages that we did not act on, so that its people learn of it."""
    rows = TakenEnvelope.objects.filter(own=link.own, sender=link.peer_id).exclude(outcome="taken").order_by("-pk")
    return [{"series": r.series, "sequence": r.sequence, "code": r.outcome} for r in rows[:TOLD_REFUSALS]]
