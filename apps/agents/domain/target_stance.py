"""From the score to the wanted share of the largest position, with two thresholds so that a wavering score doesn't
churn.

Above ``enter`` it wants in, below ``leave`` it wants out, between them it keeps what it has (a Schmitt trigger). A
position is
added to when the score grows, and never trimmed on the way down: each trim would pay a fee to say the same thing
more quietly.
Long only: a negative score means flat.
"""

from dataclasses import dataclass

from apps.trading.domain.risk.compared_figures import apart

HOLD = "hold"
WEAK = "score_too_weak"
FLAT = "nothing_to_sell"
ENTER = "enter"
LEAVE = "leave"
THERE = "already_there"
PART = 0.5  # of the largest position, between the thresholds enter and full


@dataclass(frozen=True, slots=True)
class StanceRules:
    """Scores in [-1, 1]. From ``full`` on the whole allowed position is wanted, from ``enter`` on half of it.

    ``band``: a gap to the wanted share up to this counts as being there, since closing it would cost more than it
    brings.
    """

    enter: float = 0.2
    leave: float = -0.05
    full: float = 0.4
    band: float = 0.2

    def __post_init__(self) -> None:
        if not -1.0 <= self.leave < self.enter <= self.full <= 1.0:
            found = f"leave {self.leave}, enter {self.enter}, full {self.full}"
            raise ValueError(f"The thresholds must rise from leave over enter to full within [-1, 1], was {found}.")


@dataclass(frozen=True, slots=True)
class Stance:
    """``fraction`` of the largest allowed position that is wanted, in [0, 1]; ``acts`` is false where nothing shall
    be done.
    """

    fraction: float
    acts: bool
    code: str
    reason: str


def wanted_stance(*, score: float, held: float, rules: StanceRules) -> Stance:
    """What ``score`` asks for when ``held`` (share of the largest position, 0 when flat) is there already."""
    if score >= rules.enter:
        fraction = 1.0 if score >= rules.full else PART
        wanted = f"{score:+.2f} asks for {fraction * 100:.0f} % of the largest position"
        if held >= fraction - rules.band:
            reason = f"Already there: the score {wanted}, and {held * 100:.0f} % is held."
            return Stance(held, False, THERE, reason)
        return Stance(fraction, True, ENTER, f"The score {wanted}.")
    if score > rules.leave:
        if held > 0.0:
            between = f"leaving ({rules.leave:+.2f}) and entering ({rules.enter:+.2f})"
            reason = f"Holding: the score {score:+.2f} lies between {between}."
            return Stance(held, False, HOLD, reason)
        told, needed = apart(score, rules.enter, places=2, sign="+")
        return Stance(0.0, False, WEAK, f"The score {told} is below the {needed} that an entry takes.")
    if held > 0.0:
        return Stance(0.0, True, LEAVE, f"The score {score:+.2f} asks to be flat.")
    return Stance(0.0, False, FLAT, f"The score {score:+.2f} asks to be flat, and nothing is held.")
