"""Many opinions to one score. Pure and independent of the order in which the votes came.

Methods:
- ``weighted``: sum of weight x confidence x direction over sum of weights.
- ``majority``: one agent, one voice; the share of longs minus the share of shorts, 0 unless one side has more than
  half.
- ``unanimous``: the weighted score while every opinion has the same sign, else 0.
- ``log_odds``: logarithmic opinion pool of p(up) = (1 + confidence x direction) / 2 (Genest and Zidek, 1986), as 2p
  - 1.

"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

METHODS = ("weighted", "majority", "unanimous", "log_odds")
WEIGHING = frozenset({"weighted", "log_odds"})  # in these a small weight is a small say
CERTAINTY_LIMIT = 0.98  # no single voice may claim more, or one agent would decide the pool alone


@dataclass(frozen=True, slots=True)
class Opinion:
    """One agent's vote as the consensus sees it. ``direction`` in [-1, 1], ``confidence`` in [0, 1], ``weight`` > 0.

    ``in_quorum``: whether its author is among the asked that a quorum is made of; a canary speaks beside them.
    """

    agent_id: str
    name: str
    weight: float
    direction: float
    confidence: float
    abstain: bool
    horizon_bars: int
    expires_at: datetime
    may_veto: bool = False
    in_quorum: bool = True

    @property
    def strength(self) -> float:
        """Direction times confidence, in [-1, 1]."""
        return self.direction * self.confidence


@dataclass(frozen=True, slots=True)
class ConsensusRules:
    """How votes are pooled. ``quorum`` is the share of the asked agents that must have an opinion, in (0, 1]."""

    method: str = "weighted"
    quorum: float = 0.5
    veto_confidence: float = 0.9

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"The consensus method was {self.method!r}; it must be one of {', '.join(METHODS)}.")
        if not 0.0 < self.quorum <= 1.0:
            raise ValueError(f"The quorum was {self.quorum}; it must lie above 0 and not above 1.")

    def needed(self, asked: int) -> int:
        """How many of the asked agents must have an opinion."""
        return max(1, math.ceil(self.quorum * asked - 1e-9))


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one agent added to the score; the contributions of all counted agents sum to it (weighted, unanimous,
    majority).
    """

    agent_id: str
    name: str
    weight: float
    direction: float
    confidence: float
    counted: bool
    share: float
    note: str


@dataclass(frozen=True, slots=True)
class Consensus:
    """The pooled answer. ``score`` in [-1, 1] is 0 and ``code`` says why where no consensus was reached.

    Of the ``asked``, who make up the quorum, so many had ``opinions``, and so many of these were ``in_favour``.
    """

    score: float
    reached: bool
    code: str
    reason: str
    asked: int
    opinions: int
    in_favour: int
    horizon_bars: int
    contributions: tuple[Contribution, ...]

    @property
    def leader(self) -> Contribution | None:
        """The agent that moved the score furthest in its own direction; ties go to the first name."""
        counted = [part for part in self.contributions if part.counted and part.share * self.score > 0.0]
        return min(counted, key=lambda part: (-abs(part.share), part.name)) if counted else None


def pool_votes(*, votes: Sequence[Opinion], asked: int, rules: ConsensusRules, now: datetime) -> Consensus:
    """The consensus of ``votes`` at firm time ``now``, where ``asked`` agents make up the quorum. Expired and
    abstaining votes never count.
    """
    ordered = sorted(votes, key=lambda vote: vote.agent_id)
    live = [vote for vote in ordered if not vote.abstain and vote.expires_at > now and vote.weight > 0.0]
    needed, opinions = rules.needed(asked), sum(vote.in_quorum for vote in live)
    if opinions < needed:
        reason = f"{opinions} of {asked} agents have an opinion; {needed} are needed."
        return _without_answer(ordered, live, asked, ("no_quorum", reason), now)
    score, shares = _POOLS[rules.method](live)
    veto = _veto(live, rules, score)
    if veto is not None:
        reason = f"{veto.name} vetoed it with a confidence of {veto.confidence:.2f}."
        return _without_answer(ordered, live, asked, ("veto", reason), now)
    by_agent = dict(zip((vote.agent_id for vote in live), shares, strict=True))
    return Consensus(
        score=score,
        reached=True,
        code="consensus",
        reason=f"{opinions} of {asked} agents have an opinion; the score is {score:+.2f}.",
        asked=asked,
        opinions=opinions,
        in_favour=sum(1 for vote in live if vote.in_quorum and vote.strength * score > 0.0),
        horizon_bars=_horizon(live),
        contributions=tuple(_contribution(vote, by_agent.get(vote.agent_id), now) for vote in ordered),
    )


