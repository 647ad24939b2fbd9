"""``manage.py download_candles``: real candles for ``MARKET=recorded``, fetched from an exchange's public interface."""

from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from apps.foundation.clock import Moment, wall_now
from apps.foundation.errors import HQError, RetryableFailure
from apps.market import operations as market
from apps.market import wiring
from apps.market.domain import timeframes
from tradinghq.backtest_arguments import day
from tradinghq.sentence_command import SentenceCommand

BAR = 30  # characters of the progress bar


class Command(SentenceCommand):
    help = "Fetch candles into <exchange>_<symbol>_<timeframe>.csv.gz and the rules into <exchange>_markets.json."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--exchange", default=settings.PROVIDERS[0] if settings.PROVIDERS else "binance")
        parser.add_argument("--instruments", default=",".join(settings.INSTRUMENTS), help="BTC/USDT,ETH/USDT")
        parser.add_argument("--timeframe", default="5m", choices=list(timeframes.SECONDS))
        parser.add_argument("--start", type=day, help="first day, YYYY-MM-DD (UTC); default: 30 days ago")
        parser.add_argument("--end", type=day, help="first day no longer wanted; default: now")
        parser.add_argument("--dir", type=Path, default=Path(settings.RECORDED_DIR or "candles"))

    def handle(self, *_: Any, **options: Any) -> None:
        now = wall_now()
        symbols = [symbol.strip() for symbol in options["instruments"].split(",") if symbol.strip()]
        start, end = options["start"] or now - timedelta(days=30), options["end"] or now
        wishes = [market.Wish(symbol, options["timeframe"], start, end) for symbol in symbols]
        self._fetched = False
        try:
            self._fetch(options["exchange"], wishes, options["dir"], Moment(wall=now, firm=now))
        except HQError as error:
            told = _told(error, options["exchange"])
            kept = " What was fetched is kept; the same command goes on from there." if self._fetched else ""
            raise CommandError(f"{told}{kept}") from error

    def _fetch(self, exchange: str, wishes: list[market.Wish], folder: Path, moment: Moment) -> None:
        symbols = [wish.symbol for wish in wishes]
        provider = wiring.lone_provider(exchange, symbols)
        rules = provider.instruments(symbols)
        missing = sorted(set(symbols) - {rule.symbol for rule in rules})
        if missing:
            raise CommandError(f"{exchange} does not trade {', '.join(missing)}.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            wiring.record_rules(folder, exchange, rules)
        except OSError as error:
            told = f"--dir was {folder}, where nothing can be written ({error.strerror})."
            raise CommandError(f"{told} Name a folder where you may write.") from error
        for wish in wishes:
            recorder = wiring.candle_recorder(folder, exchange, wish.symbol, wish.timeframe)
            for progress in market.download_candles(provider=provider, into=recorder, wish=wish, moment=moment):
                self._fetched = self._fetched or progress.stored > 0
                self._show(wish.symbol, progress)
            self.stdout.write(f"\n{recorder.finish()}")

    def _show(self, symbol: str, progress: market.Progress) -> None:
        filled = int(progress.share * BAR)
        told = f"\r{symbol:>12} [{'#' * filled}{'.' * (BAR - filled)}] {progress.share:4.0%} {progress.stored} candles"
        self.stdout.write(told, ending="")
        self.stdout.flush()


def _told(error: HQError, exchange: str) -> str:
    """What went wrong, in the words of this command: the market's own name settings of the firm."""
    if error.field == "PROVIDERS":
        return (
            f"--exchange was {exchange!r}; ccxt knows none of that name. Take one it knows, such as binance or kraken."
        )
    if error.field == "ALPACA_DATA_KEY":
        return (
            "--exchange alpaca needs ALPACA_DATA_KEY and ALPACA_DATA_SECRET (a free paper account has them). Set both."
        )
    if isinstance(error, RetryableFailure):
        told = "can't be reached, or does not answer. Check the network, then type the same command again."
        return f"{exchange} {told} It said: {error.message}"
    return error.message
