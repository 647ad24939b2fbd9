"""All rounds of a run before it is played: votes do not depend on what is held, so they are computed at once."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.backtest.firm_policy import Policy
from apps.agents.domain.backtest.firm_rounds import BacktestAgent, Round, Score, check_vote
from apps.agents.domain.backtest.market_tape import MarketTape
from apps.agents.domain.backtest.strategy_views import view_at
from apps.agents.domain.consensus import METHODS
from apps.agents.domain.indicators import VOLATILITY_BARS, log_returns
from apps.agents.domain.strategies.contract import MarketView, Series, VoteColumns, VotesOverBars
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import CandleColumns

THREADS = 2  # compiled code runs without the interpreter's lock, each round in one thread: the same bits


@dataclass(frozen=True)
class PooledRounds:
    """Arrays ``[times, rounds]``. ``codes`` as ``consensus_kernel`` has them, 0 where no round is due; ``edges``:
    expected edge in basis points where the score asks for an entry; ``places``: of the round's candle in its series.
    ``agents``: of each round.
    """

    codes: NDArray[np.int8]
    scores: Series
    horizons: NDArray[np.int32]
    leaders: NDArray[np.int16]
    edges: Series
    places: NDArray[np.int32]
    agents: Sequence[Sequence[UUID]]
    words: Mapping[int, str]
    enter: float

    def score(self, time: int, number: int) -> tuple[int | None, Score | None]:
        """The place of the candle and the score of one round; None where nobody was asked."""
        code = int(self.codes[time, number])
        if code not in self.words:
            return None, None
        leader = int(self.leaders[time, number])
        score = Score(
            self.words[code],
            float(self.scores[time, number]),
            int(self.horizons[time, number]),
            self.agents[number][leader] if leader >= 0 else None,
            float(self.edges[time, number]) if self.scores[time, number] >= self.enter else None,
        )
        return int(self.places[time, number]), score


def pooled_rounds(
    tape: MarketTape,
    times: NDArray[np.int64],
    *,
    asked: Mapping[Round, Sequence[BacktestAgent]],
    policy: Policy,
    fees_bps: Mapping[str, float],
) -> PooledRounds | None:
    """The rounds of ``asked`` at these closes, or None where a strategy can only be asked bar by bar.

    Raises ``StrategyFailedError`` for a vote that the house would refuse.
    """
    from apps.agents.domain.backtest import consensus_kernel as kernel

    if not all(isinstance(agent.strategy, VotesOverBars) for agents in asked.values() for agent in agents):
        return None
    shape = (len(times), len(asked))
    found = PooledRounds(
        codes=np.zeros(shape, np.int8),
        scores=np.zeros(shape),
        horizons=np.ones(shape, np.int32),
        leaders=np.full(shape, kernel.NOBODY, np.int16),
        edges=np.zeros(shape),
        places=np.zeros(shape, np.int32),
        agents=[[agent.id for agent in agents] for agents in asked.values()],
        enter=policy.stance.enter,
        words={kernel.NO_QUORUM: "no_quorum", kernel.VETO: "veto", kernel.REACHED: "consensus"},
    )
    series = [tape.columns(*key) for key in asked]

    def pool(number: int) -> bool:
        (symbol, _), agents = list(asked.items())[number]
        given = (series[number], agents, fees_bps[symbol], len(tape.sources(symbol)))
        return _pool_into(found, number, times, *given, policy=policy)

    with ThreadPoolExecutor(THREADS) as threads:
        return found if all(threads.map(pool, range(len(asked)))) else None


def _pool_into(  # noqa: PLR0917 - one round of the run
    found: PooledRounds,
    number: int,
    times: NDArray[np.int64],
    columns: CandleColumns,
    agents: Sequence[BacktestAgent],
    fee_bps: float,
    sources: int,
    *,
    policy: Policy,
) -> bool:
    """Fill the columns of one round; False where a strategy can only be asked bar by bar."""
    from apps.agents.domain.backtest import consensus_kernel as kernel

    due = np.flatnonzero(times % columns.length_ms == 0)
    found.codes[due, number] = kernel.NOBODY_ASKED
    if not len(columns):
        return True
    votes = _votes(columns, agents, fee_bps, sources=sources)
    if votes is None:
        return False
    code, score, horizon, leader = _pool(votes, agents, policy)
    places = np.minimum(np.searchsorted(columns.times, times[due] - columns.length_ms), len(columns) - 1)
    there = columns.closes_at[places] == times[due]
    due, places = due[there], places[there]
    edge = kernel.expected_edges(code, score, horizon, log_returns(columns.close), found.enter, VOLATILITY_BARS)
    found.codes[due, number], found.scores[due, number] = code[places], score[places]
    found.horizons[due, number], found.leaders[due, number] = horizon[places], leader[places]
    found.edges[due, number], found.places[due, number] = edge[places], places
    return True


def _votes(
    columns: CandleColumns, agents: Sequence[BacktestAgent], fee_bps: float, *, sources: int
) -> list[VoteColumns] | None:
    view = view_at(columns, len(columns) - 1, len(columns), fee_bps=fee_bps)
    votes = []
    for agent in agents:
        assert isinstance(agent.strategy, VotesOverBars)
        try:
            told = agent.strategy.votes_over_bars(view, sources=sources)
        except Exception as error:
            error.add_note(f"{agent.strategy.name} was asked about all bars of {view.symbol} at once")
            raise
        if told is None:
            return None
        _check(told, agent, view)
        votes.append(told)
    return votes


def _check(votes: VoteColumns, agent: BacktestAgent, view: MarketView) -> None:
    """The first vote that the house would refuse ends the run, as it does bar by bar."""
    sound = (np.abs(votes.direction) <= 1.0) & (votes.confidence >= 0.0) & (votes.confidence <= 1.0)
    wrong = np.flatnonzero(~sound[_first_vote(agent) :])
    if len(wrong):
        place = int(wrong[0]) + _first_vote(agent)
        closed_at = timeframes.from_milliseconds(int(view.times[place])) + timeframes.span(view.timeframe)
        check_vote(float(votes.direction[place]), float(votes.confidence[place]), agent, closed_at)


def _pool(
    votes: Sequence[VoteColumns], agents: Sequence[BacktestAgent], policy: Policy
) -> tuple[NDArray[np.int8], Series, NDArray[np.int32], NDArray[np.int16]]:
    from apps.agents.domain.backtest.consensus_kernel import pool_rounds

    rules, names = policy.consensus, sorted(agent.name for agent in agents)
    return pool_rounds(
        METHODS.index(rules.method),
        rules.needed(len(agents)),
        rules.veto_confidence,
        np.array([each.direction for each in votes]),
        np.array([each.confidence for each in votes]),
        np.array([each.abstain for each in votes]),
        np.array([_first_vote(agent) for agent in agents]),
        np.array([each.horizon_bars for each in votes]),
        np.array([agent.weight for agent in agents], np.float64),
        np.array([agent.may_veto for agent in agents]),
        np.array([names.index(agent.name) for agent in agents]),
    )


def _first_vote(agent: BacktestAgent) -> int:
    return max(0, agent.strategy.needs_bars - 1)
