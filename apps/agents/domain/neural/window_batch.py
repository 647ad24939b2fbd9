"""Windows of many agents and instruments that are judged in one pass, and as one text on their way to a device. Pure.

The text is what is said of them as JSON, behind its length, and then their numbers, which nobody needs to decode.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """``asked``: by agent its parameters, its bars and the rounds of its windows; ``features``: the numbers of these
    windows in that order. After ``expires_at``, by the wall clock, no answer counts any more.
    """

    model: str
    asked: Sequence[Mapping[str, Any]]
    expires_at: datetime
    features: bytes

    @property
    def windows(self) -> int:
        """How many rounds it has an answer for."""
        return sum(len(agent["rounds"]) for agent in self.asked)


def written(batch: WindowBatch) -> bytes:
    """The text of a batch."""
    said = orjson.dumps({"model": batch.model, "asked": batch.asked, "expires_at": batch.expires_at})
    return len(said).to_bytes(_LENGTH_BYTES, "big") + said + batch.features


def read_batch(text: bytes) -> WindowBatch:
    """The batch in a text. Raises ``ValueError`` for what is none."""
    end = _LENGTH_BYTES + int.from_bytes(text[:_LENGTH_BYTES], "big")
    try:
        said = orjson.loads(text[_LENGTH_BYTES:end])
        expires_at = datetime.fromisoformat(said["expires_at"])
        return WindowBatch(said["model"], said["asked"], expires_at, text[end:])
    except (KeyError, TypeError) as error:
        raise ValueError(f"This is no batch of windows: {error!r}.") from error


def joined(batches: Sequence[WindowBatch]) -> list[WindowBatch]:
    """The batches with those of one model made one, to be judged in one pass; in the order of the models' first ones.
    Of one that was joined, ``expires_at`` is the latest.
    """
    found: dict[str, WindowBatch] = {}
    for batch in batches:
        before = found.get(batch.model)
        found[batch.model] = batch if before is None else _both(before, batch)
    return list(found.values())


def _both(first: WindowBatch, second: WindowBatch) -> WindowBatch:
    return WindowBatch(
        model=first.model,
        asked=[*first.asked, *second.asked],
        expires_at=max(first.expires_at, second.expires_at),
        features=first.features + second.features,
    )
