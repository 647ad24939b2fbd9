"""Accounts on a staged market, and one order after another through the house's own door, in process.

Nothing is sent: the wake-up that an approved order asks for is counted in, its message to the broker is not.
"""

from datetime import timedelta
from decimal import Decimal

ROOM = {
    "max_open_orders": 1000,
    "max_orders_per_hour": 10_000,
    "max_gross_exposure": "1",
    "max_position_share": "1",
    "max_asset_share": "1",
}
ACCOUNTS = ("paper", "paper-2", "paper-3", "paper-4")
QUIET = timedelta(hours=2)


def open_accounts() -> None:
    """A staged market and four paper accounts of 1,000,000 USDT with wide limits."""
    from apps.trading.operations.accounts.open_portfolio import open_portfolio
    from apps.trading.operations.risk.change_limits import change_limits
    from tests.support.staged_market import stage_market

    moment = stage_market().bar()
    for account in ACCOUNTS:
        open_portfolio(currency="USDT", capital=Decimal(1_000_000), moment=moment, account=account)
    change_limits(changes=ROOM, actor="bench", reason="Room for the benchmark.", moment=moment)
    show_quotes()


def send_nothing() -> None:
    """Leave out the messages to the broker that orders ask for."""
    from apps.foundation import after_commit

    after_commit._send = lambda *_: None


class Placer:
    """Places one limit order on its account at each call, as of the market's moment when ``look`` was last called."""

    def __init__(self, account: str) -> None:
        from apps.trading.domain.orders.order_intent import OrderIntent

        send_nothing()
        self.intent = OrderIntent(
            symbol="BTC/USDT",
            side="buy",
            type="limit",
            quantity=Decimal("0.001"),
            limit_price=Decimal(49000),
            actor="bench",
            reason="Benchmark.",
            account=account,
        )
        self.look()

    def look(self) -> None:
        """Read the clocks."""
        from apps.market.queries import current_moment

        self.moment = current_moment()

    def __call__(self) -> None:
        from apps.trading.operations.orders.propose_order import propose_order

        view = propose_order(intent=self.intent, moment=self.moment)
        if view["state"] != "APPROVED":
            raise RuntimeError(f"The order was to be approved: {view['reject_detail']}")


def let_time_pass() -> None:
    """Cancel what is open and let two hours go by, so that the next orders meet the same book as the first ones did."""
    from apps.foundation.clock import wall_now
    from apps.market.models import MarketClock, StoredCandle
    from apps.market.queries import current_moment
    from apps.trading.operations.orders.cancel_order import cancel_open_orders

    before = current_moment()
    cancel_open_orders(actor="bench", reason="End of a turn.", moment=before)
    later = before.firm + QUIET
    for row in StoredCandle.objects.filter(open_at=before.firm - timedelta(minutes=1)):
        row.pk, row.open_at = None, later - timedelta(minutes=1)
        row.save(force_insert=True)
    MarketClock.objects.update(bar_at=later, released_at=wall_now())
    show_quotes()


def show_quotes() -> None:
    """Put the bar's quotes on the board, as the release of a bar does."""
    from apps.market import ports, queries
    from apps.market.queries import current_moment, market_clock

    quotes = queries.latest_quotes_of(queries.watched_symbols(), current_moment(), market_clock())
    ports.adapters().board.put([quote for found in quotes.values() for quote in found])
