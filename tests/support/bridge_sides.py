"""Two instances on one database, each with its own real key, over a real Redis: ``here`` and ``there``."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from apps.foundation.clock import Moment, wall_now
from apps.foundation.firm_key import PublicKey
from apps.foundation.foreign_keys import seal_to
from apps.foundation.signing_key import SigningKey
from apps.management import operations
from apps.management.adapters.redis_bridge import RedisBridge
from apps.management.domain.bridge_envelope import KINDS, Envelope, Kind, body_text, lane
from apps.management.models import BridgeLink
from apps.management.operations.bridge.take_post import take_post
from apps.management.operations.bridge.write_post import write_post
from apps.management.ports import BridgeRoute
from apps.management.queries import OwnClaim
from tests.support.quick_keys import use_quick_keys

PASSPHRASE = "a passphrase of the test"
HERE, THERE = "hq-1", "hq-lab"
ROLE = {"role": "backup", "leads": False}


def now(later: float = 0) -> Moment:
    wall = wall_now() + timedelta(seconds=later)
    return Moment(wall=wall, firm=wall)


def make_key(folder: Path) -> SigningKey:
    use_quick_keys()
    key = SigningKey(folder / "bridge", PASSPHRASE)
    key.public()
    return key


@dataclass
class Side:
    """One of the two: what it says of itself, its key, the line."""

    claim: OwnClaim
    key: SigningKey
    line: RedisBridge
    peer: str

    @property
    def link(self) -> BridgeLink:
        return BridgeLink.objects.get(own=self.claim.name, peer_id=self.peer)

    def turn(self, later: float = 0) -> bool:
        sender = operations.Sender(self.claim, self.key, self.line)
        return operations.exchange_post(sender=sender, peers=[self.peer], moment=now(later))

    def watch(self, peers=None, later: float = 0) -> None:
        sender = operations.Sender(self.claim, self.key, self.line)
        operations.watch_bridge(sender=sender, peers=[self.peer] if peers is None else peers, moment=now(later))

    def take(self, later: float = 0) -> int:
        """Only take, send nothing."""
        return take_post(line=self.line, key=self.key, own=self.claim.name, peer=self.peer, moment=now(later))

    def write(self, cause: str, kind: Kind = Kind.ROLE, body=None) -> bool:
        body = ROLE if body is None else body
        return write_post(own=self.claim.name, peer=self.peer, kind=kind, body=body, cause=cause, moment=now())

    def envelope(self, **facts) -> Envelope:
        kind = facts.get("kind", Kind.ROLE)
        issued = facts.pop("issued_at", now().wall)
        plain = {
            "sender": self.claim.name,
            "recipient": self.peer,
            "kind": kind,
            "series": 0,
            "sequence": 1,
            "attempt": 1,
            "epoch": self.claim.epoch,
            "issued_at": issued,
            "expires_at": issued + KINDS[kind].life,
            "body": ROLE,
        }
        return Envelope(**plain | facts)

    def put(self, envelope: Envelope, *, key: SigningKey | None = None, text: str | None = None, signature=None) -> str:
        """Lay it on the line as it is, signed by our key, whatever it says."""
        written = envelope.text()
        signature = signature or (key or self.key).sign(written)
        route = BridgeRoute(self.claim.name, self.peer, lane(envelope.kind))
        return self.line.put(route, text=text or written, signature=signature)

    def sealed(self, body, key: PublicKey) -> str:
        return seal_to(body_text(body), key)


def know(peer: str, key: PublicKey, **rights) -> None:
    operations.add_peer(
        name=peer,
        public_key=key.armored,
        fingerprint=key.fingerprint,
        actor="test",
        reason="a test",
        moment=now(),
        **rights,
    )


def with_epoch(side: Side, epoch: int) -> Side:
    return replace(side, claim=replace(side.claim, epoch=epoch))
