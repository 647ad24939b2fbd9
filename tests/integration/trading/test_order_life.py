"""Orders of every type in any sequence of events: the books hold after each step, on the real database.

Invariants: I1 every transfer balances; I3 balances are the sums of postings and never negative; I4 positions are the
sum of fills; I5 reservations are what living orders hold and nothing is sold twice. ``check_books`` recomputes them.
"""

from contextlib import suppress
from decimal import Decimal
from itertools import count

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.foundation.errors import OutcomeUnknown, Refused
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.orders.order_lifecycle import OPEN, TERMINAL
from apps.trading.models import LedgerAccount, Order, Position
from apps.trading.operations.books.apply_fill import apply_fill
from apps.trading.operations.execution.send_cancel import send_cancel
from apps.trading.operations.orders.amend_order import amend_order
from apps.trading.operations.orders.cancel_order import cancel_order
from apps.trading.operations.orders.propose_order import propose_order
from tests.support.trading_desk import open_desk

D = Decimal
pytestmark = pytest.mark.django_db(transaction=True)
QUANTITIES = st.sampled_from(["0.0005", "0.001", "0.0015"])
MOVES = st.sampled_from([-400, -150, -60, -10, 0, 10, 60, 150, 400])
VOLUMES = st.sampled_from(["0.004", "0.01", "1000"])
_late = count()


