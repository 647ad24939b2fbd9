"""A paper desk on a staged market: propose, send, let bars pass, look at the books."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

from django.db import connection

from apps.foundation.clock import Moment
from apps.trading.adapters.paper_venue import PaperVenue
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.models import Order, Position
from apps.trading.operations.accounts.open_portfolio import open_portfolio
from apps.trading.operations.books.verify_books import check_books, verify_books
from apps.trading.operations.execution.match_paper_orders import match_paper_orders
from apps.trading.operations.execution.submit_order import submit_order
from apps.trading.operations.execution.sweep_orders import sweep_orders
from apps.trading.operations.orders.propose_order import propose_order
from apps.trading.operations.protection.guard_cycle import guard_cycle
from apps.trading.operations.reconciliation.reconcile_account import reconcile_account
from tests.support.leading import lead
from tests.support.staged_market import StagedMarket, stage_market


class Killed(BaseException):
    """The process dies here; nothing may catch it."""


class WatchedVenue(PaperVenue):
    """The paper exchange, counting what is sent and dying or failing where a test says so."""

    def __init__(self):
        super().__init__()
        self.sent = Counter()
        self.before_submit = self.after_submit = None

    def submit(self, *, order, moment):
        self.sent[order.client_order_id] += 1
        if self.before_submit is not None:
            raise self.before_submit
        report = super().submit(order=order, moment=moment)
        if self.after_submit is not None:
            raise self.after_submit
        return report


class Desk:
    """One portfolio of 1,000 USDT on the paper exchange."""

    def __init__(self, market: StagedMarket):
        self.market = market
        self.venue = WatchedVenue()
        open_portfolio(currency="USDT", capital=Decimal(1000), moment=market.moment)
        assert reconcile_account(venue=self.venue, moment=market.moment).passed
        self.term = lead()

    def moment(self, *, later: float = 0) -> Moment:
        """Now; ``later`` seconds ahead on the wall clock only."""
        now = self.market.moment
        return Moment(wall=now.wall + timedelta(seconds=later), firm=now.firm)

    def propose(self, *, symbol="BTC/USDT", side="buy", quantity="0.004", **intent) -> str:
        """The id of an approved (or armed) order."""
        wanted = OrderIntent(symbol=symbol, side=side, quantity=Decimal(quantity), actor="tester", **intent)
        view = propose_order(intent=wanted, moment=self.moment())
        assert view["state"] in {"APPROVED", "ARMED"}, view["reject_detail"]
        return view["id"]

    def send(self, order_id, **timing) -> bool:
        return submit_order(order_id=order_id, venue=self.venue, term=self.term, moment=self.moment(**timing))

    def sweep(self, *, later: float = 0) -> int:
        return sweep_orders(venue=self.venue, term=self.term, moment=self.moment(later=later))

    def match(self) -> int:
        return match_paper_orders(venues=[self.venue], moment=self.moment())

    def guard(self) -> bool:
        return guard_cycle(moment=self.moment())

    def bar(self, **bars) -> None:
        """One bar as in the running firm: released, matched, guarded, and what the guard fired is sent."""
        self.market.bar(**bars)
        self.match()
        self.guard()
        self.sweep()

    def order(self, order_id) -> Order:
        return Order.objects.get(pk=order_id)

    def position(self, symbol="BTC/USDT") -> Position | None:
        return Position.objects.filter(symbol=symbol).first()

    def stops(self, symbol="BTC/USDT"):
        return list(Order.objects.filter(symbol=symbol, is_protective=True).order_by("proposed_firm", "pk"))

    def assert_books_balance(self) -> None:
        report = check_books() if connection.in_atomic_block else verify_books()
        assert report.ok, report.problems

    def buy(self, **intent) -> str:
        """Propose, send and let one bar fill it."""
        order_id = self.propose(**intent)
        self.send(order_id)
        self.bar()
        assert self.order(order_id).state == "FILLED"
        return order_id


def open_desk() -> Desk:
    desk = Desk(stage_market())
    desk.bar()
    return desk
