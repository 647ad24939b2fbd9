"""What a portfolio is worth and how far it stands from its marks. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from apps.foundation.money import ZERO
from apps.trading.domain.books.decimal_math import over, times


@dataclass(frozen=True, slots=True)
class Holding:
    """Units of one instrument and what they cost before fees. ``dust``: what the end of a position left behind."""

    symbol: str
    quantity: Decimal
    cost: Decimal
    dust: bool = False


@dataclass(frozen=True, slots=True)
class Valuation:
    """``equity`` is None while a held instrument has no price at all; ``unpriced`` names those instruments."""

    market_value: Decimal | None
    unrealized_pnl: Decimal | None
    equity: Decimal | None
    unpriced: tuple[str, ...]


def valued(
    *, cash: Decimal, reserved: Decimal, holdings: Iterable[Holding], prices: Mapping[str, Decimal | None]
) -> Valuation:
    """Equity = free cash + reserved cash + units at their marks. A missing price makes it unknown, never zero; only
    dust that nobody prices any more is left out, since it could never be sold and would hold up trading for ever.
    """
    priced = {symbol for symbol, price in prices.items() if price is not None}
    held = [each for each in holdings if each.quantity and not (each.dust and each.symbol not in priced)]
    unpriced = tuple(sorted(holding.symbol for holding in held if holding.symbol not in priced))
    if unpriced:
        return Valuation(None, None, None, unpriced)
    value = sum((times(holding.quantity, prices[holding.symbol] or ZERO) for holding in held), ZERO)
    cost = sum((holding.cost for holding in held), ZERO)
    return Valuation(value, value - cost, cash + reserved + value, ())


@dataclass(frozen=True, slots=True)
class Growth:
    """What a unit of money that was there from the beginning has become, whatever came in or went out meanwhile.

    ``factor`` was reached when the last money moved; ``capital`` was the equity then, with what had just moved.
    """

    factor: Decimal
    capital: Decimal

    def at(self, equity: Decimal) -> Decimal:
        """The factor at this equity: the time-weighted return plus one."""
        return times(self.factor, over(equity, self.capital))

    def after_transfer(self, *, equity: Decimal, amount: Decimal) -> "Growth":
        """The same after ``amount`` came in (below zero: went out) while the equity was ``equity``."""
        return Growth(self.at(equity), equity + amount)


def drawdown(*, equity: Decimal, peak: Decimal) -> Decimal:
    """The fall from the peak as a share of it, zero at or above it."""
    return over(peak - equity, peak) if peak > equity and peak > 0 else ZERO


def daily_loss(*, equity: Decimal, day_start: Decimal) -> Decimal:
    """The loss since the day began as a share of that equity, zero when there is none."""
    return drawdown(equity=equity, peak=day_start)
