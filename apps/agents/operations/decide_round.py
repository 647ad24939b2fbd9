"""One round to one decision: pool the votes, turn the score into a target, hand it to trading, write it all down."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from apps.agents.domain.consensus import WEIGHING, Consensus, Opinion, pool_votes
from apps.agents.domain.expected_edge import expected_edge_bps
from apps.agents.domain.explanation import headline
from apps.agents.domain.promotion.canary_share import limited_weights
from apps.agents.domain.standing_position import DENIED_RECENTLY, denial_that_holds, share_held
from apps.agents.domain.target_stance import Stance, wanted_stance
from apps.agents.models import ConsensusPolicy, Decision, DecisionRound, Outcome, Vote
from apps.agents.queries.consensus_policy import POLICY_FIELDS, current_policy
from apps.agents.queries.order_facts import facts_of, vote_facts
from apps.agents.queries.rounds import voters_of
from apps.foundation.clock import Moment
from apps.foundation.errors import HQError
from apps.foundation.identifiers import derived_id
from apps.market.domain import timeframes
from apps.trading import operations as trading
from apps.trading import queries as books
from apps.trading.domain.orders.position_sizing import TargetExposure

TOO_LATE_SECONDS = 60  # after its deadline a round is closed without trading: its prices are gone


class Firm:
    """What all rounds that are decided at once share, read when the first of them needs it."""

    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        self.policy = current_policy()
        self._denials: dict[tuple[str, datetime], dict[str, tuple[datetime, str]]] = {}

    def share_held(self, symbol: str) -> float:
        """What is held of the instrument, as a share of the largest allowed position. Raises ``NotReady`` while a held
        price is unknown.
        """
        return share_held(exposure=self._portfolio.exposure(symbol), max_position_share=self._max_position_share)

    def last_denial(self, row: DecisionRound) -> tuple[datetime, str] | None:
        """When a decision on the instrument and timeframe of ``row`` was last denied, and by which rule, within the
        bars before it after which the gate is asked again.
        """
        key = (row.timeframe, row.closed_at)
        if key not in self._denials:
            self._denials[key] = _denials_before(row, self.policy.denied_pause_bars)
        return self._denials[key].get(row.symbol)

    @cached_property
    def _portfolio(self) -> books.PortfolioReading:
        return books.read_portfolio(moment=self.moment)

    @cached_property
    def _max_position_share(self) -> Decimal:
        return books.current_limits().max_position_share


def _denials_before(row: DecisionRound, bars: int) -> dict[str, tuple[datetime, str]]:
    """By instrument the newest denial of the last ``bars`` bars before ``row``'s, all in one read."""
    denied = (
        Decision.objects.filter(timeframe=row.timeframe, outcome=Outcome.DENIED)
        .filter(closed_at__lt=row.closed_at, closed_at__gt=row.closed_at - bars * timeframes.span(row.timeframe))
        .order_by("closed_at")
        .values_list("symbol", "closed_at", "code")
    )
    return {symbol: (closed_at, code) for symbol, closed_at, code in denied}


@dataclass(slots=True)
class Finding:
    """What a round came to, as far as it is known; fills up on the way from votes to order."""

    outcome: str
    code: str
    reason: str
    consensus: Consensus | None = None
    target: float | None = None
    held: float | None = None
    edge_bps: float | None = None
    order_id: UUID | None = None
    sizing: dict[str, Any] = field(default_factory=dict)
    order: dict[str, Any] | None = None


def decide_round(*, row: DecisionRound, votes: Sequence[Vote], firm: Firm) -> Decision:
    """The decision of the locked round ``row`` from its ``votes``, for the caller to store; the order that follows from
    it is written within the running transaction.

    The decision's id derives from the round, and trading knows orders by it: a second attempt finds the first one's
    order.
    """
    moment, policy = firm.moment, firm.policy
    found = _find(row, votes, firm)
    pooled = found.consensus
    words = headline(
        outcome=found.outcome,
        reason=found.reason,
        votes=vote_facts(pooled) if pooled else None,
        order=facts_of(found.order) if found.order else None,
    )
    return Decision(
        id=decision_id_of(row),
        round=row,
        symbol=row.symbol,
        timeframe=row.timeframe,
        closed_at=row.closed_at,
        decided_wall=moment.wall,
        method=policy.method,
        rules=_stated(policy),
        score=pooled.score if pooled else 0.0,
        target=found.target,
        held=found.held,
        expected_edge_bps=found.edge_bps,
        horizon_bars=pooled.horizon_bars if pooled else 1,
        opinions=pooled.opinions if pooled else 0,
        in_favour=pooled.in_favour if pooled else 0,
        contributions=[asdict(part) for part in pooled.contributions] if pooled else [],
        sizing=found.sizing,
        outcome=found.outcome,
        code=found.code,
        reason=found.reason,
        order_id=found.order_id,
        headline=words,
        correlation_id=row.correlation_id,
    )


def is_too_late(row: DecisionRound, moment: Moment) -> bool:
    """Whether a decision now would rest on prices that are gone."""
    return moment.wall >= row.deadline_wall + timedelta(seconds=TOO_LATE_SECONDS)


def decision_id_of(row: DecisionRound) -> UUID:
    """The identifier that this round's decision always has."""
    return derived_id("decision", row.pk)


