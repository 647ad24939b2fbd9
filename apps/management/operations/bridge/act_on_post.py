"""What a taken envelope does here: one act a kind, within the transaction that records it; a halt before it."""

from typing import Any

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.management.domain.bridge_admission import Answer, Standing, Verdict, judge_claim
from apps.management.domain.bridge_envelope import (
    KINDS,
    Envelope,
    EnvelopeError,
    Kind,
    read_proposal,
    read_refusals,
)
from apps.management.models import BridgeLink, TakenEnvelope
from apps.management.operations.bridge.decide_proposal import keep_proposal
from apps.management.operations.bridge.write_post import FROM_BRIDGE, keep_series
from apps.management.operations.emergency_stop import emergency_stop
from apps.management.operations.keep_incidents import clear_incident
from apps.management.operations.tell_screens import tell_system_changed

SILENT = "bridge_peer_silent"
LONGEST_REASON = 400


def halt_before(envelope: Envelope, body: dict[str, Any], moment: Moment) -> None:
    """Halt this firm as the peer did, once a stop: who resumed here meanwhile is not stopped by a late copy.

    It commits by itself, before the envelope is recorded: what is interrupted in between is done again, to no harm.
    """
    if TakenEnvelope.objects.filter(kind=Kind.HALT, subject=body["cause_id"][:120], outcome="taken").exists():
        return
    told = f"{envelope.sender} was stopped at {body['opened_at']} by {body['author']}: {body['reason']}"
    emergency_stop(actor=f"{FROM_BRIDGE}{envelope.sender}", reason=told[:LONGEST_REASON], flatten=False, moment=moment)


def act(envelope: Envelope, body: dict[str, Any], link: BridgeLink, standing: Standing, moment: Moment) -> Answer:
    """Do it within the running transaction, ``link`` being locked; or why it can't be true, and nothing was done."""
    answer = _judge_proposal(envelope, body)
    if envelope.kind in {Kind.HEARTBEAT, Kind.ROLE}:
        answer = judge_claim(envelope, body["role"], body["leads"], standing)
    if envelope.kind is Kind.HEARTBEAT and answer.verdict is Verdict.TAKE:
        answer = _judge_receipt(body, link)
    if answer.verdict is not Verdict.TAKE:
        return answer
    if envelope.kind is Kind.HEARTBEAT:
        _hear(body, link, moment)
    else:
        _record(envelope, {} if KINDS[envelope.kind].sealed else body, moment)
    if envelope.kind is Kind.PROPOSAL:
        keep_proposal(read_proposal(body), sender=envelope.sender, body=body, moment=moment)
    if envelope.kind is Kind.ROLE:
        link.peer_role, link.peer_leads = body["role"], body["leads"]
        tell_system_changed()
    link.peer_epoch = max(link.peer_epoch, envelope.epoch)
    link.heard_at = moment.wall
    link.save(update_fields=["peer_role", "peer_leads", "peer_epoch", "heard_at"])
    return answer


def _judge_proposal(envelope: Envelope, body: dict[str, Any]) -> Answer:
    if envelope.kind is Kind.PROPOSAL:
        try:
            read_proposal(body)
        except EnvelopeError as error:
            return Answer(Verdict.REFUSE_FOR_GOOD, "body_malformed", str(error))
    return Answer(Verdict.TAKE)


def _judge_receipt(body: dict[str, Any], link: BridgeLink) -> Answer:
    if (body["taken_series"], body["taken_sequence"]) <= (link.out_series, link.out_sequence):
        return Answer(Verdict.TAKE)
    return Answer(
        Verdict.REFUSE_FOR_GOOD,
        "receipt_disproved",
        f"It acknowledges number {body['taken_sequence']} of series {body['taken_series']}; we never wrote more than"
        f" {link.out_sequence} of {link.out_series}.",
    )


def _hear(body: dict[str, Any], link: BridgeLink, moment: Moment) -> None:
    """Note what the heartbeat says of its sender, and take its receipt."""
    changed = (link.peer_role, link.peer_leads, link.peer_state) != (body["role"], body["leads"], body["trading_state"])
    link.peer_role, link.peer_leads = body["role"], body["leads"]
    link.peer_state, link.peer_version = body["trading_state"][:20], body["version"][:40]
    link.peer_waiting = max(0, min(body["waiting"], 2**31 - 1))
    series, sequence = body["taken_series"], body["taken_sequence"]
    forgot = link.acked_sequence > 0 and (series, sequence) < (link.acked_series, link.acked_sequence)
    link.acked_series, link.acked_sequence = max((link.acked_series, link.acked_sequence), (series, sequence))
    arrived = link.outgoing.filter(series=series, sequence__lte=sequence, taken_at__isnull=True)
    arrived.update(taken_at=moment.wall)
    for one in read_refusals(body["refused"]):
        link.outgoing.filter(series=one.series, sequence=one.sequence).update(refused_code=one.code[:40])
    link.save(update_fields=["peer_state", "peer_version", "peer_waiting", "acked_series", "acked_sequence"])
    if forgot:
        keep_series(own=link.own, peer=link.peer_id, peer_forgot=True)
    if changed:
        tell_system_changed()
    clear_incident(kind=SILENT, subject=link.peer_id, reason="It is heard again.", moment=moment)


def _record(envelope: Envelope, body: dict[str, Any], moment: Moment) -> None:
    audit.append(
        chain=audit.OPERATIONS,
        action=f"bridge.{envelope.kind}",
        actor=f"{FROM_BRIDGE}{envelope.sender}",
        subject=f"peer:{envelope.sender}",
        payload={**body, "series": envelope.series, "sequence": envelope.sequence, "epoch": envelope.epoch},
        moment=moment,
    )
