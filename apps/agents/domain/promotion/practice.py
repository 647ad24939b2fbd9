"""Practice: the whole way of a promotion for somebody who wants to see it, on prices that can never move money. Pure.

What a candidate is worth, and whether it kept up on a machine that may be slow, is told as it is, failed gates as
failed, and stops nobody; nor does the scoreboard's bench once its votes count. That its evidence is there and that it
was watched is asked as ever: these are the steps that are to be learned.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from apps.agents.domain.promotion.stage_gates import StageGate

DAYS: Final = 1  # on paper and as a canary, unless others are asked for
WAIVED: Final = frozenset(
    {
        *("enough_trades", "profit_after_costs", "drawdown_is_bounded", "luck_is_unlikely"),
        *("profit_out_of_sample", "overfitting_is_unlikely"),
        *("better_than_a_coin", "profit_after_fees", "messages_are_sound", "not_benched"),
    }
)


def in_practice(gates: Iterable[StageGate]) -> tuple[StageGate, ...]:
    """The same gates; those that judge the candidate are waived where it does not pass them."""
    return tuple(replace(gate, waived=not gate.passed and gate.name in WAIVED) for gate in gates)
