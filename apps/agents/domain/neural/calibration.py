"""Do the probabilities mean what they say? Temperature scaling and the figures that judge a forecast. Pure.

Sources: Guo et al., "On Calibration of Modern Neural Networks" (2017) for temperature and expected calibration error;
Brier (1950).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.neural.labels import DOWN, UP, Labels, Probabilities, lean
from apps.agents.domain.strategies.contract import Series

COLDEST, WARMEST = 0.2, 20.0
STEPS = 60
BINS = 10
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class ForecastFigures:
    """How good forecasts were. Lower is better for losses and errors.

    ``base_loss``: log loss of always telling the classes' shares in the training part. ``direction_brier``: mean
    squared error of P(up) = (1 + lean) / 2 against the sign that came, as the scoreboard has it (a coin: 0.25).
    ``correlation``: of lean and the move that followed. ``hit_rate``: share of right signs among moves beyond the
    cost, None without any.
    """

    samples: int
    log_loss: float
    base_loss: float
    direction_brier: float
    calibration_error: float
    correlation: float
    hit_rate: float | None
    shares: tuple[float, float, float]


def softmax(scores: NDArray[np.float64], temperature: float = 1.0) -> Probabilities:
    """Probabilities of each row of scores (logits) at this temperature."""
    scaled = scores / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    found: Probabilities = powers / powers.sum(axis=1, keepdims=True)
    return found


def log_loss(probabilities: Probabilities, labels: Labels) -> float:
    """Mean negative log probability of what came."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], TINY)).mean())


def best_temperature(scores: NDArray[np.float64], labels: Labels) -> float:
    """The temperature with the lowest log loss on these samples, by golden section between ``COLDEST`` and
    ``WARMEST``. The loss has one minimum in the inverse temperature.
    """
    low, high = np.log(COLDEST), np.log(WARMEST)
    ratio = (np.sqrt(5.0) - 1.0) / 2.0

    def loss(place: float) -> float:
        return log_loss(softmax(scores, float(np.exp(place))), labels)

    for _ in range(STEPS):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) <= loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2.0))


def calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """Expected calibration error over all three classes in ``BINS`` equal bins: mean gap between what was said and how
    often it came, weighted by how often it was said.
    """
    said = probabilities.ravel()
    came = (np.arange(probabilities.shape[1])[None, :] == labels[:, None]).astype(float).ravel()
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=said - came, minlength=BINS)
    return float(np.abs(gaps).sum() / len(said))


def forecast_figures(
    probabilities: Probabilities, labels: Labels, moves: Series, *, base_shares: NDArray[np.float64]
) -> ForecastFigures:
    """The figures of forecasts of which ``labels`` and ``moves`` came. Raises ``ValueError`` for no samples."""
    if not len(labels):
        raise ValueError("There are no samples to judge forecasts by.")
    leans = lean(probabilities)
    signs = np.where(moves > 0.0, 1.0, np.where(moves < 0.0, 0.0, 0.5))
    beyond = labels != 1
    right = (leans > 0.0) == (labels == UP)
    base = np.broadcast_to(base_shares, probabilities.shape)
    return ForecastFigures(
        samples=len(labels),
        log_loss=log_loss(probabilities, labels),
        base_loss=log_loss(np.asarray(base), labels),
        direction_brier=float((((1.0 + leans) / 2.0 - signs) ** 2).mean()),
        calibration_error=calibration_error(probabilities, labels),
        correlation=_correlation(leans, moves),
        hit_rate=float(right[beyond].mean()) if beyond.any() else None,
        shares=(float((labels == DOWN).mean()), float((labels == 1).mean()), float((labels == UP).mean())),
    )


def _correlation(one: Series, other: Series) -> float:
    if one.std() < TINY or other.std() < TINY:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
