"""The same crossing and a sweep in vectorbt: ``python vectorbt_runs.py CANDLES PAIRS SWEPT ROUNDS``. Run by an
interpreter of its own, in which that package is installed; tells JSON on stdout.
"""

import json
import resource
import sys
import time
import warnings

started = time.perf_counter()
warnings.simplefilter("ignore")
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import vectorbt as vbt  # noqa: E402

imported = time.perf_counter()


def read(path):
    """The arrays of a numpy file, or a candle file as anybody would read it."""
    if path.endswith(".npz"):
        return np.load(path)
    return pd.read_csv(path).rename(columns={"timestamp_ms": "times"}).to_dict("series")


def crossing(close, opened, fast, slow):
    quick = vbt.MA.run(close, fast).ma
    steady = vbt.MA.run(close, slow).ma
    entries, exits = (quick > steady).vbt.fshift(1), (quick < steady).vbt.fshift(1)
    return vbt.Portfolio.from_signals(opened, entries, exits, init_cash=1_000.0, fees=0.001, freq="1min")


def complete(close, opened):
    run = crossing(close, opened, 20, 50)
    return run, run.value(), run.stats()


def sweep(close, opened, pairs):
    fast, slow = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    windows = sorted({*fast, *slow})
    means = {length: vbt.MA.run(close, length).ma.to_numpy() for length in windows}
    quick, steady = (np.column_stack([means[length] for length in side]) for side in (fast, slow))
    entries, exits = (np.roll(signal, 1, axis=0) for signal in (quick > steady, quick < steady))
    entries[0], exits[0] = False, False
    prices = pd.concat([opened] * len(pairs), axis=1, ignore_index=True)
    run = vbt.Portfolio.from_signals(prices, entries, exits, init_cash=1_000.0, fees=0.001, freq="1min")
    return run.total_return(), run.trades.count(), run.max_drawdown()


def timed(call):
    began = time.process_time()  # on a busy machine the wall's time is that of others
    found = call()
    return found, 1000.0 * (time.process_time() - began)


def main():
    columns = read(sys.argv[1])
    index = pd.to_datetime(columns["times"], unit="ms")
    close, opened = (pd.Series(np.asarray(columns[name]), index=index) for name in ("close", "open"))
    (run, _, _), first = timed(lambda: complete(close, opened))
    warm = [timed(lambda: complete(close, opened))[1] for _ in range(int(sys.argv[4]))]
    told = {
        "trades": int(run.trades.closed.count()),
        "equity": float(run.final_value()),
        "first_ms": first,
        "run_ms": min(warm, default=first),
        "import_ms": 1000.0 * (imported - started),
    }
    pairs, some = json.loads(sys.argv[2]), int(sys.argv[3])
    if pairs:
        sweep(close[:some], opened[:some], pairs[:1])
        told["sweep_ms"] = timed(lambda: sweep(close[:some], opened[:some], pairs))[1]
    told["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(told))


main()
