"""The order types: which fields each needs, may take, and what it means in plain words. Pure."""

from dataclasses import dataclass

PRICE_FIELDS = (
    "limit_price",
    "stop_price",
    "trail_pct",
    "trail_amount",
    "take_profit_price",
    "stop_loss_price",
)
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTD")


@dataclass(frozen=True, slots=True)
class OrderType:
    """``needs`` must be given, one of ``needs_one_of`` at least, ``takes`` may be; every other price is refused."""

    name: str
    meaning: str
    needs: tuple[str, ...] = ()
    needs_one_of: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    side: str = ""
    times_in_force: tuple[str, ...] = TIMES_IN_FORCE

    @property
    def fields(self) -> frozenset[str]:
        """All price fields that may be given."""
        return frozenset({*self.needs, *self.needs_one_of, *self.takes})


_ALL = (
    OrderType("market", "Trades at once at the best price there is."),
    OrderType("limit", "Trades at the limit price or better; what can't, waits.", needs=("limit_price",)),
    OrderType(
        "stop", "Waits until the price crosses the stop price, then trades at the market.", needs=("stop_price",)
    ),
    OrderType(
        "stop_limit",
        "Waits until the price crosses the stop price, then becomes a limit order.",
        needs=("stop_price", "limit_price"),
    ),
    OrderType(
        "take_profit",
        "Waits until the price reaches the stop price on the good side, then trades at the market, or at the limit "
        "price or better where one is given.",
        needs=("stop_price",),
        takes=("limit_price",),
    ),
    OrderType(
        "trailing_stop",
        "A stop that follows the best price seen at a fixed distance and never moves back.",
        needs_one_of=("trail_pct", "trail_amount"),
    ),
    OrderType(
        "oco",
        "Two exits for units that are held: a limit at the take-profit price and a stop at the stop-loss price. One "
        "ends the other.",
        needs=("take_profit_price", "stop_loss_price"),
        side="sell",
        times_in_force=("GTC", "GTD"),
    ),
    OrderType(
        "bracket",
        "A buy with its exits: once it fills, a take-profit and a stop-loss wait for what was bought. One ends the "
        "other.",
        needs_one_of=("take_profit_price", "stop_loss_price"),
        takes=("limit_price", "stop_price"),
        side="buy",
    ),
)
ORDER_TYPES: dict[str, OrderType] = {each.name: each for each in _ALL}
GROUP_TYPES = frozenset({"oco", "bracket"})
# Types that wait for a trigger: armed here, unless the venue takes them itself.
TRIGGERED_TYPES = frozenset({"stop", "stop_limit", "take_profit", "trailing_stop"})
# Of these, the ones that fire when the price moves against the side, as a stop does.
STOP_TYPES = frozenset({"stop", "stop_limit", "trailing_stop"})
# What a single order can be; a group is made of these.
ROW_TYPES = tuple(name for name in ORDER_TYPES if name not in GROUP_TYPES)
