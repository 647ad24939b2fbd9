"""A desk whose account is at the exchange simulator, through the real ccxt."""

import time
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

from apps.foundation.clock import Moment
from apps.trading.adapters.ccxt_venue import CcxtVenue
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.models import Order, OrderTransition, Position
from apps.trading.operations.accounts.open_portfolio import open_portfolio
from apps.trading.operations.books.collect_fills import collect_fills
from apps.trading.operations.books.verify_books import verify_books
from apps.trading.operations.execution.poll_open_orders import poll_open_orders
from apps.trading.operations.execution.record_venue_answer import record_clock_offset
from apps.trading.operations.execution.submit_order import submit_order
from apps.trading.operations.execution.sweep_orders import sweep_orders
from apps.trading.operations.execution.take_venue_news import take_venue_news
from apps.trading.operations.orders.propose_order import propose_order
from apps.trading.operations.reconciliation.reconcile_account import reconcile_account
from tests.support.leading import lead
from tests.support.running_exchange import RunningExchange, test_account
from tests.support.staged_market import StagedMarket

CAPITAL = Decimal(1000)


class ExchangeDesk:
    """1,000 USDT at the simulator, on a staged market whose price the simulator is held at."""

    def __init__(self, market: StagedMarket, running: RunningExchange, exchange: str = "binance", **account):
        self.market, self.running = market, running
        self.name = f"desk-{uuid4().hex[:8]}"
        there = test_account(self.name, **{"balances": {"USDT": str(CAPITAL)}, **account})
        running.control("POST", "accounts", there)
        running.price("BTC/USDT", "50000")
        self.keys = {"apiKey": there["key"], "secret": there["secret"]}
        self.venue = CcxtVenue(
            account=self.name,
            exchange=exchange,
            keys=self.keys,
            urls=running.ccxt_urls(exchange),
            firm_time=lambda _: market.moment.firm,
            pace_ms=1,
        )
        open_portfolio(currency="USDT", capital=CAPITAL, moment=market.moment, account=self.name, venue="simulated")
        record_clock_offset(account=self.name, offset=self.venue.clock_offset(), moment=market.moment)
        assert reconcile_account(venue=self.venue, moment=market.moment).passed
        self.term = lead()

    def moment(self, later: float = 0) -> Moment:
        now = self.market.moment
        return Moment(wall=now.wall + timedelta(seconds=later), firm=now.firm)

    def propose(self, *, side="buy", quantity="0.004", **intent) -> str:
        wanted = OrderIntent(
            symbol="BTC/USDT", side=side, quantity=Decimal(quantity), actor="tester", account=self.name, **intent
        )
        view = propose_order(intent=wanted, moment=self.moment())
        assert view["state"] == "APPROVED", view["reject_detail"]
        return view["id"]

    def send(self, order_id) -> bool:
        return submit_order(order_id=order_id, venue=self.venue, term=self.term, moment=self.moment())

    def sent(self, **intent) -> str:
        order_id = self.propose(**intent)
        self.send(order_id)
        return order_id

    def sweep(self, later: float = 0) -> int:
        return sweep_orders(venue=self.venue, term=self.term, moment=self.moment(later))

    def poll(self, later: float = 5) -> int:
        return poll_open_orders(venue=self.venue, moment=self.moment(later))

    def collect(self) -> int:
        return collect_fills(venue=self.venue, moment=self.moment())

    def listen(self) -> int:
        return take_venue_news(venue=self.venue, moment=self.moment())

    def open_stream(self) -> None:
        """Listen, and wait until the exchange knows it."""
        self.listen()
        self.running.wait_for_stream(self.name)

    def listen_until(self, done, seconds: float = 8) -> None:
        """Take the stream's news until ``done()``."""
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, "the stream did not tell in time"
            self.listen()
            time.sleep(0.05)

    def order(self, order_id) -> Order:
        return Order.objects.get(pk=order_id)

    def states(self, order_id) -> list[str]:
        rows = OrderTransition.objects.filter(order_id=order_id).order_by("pk")
        return list(rows.values_list("to_state", flat=True))

    def held(self) -> Decimal:
        return sum(Position.objects.filter(portfolio__account__name=self.name).values_list("quantity", flat=True))

    def creates(self, order_id) -> int:
        return len(self.running.creates(self.order(order_id).client_order_id))

    def assert_agrees(self) -> None:
        """Our books balance and say what the exchange says."""
        report = verify_books()
        assert report.ok, report.problems
        there = self.running.books(self.name)
        reconciled = reconcile_account(venue=self.venue, moment=self.moment())
        assert reconciled.passed, there
        balances = self.venue.balances()
        units = balances["BTC"].free + balances["BTC"].used if "BTC" in balances else Decimal(0)
        assert self.held() == units
