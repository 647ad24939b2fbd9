"""A whole comparison of 10,000 orders and fills with the paper exchange's own tables: time, and memory of the process.

Three looks: everything equal, one order in a hundred with a trade that our books lack, and the look after that. The
bare part reads the same rows of both sides by psycopg and compares them as sets.
"""

import os
import resource
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg

from tests.benchmarks import order_desk
from tests.benchmarks.measure import Line, milliseconds

ORDERS = 10_000
LACKING = 100
CHUNK = 2_000
SIZE = Decimal("0.001")
PRICE = Decimal(50_000)
BARE = (
    "SELECT client_order_id, state, filled_quantity FROM trading_order",
    "SELECT client_order_id, state, filled_quantity FROM trading_paper_order",
    "SELECT venue_trade_id, symbol, side, quantity, price FROM trading_fill",
    "SELECT trade_id, symbol, side, quantity, price FROM trading_paper_fill",
)


def run() -> list[Line]:
    """Seconds of each look beside the bare one, and the peak memory of the whole process in MiB."""
    order_desk.open_accounts()
    load()
    started = _peak()
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        bare = milliseconds(lambda: _bare(connection)) / 1_000
    whole = {"trades_posted": 0, "orders_listed": ORDERS, "trades_listed": ORDERS}
    lines = [_look("all equal", 0.0, whole, bare)]
    lack()
    lines.append(_look(f"{LACKING} trades to post", 60.0, {}, bare))
    lines.append(_look("the minute after", 120.0, {"trades_posted": 0}, bare))
    lines.append(Line("memory of the process at its peak, MiB", f"{_peak():.0f}", f"{started:.0f} before", "", "< 300"))
    return lines


def load() -> None:
    """Bought and sold in turns at one price, equal on both sides, so that the books need no other row."""
    from django.db import connection

    from apps.foundation.identifiers import new_id
    from apps.market.queries import current_moment
    from apps.trading.models import Account, Fill, Order, PaperFill, PaperOrder

    moment = current_moment()
    portfolio = Account.objects.get(pk="paper").portfolio_id
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # what is loaded is whole: no history is written
        for start in range(0, ORDERS, CHUNK):
            orders, fills, theirs, trades = [], [], [], []
            for number in range(start, start + CHUNK):
                order_id, side = new_id(), "buy" if number % 2 == 0 else "sell"
                orders.append(_order(order_id, side, portfolio, moment, number))
                theirs.append(_paper_order(number, order_id.hex, side, moment))
                fills.append(_fill(orders[-1], number, moment))
                trades.append(_paper_fill(number, side, moment))
            Order.objects.bulk_create(orders)
            PaperOrder.objects.bulk_create(theirs)
            PaperFill.objects.bulk_create(trades)
            Fill.objects.bulk_create(fills)
        cursor.execute("SELECT setval(pg_get_serial_sequence('trading_paper_order', 'id'), %s)", [ORDERS])
        cursor.execute("SELECT setval(pg_get_serial_sequence('trading_paper_fill', 'id'), %s)", [ORDERS])
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("ANALYZE")


def lack() -> None:
    """Orders at work in our books that the exchange has filled meanwhile."""
    from django.db import connection

    from apps.foundation.identifiers import new_id
    from apps.market.queries import current_moment
    from apps.trading.models import Account, Order, PaperFill, PaperOrder

    moment = current_moment()
    portfolio = Account.objects.get(pk="paper").portfolio_id
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for number in range(ORDERS, ORDERS + LACKING):
            order_id = new_id()
            order = _order(order_id, "buy", portfolio, moment, number)
            order.state, order.done_wall, order.filled_quantity = "ACCEPTED", None, Decimal(0)
            Order.objects.bulk_create([order])
            PaperOrder.objects.bulk_create([_paper_order(number, order_id.hex, "buy", moment)])
            PaperFill.objects.bulk_create([_paper_fill(number, "buy", moment)])
        cursor.execute("SET session_replication_role = origin")


