"""Hand the windows that agents wrote to a device, many in one message; where none can judge, abstain and say why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.agents import ports
from apps.agents.domain.neural.device_choice import DeviceLoad, choose_device, with_one_more
from apps.agents.domain.neural.feature_reading import checked_window
from apps.agents.domain.neural.window_batch import WindowBatch
from apps.agents.domain.strategies.contract import abstention
from apps.agents.domain.vote_checks import AskedRound, CheckedVote, RefusedVoteError, checked_vote
from apps.agents.models import Agent, DecisionRound, Vote
from apps.agents.operations.device_queue import send_batch
from apps.agents.operations.store_vote import store_votes, vote_row
from apps.agents.queries.inference_devices import device_loads
from apps.agents.queries.neural_models import model_in_force
from apps.agents.queries.promotion_standings import promotion_standings
from apps.foundation.clock import Moment
from apps.foundation.errors import NotReady
from apps.market.domain import timeframes

A_BATCH = 64  # windows in one message
NO_MODEL = "There is no model in force. Train one (manage.py train) and promote it."
NO_WORKER = "No inference worker shows a sign of life; the fleet starts one within half a minute."
NO_ROOM = "No device has memory left for the network."


@dataclass(frozen=True, slots=True)
class AskedWindow:
    """One agent's features in one open round, whose row is locked; ``vote`` is what an abstention would say."""

    asked: DecisionRound
    agent_id: UUID
    features: bytes
    vote: CheckedVote


def asked_window(asked: DecisionRound, agent_id: UUID, message: Mapping[str, Any], moment: Moment) -> AskedWindow:
    """The window in an agent's message. Raises ``RefusedVoteError`` for features or times that can't be."""
    features = checked_window(message.get("features"))
    if "direction" in message:
        raise RefusedVoteError("bad_features", "A message holds features or a vote, not both.")
    expires_at = asked.closed_at + timeframes.span(asked.timeframe)
    silent = {"direction": 0.0, "confidence": 0.0, "abstain": True, "horizon_bars": 1, "reason": ""}
    vote = checked_vote(
        {**message, **silent, "expires_at": expires_at.isoformat()},
        asked=AskedRound(asked.symbol, asked.timeframe, asked.closed_at),
        now=moment.firm,
    )
    return AskedWindow(asked, agent_id, features, vote)


def send_windows(windows: Sequence[AskedWindow], moment: Moment) -> None:
    """Within the transaction that took the windows in; the messages leave once it has committed."""
    if not windows:
        return
    in_force, own, loads = model_in_force(), _own_models(), _loads(moment)
    judged: dict[UUID | None, list[AskedWindow]] = {}
    for window in windows:
        judged.setdefault(own.get(window.agent_id) or (in_force.id if in_force else None), []).append(window)
    for model, together in judged.items():
        loads = _send(model, together, loads, moment)


def _own_models() -> dict[UUID, UUID]:
    """By agent the candidate that judges its windows while it is being promoted."""
    return {agent: standing.model for agent, standing in promotion_standings().items() if standing.model is not None}


def _send(
    model: UUID | None, windows: Sequence[AskedWindow], loads: list[DeviceLoad], moment: Moment
) -> list[DeviceLoad]:
    """Hand them on in batches; the loads with what they add."""
    obstacle = _obstacle(model, loads)
    if obstacle:
        store_votes([_abstention(window, obstacle, moment) for window in windows])
        return loads
    parameters = dict(
        Agent.objects.filter(pk__in={window.agent_id for window in windows}).values_list("pk", "parameters")
    )
    for start in range(0, len(windows), A_BATCH):
        device = choose_device(loads) or loads[0].name
        loads = with_one_more(loads, device)
        batch = windows[start : start + A_BATCH]
        alike = _of_one_agent_and_bar(batch)
        send_batch(
            device,
            WindowBatch(
                model=str(model),
                asked=[_asked(together, parameters[together[0].agent_id]) for together in alike],
                expires_at=max(window.asked.deadline_wall for window in batch),
                features=b"".join(window.features for together in alike for window in together),
            ),
        )
    return loads


def _loads(moment: Moment) -> list[DeviceLoad]:
    try:
        return device_loads(moment.wall)
    except NotReady:
        return []


def _obstacle(model: UUID | None, loads: Sequence[DeviceLoad]) -> str:
    if not loads:
        return ports.engine().missing() or NO_WORKER
    if choose_device(loads) is None:
        return NO_ROOM
    return "" if model else NO_MODEL


def _abstention(window: AskedWindow, reason: str, moment: Moment) -> Vote:
    silent, vote = abstention(reason), window.vote
    return vote_row(
        window.asked,
        window.agent_id,
        CheckedVote(
            direction=silent.direction,
            confidence=silent.confidence,
            abstain=True,
            horizon_bars=silent.horizon_bars,
            expires_at=vote.expires_at,
            data_as_of=vote.data_as_of,
            reason=reason,
            digest=vote.digest,
            correlation_id=vote.correlation_id,
        ),
        moment,
    )


def _of_one_agent_and_bar(batch: Sequence[AskedWindow]) -> list[list[AskedWindow]]:
    """The windows that are answered together."""
    found: dict[tuple[object, ...], list[AskedWindow]] = {}
    for window in batch:
        vote = window.vote
        key = (window.agent_id, window.asked.timeframe, vote.expires_at, vote.data_as_of)
        found.setdefault(key, []).append(window)
    return list(found.values())


def _asked(together: Sequence[AskedWindow], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What an inference worker needs to know of one agent's windows on one bar."""
    first = together[0]
    return {
        "agent_id": str(first.agent_id),
        "timeframe": first.asked.timeframe,
        "parameters": dict(parameters),
        "expires_at": first.vote.expires_at.isoformat(),
        "data_as_of": first.vote.data_as_of.isoformat(),
        "rounds": [
            {
                "round_id": str(window.asked.pk),
                "symbol": window.asked.symbol,
                "correlation_id": window.asked.correlation_id,
            }
            for window in together
        ],
    }