class OrderLife(RuleBasedStateMachine):
    """One desk on the paper exchange; each rule is something that happens in the house or at the venue."""

    @initialize()
    def open(self):
        self._clear()
        self.desk = open_desk()
        self.seen_states = {}

    def _clear(self):
        tables = [name for name in connection.introspection.table_names() if name.startswith(("trading_", "market_"))]
        kept = {"trading_risklimits"}
        emptied = sorted(set(tables) - kept)
        with connection.cursor() as cursor:
            for table in emptied:  # append-only tables refuse to be emptied
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"TRUNCATE {', '.join(emptied)} CASCADE")
            for table in emptied:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    @property
    def mark(self):
        return self.desk.market.last["BTC/USDT"]

    def propose(self, **intent):
        wanted = OrderIntent(**({"symbol": "BTC/USDT", "actor": "tester"} | intent))
        with suppress(Refused):
            propose_order(intent=wanted, moment=self.desk.moment())

    @rule(quantity=QUANTITIES, force=st.sampled_from(["GTC", "IOC", "FOK"]), side=st.sampled_from(["buy", "sell"]))
    def market_order(self, quantity, force, side):
        self.propose(side=side, quantity=D(quantity), time_in_force=force)

    @rule(
        quantity=QUANTITIES,
        side=st.sampled_from(["buy", "sell"]),
        away=st.sampled_from([0, 30, 100]),
        post=st.booleans(),
    )
    def limit_order(self, quantity, side, away, post):
        price = self.mark - away if side == "buy" else self.mark + away
        self.propose(side=side, type="limit", quantity=D(quantity), limit_price=price, post_only=post)

    @rule(quantity=QUANTITIES, kind=st.sampled_from(["stop", "stop_limit", "take_profit", "trailing_stop"]))
    def armed_sale(self, quantity, kind):
        prices = {
            "stop": {"stop_price": self.mark - 80},
            "stop_limit": {"stop_price": self.mark - 80, "limit_price": self.mark - 120},
            "take_profit": {"stop_price": self.mark + 80},
            "trailing_stop": {"trail_amount": D(90)},
        }[kind]
        self.propose(side="sell", type=kind, quantity=D(quantity), reduce_only=True, **prices)

    @rule(quantity=QUANTITIES)
    def armed_buy(self, quantity):
        self.propose(side="buy", type="stop", quantity=D(quantity), stop_price=self.mark + 50)

    @rule(quantity=QUANTITIES)
    def two_exits(self, quantity):
        self.propose(
            side="sell",
            type="oco",
            quantity=D(quantity),
            take_profit_price=self.mark + 100,
            stop_loss_price=self.mark - 100,
        )

    @rule(quantity=QUANTITIES)
    def bracket(self, quantity):
        self.propose(
            side="buy",
            type="bracket",
            quantity=D(quantity),
            take_profit_price=self.mark + 120,
            stop_loss_price=self.mark - 120,
        )

    @rule(lost=st.booleans())
    def send_waiting(self, lost):
        """The executor sends; sometimes the answer gets lost after the venue took the order."""
        self.desk.venue.after_submit = OutcomeUnknown("the answer was lost") if lost else None
        for order in Order.objects.filter(state="APPROVED").order_by("pk"):
            self.desk.send(order.pk)
        self.desk.venue.after_submit = None

    @rule(move=MOVES, volume=VOLUMES)
    def bar(self, move, volume):
        opening = self.mark
        closing = opening + move
        self.desk.market.bar(BTC=(opening, max(opening, closing) + 20, min(opening, closing) - 20, closing, volume))
        self.desk.match()
        self.desk.guard()

    @rule(later=st.sampled_from([0, 3, 12, 40]))
    def sweep(self, later):
        self.desk.sweep(later=later)

    @precondition(lambda self: Order.objects.filter(state__in=OPEN).exists())
    @rule(data=st.data())
    def cancel(self, data):
        order_id = data.draw(st.sampled_from(sorted(Order.objects.filter(state__in=OPEN).values_list("pk", flat=True))))
        for _ in range(2):
            with suppress(Refused):
                cancel_order(order_id=order_id, actor="tester", reason="", moment=self.desk.moment())
        send_cancel(order_id=order_id, venue=self.desk.venue, term=self.desk.term, moment=self.desk.moment())

    @precondition(lambda self: Order.objects.filter(state__in=OPEN).exists())
    @rule(data=st.data(), share=st.sampled_from([D(1), D("0.5"), D(2)]))
    def amend(self, data, share):
        order_id = data.draw(st.sampled_from(sorted(Order.objects.filter(state__in=OPEN).values_list("pk", flat=True))))
        changes = {"quantity": self.desk.order(order_id).quantity * share}
        with suppress(Refused):
            amend_order(order_id=order_id, changes=changes, actor="tester", reason="", moment=self.desk.moment())

    @rule()
    def every_fill_again(self):
        """The venue tells of everything once more: nothing may be posted twice."""
        page = self.desk.venue.fills_since(watermark="", symbols=["BTC/USDT"], limit=1000)
        for fill in page.fills:
            if Order.objects.filter(client_order_id=fill.client_order_id, fills__venue_trade_id=fill.venue_trade_id):
                assert not apply_fill(fill=fill, account="paper", moment=self.desk.moment())

    @invariant()
    def the_books_hold(self):
        if hasattr(self, "desk"):
            with transaction.atomic():
                self.desk.assert_books_balance()

    @invariant()
    def no_order_is_sent_twice_and_no_end_is_taken_back(self):
        if not hasattr(self, "desk"):
            return
        assert not self.desk.venue.sent or max(self.desk.venue.sent.values()) == 1
        for order in Order.objects.all():
            before = self.seen_states.get(order.pk)
            assert before not in TERMINAL or before == order.state
            self.seen_states[order.pk] = order.state

    @invariant()
    def nothing_is_sold_that_is_not_held(self):
        if not hasattr(self, "desk"):
            return
        position = Position.objects.filter(symbol="BTC/USDT").first()
        held = position.quantity if position else D(0)
        sales = Order.objects.filter(side="sell", state__in=OPEN)
        assert sum((order.reserved_left for order in sales), D(0)) <= held
        free = LedgerAccount.objects.filter(asset="BTC", kind="position").first()
        assert free is None or free.balance >= 0

    @invariant()
    def every_unit_held_has_exactly_one_stop(self):
        if not hasattr(self, "desk"):
            return
        position = Position.objects.filter(symbol="BTC/USDT", quantity__gt=0).first()
        stops = Order.objects.filter(is_protective=True, state__in=OPEN)
        covered = sum((order.quantity - order.filled_quantity for order in stops), D(0))
        refused = Order.objects.filter(is_protective=True, state__in=["REJECTED", "CANCELED", "NOT_PLACED"])
        if not refused.exists():  # the guard covers such a gap in its next cycle
            assert covered == (position.quantity if position else 0)

    @invariant()
    def a_replacement_never_lives_beside_what_it_replaces(self):
        if hasattr(self, "desk"):
            living = Order.objects.filter(replaces__isnull=False).exclude(state__in=["PROPOSED", "DENIED"])
            assert not living.exclude(replaces__state__in=TERMINAL).exists()


def test_any_sequence_of_events_leaves_sound_books(clean_redis):
    run_state_machine_as_test(
        OrderLife,
        settings=settings(
            max_examples=8,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
