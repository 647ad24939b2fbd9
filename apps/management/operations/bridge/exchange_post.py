"""One turn of the bridge: tell what is new, take what came, send what waits, say that we live."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import transaction

from apps.foundation.clock import Moment
from apps.foundation.loops import each_of
from apps.management.domain.bridge_admission import Answer, Verdict
from apps.management.models import BridgeLink, BridgePeer, Severity
from apps.management.operations.bridge.act_on_post import SILENT
from apps.management.operations.bridge.refuse_post import refuse
from apps.management.operations.bridge.send_post import Sender, send_beat, send_post
from apps.management.operations.bridge.take_post import take_post
from apps.management.operations.bridge.write_post import keep_series, lock_link, tell_changes
from apps.management.operations.keep_incidents import open_incident

SILENT_AFTER = timedelta(seconds=60)


def exchange_post(*, sender: Sender, peers: Sequence[str], moment: Moment) -> bool:
    """One turn with each of the peers that an admin added; whether there may be more at once. One that fails stops no
    other. Raises an ``ExceptionGroup`` of what failed.
    """
    known = BridgePeer.objects.filter(pk__in=peers).order_by("pk").values_list("pk", flat=True)
    return each_of(_by_name(list(known)), lambda peer: _turn(sender, peer, moment))


def watch_bridge(*, sender: Sender, peers: Sequence[str], moment: Moment) -> None:
    """Open incidents for peers that fell silent, and for strangers that write to us. Raises ``NotReady``."""
    own = sender.claim.name
    silent = BridgeLink.objects.filter(own=own, peer_id__in=peers, heard_at__lte=moment.wall - SILENT_AFTER)
    for link in silent.order_by("peer_id"):
        open_incident(
            kind=SILENT,
            subject=link.peer_id,
            detail=f"{link.peer_id} was last heard over the bridge at {link.heard_at:%Y-%m-%d %H:%M:%S} UTC."
            " Look whether it runs and reaches the bridge's Redis. What is told to it waits meanwhile.",
            severity=Severity.WARNING,
            moment=moment,
        )
    known = set(BridgePeer.objects.filter(pk__in=peers).values_list("pk", flat=True))
    for stranger in sorted(sender.line.senders_to(own) - known):
        refuse(stranger[:100], Answer(Verdict.REFUSE, "peer_unknown", _who_is_known(stranger, peers)), moment)


def _turn(sender: Sender, peer: str, moment: Moment) -> bool:
    own = sender.claim.name
    keep_series(own=own, peer=peer)
    tell_changes(claim=sender.claim, peer=peer, moment=moment)
    taken = take_post(line=sender.line, key=sender.key, own=own, peer=peer, moment=moment)
    with transaction.atomic():
        link = lock_link(own, peer)
    sent = send_post(sender=sender, link=link, moment=moment)
    send_beat(sender=sender, link=link, moment=moment)
    return bool(taken or sent)


def _by_name(names: Sequence[str]) -> Mapping[str, str]:
    return {name: name for name in names}


def _who_is_known(stranger: str, peers: Sequence[str]) -> str:
    if stranger in peers:
        return "HQ_PEERS names it, and no admin has added it with its public key (docs/guides/bridge.md)."
    return f"HQ_PEERS does not name it; it names {', '.join(peers) or 'nobody'}. What it wrote is not read."