def _find(row: DecisionRound, votes: Sequence[Vote], firm: Firm) -> Finding:
    moment, policy = firm.moment, firm.policy
    if is_too_late(row, moment):
        late = "The round was closed too late: nobody could decide while its prices held."
        return Finding(Outcome.SKIPPED, "too_late", late)
    if not row.asked:
        return Finding(Outcome.SKIPPED, "nobody_asked", _nobody_asked(row))
    opinions = _opinions(row, votes, policy.method, moment.firm)
    pooled = pool_votes(votes=opinions, asked=voters_of(row), rules=policy.consensus_rules(), now=moment.firm)
    found = Finding(Outcome.NO_TRADE, pooled.code, pooled.reason + _silent(row, opinions), consensus=pooled)
    if not pooled.reached:
        return found
    try:
        _act_on(pooled, row, firm, found)
    except HQError as error:  # trading can't answer: its reason is the decision's
        found.outcome, found.code, found.reason = Outcome.SKIPPED, error.code, error.message
    return found


def _act_on(pooled: Consensus, row: DecisionRound, firm: Firm, found: Finding) -> None:
    """Turn the score into a target and hand it to trading. Raises what trading raises."""
    found.held = firm.share_held(row.symbol)
    stance = wanted_stance(score=pooled.score, held=found.held, rules=firm.policy.stance_rules())
    found.code, found.reason, found.target = stance.code, stance.reason, stance.fraction if stance.acts else None
    if not stance.acts or _still_denied(row, stance, firm, found):
        return
    found.edge_bps = expected_edge_bps(
        score=pooled.score, bar_volatility=row.volatility, horizon_bars=pooled.horizon_bars
    )
    _propose(row, stance, found, firm.moment)


def _opinions(row: DecisionRound, votes: Sequence[Vote], method: str, now: datetime) -> list[Opinion]:
    entries = {entry["agent_id"]: entry for entry in row.asked}
    canaries = {agent_id for agent_id, entry in entries.items() if entry.get("canary")}
    weights = {
        agent_id: 0.0 if entry["benched_reason"] else float(entry["weight"]) for agent_id, entry in entries.items()
    }
    speaking = {str(vote.agent_id) for vote in votes if not vote.abstain and vote.expires_at > now}
    weights |= _limited({agent_id: weights[agent_id] for agent_id in speaking}, canaries, method)
    return [
        Opinion(
            agent_id=str(vote.agent_id),
            name=entry["name"],
            weight=weights[str(vote.agent_id)],
            direction=vote.direction,
            confidence=vote.confidence,
            abstain=vote.abstain,
            horizon_bars=vote.horizon_bars,
            expires_at=vote.expires_at,
            may_veto=entry["may_veto"] and str(vote.agent_id) not in canaries,
            in_quorum=str(vote.agent_id) not in canaries,
        )
        for vote in votes
        for entry in [entries[str(vote.agent_id)]]
    ]


def _limited(weights: Mapping[str, float], canaries: Collection[str], method: str) -> dict[str, float]:
    """Where a method counts heads and not weights, a canary has none."""
    if method in WEIGHING:
        return limited_weights(weights, canaries)
    return {agent_id: 0.0 if agent_id in canaries else weight for agent_id, weight in weights.items()}


def _silent(row: DecisionRound, opinions: list[Opinion]) -> str:
    heard = {opinion.agent_id for opinion in opinions}
    silent = sorted(entry["name"] for entry in row.asked if entry["agent_id"] not in heard)
    return f" No answer in time from {', '.join(silent)}." if silent else ""


def _nobody_asked(row: DecisionRound) -> str:
    reasons = {entry["reason"] for entry in row.absent}
    if len(reasons) == 1:
        return f"Nobody was asked: {reasons.pop()}."
    return "Nobody was asked: " + ", ".join(f"{entry['name']} {entry['reason']}" for entry in row.absent) + "."


def _still_denied(row: DecisionRound, stance: Stance, firm: Firm, found: Finding) -> bool:
    """Whether the gate refused this purchase not long ago."""
    if stance.fraction <= (found.held or 0.0):
        return False
    denied = firm.last_denial(row)
    if denied is None:
        return False
    denied_at, code = denied
    why = denial_that_holds(
        denied_at=denied_at,
        code=code,
        closed_at=row.closed_at,
        timeframe=row.timeframe,
        pause_bars=firm.policy.denied_pause_bars,
    )
    if why is None:
        return False
    found.code, found.reason = DENIED_RECENTLY, why
    return True


def _propose(row: DecisionRound, stance: Stance, found: Finding, moment: Moment) -> None:
    # The agent that moved the score furthest answers for the order: its budget, if it has one, pays.
    leader = found.consensus.leader if found.consensus else None
    target = TargetExposure(
        symbol=row.symbol,
        fraction=stance.fraction,
        expected_edge_bps=found.edge_bps,
        decision_id=decision_id_of(row),
        reason=stance.reason,
        agent_id=UUID(leader.agent_id) if leader else None,
    )
    answer = trading.propose_target(target=target, moment=moment)  # what it refuses, it undoes itself
    found.outcome, found.code, found.reason = Outcome(answer.outcome), answer.code, answer.reason
    found.order_id, found.sizing, found.order = answer.order_id, answer.sizing, answer.order


def _stated(policy: ConsensusPolicy) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in ("version", *POLICY_FIELDS)}
