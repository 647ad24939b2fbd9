"""The peers of the bridge: an admin adds one by its public key, gives it the next one, ends one, gives rights."""

from datetime import timedelta
from typing import Any

from django.db import transaction

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, NotFound, Refused
from apps.foundation.firm_key import PublicKey
from apps.foundation.foreign_keys import read_public_key
from apps.management.domain.bridge_envelope import NAME
from apps.management.models import BridgePeer, BridgePeerKey
from apps.management.operations.tell_screens import tell_system_changed
from apps.management.queries.bridge_state import holding_keys
from apps.management.queries.bridge_views import peer_view
from apps.trading.operations.risk.required_reason import required_reason

OVERLAP_HOURS = 168  # a week, in which both keys of a peer hold
MOST_KEYS = 2


def add_peer(
    *,
    name: str,
    public_key: str,
    fingerprint: str,
    actor: str,
    reason: str,
    moment: Moment,
    may_halt: bool = False,
    may_propose: bool = False,
) -> dict[str, Any]:
    """Know a peer by its public key; its view. ``fingerprint``: what a person compared by another way.

    Raises ``Refused`` for a bad name, key or fingerprint and without a reason, ``Conflict`` for a known name.
    """
    reason = required_reason(reason)
    if not NAME.fullmatch(name):
        raise Refused(
            "A peer is named as its HQ_INSTANCE: small letters, digits, dots, dashes, underscores; at most 64.",
            code="bad_name",
            field="name",
        )
    key = _compared(public_key, fingerprint)
    with transaction.atomic():
        added = {"may_halt": may_halt, "may_propose": may_propose, "reason": reason[:500]}
        peer, new = BridgePeer.objects.get_or_create(
            name=name, defaults={**added, "added_by": actor, "added_at": moment.wall}
        )
        if not new:
            raise Conflict(f"{name} is known already. Give it a further key instead.", code="peer_known", field="name")
        _keep_key(peer, key, actor, moment)
        _record("bridge.peer_added", name, {**added, "fingerprint": key.fingerprint}, actor, moment)
    return peer_view(peer, moment.wall)


def add_peer_key(
    *,
    name: str,
    public_key: str,
    fingerprint: str,
    actor: str,
    reason: str,
    moment: Moment,
    overlap_hours: int = OVERLAP_HOURS,
) -> dict[str, Any]:
    """Know the peer by a further key from now on; the one it had ends after the overlap. Its view.

    Raises like ``add_peer``; ``Conflict`` where two keys hold already, or this one was added before.
    """
    reason = required_reason(reason)
    key = _compared(public_key, fingerprint)
    with transaction.atomic():
        peer = _locked(name)
        if peer.keys.filter(fingerprint=key.fingerprint).exists():
            raise Conflict(f"{name} has this key already, or had it.", code="key_known", field="public_key")
        if len(holding_keys(name, moment.wall)) >= MOST_KEYS:
            raise Conflict(f"{name} has {MOST_KEYS} keys that hold. End one first.", code="too_many_keys")
        ends = moment.wall + timedelta(hours=overlap_hours)
        peer.keys.filter(ends_at__isnull=True).update(ends_at=ends, ended_by=actor)
        _keep_key(peer, key, actor, moment)
        facts = {"fingerprint": key.fingerprint, "overlap_hours": overlap_hours, "reason": reason}
        _record("bridge.key_added", name, facts, actor, moment)
    return peer_view(peer, moment.wall)


def end_peer_key(*, name: str, fingerprint: str, actor: str, reason: str, moment: Moment) -> dict[str, Any]:
    """Believe this key no more, from now on; the peer's view. A peer without a key is refused until it has one.

    Raises ``NotFound``, and ``Refused`` without a reason. An ended key stays ended.
    """
    reason = required_reason(reason)
    with transaction.atomic():
        peer = _locked(name)
        key = next((one for one in holding_keys(name, moment.wall) if one.fingerprint == fingerprint), None)
        if key is None:
            raise NotFound(f"{name} has no key {fingerprint} that holds.", code="unknown_key", field="fingerprint")
        BridgePeerKey.objects.filter(pk=key.pk).update(ends_at=moment.wall, ended_by=actor)
        _record("bridge.key_ended", name, {"fingerprint": fingerprint, "reason": reason}, actor, moment)
    return peer_view(peer, moment.wall)


def change_peer_rights(
    *, name: str, may_halt: bool, may_propose: bool, actor: str, reason: str, moment: Moment
) -> dict[str, Any]:
    """What the peer may do here from now on; its view. Raises ``NotFound``, and ``Refused`` without a reason."""
    reason = required_reason(reason)
    with transaction.atomic():
        peer = _locked(name)
        peer.may_halt, peer.may_propose = may_halt, may_propose
        peer.save(update_fields=["may_halt", "may_propose"])
        facts = {"may_halt": may_halt, "may_propose": may_propose, "reason": reason}
        _record("bridge.rights_changed", name, facts, actor, moment)
    return peer_view(peer, moment.wall)


def _compared(public_key: str, fingerprint: str) -> PublicKey:
    key = read_public_key(public_key)
    given = "".join(fingerprint.split()).upper()
    if given != key.fingerprint:
        raise Refused(
            f"This key's fingerprint is {key.fingerprint}, not the one given. Ask the other side for it by another way"
            " than the key came, and compare.",
            code="fingerprint_differs",
            field="fingerprint",
        )
    return key


def _keep_key(peer: BridgePeer, key: PublicKey, actor: str, moment: Moment) -> None:
    BridgePeerKey.objects.create(
        peer=peer, fingerprint=key.fingerprint, armored=key.armored, added_by=actor, added_at=moment.wall
    )


def _locked(name: str) -> BridgePeer:
    peer = BridgePeer.objects.select_for_update().filter(name=name).first()
    if peer is None:
        raise NotFound(f"There is no peer {name}.", code="unknown_peer", field="name")
    return peer


def _record(action: str, name: str, facts: dict[str, Any], actor: str, moment: Moment) -> None:
    tell_system_changed()
    audit.append(
        chain=audit.OPERATIONS, action=action, actor=actor, subject=f"peer:{name}", payload=facts, moment=moment
    )
