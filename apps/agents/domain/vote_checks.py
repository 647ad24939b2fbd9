"""Judges what an agent sent before it may count. An agent is foreign code: nothing it says is taken on trust."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from apps.market.domain import timeframes

LONGEST_HORIZON = 500
LONGEST_REASON = 500
LONGEST_DIGEST = 128


class RefusedVoteError(ValueError):
    """A message is no usable vote. ``code`` is stable, ``detail`` names the field and what it was."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class AskedRound:
    """What was asked: the instrument, its timeframe and the close of the bar in question."""

    symbol: str
    timeframe: str
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class CheckedVote:
    """A vote whose every field is in its range; ``expires_at`` lies after ``data_as_of``."""

    direction: float
    confidence: float
    abstain: bool
    horizon_bars: int
    expires_at: datetime
    data_as_of: datetime
    reason: str
    digest: str
    correlation_id: str


def asked_round_id(message: Mapping[str, Any]) -> UUID:
    """The round that the message answers. Raises ``RefusedVoteError`` with code ``unknown_round`` for no identifier at
    all.
    """
    raw = message.get("round_id")
    try:
        return UUID(str(raw))
    except ValueError:
        raise RefusedVoteError(
            "unknown_round", f"round_id was {_shown(raw)}; it must be the identifier of a round."
        ) from None


def checked_vote(message: Mapping[str, Any], *, asked: AskedRound, now: datetime) -> CheckedVote:
    """The vote in ``message`` at firm time ``now``. Raises ``RefusedVoteError``: NaN, range, symbol, times, expiry."""
    if message.get("symbol") != asked.symbol:
        raise RefusedVoteError(
            "wrong_symbol", f"symbol was {_shown(message.get('symbol'))}; the round is about {asked.symbol}."
        )
    abstain = message.get("abstain", False)
    if not isinstance(abstain, bool):
        raise RefusedVoteError("bad_field", f"abstain was {_shown(abstain)}; it must be true or false.")
    expires_at, data_as_of = _times(message, asked, now)
    return CheckedVote(
        direction=_number(message, "direction", -1.0, 1.0),
        confidence=_number(message, "confidence", 0.0, 1.0),
        abstain=abstain,
        horizon_bars=_horizon(message),
        expires_at=expires_at,
        data_as_of=data_as_of,
        reason=_text(message, "reason", LONGEST_REASON),
        digest=_text(message, "digest", LONGEST_DIGEST),
        correlation_id=_text(message, "correlation_id", 64),
    )


def _number(message: Mapping[str, Any], field: str, lowest: float, highest: float) -> float:
    value = message.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedVoteError("not_a_number", f"{field} was {_shown(value)}; it must be a number.")
    if isinstance(value, float) and not math.isfinite(value):
        raise RefusedVoteError("not_a_number", f"{field} was {value}; it must be finite.")
    if not lowest <= value <= highest:
        raise RefusedVoteError(
            "out_of_range", f"{field} was {_shown(value)}; it must lie between {lowest:g} and {highest:g}."
        )
    return float(value)


def _horizon(message: Mapping[str, Any]) -> int:
    value = message.get("horizon_bars")
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_HORIZON:
        expected = f"a whole number between 1 and {LONGEST_HORIZON}"
        raise RefusedVoteError("out_of_range", f"horizon_bars was {_shown(value)}; it must be {expected}.")
    return value


def _text(message: Mapping[str, Any], field: str, longest: int) -> str:
    value = message.get(field, "")
    if not isinstance(value, str) or len(value) > longest or "\x00" in value:
        raise RefusedVoteError(
            "bad_field", f"{field} was {_shown(value)}; it must be a text of at most {longest} characters."
        )
    return value


def _times(message: Mapping[str, Any], asked: AskedRound, now: datetime) -> tuple[datetime, datetime]:
    expires_at, data_as_of = _time(message, "expires_at"), _time(message, "data_as_of")
    bar = timedelta(seconds=timeframes.seconds(asked.timeframe))
    if data_as_of > asked.closed_at:
        raise RefusedVoteError(
            "future_data", f"data_as_of was {data_as_of.isoformat()}; the bar closed at {asked.closed_at.isoformat()}."
        )
    if data_as_of < asked.closed_at:
        raise RefusedVoteError(
            "stale_data", f"data_as_of was {data_as_of.isoformat()}; the bar closed at {asked.closed_at.isoformat()}."
        )
    if expires_at > asked.closed_at + LONGEST_HORIZON * bar:
        raise RefusedVoteError(
            "bad_expiry", f"expires_at was {expires_at.isoformat()}; that is more than {LONGEST_HORIZON} bars ahead."
        )
    if expires_at <= now:
        raise RefusedVoteError("expired", f"expires_at was {expires_at.isoformat()}; it is {now.isoformat()} already.")
    return expires_at, data_as_of


def _time(message: Mapping[str, Any], field: str) -> datetime:
    value = message.get(field)
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise RefusedVoteError("bad_time", f"{field} was {_shown(value)}; it must be an ISO 8601 time with its zone.")
    return at


def _shown(value: object) -> str:
    """A short form for messages; a foreign value may be huge."""
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**20 else "a huge number"
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - one line of a log
