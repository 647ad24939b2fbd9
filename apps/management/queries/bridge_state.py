"""What the bridge asks of our own tables: what we may say of ourselves, and by which keys a peer is known."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from apps.foundation import lease, record_epoch
from apps.foundation.lease import House
from apps.management.models import BridgePeerKey, Instance


@dataclass(frozen=True, slots=True)
class OwnClaim:
    """What this instance says of itself. ``epoch``: the highest term that its database knows."""

    name: str
    role: str
    leads: bool
    epoch: int


def own_claim(house: House, role: str) -> OwnClaim:
    """What holds now, by the database's clock."""
    seen = lease.observe()
    leads = any(one.alive and one.house == house.key for one in seen)
    return OwnClaim(house.name, role, leads, _highest(seen))


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What our database knows of a peer that shares it. ``held``: the newest term is or was the peer's: what it said
    while it led arrives when it may have let go already.
    """

    epoch: int
    held: bool


def find_neighbour(name: str) -> Neighbour | None:
    """The peer, where it shares our database; None for an instance of another one."""
    house = Instance.objects.filter(name=name).values_list("house", flat=True).first()
    if house is None:
        return None
    seen = lease.observe()
    newest = max((one.epoch for one in seen), default=0)
    return Neighbour(_highest(seen), any(one.house == house and one.epoch == newest for one in seen))


def holding_keys(peer: str, wall: datetime) -> list[BridgePeerKey]:
    """The keys that prove a peer now, the newest first."""
    holds = Q(ends_at__isnull=True) | Q(ends_at__gt=wall)
    return list(BridgePeerKey.objects.filter(holds, peer_id=peer).order_by("-added_at", "-pk"))


def ended_keys(peer: str, wall: datetime) -> list[BridgePeerKey]:
    """The keys that proved a peer once."""
    return list(BridgePeerKey.objects.filter(peer_id=peer, ends_at__lte=wall))


def named_peers() -> list[str]:
    """The peers of ``HQ_PEERS``: with nobody else this instance speaks, whatever the tables say."""
    return list(settings.HQ_PEERS)


def _highest(seen: list[lease.LeaseSeen]) -> int:
    return max(record_epoch.current_epoch(), *(one.epoch for one in seen), 0)
