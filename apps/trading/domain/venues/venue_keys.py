"""The keys of an account at its venue, as they are sealed and opened. Their text never shows in a representation."""

import json
from dataclasses import dataclass, field

from apps.foundation.errors import Refused

LONGEST_KEY = 8_000  # an RSA private key in PEM is the longest there is


@dataclass(frozen=True, slots=True)
class VenueKeys:
    """What the venue calls API key and secret, and the password of those that have one. Bound to one ``venue``."""

    venue: str
    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    password: str = field(default="", repr=False)

    def as_text(self) -> str:
        """What is sealed."""
        kept = {"venue": self.venue, "api_key": self.api_key, "secret": self.secret}
        return json.dumps(kept | ({"password": self.password} if self.password else {}), sort_keys=True)


def read_keys(text: str, *, venue: str) -> VenueKeys:
    """The keys from an opened message. Raises ``Refused`` (``keys_damaged``, ``keys_of_another_venue``)."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise _damaged("it is no JSON object of texts")
    unknown = sorted(set(found) - {"venue", "api_key", "secret", "password"})
    if unknown:
        raise _damaged(f"it has {len(unknown)} fields that are not known")
    for name in ("venue", "api_key", "secret"):
        if not found.get(name, "").strip():
            raise _damaged(f"{name} is missing")
    if max(len(value) for value in found.values()) > LONGEST_KEY:
        raise _damaged(f"a field has more than {LONGEST_KEY} characters")
    if found["venue"] != venue:
        raise Refused(
            f"The sealed keys are for {found['venue'][:40]}, the account is at {venue}. Seal the keys of {venue}.",
            code="keys_of_another_venue",
        )
    return VenueKeys(venue, found["api_key"], found["secret"], found.get("password", ""))


def _damaged(why: str) -> Refused:
    return Refused(
        f"The keys can't be used: {why}. Give a JSON object with venue, api_key, secret and, where the venue has one,"
        " password.",
        code="keys_damaged",
    )
