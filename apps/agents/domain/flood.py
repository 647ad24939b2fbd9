"""Of what one agent wrote at once, what is worth looking at. Pure.

An agent that answers what it is asked writes one entry a round. Looking at an entry costs a few trips to the database,
so one that writes thousands a second would hold up everybody's votes.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

CROWD: Final = 20  # entries of one agent read at once up to which each is looked at
TRIES: Final = 3  # entries about one open round that are looked at in a crowd


def worth_a_look(messages: Sequence[Mapping[str, Any] | None], open_rounds: Collection[str]) -> list[bool]:
    """For each message of one agent, oldest first, whether it is looked at.

    Up to ``CROWD`` all are. Of more, those that name one of ``open_rounds``, the first ``TRIES`` of each round.
    """
    if len(messages) <= CROWD:
        return [True] * len(messages)
    tries: Counter[str] = Counter()
    found = []
    for message in messages:
        named = message.get("round_id") if isinstance(message, Mapping) else None
        round_id = named if isinstance(named, str) and named in open_rounds else ""
        tries[round_id] += 1
        found.append(bool(round_id) and tries[round_id] <= TRIES)
    return found
