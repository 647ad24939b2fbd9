"""How good an agent's votes were, from what the price did afterwards.

- hit rate: share of votes with an opinion whose direction had the sign of the return over their own horizon.
- Brier score (Brier, 1950): mean squared error of p(up) = (1 + confidence x direction) / 2; a coin scores 0.25,
  lower is better.
- P&L net of costs: the long-only position max(0, direction x confidence) held from bar to bar, less the fee on each
  change of it.
Each counts recent votes more: a vote's weight halves every ``HALF_LIFE`` votes.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

HALF_LIFE = 100.0


@dataclass(frozen=True, slots=True)
class PastVote:
    """One vote and what followed. Returns in basis points from the bar's close: to the next close, and over the
    vote's horizon.
    """

    symbol: str
    closed_at: datetime
    direction: float
    confidence: float
    abstain: bool
    next_bar_bps: float
    horizon_bps: float

    @property
    def position(self) -> float:
        """The share of a full long position that the vote stands for."""
        return 0.0 if self.abstain else max(0.0, self.direction * self.confidence)


@dataclass(frozen=True, slots=True)
class Scores:
    """``votes`` were looked at, ``opinions`` of them had one; hit rate and Brier score are None without any."""

    votes: int
    opinions: int
    hits: int
    hit_rate: float | None
    brier: float | None
    pnl_bps: float


def score_votes(votes: Iterable[PastVote], *, fee_bps: float) -> Scores:
    """The scores of one agent. ``fee_bps`` is the cost of one side in basis points."""
    ordered = sorted(votes, key=lambda vote: (vote.closed_at, vote.symbol))
    opinions = [vote for vote in ordered if not vote.abstain and vote.direction * vote.confidence != 0.0]
    weights = [0.5 ** ((len(opinions) - 1 - index) / HALF_LIFE) for index in range(len(opinions))]
    hits = [vote.direction * vote.horizon_bps > 0.0 for vote in opinions]
    total = math.fsum(weights)
    return Scores(
        votes=len(ordered),
        opinions=len(opinions),
        hits=sum(hits),
        hit_rate=math.fsum(w for w, hit in zip(weights, hits, strict=True) if hit) / total if total else None,
        brier=math.fsum(w * _squared_error(v) for w, v in zip(weights, opinions, strict=True)) / total
        if total
        else None,
        pnl_bps=_net_pnl_bps(ordered, fee_bps),
    )


def _squared_error(vote: PastVote) -> float:
    up = 1.0 if vote.horizon_bps > 0.0 else 0.5 if vote.horizon_bps == 0.0 else 0.0
    return ((1.0 + vote.direction * vote.confidence) / 2.0 - up) ** 2


def _net_pnl_bps(ordered: Sequence[PastVote], fee_bps: float) -> float:
    held: dict[str, float] = {}
    gains: list[float] = []
    for vote in ordered:
        change = abs(vote.position - held.get(vote.symbol, 0.0))
        gains.append(vote.position * vote.next_bar_bps - change * fee_bps)
        held[vote.symbol] = vote.position
    return math.fsum(gains)
