"""A strategy written as one function of a bar: it trades as it votes, and may not remember more than its window."""

from collections import deque

from apps.agents.domain.backtest.signal_backtest import run_signal
from apps.agents.domain.strategies.bar_by_bar import BarByBar
from apps.agents.domain.strategy_kit import generated_candles, problems_of


class HighestClose(BarByBar):
    """In at the highest close of five bars, out at the lowest."""

    name = "highest_close"
    description = "In at the highest close of five bars, out at the lowest."
    default_timeframe = "5m"
    parameters = ()

    def __init__(self, numbers):
        pass

    @property
    def needs_bars(self):
        return 5

    def follow(self):
        seen = deque(maxlen=5)

        def on_bar(_open, _high, _low, close, _volume):
            seen.append(close)
            if len(seen) < 5 or max(seen) == min(seen):
                return 0
            return 1 if close == max(seen) else -1 if close == min(seen) else 0

        return on_bar


class NeverForgets(HighestClose):
    """In after more rises than falls since the beginning of time."""

    def follow(self):
        rises = 0
        before = None

        def on_bar(_open, _high, _low, close, _volume):
            nonlocal rises, before
            rises += 0 if before is None else (close > before) - (close < before)
            before = close
            return (rises > 0) - (rises < 0)

        return on_bar


def test_it_is_sound_and_trades_as_it_votes():
    assert list(problems_of(HighestClose)) == []
    columns = generated_candles(bars=400)
    run = run_signal(HighestClose({}), columns)
    closes, holding, trades = columns.close, False, 0
    for place in range(4, 399):
        window = closes[place - 4 : place + 1]
        if not holding and closes[place] == window.max():
            holding = True
        elif holding and closes[place] == window.min():
            holding, trades = False, trades + 1
    assert len(run.performance.trades) == trades > 10


def test_what_remembers_more_than_its_window_is_found():
    assert any("in its answer for all bars at once" in problem for problem in problems_of(NeverForgets))