def _without_answer(
    ordered: Sequence[Opinion], live: Sequence[Opinion], asked: int, why: tuple[str, str], now: datetime
) -> Consensus:
    heard = {vote.agent_id for vote in live}
    parts = tuple(_contribution(vote, 0.0 if vote.agent_id in heard else None, now) for vote in ordered)
    return Consensus(0.0, False, *why, asked, sum(vote.in_quorum for vote in live), 0, 1, parts)


def _contribution(vote: Opinion, share: float | None, now: datetime) -> Contribution:
    counted = share is not None
    note = "" if counted else "expired" if vote.expires_at <= now else "abstained" if vote.abstain else "without weight"
    return Contribution(
        vote.agent_id, vote.name, vote.weight, vote.direction, vote.confidence, counted, share or 0.0, note
    )


def _veto(live: Sequence[Opinion], rules: ConsensusRules, score: float) -> Opinion | None:
    """A veto speaks against new exposure only: it may stop a purchase, never a sale."""
    if score <= 0.0:
        return None
    against = [
        vote for vote in live if vote.may_veto and vote.direction < 0.0 and vote.confidence >= rules.veto_confidence
    ]
    return against[0] if against else None


def _horizon(live: Sequence[Opinion]) -> int:
    total = math.fsum(vote.weight for vote in live)
    return max(1, round(math.fsum(vote.weight * vote.horizon_bars for vote in live) / total))


def _weighted(live: Sequence[Opinion]) -> tuple[float, list[float]]:
    total = math.fsum(vote.weight for vote in live)
    shares = [vote.weight * vote.strength / total for vote in live]
    return _bounded(math.fsum(shares)), shares


def _majority(live: Sequence[Opinion]) -> tuple[float, list[float]]:
    voices = [math.copysign(1.0, vote.strength) / len(live) if vote.strength else 0.0 for vote in live]
    longs = sum(1 for voice in voices if voice > 0.0)
    shorts = sum(1 for voice in voices if voice < 0.0)
    if 2 * max(longs, shorts) <= len(live):
        return 0.0, [0.0] * len(live)
    return _bounded(math.fsum(voices)), voices


def _unanimous(live: Sequence[Opinion]) -> tuple[float, list[float]]:
    if all(vote.strength > 0.0 for vote in live) or all(vote.strength < 0.0 for vote in live):
        return _weighted(live)
    return 0.0, [0.0] * len(live)


def _log_odds(live: Sequence[Opinion]) -> tuple[float, list[float]]:
    total = math.fsum(vote.weight for vote in live)
    parts = [vote.weight / total * 2.0 * math.atanh(CERTAINTY_LIMIT * vote.strength) for vote in live]
    pooled = math.fsum(parts)
    score = _bounded(math.tanh(pooled / 2.0))
    scale = score / pooled if pooled else 0.0
    return score, [part * scale for part in parts]


def _bounded(score: float) -> float:
    return max(-1.0, min(1.0, score))


_POOLS: dict[str, Callable[[Sequence[Opinion]], tuple[float, list[float]]]] = {
    "weighted": _weighted,
    "majority": _majority,
    "unanimous": _unanimous,
    "log_odds": _log_odds,
}
