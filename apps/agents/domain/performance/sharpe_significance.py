"""How likely a Sharpe ratio is more than luck: of one run, and of the best of many that were tried."""

import math
from statistics import NormalDist

import numpy as np

from apps.agents.domain.performance.curve_metrics import daily_sharpe
from apps.agents.domain.performance.equity_curve import Series

_NORMAL = NormalDist()
_EULER = 0.5772156649015329


def probabilistic_sharpe(returns: Series, *, above: float = 0.0) -> float | None:
    """The probability that the true Sharpe ratio of one day lies above ``above``, given length, skew and fat tails.

    Source: Bailey and Lopez de Prado, "The Sharpe Ratio Efficient Frontier" (2012): PSR = N((SR - SR*) sqrt(n - 1) /
    sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2)). None where the ratio itself is unknown or the sample too odd.
    """
    ratio = daily_sharpe(returns)
    if ratio is None:
        return None
    centred = returns - np.mean(returns)
    variance = float(np.mean(centred**2))
    skew = float(np.mean(centred**3)) / variance**1.5
    kurtosis = float(np.mean(centred**4)) / variance**2
    spread = 1.0 - skew * ratio + (kurtosis - 1.0) / 4.0 * ratio**2
    if spread <= 0.0:
        return None
    return _NORMAL.cdf((ratio - above) * math.sqrt(len(returns) - 1) / math.sqrt(spread))


def expected_best_sharpe(*, trials: int, variance: float) -> float:
    """The daily Sharpe ratio that the best of ``trials`` worthless runs is expected to show.

    ``variance``: of the daily ratios of all that were tried. Source: Bailey and Lopez de Prado, "The Deflated Sharpe
    Ratio" (2014), equation 1. Raises ``ValueError`` for fewer than one trial or a negative variance.
    """
    if trials < 1 or variance < 0.0:
        raise ValueError(f"At least one trial and a variance of at least 0 are needed, were {trials} and {variance}.")
    if trials == 1:
        return 0.0
    first = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    second = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - _EULER) * first + _EULER * second)


def deflated_sharpe(returns: Series, *, trials: int, variance: float) -> float | None:
    """The probability that the best of ``trials`` runs is better than chance would have made it (2014, as above)."""
    return probabilistic_sharpe(returns, above=expected_best_sharpe(trials=trials, variance=variance))
