"""What chance could have made of a run: its days and its trades drawn again."""

from typing import Any

from apps.agents.domain.performance.bootstrap_significance import bootstrap_significance
from apps.agents.domain.performance.performance_report import Performance
from apps.agents.domain.performance.resampled_trades import resampled_trades


def luck_report(run: Performance, *, seed: int) -> dict[str, Any]:
    """``days`` (bootstrap of the daily returns) and ``trades`` (drawn and shuffled), JSON-ready; each None where the
    run is too short to tell. Takes a fraction of a second, so it is made for runs that are kept or asked for it.
    """
    days = bootstrap_significance(run.curve, run.holding, seed=seed)
    trades = resampled_trades(run.trades, capital=float(run.curve.values[0]), seed=seed)
    return {
        "seed": seed,
        "days": None if days is None else days.as_json(),
        "trades": None if trades is None else trades.as_json(),
    }
