"""The same crossing and a sweep in vectorbt: ``python vectorbt_runs.py CANDLES``. Run by an interpreter of its own, in
which that package is installed; tells JSON on stdout, once and then again for each line on stdin: an empty one is the
crossing again, ``[[fast, slow], ...]`` a sweep of these pairs at once.
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
    return vbt.Portfolio.from_signals(close, entries, exits, price=opened, init_cash=1_000.0, fees=0.001, freq="1min")


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
    run = vbt.Portfolio.from_signals(close, entries, exits, price=opened, init_cash=1_000.0, fees=0.001, freq="1min")
    return run.total_return(), run.trades.count(), run.max_drawdown()


def timed(call):
    began = time.process_time()  # on a busy machine the wall's time is that of others
    found = call()
    return found, 1000.0 * (time.process_time() - began)


def crossed(close, opened):
    (run, _, _), took = timed(lambda: complete(close, opened))
    trades, equity = int(run.trades.closed.count()), float(run.final_value())
    return {"trades": trades, "equity": equity, "run_ms": took, "import_ms": 1000.0 * (imported - started)}


def swept(close, opened, pairs):
    (_, trades, falls), took = timed(lambda: sweep(close, opened, pairs))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"sweep_ms": took, "trades": trades.tolist(), "falls": falls.tolist(), "peak_mib": peak}


def main():
    columns = read(sys.argv[1])
    index = pd.to_datetime(columns["times"], unit="ms")
    close, opened = (pd.Series(np.asarray(columns[name]), index=index) for name in ("close", "open"))
    print(json.dumps(crossed(close, opened)), flush=True)
    for line in sys.stdin:
        pairs = json.loads(line) if line.strip() else []
        print(json.dumps(swept(close, opened, pairs) if pairs else crossed(close, opened)), flush=True)


main()
