"""One forward pass over the windows of many agents and instruments; each answer goes into its agent's stream.

The votes take the way that every vote takes: the collector checks and records them. So whoever judges holds no round's
lock, and what a device says is taken on trust no more than what an agent says.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import structlog
from numpy.typing import NDArray

from apps.agents import ports
from apps.agents.domain.neural.feature_reading import read_windows
from apps.agents.domain.neural.model_facts import ModelRefusedError
from apps.agents.domain.neural.window_batch import WindowBatch
from apps.agents.domain.strategies.contract import ForwardPass, StrategyVote, abstention
from apps.agents.domain.strategies.neural import Neural
from apps.agents.domain.strategies.parameter_values import parameter_values
from apps.agents.domain.vote_entry import MOST_VOTES
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


def judge_windows(*, batch: WindowBatch, device: str) -> JudgedBatch:
    """Judge and answer. Where the model can't be used, each agent abstains with the reason.

    Raises ``redis.RedisError`` while Redis is away: the rounds close at their deadline without these votes. Raises
    ``ValueError`` where there are not as many windows as rounds.
    """
    asked, rounds = batch.asked, batch.windows
    try:
        forward = warm_model(UUID(batch.model), device)
    except (ModelRefusedError, NotReady) as error:
        log.error("model_not_usable", model=batch.model, device=device, reason=error.message)  # noqa: TRY400 - told
        _answer(asked, [abstention(error.message)] * rounds, digest="")
        return JudgedBatch(rounds, 0.0, error.message)
    windows = read_windows(batch.features)
    if len(windows) != rounds:
        raise ValueError(f"{rounds} rounds were named, the features are those of {len(windows)} windows.")
    started = time.perf_counter()
    probabilities = forward(windows)
    seconds = time.perf_counter() - started
    _answer(asked, _votes(asked, probabilities, forward), digest=forward.digest)
    return JudgedBatch(rounds, seconds)


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
    asked: Sequence[Mapping[str, Any]], probabilities: NDArray[np.float64], forward: ForwardPass
) -> list[StrategyVote]:
    """One vote a window, in their order."""
    votes: list[StrategyVote] = []
    no_number: list[int] = []
    if not np.isfinite(probabilities).all():
        no_number = np.flatnonzero(~np.isfinite(probabilities).all(axis=1)).tolist()
        probabilities = np.nan_to_num(probabilities)
    for (_, timeframe), run in groupby(asked, key=lambda agent: (agent["parameters"], agent["timeframe"])):
        alike = list(run)  # agents of the same parameters and bars read the answers alike
        judge = Neural(parameter_values(Neural.parameters, alike[0]["parameters"]))
        end = len(votes) + sum(len(agent["rounds"]) for agent in alike)
        votes += judge.votes_on(probabilities[len(votes) : end], forward, timeframe=timeframe)
    for place in no_number:
        votes[place] = abstention(f"The model {forward.digest[:8]} answered what is no number.")
    return votes


def _answer(asked: Sequence[Mapping[str, Any]], votes: Sequence[StrategyVote], *, digest: str) -> None:
    """Each agent's votes together: few entries, one command."""
    streams, texts, place = [], [], 0
    for agent in asked:
        rounds = agent["rounds"]
        common = {"expires_at": agent["expires_at"], "data_as_of": agent["data_as_of"], "digest": digest}
        for start in range(0, len(rounds), MOST_VOTES):
            answered = rounds[start : start + MOST_VOTES]
            said = [
                {
                    "direction": direction,
                    "confidence": confidence,
                    "abstain": abstain,
                    "horizon_bars": horizon_bars,
                    "reason": reason,
                }
                for direction, confidence, abstain, horizon_bars, reason in votes[place : place + len(answered)]
            ]
            streams.append(f"votes.{agent['agent_id']}")
            texts.append(orjson.dumps({**common, "rounds": answered, "votes": said}))
            place += len(answered)
    redis_pool.client().eval(_APPEND, len(streams), *streams, STREAM_LENGTH, *texts)
