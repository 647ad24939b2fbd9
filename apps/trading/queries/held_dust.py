"""Positions too small to be sold."""

from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.books.dust import is_dust
from apps.trading.models import Position


def holds_dust(position: Position, rules: InstrumentRules) -> bool:
    """Whether nothing of the position could be sold, so that no stop can protect it."""
    return is_dust(quantity=position.quantity, price=position.average_price, rules=rules)
