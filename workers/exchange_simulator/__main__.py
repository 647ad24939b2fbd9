"""``python -m workers.exchange_simulator``: the process."""

import asyncio
import logging
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from apps.foundation.clock import wall_now
from apps.foundation.money import widen_precision
from apps.market.domain.recorded_set import HISTORY_BARS, NoRecordedRun
from workers.exchange_simulator import stored_books
from workers.exchange_simulator.engine.price_feed import PriceFeed
from workers.exchange_simulator.faults import FaultBoard
from workers.exchange_simulator.generated_prices import GeneratedPrices
from workers.exchange_simulator.listening import Listening
from workers.exchange_simulator.options import Options, read_accounts, read_options
from workers.exchange_simulator.recorded_prices import RecordedPrices
from workers.exchange_simulator.simulator import MarketClock, Simulator, build_exchange
from workers.exchange_simulator.truth_log import TruthLog

log = logging.getLogger("exchange_simulator")


def wall_ms() -> int:
    return int(wall_now().timestamp() * 1_000)


def build(options: Options) -> Simulator:
    """The simulator with its prices, its accounts and the books of an earlier run. Raises ``NoRecordedRun``."""
    feed = _feed(options)
    truth = TruthLog(options.state)
    lines = list(truth.replay())
    times = [line["market_ms"] for line in lines if line["fact"] == "clock"]
    market_ms = times[-1] if times else _start(options, feed)
    exchange = build_exchange(
        feed, market_ms, seed=options.seed, level_value=options.level_value, spread_bps=options.spread_bps
    )
    restored = stored_books.restore(exchange, lines)
    stored_books.restore_prices(exchange, lines)
    truth.open()
    simulator = Simulator(
        exchange, MarketClock(market_ms, options.speed), wall_ms, FaultBoard(options.seed), truth, keys={}
    )
    for account in read_accounts(options.accounts):
        simulator.add_account(account)
        if options.accounts is None:
            say(f"account {account.name}: key {account.key} secret {account.secret}")
    if restored:
        say(f"restored {len(exchange.orders)} orders from {restored} lines of {options.state}")
    return simulator


async def serve(options: Options) -> None:
    """Run until SIGTERM or Ctrl-C."""
    simulator = build(options)
    listening = Listening(simulator, options)
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    await listening.start()
    say(f"listening on http://{options.host}:{listening.port} control http://{options.host}:{listening.control_port}")
    ticking = asyncio.create_task(_tick(simulator, listening, options.tick))
    await asyncio.wait([asyncio.create_task(stopped.wait()), ticking], return_when=asyncio.FIRST_COMPLETED)
    await listening.stop()
    simulator.truth.close()
    if ticking.done():
        ticking.result()
    ticking.cancel()


async def _tick(simulator: Simulator, listening: Listening, seconds: float) -> None:
    while True:
        simulator.advance()
        listening.sockets.pulse()
        await asyncio.sleep(seconds)


def _feed(options: Options) -> PriceFeed:
    if options.prices == "generated":
        return GeneratedPrices(options.symbols, options.seed, options.source)
    folder = Path(os.environ.get("RECORDED_DIR", "") if options.prices == "recorded" else options.prices)
    if not folder.is_dir() or str(folder) == ".":
        raise NoRecordedRun(f"--prices was {options.prices!r}; name a folder with candle files, or set RECORDED_DIR.")
    plain = RecordedPrices(folder, options.symbols)
    if not options.shift_to_now:
        return plain
    now = wall_ms()
    shift = now - now % plain.bar_ms - plain.first_ms - HISTORY_BARS * plain.bar_ms
    return RecordedPrices(folder, options.symbols, shift_ms=shift)


def _start(options: Options, feed: PriceFeed) -> int:
    if options.start:
        at = datetime.fromisoformat(options.start)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000)
    if feed.last_ms is None:
        return wall_ms()
    return min(feed.first_ms + HISTORY_BARS * feed.bar_ms, feed.last_ms)


def say(line: str) -> None:
    """One line for the person or program that started this."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    widen_precision()
    options = read_options()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(options))
    except (NoRecordedRun, ValueError) as refused:
        sys.exit(str(refused))


if __name__ == "__main__":
    main()
