"""Take what a peer sent: proven, judged, done and recorded in one transaction, or refused whole with an incident."""

import hashlib
from typing import Any

from django.db import transaction
from prometheus_client import Counter

from apps.foundation.clock import Moment
from apps.foundation.signing_key import SigningKey
from apps.management.domain.bridge_admission import KNOWN, Answer, Standing, Verdict, judge
from apps.management.domain.bridge_envelope import KINDS, Envelope, Kind, lane
from apps.management.models import BridgeLink, BridgePeer, TakenEnvelope
from apps.management.operations.bridge.act_on_post import act, halt_before
from apps.management.operations.bridge.prove_post import Proven, prove, read_proven_body
from apps.management.operations.bridge.refuse_post import refuse
from apps.management.operations.bridge.write_post import lock_link
from apps.management.ports import BridgeEntry, BridgeLine, BridgeRoute
from apps.management.queries.bridge_state import find_neighbour

READ_AT_ONCE = 20
BEATS, POST = "beats", "post"
DONE = "taken"
TAKEN = Counter("hq_bridge_taken_total", "Envelopes of peers that were taken.", ["kind"])


def take_post(*, line: BridgeLine, key: SigningKey, own: str, peer: str, moment: Moment) -> int:
    """Deal with all that lies on the line from this peer; how many entries that were. Raises ``NotReady``.

    May run twice and beside itself: an entry that was dealt with is known by its place and its number.
    """
    dealt_with = 0
    for name in (BEATS, POST):
        route = BridgeRoute(peer, own, name)
        for entry in line.read(route, limit=READ_AT_ONCE):
            if name == BEATS and not _is_fresh_beat(route, entry):
                continue
            take_entry(entry=entry, route=route, key=key, moment=moment)
            if name == POST:
                line.remove(route, [entry.id])
            dealt_with += 1
    return dealt_with


def take_entry(*, entry: BridgeEntry, route: BridgeRoute, key: SigningKey, moment: Moment) -> Answer:
    """What became of one entry: the verdict, with code and reason where it was refused.

    Raises ``SealingAway`` and ``KeyRefused`` where it is sealed and this process can't open it now; it stays there.
    """
    proven = prove(entry, route, moment)
    if isinstance(proven, Answer):
        return refuse(route.sender, proven, moment)
    body: dict[str, Any] = {}
    with transaction.atomic():
        answer, _, _ = _judged(proven.envelope, entry, moment)
    if answer.verdict is Verdict.TAKE:
        read = read_proven_body(proven.envelope, key)
        if isinstance(read, Answer):
            answer = read
        else:
            body = read
            if proven.envelope.kind is Kind.HALT:
                halt_before(proven.envelope, body, moment)
    return _conclude(proven, entry, body, answer, moment)


@transaction.atomic
def _conclude(proven: Proven, entry: BridgeEntry, body: dict[str, Any], before: Answer, moment: Moment) -> Answer:
    """Judge once more with the link locked till the end, then do and record it, or refuse it; all or nothing."""
    envelope = proven.envelope
    answer, link, standing = _judged(envelope, entry, moment)
    if answer.verdict is Verdict.TAKE:
        answer = act(envelope, body, link, standing, moment) if before.verdict is Verdict.TAKE else before
    if answer.verdict in {Verdict.TAKE, Verdict.REFUSE_FOR_GOOD}:
        _use_up_place(proven, entry, body=body, link=link, answer=answer, moment=moment)
    if answer.verdict is Verdict.TAKE:
        TAKEN.labels(kind=envelope.kind.value).inc()
    elif answer.verdict is Verdict.KNOWN:
        _note_copy(envelope, entry, link)
    elif answer.verdict is not Verdict.LEAVE:
        refuse(envelope.sender, answer, moment)
    return answer


def _judged(envelope: Envelope, entry: BridgeEntry, moment: Moment) -> tuple[Answer, BridgeLink, Standing]:
    link = lock_link(envelope.recipient, envelope.sender)
    taken = _taken(envelope) if lane(envelope.kind) == POST else None
    standing = _standing(envelope, link, taken)
    if taken is not None and taken.entry == entry.id:
        return KNOWN, link, standing  # we were cut off between recording it and removing it from the line
    return judge(envelope, standing, moment.wall), link, standing


def _taken(envelope: Envelope) -> TakenEnvelope | None:
    return TakenEnvelope.objects.filter(
        own=envelope.recipient, sender=envelope.sender, series=envelope.series, sequence=envelope.sequence
    ).first()


def _standing(envelope: Envelope, link: BridgeLink, taken: TakenEnvelope | None) -> Standing:
    peer = BridgePeer.objects.get(pk=link.peer_id)
    neighbour = find_neighbour(envelope.sender)
    in_post = lane(envelope.kind) == POST
    return Standing(
        series=link.in_series if in_post else link.in_beat_series,
        sequence=link.in_sequence if in_post else link.in_beat,
        epoch=link.peer_epoch,
        rights=frozenset(right for right in ("may_halt", "may_propose") if getattr(peer, right)),
        attempt=taken.attempt if taken else None,
        own_epoch=neighbour.epoch if neighbour else None,
        held=bool(neighbour and neighbour.held),
    )


def _use_up_place(
    proven: Proven, entry: BridgeEntry, *, body: dict[str, Any], link: BridgeLink, answer: Answer, moment: Moment
) -> None:
    envelope = proven.envelope
    if lane(envelope.kind) == BEATS:
        BridgeLink.objects.filter(pk=link.pk).update(in_beat_series=envelope.series, in_beat=envelope.sequence)
        return
    BridgeLink.objects.filter(pk=link.pk).update(
        in_series=envelope.series, in_sequence=envelope.sequence, receipt_owed=True
    )
    TakenEnvelope.objects.create(
        own=envelope.recipient,
        sender=envelope.sender,
        series=envelope.series,
        sequence=envelope.sequence,
        attempt=envelope.attempt,
        entry=entry.id,
        kind=envelope.kind,
        subject=str(body.get("cause_id") or body.get("proposal_id") or "")[:120],
        body={} if KINDS[envelope.kind].sealed else body,
        epoch=envelope.epoch,
        digest=hashlib.sha256(entry.text.encode()).hexdigest(),
        fingerprint=proven.fingerprint,
        issued_at=envelope.issued_at,
        taken_at=moment.wall,
        outcome=DONE if answer.verdict is Verdict.TAKE else answer.code,
    )


def _note_copy(envelope: Envelope, entry: BridgeEntry, link: BridgeLink) -> None:
    """The sender repeats it, so it did not get our receipt: it gets another one; this very copy counts no more."""
    TakenEnvelope.objects.filter(
        own=envelope.recipient, sender=envelope.sender, series=envelope.series, sequence=envelope.sequence
    ).update(attempt=envelope.attempt, entry=entry.id)
    BridgeLink.objects.filter(pk=link.pk).update(receipt_owed=True)


def _is_fresh_beat(route: BridgeRoute, entry: BridgeEntry) -> bool:
    """Whether this place was not looked at before; from now on it was. The newest stays till a newer one comes."""
    with transaction.atomic():
        link = lock_link(route.recipient, route.sender)
        if link.in_beat_entry == entry.id:
            return False
        BridgeLink.objects.filter(pk=link.pk).update(in_beat_entry=entry.id[:40])
    return True
