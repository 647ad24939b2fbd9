"""What travels between instances: one envelope, its exact text, and the kinds there are. Pure.

The text is what is signed and sent; whoever takes it checks the signature over these very bytes before it believes a
word, and reads it strictly: an unknown, missing or repeated name is refused, not overlooked.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

VERSION = 1
LONGEST_TEXT = 64 * 1024
NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", re.ASCII)
HIGHEST = 2**62  # of series, sequence, attempt and epoch


class Kind(StrEnum):
    """What an envelope is about."""

    HEARTBEAT = "heartbeat"
    ROLE = "role"
    HALT = "halt"
    PROPOSAL = "proposal"


@dataclass(frozen=True, slots=True)
class KindRules:
    """``life`` of a signature; ``right`` that the peer needs here; ``sealed``: for the recipient's eyes only.

    ``in_order``: each counts, so that it is kept, sent until it is acknowledged, and taken in order, once. Of the
    others only the newest counts.
    """

    life: timedelta
    fields: Mapping[str, type]
    in_order: bool = True
    right: str = ""
    sealed: bool = False


KINDS: Mapping[Kind, KindRules] = {
    Kind.HEARTBEAT: KindRules(
        timedelta(minutes=1),
        {
            "role": str,
            "leads": bool,
            "trading_state": str,
            "version": str,
            "waiting": int,
            "taken_series": int,
            "taken_sequence": int,
            "refused": list,
        },
        in_order=False,
    ),
    Kind.ROLE: KindRules(timedelta(minutes=10), {"role": str, "leads": bool}),
    Kind.HALT: KindRules(
        timedelta(days=1),
        {"cause_id": str, "author": str, "reason": str, "opened_at": str},
        right="may_halt",
    ),
    Kind.PROPOSAL: KindRules(
        timedelta(days=1),
        {
            "proposal_id": str,
            "strategy": str,
            "timeframe": str,
            "instruments": list,
            "parameters": dict,
            "author": str,
            "reason": str,
        },
        right="may_propose",
        sealed=True,
    ),
}


def lane(kind: Kind) -> str:
    """``post`` for what is taken in order and once, ``beats`` where only the newest counts."""
    return "post" if KINDS[kind].in_order else "beats"


class EnvelopeError(ValueError):
    """The text is no envelope; the message says why."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message from one instance to another.

    ``series`` and ``sequence`` number what the sender says to this recipient: a series begins with 1 and with each
    restore of either side's database a higher one begins. ``attempt`` counts how often it was signed and sent.
    ``epoch``: the highest term of the lease that the sender's database knows. ``body``: the facts, or the armored
    message with them where the kind is sealed.
    """

    sender: str
    recipient: str
    kind: Kind
    series: int
    sequence: int
    attempt: int
    epoch: int
    issued_at: datetime
    expires_at: datetime
    body: Mapping[str, Any] | str

    def text(self) -> str:
        """What is signed and sent: JSON in ASCII with its names in order."""
        facts = {
            "version": VERSION,
            "sender": self.sender,
            "recipient": self.recipient,
            "kind": self.kind.value,
            "series": self.series,
            "sequence": self.sequence,
            "attempt": self.attempt,
            "epoch": self.epoch,
            "issued_at": self.issued_at.astimezone(UTC).isoformat(),
            "expires_at": self.expires_at.astimezone(UTC).isoformat(),
            "body": self.body,
        }
        return body_text(facts)


def body_text(facts: Mapping[str, Any]) -> str:
    """``facts`` as the bridge writes JSON. Raises ``ValueError`` for NaN and infinity."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def read_envelope(text: str) -> Envelope:
    """The envelope that ``text`` is. Raises ``EnvelopeError``."""
    if len(text) > LONGEST_TEXT:
        raise EnvelopeError(f"It has {len(text)} characters; the longest has {LONGEST_TEXT}.")
    facts = _read_json(text)
    if facts.get("version") != VERSION:
        raise EnvelopeError(f"It is of version {str(facts.get('version'))[:20]!r}; this instance reads {VERSION}.")
    names = {"version", *Envelope.__slots__}
    if set(facts) != names:
        raise EnvelopeError(f"Its names differ from the envelope's: {', '.join(sorted(set(facts) ^ names))[:200]}.")
    if facts["kind"] not in set(Kind):
        raise EnvelopeError(f"It is of the unknown kind {str(facts['kind'])[:40]!r}.")
    kind = Kind(facts["kind"])
    body = facts["body"]
    if not isinstance(body, str if KINDS[kind].sealed else dict):
        raise EnvelopeError(f"The body of a {kind} must be {'sealed' if KINDS[kind].sealed else 'an object'}.")
    return Envelope(
        sender=_name(facts, "sender"),
        recipient=_name(facts, "recipient"),
        kind=kind,
        series=_count(facts, "series", lowest=0),
        sequence=_count(facts, "sequence", lowest=1),
        attempt=_count(facts, "attempt", lowest=1),
        epoch=_count(facts, "epoch", lowest=0),
        issued_at=_time(facts, "issued_at"),
        expires_at=_time(facts, "expires_at"),
        body=body,
    )


