"""The limits the gate holds every order to: defaults, bounds, words. They never depend on the market."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.foundation.errors import Refused
from apps.foundation.money import plain


@dataclass(frozen=True, slots=True)
class LimitValues:
    """Shares are of equity (0.25 is 25 %), money is in the portfolio's currency, times are on the firm clock."""

    max_order_notional: Decimal = Decimal(250)
    max_position_share: Decimal = Decimal("0.25")
    max_gross_exposure: Decimal = Decimal("0.60")
    max_asset_share: Decimal = Decimal("0.30")
    max_correlated_share: Decimal = Decimal("0.55")
    correlation_threshold: Decimal = Decimal("0.80")
    correlation_bars: int = 120
    max_orders_per_hour: int = 30
    max_open_orders: int = 10
    max_unknown_orders: int = 2
    max_daily_loss: Decimal = Decimal("0.05")
    max_drawdown: Decimal = Decimal("0.15")
    max_losses_in_row: int = 5
    loss_cooldown_minutes: int = 240
    reentry_minutes: int = 15
    price_collar_bps: Decimal = Decimal(200)
    max_spread_bps: Decimal = Decimal(50)
    max_clock_skew_ms: int = 1000
    fee_edge_multiple: Decimal = Decimal(1)
    rebalance_band: Decimal = Decimal("0.20")
    stop_volatility_multiple: Decimal = Decimal(4)
    min_stop_distance: Decimal = Decimal("0.01")
    max_stop_distance: Decimal = Decimal("0.08")

    def stored(self) -> dict[str, Any]:
        """The values as JSON: decimals as plain strings, counts as numbers."""
        return {name: plain(value) if isinstance(value, Decimal) else value for name, value in asdict(self).items()}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> "LimitValues":
        """The values from what ``stored`` wrote; a limit added since takes its default, a dropped one is ignored."""
        known: dict[str, Any] = {
            field.name: (
                Decimal(str(stored[field.name])) if isinstance(field.default, Decimal) else int(stored[field.name])
            )
            for field in fields(cls)
            if field.name in stored
        }
        return cls(**known)


DEFAULT_LIMITS = LimitValues()

_SHARE = (Decimal("0.0001"), Decimal(1))
# Lowest and highest value of each limit, and what it means.
LIMITS: dict[str, tuple[Decimal, Decimal, str]] = {
    "max_order_notional": (Decimal(1), Decimal(10) ** 9, "Largest order, in the portfolio's currency."),
    "max_position_share": (*_SHARE, "Largest position in one instrument, as a share of equity."),
    "max_gross_exposure": (*_SHARE, "All positions and working buys together, as a share of equity."),
    "max_asset_share": (*_SHARE, "Largest holding of one asset over all instruments, as a share of equity."),
    "max_correlated_share": (
        *_SHARE,
        "All that moves together with an instrument, itself included, as a share of equity; 1 turns it off.",
    ),
    "correlation_threshold": (
        Decimal("0.1"),
        Decimal(1),
        "From this correlation of returns on, two instruments count as moving together.",
    ),
    "correlation_bars": (
        Decimal(20),
        Decimal(1000),
        "Closed bars of the base timeframe that correlation is measured over; half of them must be there.",
    ),
    "max_orders_per_hour": (
        Decimal(1),
        Decimal(10_000),
        "Risk-increasing orders approved in the last hour of the firm clock.",
    ),
    "max_open_orders": (Decimal(1), Decimal(1000), "Orders that are not finished."),
    "max_unknown_orders": (Decimal(0), Decimal(100), "Orders whose outcome nobody knows, before new risk is refused."),
    "max_daily_loss": (
        *_SHARE,
        "Loss since the day began (firm clock, UTC), as a share of that equity; latches REDUCING.",
    ),
    "max_drawdown": (*_SHARE, "Fall from the highest equity; latches HALTED."),
    "max_losses_in_row": (Decimal(1), Decimal(1000), "Losing positions closed one after another, before a pause."),
    "loss_cooldown_minutes": (Decimal(0), Decimal(100_000), "Length of that pause."),
    "reentry_minutes": (
        Decimal(0),
        Decimal(100_000),
        "Pause before an instrument just closed is bought again by agents.",
    ),
    "price_collar_bps": (Decimal(1), Decimal(2000), "How far a price may lie on the costly side of the mark."),
    "max_spread_bps": (Decimal("0.1"), Decimal(1000), "Widest spread at which new risk is taken."),
    "max_clock_skew_ms": (
        Decimal(10),
        Decimal(10_000),
        "Largest difference in milliseconds between our clock and a venue's at which new risk is taken.",
    ),
    "fee_edge_multiple": (
        Decimal(0),
        Decimal(100),
        "How many times the expected edge must pay fees and spread both ways.",
    ),
    "rebalance_band": (Decimal(0), Decimal(1), "Changes below this share of the largest position are not traded."),
    "stop_volatility_multiple": (
        Decimal("0.1"),
        Decimal(100),
        "Distance of a new stop in units of the average true range.",
    ),
    "min_stop_distance": (Decimal("0.001"), Decimal("0.5"), "Nearest stop, as a share of the entry price."),
    "max_stop_distance": (Decimal("0.001"), Decimal("0.5"), "Farthest stop, as a share of the entry price."),
}


def changed(values: LimitValues, changes: Mapping[str, Any]) -> LimitValues:
    """``values`` with ``changes`` applied.

    Raises ``Refused`` naming the field: unknown name, number of the wrong kind or out of bounds, nothing changed.
    """
    if not changes:
        raise Refused("Name at least one limit to change.", code="no_change")
    new = values.stored()
    for name, given in changes.items():
        new[name] = _parsed(name, given)
    after = LimitValues.restored(new)
    if after.min_stop_distance > after.max_stop_distance:
        raise Refused(
            f"The nearest stop must not lie beyond the farthest ({plain(after.max_stop_distance)}), "
            f"was {plain(after.min_stop_distance)}.",
            code="limit_out_of_bounds",
            field="min_stop_distance",
        )
    if after == values:
        raise Refused("These are the limits that hold already.", code="no_change")
    return after


def _parsed(name: str, given: Any) -> Any:
    if name not in LIMITS:
        raise Refused(
            f"There is no limit named {name!r}; the limits are {', '.join(sorted(LIMITS))}.",
            code="unknown_limit",
            field=name,
        )
    whole = isinstance(getattr(DEFAULT_LIMITS, name), int)
    if isinstance(given, bool) or not isinstance(given, int if whole else (str, int, Decimal)):
        kind = "a whole number" if whole else "a decimal string such as '0.25'"
        raise Refused(f"{name} must be {kind}, was {given!r}.", code="not_a_number", field=name)
    try:
        number = Decimal(given)
    except InvalidOperation:
        raise Refused(f"{name} must be a number, was {given!r}.", code="not_a_number", field=name) from None
    lowest, highest, _ = LIMITS[name]
    if not number.is_finite() or not lowest <= number <= highest:
        raise Refused(
            f"{name} must lie between {plain(lowest)} and {plain(highest)}, was {given}.",
            code="limit_out_of_bounds",
            field=name,
        )
    return int(number) if whole else plain(number)
