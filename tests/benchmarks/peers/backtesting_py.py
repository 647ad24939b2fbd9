"""The same crossing in backtesting.py: ``python backtesting_py.py CANDLES``. Run by an interpreter of its own, in
which that package is installed; tells JSON on stdout, once and then again for each line on stdin.
"""

import json
import sys
import time
import warnings

started = time.perf_counter()
warnings.simplefilter("ignore")
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from backtesting import Backtest, Strategy  # noqa: E402

imported = time.perf_counter()


def read(path):
    """The arrays of a numpy file, or a candle file as anybody would read it."""
    if path.endswith(".npz"):
        return np.load(path)
    return pd.read_csv(path).rename(columns={"timestamp_ms": "times"}).to_dict("series")


FAST, SLOW = 20, 50


def mean(values, length):
    return pd.Series(values).rolling(length).mean()


class Crossing(Strategy):
    def init(self):
        self.fast = self.I(mean, self.data.Close, FAST, plot=False)
        self.slow = self.I(mean, self.data.Close, SLOW, plot=False)

    def next(self):
        if self.fast[-1] > self.slow[-1]:
            if not self.position:
                self.buy()
        elif self.fast[-1] < self.slow[-1] and self.position:
            self.position.close()


def timed(frame):
    began = time.process_time()  # on a busy machine the wall's time is that of others
    figures = Backtest(frame, Crossing, cash=1_000.0, commission=0.001, trade_on_close=False).run()
    ended = time.process_time()
    return {
        "trades": int(figures["# Trades"]),
        "equity": float(figures["Equity Final [$]"]),
        "run_ms": 1000.0 * (ended - began),
        "import_ms": 1000.0 * (imported - started),
    }


def main():
    columns = read(sys.argv[1])
    names = {"open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume"}
    index = pd.to_datetime(columns["times"], unit="ms")
    # A fraction of each price, so that whole units come near to all in.
    frame = pd.DataFrame({title: np.asarray(columns[name]) for name, title in names.items()}, index=index)
    frame[["Open", "High", "Low", "Close"]] /= 1e6
    print(json.dumps(timed(frame)), flush=True)
    for _ in sys.stdin:
        print(json.dumps(timed(frame)), flush=True)


main()
