"""Place an OCO or a bracket: one group, its first order through the gate, the exits armed beside or behind it."""

from dataclasses import replace
from decimal import Decimal

from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused
from apps.foundation.identifiers import derived_id, new_id
from apps.foundation.money import ZERO, floor_to, plain
from apps.trading.domain.orders.order_groups import BRACKET, ENTRY, OCO, TAKE_PROFIT
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.orders.order_lifecycle import OrderState
from apps.trading.domain.risk.book import Book
from apps.trading.models import Order, OrderGroup, Position
from apps.trading.operations.orders.place_order import place
from apps.trading.operations.orders.read_groups import groups_of
from apps.trading.operations.orders.read_market import MarketReading
from apps.trading.operations.protection.cover_position import cover_position

_EXITS = ("take_profit_price", "stop_loss_price")


def place_group(*, intent: OrderIntent, reading: MarketReading, book: Book, moment: Moment) -> Order:
    """The group's first order: a bracket's entry, or an OCO's take-profit, which goes to the venue as a limit.

    An OCO's stop-loss is armed with it and holds nothing: the units are reserved once. A bracket's exits are armed with
    its first fill. Raises ``Refused`` naming the field for exits that do not fit the market, and ``Conflict`` for units
    that another group sells already.
    """
    first = first_order(intent, reading, book)
    intent = replace(intent, order_id=intent.order_id or new_id())
    group = OrderGroup.objects.create(
        id=derived_id("group", intent.order_id),
        portfolio_id=book.portfolio_id,
        account_id=book.account,
        symbol=intent.symbol,
        kind=intent.type,
        units=intent.quantity if intent.type == OCO else None,
        take_profit_price=intent.take_profit_price,
        stop_loss_price=intent.stop_loss_price,
        created_wall=moment.wall,
        created_firm=moment.firm,
        created_by=intent.actor,
    )
    first = replace(first, order_id=intent.order_id, group_id=group.pk)
    order = place(intent=first, reading=reading, book=book, moment=moment)
    if intent.type == OCO and order.state != OrderState.DENIED:
        position = Position.objects.select_for_update().get(portfolio_id=book.portfolio_id, symbol=intent.symbol)
        cover_position(position=position, moment=moment)
    return order


def first_order(intent: OrderIntent, reading: MarketReading, book: Book) -> OrderIntent:
    """The order of the group that goes through the gate. Raises as ``place_group``."""
    _check_prices(intent, reading)
    if intent.type == BRACKET:
        return _entry(intent)
    _check_units(intent, book)
    return _take_profit(intent)


def _entry(intent: OrderIntent) -> OrderIntent:
    if intent.stop_price is not None:
        kind = "stop" if intent.limit_price is None else "stop_limit"
    else:
        kind = "market" if intent.limit_price is None else "limit"
    return replace(intent, type=kind, role=ENTRY, take_profit_price=None, stop_loss_price=None)


def _take_profit(intent: OrderIntent) -> OrderIntent:
    return replace(
        intent,
        type="limit",
        role=TAKE_PROFIT,
        limit_price=intent.take_profit_price,
        take_profit_price=None,
        stop_loss_price=None,
        reduce_only=True,
    )


def _check_prices(intent: OrderIntent, reading: MarketReading) -> None:
    tick, mark = reading.rules.tick_size, reading.mark.price
    entry = intent.limit_price or intent.stop_price
    for field in _EXITS:
        price: Decimal | None = getattr(intent, field)
        if price is None:
            continue
        if floor_to(price, tick) != price:
            detail = f"{field} must be a multiple of {plain(tick)}, was {plain(price)}."
            raise Refused(detail, code="off_tick", field=field)
        above = field == "take_profit_price"
        if entry is None and mark is not None and (price <= mark if above else price >= mark):
            side = "above" if above else "below"
            raise Refused(
                f"{field} must lie {side} the mark {plain(mark)}, was {plain(price)}: it would sell at once.",
                code="stop_on_wrong_side",
                field=field,
            )


def _check_units(intent: OrderIntent, book: Book) -> None:
    groups = groups_of(portfolio_id=book.portfolio_id, symbol=intent.symbol)
    spoken_for = sum((group.facts.left for group in groups), ZERO)
    free = max(ZERO, book.held_quantity - spoken_for)
    if spoken_for and intent.quantity is not None and intent.quantity > free:
        raise Conflict(
            f"Of {plain(book.held_quantity)} {intent.symbol} held, {plain(spoken_for)} have exits already; quantity "
            f"was {plain(intent.quantity)}. Amend or cancel those, or take at most {plain(free)}.",
            code="units_in_another_group",
            field="quantity",
        )
