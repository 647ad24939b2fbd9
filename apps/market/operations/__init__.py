"""What the market room does, one door a verb."""

from apps.market.operations.backfill_windows import backfill_windows, continue_backfill, request_backfill
from apps.market.operations.check_providers import check_providers
from apps.market.operations.close_candles import close_candles
from apps.market.operations.download_candles import Progress, Wish, download_candles
from apps.market.operations.pause_instrument import pause_instrument, unpause_instrument
from apps.market.operations.poll_quotes import poll_quotes
from apps.market.operations.release_next_bar import release_next_bar
from apps.market.operations.start_market import start_market

__all__ = [
    "Progress",
    "Wish",
    "backfill_windows",
    "check_providers",
    "close_candles",
    "continue_backfill",
    "download_candles",
    "pause_instrument",
    "poll_quotes",
    "release_next_bar",
    "request_backfill",
    "start_market",
    "unpause_instrument",
]
