"""What the market room does, one door a verb."""

from apps.market.operations.release_next_bar import release_next_bar
from apps.market.operations.start_market import start_market

__all__ = ["release_next_bar", "start_market"]
