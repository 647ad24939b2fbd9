"""Write to a peer: numbered and kept in the database, in the writer's transaction; sent afterwards."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.foundation import record_epoch
from apps.foundation.clock import Moment
from apps.foundation.identifiers import new_id
from apps.management.domain.bridge_envelope import Kind, read_body
from apps.management.models import BridgeLink, OutgoingEnvelope
from apps.management.queries.bridge_state import OwnClaim
from apps.trading import queries as trading
from apps.trading.domain.risk.cause_kinds import OPERATOR_STOP

FROM_BRIDGE = "bridge:"  # how an actor begins that is a peer


def cause_of_halt(cause_id: str) -> str:
    """By which a stop is told to each peer once."""
    return f"halt:{cause_id}"


def lock_link(own: str, peer: str) -> BridgeLink:
    """The link of the two, locked in the running transaction; made when they never spoke."""
    BridgeLink.objects.get_or_create(own=own, peer_id=peer)
    return BridgeLink.objects.select_for_update().get(own=own, peer_id=peer)


@transaction.atomic
def write_post(*, own: str, peer: str, kind: Kind, body: Mapping[str, Any], cause: str, moment: Moment) -> bool:
    """Keep one message for the peer; False where it was told of this cause before."""
    read_body(kind, dict(body))
    link = lock_link(own, peer)
    if link.outgoing.filter(cause=cause).exists():
        return False
    link.out_sequence += 1
    link.save(update_fields=["out_sequence"])
    link.outgoing.create(
        series=link.out_series,
        sequence=link.out_sequence,
        kind=kind,
        body=dict(body),
        cause=cause,
        written_at=moment.wall,
    )
    return True


@transaction.atomic
def keep_series(*, own: str, peer: str, peer_forgot: bool = False) -> None:
    """Begin a new series where the old numbers may be in use already: our database, or the peer's, was restored.

    What the peer has not taken yet is numbered anew, in its order.
    """
    epoch = record_epoch.current_epoch()
    link = lock_link(own, peer)
    if epoch <= link.out_series and not peer_forgot:
        return
    link.out_series, link.out_sequence = max(epoch, link.out_series + 1), 0
    for row in link.outgoing.filter(taken_at__isnull=True).order_by("series", "sequence"):
        link.out_sequence += 1
        OutgoingEnvelope.objects.filter(pk=row.pk).update(
            series=link.out_series, sequence=link.out_sequence, attempt=0, sent_at=None, expires_at=None, entry=""
        )
    link.acked_series, link.acked_sequence = link.out_series, 0
    link.save(update_fields=["out_series", "out_sequence", "acked_series", "acked_sequence"])


def tell_changes(*, claim: OwnClaim, peer: str, moment: Moment) -> None:
    """Write to the peer what it has not been told yet: a change of our role, and emergency stops given here."""
    _tell_role(claim, peer, moment)
    for cause in trading.state_view(history=0)["causes"]:
        if cause["kind"] == OPERATOR_STOP and not cause["author"].startswith(FROM_BRIDGE):
            body = {"cause_id": cause["id"], **{name: cause[name] for name in ("author", "reason", "opened_at")}}
            told = cause_of_halt(cause["id"])
            write_post(own=claim.name, peer=peer, kind=Kind.HALT, body=body, cause=told, moment=moment)


@transaction.atomic
def _tell_role(claim: OwnClaim, peer: str, moment: Moment) -> None:
    told = f"{claim.role} {'leads' if claim.leads else 'waits'} {claim.epoch}"
    if BridgeLink.objects.filter(own=claim.name, peer_id=peer, told_role=told).exists():
        return
    lock_link(claim.name, peer)
    body = {"role": claim.role, "leads": claim.leads}
    write_post(own=claim.name, peer=peer, kind=Kind.ROLE, body=body, cause=f"role:{new_id()}", moment=moment)
    BridgeLink.objects.filter(own=claim.name, peer_id=peer).update(told_role=told)
