"""What a candidate must have shown to leave a stage upwards, and what takes it back. Pure; every gate is told, passed
or not, with what was asked and what was seen. One that lacks time, votes or research is pending: nothing that was seen
speaks against the candidate.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.agents.domain.agent_scoring import Scores
from apps.agents.domain.agent_weighting import COIN, RETURN_BRIER
from apps.agents.domain.performance.bootstrap_significance import FEWEST_DAYS
from apps.foundation.identifiers import short_id

FEWEST_TRADES: Final = 30
LARGEST_DRAWDOWN: Final = 0.2
LARGEST_LUCK: Final = 0.1  # probability that days like these do as well without any edge
LARGEST_OVERFITTING: Final = 0.5  # probability that the best in sample is below the median out of sample
FEWEST_OPINIONS: Final = 100
OPINIONS_TO_FALL: Final = 50
LARGEST_REFUSED: Final = 0.01  # share of its messages


@dataclass(frozen=True, slots=True)
class StageGate:
    """One threshold: what was required, what was seen. ``pending``: it was not passed, since time, votes or research
    are missing. ``waived``: it was not passed, and practice does not ask for it.
    """

    name: str
    required: str
    seen: str
    passed: bool
    pending: bool = False
    waived: bool = False

    @property
    def opens(self) -> bool:
        """Whether it lets the candidate through."""
        return self.passed or self.waived


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """What a candidate did since it came to its stage. ``days`` of firm time; ``refused``: messages that were no votes;
    ``versions``: how many different pieces of code, parameters or weights its opinions came from.
    """

    days: float
    scores: Scores
    refused: int
    versions: int
    benched_reason: str


def research_gates(wanted: str, run: Mapping[str, Any] | None) -> tuple[StageGate, ...]:
    """Of a stored backtest's headline figures and its ``luck_probability`` (None: there is no such run); ``wanted``
    names what it must have tested.
    """
    seen = f"backtest {_named(run)}" if run else "none"
    gates = [StageGate("backtest_is_stored", f"a finished backtest of {wanted}", seen, run is not None, run is None)]
    if run is None:
        return tuple(gates)
    trades, earned, fell, luck = run["trades"], run["total_return"], run["max_drawdown"], run["luck_probability"]
    return (
        *gates,
        StageGate("enough_trades", f"at least {FEWEST_TRADES} closed trades", f"{trades}", trades >= FEWEST_TRADES),
        StageGate("profit_after_costs", "a return above 0 after fees and slippage", f"{earned:+.2%}", earned > 0.0),
        StageGate("drawdown_is_bounded", f"at most {LARGEST_DRAWDOWN:.0%}", f"{fell:.2%}", fell <= LARGEST_DRAWDOWN),
        StageGate(
            "luck_is_unlikely",
            f"a probability of at most {LARGEST_LUCK:.0%} without any edge",
            f"not known of fewer than {FEWEST_DAYS} days" if luck is None else f"{luck:.1%}",
            luck is not None and luck <= LARGEST_LUCK,
            pending=luck is None,
        ),
    )


def _named(work: Mapping[str, Any]) -> str:
    """Stored research by the end of its id and the minute in which it ended."""
    return f"{short_id(work['id'])} of {work['ended_at'][:16].replace('T', ' ')} UTC"


def walk_forward_gates(wanted: str, search: Mapping[str, Any] | None) -> tuple[StageGate, ...]:
    """Of a stored search's headline figures (None: there is none)."""
    seen = f"search {_named(search)}" if search else "none"
    stored = search is not None
    gates = [StageGate("walk_forward_is_stored", f"a finished search of {wanted}", seen, stored, not stored)]
    if search is None:
        return tuple(gates)
    earned, luck = search["out_of_sample_return"], search["overfit_probability"]
    return (
        *gates,
        StageGate(
            "profit_out_of_sample",
            "a return above 0 over all tests in a row",
            "not known" if earned is None else f"{earned:+.2%}",
            earned is not None and earned > 0.0,
            pending=earned is None,
        ),
        StageGate(
            "overfitting_is_unlikely",
            f"a probability of at most {LARGEST_OVERFITTING:.0%}",
            "not known of so few days" if luck is None else f"{luck:.0%}",
            luck is not None and luck <= LARGEST_OVERFITTING,
            pending=luck is None,
        ),
    )


def card_gates(card: Iterable[Mapping[str, Any]]) -> tuple[StageGate, ...]:
    """Of a model's card, which was measured by walk-forward."""
    return tuple(
        StageGate(str(gate["name"]), "as the model's card asks", str(gate["detail"]), bool(gate["passed"]))
        for gate in card
    )


def record_gates(record: PaperRecord, *, days: int) -> tuple[StageGate, ...]:
    """Of the votes since the stage began, on prices that nobody knew before."""
    scores = record.scores
    brier = scores.brier
    share = record.refused / (record.refused + scores.votes) if record.refused + scores.votes else 0.0
    return (
        StageGate(
            "long_enough",
            f"{days} {'day' if days == 1 else 'days'}",
            f"{record.days:.2f} days",
            record.days >= days,
            pending=record.days < days,
        ),
        StageGate(
            "enough_opinions",
            f"at least {FEWEST_OPINIONS} votes with an opinion",
            f"{scores.opinions}",
            scores.opinions >= FEWEST_OPINIONS,
            pending=scores.opinions < FEWEST_OPINIONS,
        ),
        StageGate(
            "better_than_a_coin",
            f"a Brier score below {COIN}",
            "not known" if brier is None else f"{brier:.4f}",
            brier is not None and brier < COIN,
            pending=brier is None,
        ),
        StageGate(
            "profit_after_fees",
            "above 0 bps",
            f"{scores.pnl_bps:+.0f} bps",
            scores.pnl_bps > 0.0,
            pending=not scores.opinions,
        ),
        StageGate(
            "messages_are_sound", f"at most {LARGEST_REFUSED:.0%} refused", f"{share:.2%}", share <= LARGEST_REFUSED
        ),
        StageGate("one_version", "one version of code and parameters", f"{record.versions}", record.versions <= 1),
        StageGate("not_benched", "not benched", record.benched_reason or "not benched", not record.benched_reason),
    )


def reason_to_fall(record: PaperRecord) -> str:
    """Why a candidate that is heard goes back to paper; empty while nothing speaks for it.

    Sooner than the scoreboard's bench: a newcomer has no credit.
    """
    if record.benched_reason:
        return f"The scoreboard benched it: {record.benched_reason}"
    scores = record.scores
    if scores.brier is None or scores.opinions < OPINIONS_TO_FALL:
        return ""
    if scores.brier <= RETURN_BRIER or scores.pnl_bps >= 0.0:
        return ""
    told = f"Since it came to this stage its Brier score is {scores.brier:.3f} over {scores.opinions} votes"
    return f"{told} (a coin has {COIN}), and it lost {-scores.pnl_bps:.0f} bps after fees."
