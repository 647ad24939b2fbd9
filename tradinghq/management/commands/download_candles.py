"""``manage.py download_candles``: real candles for ``MARKET=recorded``, fetched from an exchange's public interface."""

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.foundation.clock import Moment, wall_now
from apps.foundation.errors import HQError
from apps.market import operations as market
from apps.market import wiring
from apps.market.domain import timeframes

BAR = 30  # characters of the progress bar


class Command(BaseCommand):
    help = "Fetch candles into <exchange>_<symbol>_<timeframe>.csv.gz and the rules into <exchange>_markets.json."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--exchange", default=settings.PROVIDERS[0] if settings.PROVIDERS else "binance")
        parser.add_argument("--instruments", default=",".join(settings.INSTRUMENTS), help="BTC/USDT,ETH/USDT")
        parser.add_argument("--timeframe", default="5m", choices=list(timeframes.SECONDS))
        parser.add_argument("--start", type=_day, help="first day, YYYY-MM-DD (UTC); default: 30 days ago")
        parser.add_argument("--end", type=_day, help="first day no longer wanted; default: now")
        parser.add_argument("--dir", type=Path, default=Path(settings.RECORDED_DIR or "candles"))

    def handle(self, *_: Any, **options: Any) -> None:
        now = wall_now()
        symbols = [symbol.strip() for symbol in options["instruments"].split(",") if symbol.strip()]
        start, end = options["start"] or now - timedelta(days=30), options["end"] or now
        wishes = [market.Wish(symbol, options["timeframe"], start, end) for symbol in symbols]
        try:
            self._fetch(options["exchange"], wishes, options["dir"], Moment(wall=now, firm=now))
        except HQError as error:
            kept = "What was fetched is kept; the same command goes on from there."
            raise CommandError(f"{error.message} {kept}") from error

    def _fetch(self, exchange: str, wishes: list[market.Wish], folder: Path, moment: Moment) -> None:
        symbols = [wish.symbol for wish in wishes]
        provider = wiring.lone_provider(exchange, symbols)
        rules = provider.instruments(symbols)
        missing = sorted(set(symbols) - {rule.symbol for rule in rules})
        if missing:
            raise CommandError(f"{exchange} does not trade {', '.join(missing)}.")
        folder.mkdir(parents=True, exist_ok=True)
        wiring.record_rules(folder, exchange, rules)
        for wish in wishes:
            recorder = wiring.candle_recorder(folder, exchange, wish.symbol, wish.timeframe)
            for progress in market.download_candles(provider=provider, into=recorder, wish=wish, moment=moment):
                self._show(wish.symbol, progress)
            self.stdout.write(f"\n{recorder.finish()}")

    def _show(self, symbol: str, progress: market.Progress) -> None:
        filled = int(progress.share * BAR)
        told = f"\r{symbol:>12} [{'#' * filled}{'.' * (BAR - filled)}] {progress.share:4.0%} {progress.stored} candles"
        self.stdout.write(told, ending="")
        self.stdout.flush()


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise CommandError(f"A day is written YYYY-MM-DD, such as 2026-01-31; was {text!r}.") from None
