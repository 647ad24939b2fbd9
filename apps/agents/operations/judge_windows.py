"""One forward pass over the windows of many agents and instruments; each answer goes into its agent's stream.

The votes take the way that every vote takes: the collector checks and records them. So whoever judges holds no round's
lock, and what a device says is taken on trust no more than what an agent says.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from numpy.typing import NDArray

from apps.agents import ports
from apps.agents.domain.neural.feature_message import unpacked
from apps.agents.domain.neural.model_facts import ModelRefusedError
from apps.agents.domain.strategies.contract import ForwardPass, StrategyVote, abstention
from apps.agents.domain.strategies.neural import Neural
from apps.agents.domain.strategies.parameter_values import parameter_values
from apps.agents.models import NeuralModel
from apps.agents.queries.neural_models import model_in_force
from apps.foundation import redis_pool
from apps.foundation.errors import NotReady

STREAM_LENGTH = 1_000
KEPT_WARM = 3  # models: the one in force, the one before it for rounds that are still open, and a candidate
log = structlog.get_logger(__name__)
_warm: dict[tuple[UUID, str], ForwardPass] = {}


@dataclass(frozen=True, slots=True)
class JudgedBatch:
    """``seconds`` of the forward pass, without loading; ``problem`` says why nothing could be judged."""

    windows: int
    seconds: float
    problem: str = ""


def judge_windows(*, model: UUID, windows: Sequence[Mapping[str, Any]], device: str) -> JudgedBatch:
    """Judge and answer. Where the model can't be used, each agent abstains with the reason.

    Raises ``redis.RedisError`` while Redis is away: the rounds close at their deadline without these votes.
    """
    try:
        forward = warm_model(model, device)
    except (ModelRefusedError, NotReady) as error:
        log.error("model_not_usable", model=str(model), device=device, reason=error.message)  # noqa: TRY400 - told
        _answer([(window, abstention(error.message), "") for window in windows])
        return JudgedBatch(len(windows), 0.0, error.message)
    stacked = np.stack([unpacked(window["features"]) for window in windows])
    started = time.perf_counter()
    probabilities = forward(stacked)
    seconds = time.perf_counter() - started
    votes = [_vote(window, row, forward) for window, row in zip(windows, probabilities, strict=True)]
    _answer([(window, vote, forward.digest) for window, vote in zip(windows, votes, strict=True)])
    log.info("windows_judged", windows=len(windows), ms=round(1000.0 * seconds, 2), device=device)
    return JudgedBatch(len(windows), seconds)


def warm_model(model: UUID, device: str) -> ForwardPass:
    """The model, loaded once and kept. Raises ``ModelRefusedError`` or ``NotReady``."""
    if (model, device) not in _warm:
        row = NeuralModel.objects.filter(pk=model).only("weights", "digest").first()
        if row is None:
            raise NotReady(f"The model {model} is not in the registry.", code="unknown_model")
        engine = ports.engine()
        loaded = engine.load(engine.read(bytes(row.weights), digest=row.digest), device=device)
        while len(_warm) >= KEPT_WARM:
            del _warm[next(iter(_warm))]
        _warm[model, device] = loaded
    return _warm[model, device]


def warm_model_in_force(device: str) -> str:
    """Load what is in force before the first window comes; its digest, empty where none can be used."""
    model = model_in_force()
    if model is None:
        return ""
    try:
        return warm_model(model.id, device).digest
    except ModelRefusedError as error:
        log.error("model_not_usable", model=str(model.id), reason=error.message)  # noqa: TRY400 - told
        return ""


def _vote(window: Mapping[str, Any], probabilities: NDArray[np.float64], forward: ForwardPass) -> StrategyVote:
    if not np.isfinite(probabilities).all():
        return abstention(f"The model {forward.digest[:8]} answered what is no number.")
    strategy = Neural(parameter_values(Neural.parameters, window["parameters"]))
    return strategy.vote_on(probabilities, forward, timeframe=window["timeframe"])


def _answer(votes: Sequence[tuple[Mapping[str, Any], StrategyVote, str]]) -> None:
    pipeline = redis_pool.client().pipeline(transaction=False)
    for window, vote, digest in votes:
        message = {
            **{name: window[name] for name in ("round_id", "symbol", "expires_at", "data_as_of", "correlation_id")},
            "direction": vote.direction,
            "confidence": vote.confidence,
            "abstain": vote.abstain,
            "horizon_bars": vote.horizon_bars,
            "reason": vote.reason,
            "digest": digest,
        }
        stream = f"votes.{window['agent_id']}"
        pipeline.xadd(stream, {"vote": json.dumps(message)}, maxlen=STREAM_LENGTH, approximate=True)
    pipeline.execute()
