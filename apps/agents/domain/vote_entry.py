"""What one entry of a vote stream holds: one vote, or a few of one bar, as quick agents and devices write them. Pure.

Of several the entry is an object whose ``votes`` are a list; what they have in common stands beside it once. What each
is an answer to may stand in a list of its own, ``rounds``, as a device was asked.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

LONGEST_ENTRY: Final = 10_000  # characters
MOST_VOTES: Final = 8  # in one entry: so many fit with the longest reasons


def votes_in(text: str | None) -> Sequence[dict[str, Any] | None]:
    """The messages in an entry's field ``vote``, at least one; None for what is no JSON object of a sensible size.

    A list that is empty or too long is one bad message, so that nobody is counted more of them than he wrote.
    """
    if text is None or len(text) > LONGEST_ENTRY:
        return [None]
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        return [None]
    if not isinstance(held, dict):
        return [None]
    return _each(held) if "votes" in held else [held]


def _each(held: dict[str, Any]) -> Sequence[dict[str, Any] | None]:
    votes = held.pop("votes")
    if not isinstance(votes, list) or not 0 < len(votes) <= MOST_VOTES:
        return [None]
    rounds = held.pop("rounds", [{}] * len(votes))
    if not isinstance(rounds, list) or len(rounds) != len(votes):
        return [None]
    return [
        {**held, **asked, **vote} if isinstance(asked, dict) and isinstance(vote, dict) else None
        for asked, vote in zip(rounds, votes, strict=True)
    ]
