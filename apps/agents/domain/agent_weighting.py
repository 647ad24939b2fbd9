"""An agent's weight in the consensus from its record, and when a bad one is benched. Reproducible from the stored
scores.

weight = 2 ^ (BEND x skill x n / (n + PRIOR)), bounded, where skill = 1 - Brier / 0.25 is 0 for a coin, 1 for a
prophet and negative
for worse than a coin, and the last factor keeps a short record near the neutral weight 1.
"""

from apps.agents.domain.agent_scoring import Scores

NEUTRAL = 1.0
LOWEST = 0.25
HIGHEST = 4.0
BEND = 8.0
PRIOR = 50.0
COIN = 0.25  # the Brier score of "fifty-fifty"
BENCH_AFTER = 100  # opinions before anyone is judged
BENCH_BRIER = 0.30
RETURN_BRIER = 0.27  # lower than the bench's, so that nobody flutters in and out


def weight_from(scores: Scores) -> float:
    """The weight that this record earns, between ``LOWEST`` and ``HIGHEST``; 1 without a record."""
    if scores.brier is None:
        return NEUTRAL
    skill = 1.0 - scores.brier / COIN
    trust = scores.opinions / (scores.opinions + PRIOR)
    exponent = BEND * skill * trust
    return float(min(HIGHEST, max(LOWEST, 2.0**exponent)))


def bench_reason(scores: Scores, *, benched: bool) -> str | None:
    """Why the agent sits out, or None when it may count. A benched agent goes on voting unheard, which is how it
    comes back.
    """
    if scores.brier is None or scores.opinions < BENCH_AFTER:
        return None
    limit = RETURN_BRIER if benched else BENCH_BRIER
    if scores.brier <= limit or scores.pnl_bps >= 0.0:
        return None
    record = f"Brier score {scores.brier:.3f} over {scores.opinions} votes (a coin has {COIN})"
    return f"{record} and {-scores.pnl_bps:.0f} bps lost after fees."
