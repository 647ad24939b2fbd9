"""One forward pass over the windows of many agents and instruments; each answer goes into its agent's stream.

The votes take the way that every vote takes: the collector checks and records them. So whoever judges holds no round's
lock, and what a device says is taken on trust no more than what an agent says.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import structlog
from numpy.typing import NDArray

from apps.agents import ports
from apps.agents.domain.neural.feature_message import unpacked_together
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
# All answers of a batch in one command: a pipeline of as many commands takes the client longer than the network takes.
_APPEND = """
for place, stream in ipairs(KEYS) do
    redis.call('XADD', stream, 'MAXLEN', '~', ARGV[1], '*', 'vote', ARGV[place + 1])
end
"""
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
    stacked = unpacked_together([window["features"] for window in windows])
    started = time.perf_counter()
    probabilities = forward(stacked)
    seconds = time.perf_counter() - started
    votes = _votes(windows, probabilities, forward)
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


def _votes(
    windows: Sequence[Mapping[str, Any]], probabilities: NDArray[np.float64], forward: ForwardPass
) -> list[StrategyVote]:
    no_number = abstention(f"The model {forward.digest[:8]} answered what is no number.")
    sound: NDArray[np.bool_] = np.all(np.isfinite(probabilities), axis=1)
    judges: dict[str, Neural] = {}  # agents of the same parameters read the answer alike
    votes = []
    for window, row, is_number in zip(windows, probabilities, sound, strict=True):
        key = repr(window["parameters"])
        if key not in judges:
            judges[key] = Neural(parameter_values(Neural.parameters, window["parameters"]))
        judge = judges[key]
        votes.append(judge.vote_on(row, forward, timeframe=window["timeframe"]) if is_number else no_number)
    return votes


def _answer(votes: Sequence[tuple[Mapping[str, Any], StrategyVote, str]]) -> None:
    streams, texts = [], []
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
        streams.append(f"votes.{window['agent_id']}")
        texts.append(orjson.dumps(message))
    redis_pool.client().register_script(_APPEND)(keys=streams, args=[STREAM_LENGTH, *texts])
