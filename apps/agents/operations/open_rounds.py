"""Ask the agents about a bar that has closed: one round an instrument and timeframe, the window of candles in the
message.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from apps.agents.domain.bar_window import bars_message, tail_of, venues_message
from apps.agents.domain.indicators import VOLATILITY_BARS, bar_volatility
from apps.agents.domain.strategies.registry import judges_by_model
from apps.agents.models import Agent, DecisionRound, DesiredState, RoundState, VoteCursor, locking
from apps.agents.operations.ask_agents import ask_agents
from apps.agents.queries.agent_needs import needs_bars
from apps.agents.queries.heartbeats import heartbeats
from apps.agents.queries.neural_models import model_in_force
from apps.agents.queries.promotion_standings import Standing, promotion_standings
from apps.foundation.clock import Moment
from apps.foundation.errors import NotReady
from apps.foundation.identifiers import derived_id
from apps.foundation.row_inserts import insert_rows
from apps.market import queries as market
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import CandleColumns
from apps.market.domain.quotes import Quote
from apps.trading.domain.venues.paper_terms import terms_of

log = structlog.get_logger(__name__)

LOCK_STEP_SECONDS = 4
LIVE_SECONDS = 10
SILENCE_SECONDS = 12


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of whom: a round in the making."""

    symbol: str
    timeframe: str
    agents: tuple[Agent, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What all rounds of one bar share: the time, the deadline, the sources' quotes and closed candles, what is paused,
    how many bars each agent needs, who shows no sign of life, whether the model in force may be heard, how far
    candidates are.
    """

    bar_at: datetime
    moment: Moment
    deadline: datetime
    quotes: Mapping[str, Sequence[Quote]]
    candles: Mapping[tuple[str, str], CandleColumns]  # by instrument and timeframe
    paused: Mapping[str, str]
    needs: Mapping[UUID, int | None]
    silent: Mapping[UUID, str]
    unheard: str  # why votes by the model in force do not count; empty where they do
    standings: Mapping[UUID, Standing]


@dataclass(frozen=True, slots=True)
class OpenedRound:
    """A round that was written, who is to be asked, and what they get to see: candles up to the bar in question,
    oldest first, and the sources' quotes.
    """

    row: DecisionRound
    ready: tuple[Agent, ...]
    bars: dict[str, list[Any]]
    venues: list[dict[str, Any]]


def open_rounds(*, bar_at: datetime, moment: Moment, quotes: Sequence[Quote] = ()) -> list[UUID]:
    """Open a round for each instrument and timeframe of a running agent of which ``bar_at`` is a boundary; the new
    ones' ids.

    A round that is there already is left alone, so calling twice asks once. An instrument that is paused, or of which
    the bar is missing, gets a round that asks nobody and says why. ``quotes``: those of a bar that is just released.
    """
    with transaction.atomic():
        locking.take(locking.OPENING)
        there = set(DecisionRound.objects.filter(closed_at=bar_at).values_list("symbol", "timeframe"))
        new = [question for question in questions_at(bar_at) if (question.symbol, question.timeframe) not in there]
        opened = _open_all(new, _look(new, bar_at, moment, quotes)) if new else []
    if opened:
        log.info("rounds_opened", bar_at=bar_at.isoformat(), rounds=len(opened))
    return [one.row.pk for one in opened]


def questions_at(bar_at: datetime) -> list[Question]:
    """The questions that running agents want answered at this boundary, sorted by instrument and timeframe.

    Nobody is asked about a bar in which the instrument's exchange was closed.
    """
    watched = market.watched_symbols()
    asking: dict[tuple[str, str], list[Agent]] = defaultdict(list)
    for agent in Agent.objects.filter(desired_state=DesiredState.RUNNING).order_by("pk"):
        if timeframes.is_boundary(bar_at, agent.timeframe):
            for symbol in agent.instruments or watched:
                asking[symbol, agent.timeframe].append(agent)
    closed = {
        (symbol, timeframe)
        for timeframe in {timeframe for _, timeframe in asking}
        for symbol in market.resting({symbol for symbol, _ in asking}, bar_at - timeframes.span(timeframe), timeframe)
    }
    return [
        Question(*key, tuple(agents))
        for key, agents in sorted(asking.items(), key=lambda item: item[0])
        if key not in closed
    ]


def _look(questions: Sequence[Question], bar_at: datetime, moment: Moment, newest: Sequence[Quote]) -> Look:
    clock = market.market_clock()
    wait = timedelta(seconds=LOCK_STEP_SECONDS if clock.lock_step else LIVE_SECONDS)
    symbols = sorted({question.symbol for question in questions})
    try:
        quotes = market.latest_quotes_of(symbols, moment, clock, newest=newest)
    except NotReady as error:
        log.warning("quotes_not_ready", reason=error.message)
        quotes = {}
    agents = {agent.pk: agent for question in questions for agent in question.agents}.values()
    needs = {agent.pk: needs_bars(agent) for agent in agents}
    model = model_in_force() if any(judges_by_model(agent.strategy) for agent in agents) else None
    return Look(
        bar_at,
        moment,
        moment.wall + wait,
        quotes,
        candles=_candles(questions, needs, bar_at),
        paused=market.paused_reasons(symbols),
        needs=needs,
        silent=_silent_agents(moment),
        unheard=model.unheard if model else "",
        standings=promotion_standings(),
    )


def _candles(
    questions: Sequence[Question], needs: Mapping[UUID, int | None], bar_at: datetime
) -> dict[tuple[str, str], CandleColumns]:
    """As many closed candles of each question as the one that asks for most needs, one read a timeframe."""
    found: dict[tuple[str, str], CandleColumns] = {}
    for timeframe in {question.timeframe for question in questions}:
        asking = [question for question in questions if question.timeframe == timeframe]
        longest = max(needs[agent.pk] or 0 for question in asking for agent in question.agents)
        columns = market.closed_columns(
            symbols=[question.symbol for question in asking],
            timeframe=timeframe,
            until=bar_at,
            limit=max(longest, VOLATILITY_BARS + 1),
        )
        found |= {(symbol, timeframe): candles for symbol, candles in columns.items()}
    return found


def _open_all(questions: Sequence[Question], seen: Look) -> list[OpenedRound]:
    opened = [_opened(question, seen) for question in questions]
    insert_rows([one.row for one in opened])
    ask_agents(_questions(opened, seen))
    return opened


def _opened(question: Question, seen: Look) -> OpenedRound:
    candles = seen.candles.get((question.symbol, question.timeframe))
    obstacle = _obstacle(question, candles, seen)
    have = 0 if candles is None else len(candles)
    obstacles = {
        agent.pk: obstacle or _shortage(agent, seen.needs[agent.pk], have) or seen.silent.get(agent.pk)
        for agent in question.agents
    }
    ready = tuple(agent for agent in question.agents if obstacles[agent.pk] is None)
    absent = [_absent(agent, reason) for agent in question.agents if (reason := obstacles[agent.pk]) is not None]
    round_id = derived_id("round", question.symbol, question.timeframe, seen.bar_at.isoformat())
    row = DecisionRound(
        id=round_id,
        symbol=question.symbol,
        timeframe=question.timeframe,
        closed_at=seen.bar_at,
        opened_wall=seen.moment.wall,
        deadline_wall=seen.deadline,
        state=RoundState.OPEN,
        asked=[_asked(agent, seen) for agent in ready],
        absent=absent,
        fee_bps=float(terms_of(question.symbol).side_fee_bps),
        volatility=0.0 if candles is None else bar_volatility(candles.close, VOLATILITY_BARS),
        correlation_id=str(round_id),
    )
    bars = bars_message(candles) if ready and candles is not None else {}
    return OpenedRound(row, ready, bars, venues_message(seen.quotes.get(question.symbol, ())))


def _obstacle(question: Question, candles: CandleColumns | None, seen: Look) -> str | None:
    paused = seen.paused.get(question.symbol)
    if paused is not None:
        return f"{question.symbol} is paused: {paused}"
    if candles is None or timeframes.from_milliseconds(int(candles.closes_at[-1])) != seen.bar_at:
        return f"no candle of {question.symbol} closed at {seen.bar_at:%Y-%m-%d %H:%M} UTC"
    return None


def _silent_agents(moment: Moment) -> dict[UUID, str]:
    """Agents without a sign of life that have missed every round for a while: waiting for them would only stop the
    market.

    One that is just starting is waited for; one that beats again is asked again.
    """
    since = moment.wall - timedelta(seconds=SILENCE_SECONDS)
    quiet = dict(VoteCursor.objects.filter(silent_since__lte=since).values_list("agent_id", "silent_since"))
    beats = heartbeats(list(quiet))
    if not beats.known:
        return {}
    return {
        agent_id: f"no sign of life since {at:%H:%M:%S} UTC"
        for agent_id, at in quiet.items()
        if at is not None and agent_id not in beats.beats
    }


def _shortage(agent: Agent, needs: int | None, have: int) -> str | None:
    if needs is None:
        return f"its strategy {agent.strategy} is not installed or refuses its parameters"
    return f"warming {have}/{needs}" if have < needs else None


def _asked(agent: Agent, seen: Look) -> dict[str, Any]:
    standing = seen.standings.get(agent.pk)
    return {
        "agent_id": str(agent.pk),
        "name": agent.name,
        "weight": agent.weight,
        "may_veto": agent.may_veto,
        "benched_reason": _unheard(agent, standing, seen.unheard),
        "canary": standing is not None and standing.is_canary,
    }


def _unheard(agent: Agent, standing: Standing | None, by_model_in_force: str) -> str:
    """Why its votes are kept but not counted; empty where they count."""
    if agent.benched_reason and not (standing is not None and standing.heard_in_practice):
        return agent.benched_reason
    if standing is not None and standing.unheard:
        return standing.unheard
    own_model = standing is not None and standing.model is not None
    return by_model_in_force if judges_by_model(agent.strategy) and not own_model else ""


def _absent(agent: Agent, reason: str) -> dict[str, Any]:
    return {"agent_id": str(agent.pk), "name": agent.name, "reason": reason}


def _questions(rounds: Sequence[OpenedRound], seen: Look) -> dict[UUID, list[dict[str, Any]]]:
    """All that each agent is asked."""
    asked: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for one in rounds:
        for agent in one.ready:
            asked[agent.pk].append(_question(one, seen.needs[agent.pk] or 1))
    return asked


def _question(opened: OpenedRound, needs: int) -> dict[str, Any]:
    row = opened.row
    return {
        "round_id": str(row.pk),
        "correlation_id": row.correlation_id,
        "symbol": row.symbol,
        "timeframe": row.timeframe,
        "closed_at": row.closed_at.isoformat(),
        "deadline": row.deadline_wall.isoformat(),
        "fee_bps": row.fee_bps,
        "bars": tail_of(opened.bars, needs),
        "venues": opened.venues,
    }
