"""What the house decides at a close, in a backtest: votes, consensus, stance and target by its own functions."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from apps.agents.domain.backtest.firm_policy import Policy
from apps.agents.domain.backtest.market_tape import MarketTape
from apps.agents.domain.backtest.strategy_views import view_at, vote_on
from apps.agents.domain.consensus import Opinion, pool_votes
from apps.agents.domain.expected_edge import expected_edge_bps
from apps.agents.domain.indicators import VOLATILITY_BARS, bar_volatility
from apps.agents.domain.standing_position import DENIED_RECENTLY, denial_that_holds, share_held
from apps.agents.domain.strategies.contract import Strategy
from apps.agents.domain.target_stance import wanted_stance
from apps.foundation.identifiers import derived_id
from apps.market.domain import timeframes
from apps.trading.domain.orders.position_sizing import TargetExposure
from apps.trading.domain.risk.order_in_market import MarketSight
from apps.trading.domain.simulation.simulated_account import Answer, SimulatedAccount

REACHED = "consensus"


class StrategyFailedError(ValueError):
    """A strategy voted what the house would refuse; the message names it, the time and the value."""


@dataclass(frozen=True, slots=True)
class BacktestAgent:
    """An agent of the run: its strategy on ``timeframe`` over ``symbols``, with a fixed weight in the consensus."""

    id: UUID
    name: str
    strategy: Strategy
    timeframe: str
    symbols: tuple[str, ...]
    weight: float = 1.0
    may_veto: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """What the votes of one round came to: ``code`` is ``consensus`` where it was reached, else why not.

    ``edge_bps``: the expected edge, where it is known already.
    """

    code: str
    score: float
    horizon_bars: int
    leader: UUID | None
    edge_bps: float | None = None


Round = tuple[str, str]  # symbol and timeframe


@dataclass(slots=True)
class FirmRounds:
    """Decides each close's rounds in the house's order. ``outcomes``: what rounds came to, by outcome and code.

    ``asked``: the agents of each round, both in the house's order.
    """

    tape: MarketTape
    account: SimulatedAccount
    agents: Sequence[BacktestAgent]
    policy: Policy
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    asked: dict[Round, list[BacktestAgent]] = field(default_factory=dict)
    denied: dict[Round, tuple[datetime, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for agent in sorted(self.agents, key=lambda each: each.id):
            for symbol in agent.symbols:
                self.asked.setdefault((symbol, agent.timeframe), []).append(agent)
        self.asked = dict(sorted(self.asked.items()))

    def decide(self) -> None:
        """Every round that is due at the tape's time, each agent asked now."""
        now = self.tape.now
        for (symbol, timeframe), agents in self.asked.items():
            if timeframes.is_boundary(now, timeframe):
                place = self.tape.place(symbol, timeframe)
                self.decide_on(symbol, timeframe, place, self._score(symbol, agents, place))

    def decide_on(self, symbol: str, timeframe: str, place: int | None, score: Score | None) -> tuple[str, str]:
        """One round, whose candle is at ``place`` and whose votes came to ``score``; None: nobody was asked."""
        if place is None or score is None:
            found = ("SKIPPED", "nobody_asked")
        elif score.code != REACHED:
            found = ("NO_TRADE", score.code)
        else:
            found = self._acted(symbol, timeframe, place, score)
        self.outcomes[found] += 1
        return found

    def _score(self, symbol: str, agents: list[BacktestAgent], place: int | None) -> Score | None:
        ready = [agent for agent in agents if place is not None and place + 1 >= agent.strategy.needs_bars]
        if place is None or not ready:
            return None
        opinions = [self._opinion(agent, symbol, place) for agent in ready]
        pooled = pool_votes(votes=opinions, asked=len(agents), rules=self.policy.consensus, now=self.tape.now)
        leader = pooled.leader
        return Score(pooled.code, pooled.score, pooled.horizon_bars, UUID(leader.agent_id) if leader else None)

    def _acted(self, symbol: str, timeframe: str, place: int, score: Score) -> tuple[str, str]:
        """What a consensus comes to: nothing, a refusal or an order."""
        now = self.tape.now
        marks = self.tape.marks({symbol, *self.account.concerned()})
        exposure = self.account.books.exposure(symbol, {name: mark.price for name, mark in marks.items()})
        if exposure is None:
            return "SKIPPED", "no_price"
        target = self.wanted(symbol, timeframe, place, score, exposure=exposure)
        if isinstance(target, str):
            return "NO_TRADE", target
        sight = MarketSight(
            rules=self.account.terms.rules[symbol],
            paused_reason=None,
            marks=marks,
            fee_bps=self.account.terms.paper[symbol].side_fee_bps,
        )
        return self.answered(
            timeframe, target, self.account.propose(target, sight=sight, now=now, closes_of=self.tape.closes_of)
        )

    def wanted(self, symbol: str, timeframe: str, place: int, score: Score, *, exposure: float) -> TargetExposure | str:
        """What a consensus asks for where this share of equity is held already; the code of why not, where nothing."""
        held = share_held(exposure=exposure, max_position_share=self.account.terms.limits.max_position_share)
        stance = wanted_stance(score=score.score, held=held, rules=self.policy.stance)
        if not stance.acts:
            return stance.code
        if stance.fraction > held and self._still_denied(symbol, timeframe, self.tape.now):
            return DENIED_RECENTLY
        return self._target(symbol, timeframe, place, score, stance.fraction, stance.reason)

    def answered(self, timeframe: str, target: TargetExposure, answer: Answer) -> tuple[str, str]:
        """Remember when the account denied what was wanted; what the round came to."""
        if answer.outcome == "DENIED":
            self.denied[target.symbol, timeframe] = (self.tape.now, answer.code)
        return answer.outcome, answer.code

    def _opinion(self, agent: BacktestAgent, symbol: str, place: int) -> Opinion:
        columns = self.tape.columns(symbol, agent.timeframe)
        fee_bps = float(self.account.terms.paper[symbol].side_fee_bps)
        view = view_at(columns, place, agent.strategy.needs_bars, fee_bps=fee_bps, venues=self.tape.venues(symbol))
        vote = vote_on(agent.strategy, view)
        check_vote(vote.direction, vote.confidence, agent, self.tape.now)
        return Opinion(
            agent_id=str(agent.id),
            name=agent.name,
            weight=agent.weight,
            direction=vote.direction,
            confidence=vote.confidence,
            abstain=vote.abstain,
            horizon_bars=vote.horizon_bars,
            expires_at=view.closed_at + timeframes.span(agent.timeframe),
            may_veto=agent.may_veto,
        )

    def _target(  # noqa: PLR0917 - what one round came to
        self, symbol: str, timeframe: str, place: int, score: Score, fraction: float, reason: str
    ) -> TargetExposure:
        edge = self._edge(symbol, timeframe, place, score) if score.edge_bps is None else score.edge_bps
        return TargetExposure(
            symbol=symbol,
            fraction=fraction,
            expected_edge_bps=edge,
            decision_id=derived_id("decision", derived_id("round", symbol, timeframe, self.tape.now.isoformat())),
            reason=reason,
            agent_id=score.leader,
        )

    def _edge(self, symbol: str, timeframe: str, place: int, score: Score) -> float:
        closes = self.tape.columns(symbol, timeframe).close[max(0, place - VOLATILITY_BARS) : place + 1]
        volatility = bar_volatility(closes, VOLATILITY_BARS)
        return expected_edge_bps(score=score.score, bar_volatility=volatility, horizon_bars=score.horizon_bars)

    def _still_denied(self, symbol: str, timeframe: str, now: datetime) -> bool:
        denied = self.denied.get((symbol, timeframe))
        if denied is None or not self.policy.denied_pause_bars:
            return False
        why = denial_that_holds(
            denied_at=denied[0],
            code=denied[1],
            closed_at=now,
            timeframe=timeframe,
            pause_bars=self.policy.denied_pause_bars,
        )
        return why is not None


def check_vote(direction: float, confidence: float, agent: BacktestAgent, now: datetime) -> None:
    """Raises ``StrategyFailedError`` for numbers that the house would refuse."""
    for name, value, lowest in (("direction", direction, -1.0), ("confidence", confidence, 0.0)):
        if not (math.isfinite(value) and lowest <= value <= 1.0):
            raise StrategyFailedError(
                f"{agent.name} voted a {name} of {value} at {now:%Y-%m-%d %H:%M} UTC; it must lie between "
                f"{lowest:g} and 1. The house refuses such a vote."
            )
