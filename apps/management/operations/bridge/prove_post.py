"""Whether an entry on the line is an envelope of the peer it came from, to us, in the peer's own hand."""

from dataclasses import dataclass
from typing import Any

from apps.foundation.clock import Moment
from apps.foundation.firm_key import KeyRefused
from apps.foundation.foreign_keys import signer_of
from apps.foundation.signing_key import SigningKey
from apps.management.domain.bridge_admission import Answer, Verdict
from apps.management.domain.bridge_envelope import (
    KINDS,
    Envelope,
    EnvelopeError,
    lane,
    read_body,
    read_envelope,
    read_sealed_body,
)
from apps.management.ports import BridgeEntry, BridgeRoute
from apps.management.queries.bridge_state import ended_keys, holding_keys

NOT_OPENED = frozenset({"foreign_key", "message_damaged", "not_sealed", "too_long"})


@dataclass(frozen=True, slots=True)
class Proven:
    """An envelope and the fingerprint of the peer's key that signed it."""

    envelope: Envelope
    fingerprint: str


def prove(entry: BridgeEntry, route: BridgeRoute, moment: Moment) -> Proven | Answer:
    """The envelope in ``entry``, or why it proves nothing. Raises ``SealingAway`` without GnuPG."""
    try:
        envelope = read_envelope(entry.text)
    except EnvelopeError as error:
        return _no("malformed", str(error))
    if envelope.recipient != route.recipient:
        return _no("not_for_us", f"It is for {envelope.recipient}, and this is {route.recipient}.")
    if envelope.sender != route.sender or lane(envelope.kind) != route.lane:
        return _no("wrong_stream", f"It says that it is a {envelope.kind} of {envelope.sender}, which come elsewhere.")
    return _signed(envelope, entry, moment)


def read_proven_body(envelope: Envelope, key: SigningKey) -> dict[str, Any] | Answer:
    """The body, opened where it is sealed, or why it can't be read. Raises ``SealingAway`` and ``KeyRefused`` where
    it is this process that can't open anything.
    """
    try:
        if not KINDS[envelope.kind].sealed:
            return read_body(envelope.kind, envelope.body)
        return read_sealed_body(envelope.kind, key.open(str(envelope.body)))
    except EnvelopeError as error:
        return Answer(Verdict.REFUSE_FOR_GOOD, "body_malformed", str(error))
    except KeyRefused as error:
        if error.code not in NOT_OPENED:
            raise
        return _no(
            "not_opened", f"{error.message} Give {envelope.sender} the public key that manage.py bridge_key prints."
        )


def _signed(envelope: Envelope, entry: BridgeEntry, moment: Moment) -> Proven | Answer:
    keys = [key.armored for key in holding_keys(envelope.sender, moment.wall)]
    if not keys:
        return _no("peer_without_key", "None of its keys holds. An admin gives it one (docs/guides/bridge.md).")
    fingerprint = signer_of(entry.text, entry.signature, keys)
    if fingerprint is not None:
        return Proven(envelope, fingerprint)
    ended = [key.armored for key in ended_keys(envelope.sender, moment.wall)]
    if ended and signer_of(entry.text, entry.signature, ended):
        return _no("key_ended", "It is signed with a key of the peer that ended. Let it switch to its newer one.")
    return _no(
        "bad_signature",
        "Its signature is not the peer's over these bytes: somebody else wrote it, or changed it on its way.",
    )


def _no(code: str, reason: str) -> Answer:
    return Answer(Verdict.REFUSE, code, reason)
