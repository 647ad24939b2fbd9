"""Identifiers: time-ordered where new, derived from their cause where a replay must find the same one."""

from uuid import NAMESPACE_URL, UUID, uuid5

from uuid6 import uuid7

_HOUSE = uuid5(NAMESPACE_URL, "urn:tradinghq")
_SHOWN = 8
_LEADING = ((1 << 64) - 1) << 64


def new_id() -> UUID:
    """A new time-ordered identifier (UUID version 7, RFC 9562)."""
    return UUID(int=uuid7().int)


def beside(anchor: UUID, identifier: UUID) -> UUID:
    """``identifier`` with the leading half of ``anchor``: in an index it lies beside it, at the end for a new anchor.

    An identifier that is only derived lands anywhere in an index, which costs the more the larger the index has grown.
    """
    return UUID(int=(anchor.int & _LEADING) | (identifier.int & ~_LEADING))


def short_id(identifier: UUID | str) -> str:
    """Its end, for a sentence: identifiers begin with their time, so that those of one day look alike there."""
    return f"…{str(identifier)[-_SHOWN:]}"


def derived_id(*cause: object) -> UUID:
    """The identifier that this cause always has: the same parts give the same id, so a redelivery does nothing."""
    return uuid5(_HOUSE, "\x1f".join(map(str, cause)))
