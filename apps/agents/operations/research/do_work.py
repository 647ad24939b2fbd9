"""What a research worker does with what it claimed, by its kind."""

from typing import Any

from apps.agents.operations.research.carry_out_backtest import Told, compute_backtest, keep_backtest
from apps.agents.operations.research.carry_out_fold import compute_fold, keep_fold
from apps.agents.operations.research.work_claims import Claim
from apps.agents.operations.research.work_kinds import BACKTEST
from apps.agents.ports import ParameterSampler
from apps.foundation.clock import Moment


def compute_work(*, claim: Claim, told: Told, sampler: ParameterSampler) -> Any:
    """The result, computed outside any transaction. Raises ``HQError`` with a sentence, or what a strategy raises."""
    if claim.kind == BACKTEST.name:
        return compute_backtest(work_id=claim.id, told=told)
    return compute_fold(work_id=claim.id, told=told, sampler=sampler)


def keep_work(*, claim: Claim, result: Any, seconds: float, moment: Moment) -> bool:
    """Store the result and end the work; False, and nothing stored, where the claim is gone."""
    if claim.kind == BACKTEST.name:
        return keep_backtest(claim=claim, result=result, seconds=seconds, moment=moment)
    return keep_fold(claim=claim, result=result, moment=moment)
