"""What the network sees of a market: one row of scale-free numbers a bar, from that bar and earlier ones only. Pure.

Prices are measured in their own recent volatility, volume in its own recent mean, so that one network serves a coin of
1e-6 and one of 1e5. ``FEATURE_SET`` names these formulas: weights trained on another set are refused.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.agents.domain.strategies.contract import Series

FEATURE_SET: Final = "candles-1"
FEATURES: Final = (
    "return",  # log return of the bar
    "range",  # log of high over low
    "place",  # where the close lies between low (-1) and high (1)
    "volume",  # log of the volume over its mean of 48 bars
    "gap_12",  # log of the close over its mean of 12 bars
    "gap_36",  # the same of 36 bars
    "volatility",  # log of the deviation of 12 returns over that of 48
    "day_sine",  # time of day in UTC
    "day_cosine",
)
WINDOW: Final = 48  # rows that the network reads
HISTORY: Final = 48  # bars before a row that its averages take
NEEDS_BARS: Final = HISTORY + WINDOW
CLIP: Final = 8.0  # no feature is further from 0; a crash is a large number, not an infinite one
DAY_MS: Final = 86_400_000
SMALLEST: Final = 1e-12
SHORT: Final = 12
LONG: Final = 36

Rows = NDArray[np.float32]  # [bars, features]


def feature_rows(*, times: NDArray[np.int64], high: Series, low: Series, close: Series, volume: Series) -> Rows:
    """The rows of the bars from ``HISTORY`` on: shape ``[bars - HISTORY, len(FEATURES)]``, all finite.

    Row ``i`` belongs to bar ``HISTORY + i`` and takes bars ``i`` to ``HISTORY + i``. ``times`` are opening times in
    milliseconds. Raises ``ValueError`` for fewer than ``HISTORY + 1`` bars.
    """
    if len(close) <= HISTORY:
        raise ValueError(f"Features take more than {HISTORY} bars, were {len(close)}.")
    logs = np.log(close)
    returns = np.diff(logs)
    deviation = _windows(returns, HISTORY).std(axis=1)  # of the 48 returns that end with the bar
    scale = np.maximum(deviation, SMALLEST)
    moved = deviation > SMALLEST
    spread = np.log(high / low)[HISTORY:]
    height = (high - low)[HISTORY:]
    place = np.divide((2.0 * close - high - low)[HISTORY:], height, out=np.zeros_like(height), where=height > 0.0)
    short_deviation = _windows(returns, SHORT)[HISTORY - SHORT :].std(axis=1)
    mean_volume = _windows(volume, HISTORY)[1:].mean(axis=1)
    angle = 2.0 * np.pi * (times[HISTORY:] % DAY_MS) / DAY_MS
    columns = (
        returns[HISTORY - 1 :] / scale,
        spread / scale,
        place,
        np.log((volume[HISTORY:] + SMALLEST) / (mean_volume + SMALLEST)),
        _gap(logs, SHORT) / (scale * np.sqrt(SHORT)),
        _gap(logs, LONG) / (scale * np.sqrt(LONG)),
        np.log(np.maximum(short_deviation, SMALLEST) / scale),
        np.sin(angle),
        np.cos(angle),
    )
    rows = np.clip(np.stack(columns, axis=1), -CLIP, CLIP)
    return np.where(moved[:, None], rows, 0.0).astype(np.float32)


def feature_window(arrays: Mapping[str, NDArray[np.int64] | Series]) -> Rows:
    """The rows of the last ``WINDOW`` bars: shape ``[WINDOW, len(FEATURES)]``. ``arrays``: times, high, low, close and
    volume of at least ``NEEDS_BARS`` bars.
    """
    last = {name: values[-NEEDS_BARS:] for name, values in arrays.items()}
    return feature_rows(
        times=last["times"].astype(np.int64),
        high=last["high"].astype(np.float64),
        low=last["low"].astype(np.float64),
        close=last["close"].astype(np.float64),
        volume=last["volume"].astype(np.float64),
    )


def windows_over(rows: Rows) -> Rows:
    """All windows in a series: shape ``[len(rows) - WINDOW + 1, WINDOW, features]``, to be read only. They are seen in
    ``rows`` and not copied: of neighbours 47 rows are the same.
    """
    return np.lib.stride_tricks.sliding_window_view(rows, WINDOW, axis=0).swapaxes(1, 2)


def window_rows(rows: Rows, ends: NDArray[np.int64]) -> Rows:
    """The windows that end with these rows: shape ``[len(ends), WINDOW, features]``. Every end is at least
    ``WINDOW - 1``.
    """
    return rows[ends[:, None] + np.arange(1 - WINDOW, 1)[None, :]]


def _gap(logs: Series, bars: int) -> Series:
    """Log of each close from ``HISTORY`` on over the mean log of the ``bars`` closes that end with it."""
    means = _windows(logs, bars).mean(axis=1)
    return logs[HISTORY:] - means[HISTORY - bars + 1 :]


def _windows(values: Series, bars: int) -> Series:
    return np.lib.stride_tricks.sliding_window_view(values, bars)
