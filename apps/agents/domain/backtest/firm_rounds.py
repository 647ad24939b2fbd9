"""What the house decides at a close, in a backtest: votes, consensus, stance and target by its own functions."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from apps.agents.domain.backtest.market_tape import MarketTape
from apps.agents.domain.backtest.strategy_views import view_at, vote_on
from apps.agents.domain.consensus import Consensus, ConsensusRules, Opinion, pool_votes
from apps.agents.domain.expected_edge import expected_edge_bps
from apps.agents.domain.indicators import VOLATILITY_BARS, bar_volatility
from apps.agents.domain.standing_position import DENIED_RECENTLY, denial_that_holds, share_held
from apps.agents.domain.strategies.contract import Strategy, StrategyVote
from apps.agents.domain.target_stance import StanceRules, wanted_stance
from apps.foundation.identifiers import derived_id
from apps.market.domain import timeframes
from apps.trading.domain.orders.position_sizing import TargetExposure
from apps.trading.domain.risk.order_in_market import MarketSight
from apps.trading.domain.simulation.simulated_account import SimulatedAccount


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
class Policy:
    """How votes become targets, as the house's consensus policy has it."""

    consensus: ConsensusRules = field(default_factory=ConsensusRules)
    stance: StanceRules = field(default_factory=StanceRules)
    denied_pause_bars: int = 6


@dataclass(slots=True)
class FirmRounds:
    """Decides each close's rounds in the house's order. ``outcomes``: what rounds came to, by outcome and code."""

    tape: MarketTape
    account: SimulatedAccount
    agents: Sequence[BacktestAgent]
    policy: Policy
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    _denied: dict[tuple[str, str], tuple[datetime, str]] = field(default_factory=dict)
    _subscribed: dict[tuple[str, str], list[BacktestAgent]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for agent in sorted(self.agents, key=lambda each: each.id):
            for symbol in agent.symbols:
                self._subscribed.setdefault((symbol, agent.timeframe), []).append(agent)
        self._subscribed = dict(sorted(self._subscribed.items()))

    def decide(self) -> None:
        """Every round that is due at the tape's time."""
        now = self.tape.now
        for (symbol, timeframe), agents in self._subscribed.items():
            if timeframes.is_boundary(now, timeframe):
                place = self.tape.place(symbol, timeframe)
                self.outcomes[self._round(symbol, timeframe, agents, place)] += 1

    def _round(self, symbol: str, timeframe: str, agents: list[BacktestAgent], place: int | None) -> tuple[str, str]:
        ready = [agent for agent in agents if place is not None and place + 1 >= agent.strategy.needs_bars]
        if place is None or not ready:
            return "SKIPPED", "nobody_asked"
        now = self.tape.now
        opinions = [self._opinion(agent, symbol, place) for agent in ready]
        pooled = pool_votes(votes=opinions, asked=len(agents), rules=self.policy.consensus, now=now)
        if not pooled.reached:
            return "NO_TRADE", pooled.code
        marks = self.tape.marks()
        exposure = self.account.books.exposure(symbol, {name: mark.price for name, mark in marks.items()})
        if exposure is None:
            return "SKIPPED", "no_price"
        limits = self.account.terms.limits
        held = share_held(exposure=exposure, max_position_share=limits.max_position_share)
        stance = wanted_stance(score=pooled.score, held=held, rules=self.policy.stance)
        if not stance.acts:
            return "NO_TRADE", stance.code
        if stance.fraction > held and self._still_denied(symbol, timeframe, now):
            return "NO_TRADE", DENIED_RECENTLY
        target = self._target(symbol, timeframe, place, pooled, stance.fraction, stance.reason)
        sight = MarketSight(
            rules=self.account.terms.rules[symbol],
            paused_reason=None,
            marks=marks,
            fee_bps=self.account.terms.paper[symbol].side_fee_bps,
        )
        answer = self.account.propose(target, sight=sight, now=now, closes_of=self.tape.closes_of)
        if answer.outcome == "DENIED":
            self._denied[symbol, timeframe] = (now, answer.code)
        return answer.outcome, answer.code

    def _opinion(self, agent: BacktestAgent, symbol: str, place: int) -> Opinion:
        columns = self.tape.columns(symbol, agent.timeframe)
        fee_bps = float(self.account.terms.paper[symbol].side_fee_bps)
        view = view_at(columns, place, agent.strategy.needs_bars, fee_bps=fee_bps, venues=self.tape.venues(symbol))
        vote = vote_on(agent.strategy, view)
        _check_vote(vote, agent, self.tape.now)
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
        self, symbol: str, timeframe: str, place: int, pooled: Consensus, fraction: float, reason: str
    ) -> TargetExposure:
        closes = self.tape.columns(symbol, timeframe).close[max(0, place - VOLATILITY_BARS) : place + 1]
        edge = expected_edge_bps(
            score=pooled.score,
            bar_volatility=bar_volatility(closes, VOLATILITY_BARS),
            horizon_bars=pooled.horizon_bars,
        )
        leader = pooled.leader
        return TargetExposure(
            symbol=symbol,
            fraction=fraction,
            expected_edge_bps=edge,
            decision_id=derived_id("decision", derived_id("round", symbol, timeframe, self.tape.now.isoformat())),
            reason=reason,
            agent_id=UUID(leader.agent_id) if leader else None,
        )

    def _still_denied(self, symbol: str, timeframe: str, now: datetime) -> bool:
        denied = self._denied.get((symbol, timeframe))
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


def _check_vote(vote: StrategyVote, agent: BacktestAgent, now: datetime) -> None:
    for name, value, lowest in (("direction", vote.direction, -1.0), ("confidence", vote.confidence, 0.0)):
        if not (math.isfinite(value) and lowest <= value <= 1.0):
            raise StrategyFailedError(
                f"{agent.name} voted a {name} of {value} at {now:%Y-%m-%d %H:%M} UTC; it must lie between "
                f"{lowest:g} and 1. The house refuses such a vote."
            )