def read_body(kind: Kind, facts: Any) -> dict[str, Any]:
    """The body of this kind, each fact of its type. Raises ``EnvelopeError``."""
    wanted = KINDS[kind].fields
    if not isinstance(facts, dict) or set(facts) != set(wanted):
        raise EnvelopeError(f"The body of a {kind} has the facts {', '.join(wanted)} and no others.")
    for name, expected in wanted.items():
        if type(facts[name]) is not expected:
            raise EnvelopeError(f"{name} of a {kind} must be of type {expected.__name__}.")
    return facts


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long the texts of a proposal may be."""

    strategy: int = 60
    timeframe: int = 4
    author: int = 150
    reason: int = 500
    instruments: int = 200


def read_proposal(body: Mapping[str, Any]) -> UUID:
    """The number of a proposal whose facts can be kept. Raises ``EnvelopeError``."""
    longest = Lengths()
    for name in ("strategy", "timeframe", "author", "reason"):
        if not 0 < len(body[name]) <= getattr(longest, name):
            raise EnvelopeError(f"{name} of a proposal must have 1 to {getattr(longest, name)} characters.")
    symbols = body["instruments"]
    if len(symbols) > longest.instruments or not all(isinstance(symbol, str) for symbol in symbols):
        raise EnvelopeError(f"instruments of a proposal must be at most {longest.instruments} symbols.")
    try:
        return UUID(body["proposal_id"])
    except ValueError:
        raise EnvelopeError("proposal_id of a proposal must be a UUID.") from None


def read_sealed_body(kind: Kind, text: str) -> dict[str, Any]:
    """The body that was sealed in an envelope of this kind, opened. Raises ``EnvelopeError``."""
    return read_body(kind, _read_json(text))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message of ours that the peer took and did not act on."""

    series: int
    sequence: int
    code: str


def read_refusals(told: Sequence[Any]) -> list[Refusal]:
    """What a heartbeat says of refused messages; what is not said plainly is left out."""
    rows = [one for one in told if isinstance(one, dict) and set(one) == {"series", "sequence", "code"}]
    whole = [one for one in rows if type(one["series"]) is type(one["sequence"]) is int and type(one["code"]) is str]
    return [Refusal(**one) for one in whole if max(abs(one["series"]), abs(one["sequence"])) <= HIGHEST]


def _read_json(text: str) -> dict[str, Any]:
    def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise EnvelopeError("A name stands in it twice.")
        return found

    def refuse(word: str) -> None:
        raise EnvelopeError(f"It holds {word}, which is no number.")

    try:
        facts = json.loads(text, object_pairs_hook=once, parse_constant=refuse)
        json.dumps(facts, ensure_ascii=False).encode()  # half a character is none
    except EnvelopeError:
        raise
    except (ValueError, RecursionError) as error:
        raise EnvelopeError("It is no JSON.") from error
    if not isinstance(facts, dict):
        raise EnvelopeError("It is no JSON object.")
    if not text.isascii() or "\\u0000" in text:
        raise EnvelopeError("It holds characters that the bridge does not carry.")
    return facts


def _name(facts: Mapping[str, Any], field: str) -> str:
    value = facts[field]
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise EnvelopeError(f"{field} is no instance's name.")
    return value


def _count(facts: Mapping[str, Any], field: str, *, lowest: int) -> int:
    value = facts[field]
    if type(value) is not int or not lowest <= value <= HIGHEST:
        raise EnvelopeError(f"{field} must be a whole number from {lowest} on.")
    return value


def _time(facts: Mapping[str, Any], field: str) -> datetime:
    try:
        at = datetime.fromisoformat(facts[field])
    except (TypeError, ValueError):
        raise EnvelopeError(f"{field} must be a time in ISO 8601.") from None
    if at.tzinfo is None:
        raise EnvelopeError(f"{field} must name its zone.")
    if at.isoformat() != facts[field]:  # one time, one text: a signature covers no two of them
        raise EnvelopeError(f"{field} must be written as {at.isoformat()}.")
    return at
