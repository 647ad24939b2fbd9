"""What is left of a position when it is too small to be sold. Pure."""

from decimal import Decimal

from apps.foundation.money import ZERO, floor_to
from apps.market.domain.instruments import InstrumentRules


def is_dust(*, quantity: Decimal, price: Decimal | None, rules: InstrumentRules) -> bool:
    """Whether no venue would take an order to sell this much: below the step, the least quantity or the least value.

    ``price``: what a unit is thought to be worth; None: its value is not looked at.
    """
    whole = floor_to(quantity, rules.step_size)
    if whole <= ZERO or whole < rules.min_quantity:
        return quantity > ZERO
    return price is not None and whole * price < rules.min_notional