def _look(what: str, later: float, expected: dict[str, int], bare: float) -> Line:
    from apps.foundation.clock import Moment
    from apps.market.queries import current_moment
    from apps.trading.adapters.paper_venue import PaperVenue
    from apps.trading.models import Fill
    from apps.trading.operations.reconciliation.reconcile_account import reconcile_account

    now = current_moment()
    moment = Moment(wall=now.wall + timedelta(seconds=later), firm=now.firm)
    found: list[Any] = []
    took = milliseconds(lambda: found.append(reconcile_account(venue=PaperVenue("paper"), moment=moment))) / 1_000
    summary = found[0].summary
    if not found[0].passed or any(summary[name] != value for name, value in expected.items()):
        raise RuntimeError(f"The look was to find {expected}: {found[0]}")
    if later and Fill.objects.count() != ORDERS + LACKING:
        raise RuntimeError("The lacking trades were not posted.")
    listed = f"{summary['orders_listed']:,} orders, {summary['trades_listed']:,} trades"
    return Line(f"reconciliation, {what} ({listed}), s", f"{took:.2f}", f"{bare:.2f}", f"{took / bare:.1f}", "< 10 s")


def _bare(connection: psycopg.Connection) -> None:
    ours, theirs, fills, trades = ({row[0]: row[1:] for row in connection.execute(text)} for text in BARE)
    if ours.keys() != theirs.keys() or fills != trades:
        raise RuntimeError("The loaded sides differ.")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _order(order_id: Any, side: str, portfolio: Any, moment: Any, number: int) -> Any:
    from apps.trading.models import Order

    walls = dict.fromkeys(("proposed_wall", "approved_wall", "submitted_wall", "done_wall", "state_wall"), moment.wall)
    firms = dict.fromkeys(("proposed_firm", "accepted_firm", "state_firm"), moment.firm)
    return Order(
        **walls,
        **firms,
        id=order_id,
        portfolio_id=portfolio,
        account_id="paper",
        client_order_id=order_id.hex,
        venue_order_id=f"P{number + 1}",
        symbol="BTC/USDT",
        side=side,
        type="market",
        quantity=SIZE,
        state="FILLED",
        state_actor="bench",
        filled_quantity=SIZE,
        filled_cost=SIZE * PRICE,
        average_price=PRICE,
        origin="manual",
        actor="bench",
        verdicts=[],
        gate_digest="0" * 64,
    )


def _fill(order: Any, number: int, moment: Any) -> Any:
    from apps.foundation.identifiers import new_id
    from apps.trading.models import Fill

    return Fill(
        id=new_id(),
        order_id=order.pk,
        portfolio_id=order.portfolio_id,
        account_id="paper",
        symbol=order.symbol,
        side=order.side,
        quantity=SIZE,
        price=PRICE,
        cost=SIZE * PRICE,
        fee_asset="USDT",
        venue_trade_id=f"T{number}",
        traded_firm=moment.firm,
        recorded_wall=moment.wall,
    )


def _paper_order(number: int, client_order_id: str, side: str, moment: Any) -> Any:
    from apps.trading.models import PaperOrder

    return PaperOrder(
        id=number + 1,
        client_order_id=client_order_id,
        symbol="BTC/USDT",
        side=side,
        type="market",
        quantity=SIZE,
        time_in_force="GTC",
        post_only=False,
        reduce_only=False,
        state="FILLED",
        filled_quantity=SIZE,
        accepted_firm=moment.firm,
        accepted_wall=moment.wall,
    )


def _paper_fill(number: int, side: str, moment: Any) -> Any:
    from apps.trading.models import PaperFill

    return PaperFill(
        id=number + 1,
        trade_id=f"T{number}",
        order_id=number + 1,
        symbol="BTC/USDT",
        side=side,
        quantity=SIZE,
        price=PRICE,
        fee=Decimal(0),
        fee_asset="USDT",
        liquidity="taker",
        executed_firm=moment.firm,
    )
