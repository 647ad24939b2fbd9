"""One question to one vote: the strategy's opinion in the form that the house takes in. Pure."""

import hashlib
import inspect
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from apps.agents.domain.bar_window import market_view
from apps.agents.domain.neural.feature_message import packed
from apps.agents.domain.strategies.contract import JudgesByModel, MarketView, Strategy, StrategyVote, abstention
from apps.market.domain import timeframes

LONGEST_REASON = 500
LONGEST_ERROR = 300


def answer_round(strategy: Strategy, question: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """The vote on ``question``, which holds until the next bar of its timeframe closes; of a strategy that judges by a
    model the features, which the house hands to a device.

    Raises ``KeyError``, ``TypeError`` or ``ValueError`` for a question that describes no market.
    """
    view = market_view(question)
    if isinstance(strategy, JudgesByModel) and view.bars >= strategy.needs_bars:
        return _about(question, view, digest) | {"features": packed(strategy.features(view))}
    return _as_vote(_opinion(strategy, view), question, view, digest)


def abstain_from(question: Mapping[str, Any], error: Exception, digest: str) -> dict[str, Any]:
    """The abstention of a strategy that raised ``error`` on ``question``, which says so: nobody waits for its vote, and
    whoever asks why there is none is told. Raises as ``answer_round`` does.
    """
    return _as_vote(abstention(f"The strategy raised {described(error)}"), question, market_view(question), digest)


def described(error: Exception) -> str:
    """The error in one line that every part of the house can store: foreign code may say anything."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return " ".join(text.replace("\0", " ").encode("utf-8", "replace").decode().split())[:LONGEST_ERROR]


def _about(question: Mapping[str, Any], view: MarketView, digest: str) -> dict[str, Any]:
    return {
        "round_id": question["round_id"],
        "symbol": view.symbol,
        "data_as_of": _seen_until(view),
        "digest": digest,
        "correlation_id": question["correlation_id"],
    }


def _as_vote(vote: StrategyVote, question: Mapping[str, Any], view: MarketView, digest: str) -> dict[str, Any]:
    return _about(question, view, digest) | {
        "direction": vote.direction,
        "confidence": vote.confidence,
        "abstain": vote.abstain,
        "horizon_bars": vote.horizon_bars,
        "expires_at": (view.closed_at + timeframes.span(view.timeframe)).isoformat(),
        "reason": vote.reason[:LONGEST_REASON],
    }


def strategy_digest(strategy: Strategy, parameters: Mapping[str, Any]) -> str:
    """What votes here: a digest of the strategy's source and its parameters."""
    source = inspect.getsource(type(strategy))
    return hashlib.sha256(f"{source}{json.dumps(parameters, sort_keys=True)}".encode()).hexdigest()[:16]


def _opinion(strategy: Strategy, view: MarketView) -> StrategyVote:
    if view.bars < strategy.needs_bars:
        return abstention(f"Warming: {view.bars} of {strategy.needs_bars} bars.")
    return strategy.vote(view)


def _seen_until(view: MarketView) -> str:
    last_open = timeframes.from_milliseconds(int(view.times[-1]))
    return (last_open + timedelta(seconds=timeframes.seconds(view.timeframe))).isoformat()
