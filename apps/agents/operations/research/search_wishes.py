"""From a search as it is stored to one that is run."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from apps.agents.domain.search.trials import Trial
from apps.agents.domain.search.walk_forward import Fold
from apps.agents.models import SearchFold, SearchTrial
from apps.agents.operations.research.backtest_wishes import stored_candles, wish_of
from apps.agents.operations.search_parameters import SearchedCandles, SearchWish


def search_wish_of(stored: Mapping[str, Any]) -> SearchWish:
    """What ``search_fold`` takes."""
    return SearchWish(
        strategy=stored["strategy"],
        backtest=wish_of({**stored, "strategies": [], "limits": {}, "resumes_daily": False}),
        timeframe=None,
        space=stored["space"],
        fixed=stored["fixed"],
        folds=stored["folds"],
        trials=stored["trials"],
        objective=stored["objective"],
        train_tests=stored["train_tests"],
        gap_bars=stored["gap_bars"],
        anchored=stored["anchored"],
    )


def candles_of(stored: Mapping[str, Any]) -> SearchedCandles:
    """The stored candles that the search runs on. Raises ``NotReady`` where there are none."""
    end = datetime.fromisoformat(stored["end"]) if stored["end"] else None
    given = stored_candles(symbols=stored["instruments"], timeframe=stored["timeframe"], end=end)
    return SearchedCandles(given.series, given.rules)


def fold_of(row: SearchFold) -> Fold:
    """The fold as the domain has it."""
    return Fold(row.number, row.train_from, row.train_until, row.test_from, row.test_until)


def trial_of(row: SearchTrial) -> Trial:
    """The trial as the domain has it."""
    returns = np.frombuffer(bytes(row.returns), np.float64)
    return Trial(row.number, row.parameters, row.value, row.figures, returns, row.refused)
