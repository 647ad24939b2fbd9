"""Facts on which every rule of the gate passes, to be changed in one place by a test."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from apps.trading.domain.risk.gate_facts import BookFacts, GateFacts, MarketFacts, OrderFacts, VenueFacts
from apps.trading.domain.risk.risk_limits import DEFAULT_LIMITS
from apps.trading.domain.risk.trading_state import TradingState

FIRM = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

GOOD = GateFacts(
    order=OrderFacts(
        symbol="BTC/USDT",
        base="BTC",
        side="buy",
        type="market",
        origin="consensus",
        reduce_only=False,
        privileged=False,
        quantity=Decimal("0.002"),
        price=None,
        value=Decimal(100),
        needs=Decimal("102.102"),
        needs_asset="USDT",
        expected_edge_bps=100.0,
    ),
    market=MarketFacts(
        mark=Decimal(50_000),
        as_of=FIRM,
        stale=False,
        diverging=False,
        spread_bps=Decimal(2),
        reason="Price of binance.",
        tick_size=Decimal("0.01"),
        step_size=Decimal("0.00001"),
        min_quantity=Decimal("0.00001"),
        min_notional=Decimal(5),
        paused_reason=None,
        fee_bps=Decimal(10),
    ),
    book=BookFacts(
        equity=Decimal(1000),
        day_start_equity=Decimal(1000),
        peak_equity=Decimal(1000),
        available=Decimal(900),
        exposures={"ETH/USDT": Decimal(100)},
        held_quantity=Decimal(0),
        orders_last_hour=0,
        open_orders=0,
        unknown_orders=0,
        unknown_on_symbol=0,
        losses_in_row=0,
        last_loss_firm=None,
        state=TradingState.ACTIVE,
    ),
    venue=VenueFacts(account="binance", in_house=False, rung="normal", clock_offset_ms=40),
    limits=DEFAULT_LIMITS,
    firm=FIRM,
)


def facts(*, order=None, market=None, book=None, limits=None, venue=None) -> GateFacts:
    """The good facts with fields of a part replaced."""
    return replace(
        GOOD,
        order=replace(GOOD.order, **(order or {})),
        market=replace(GOOD.market, **(market or {})),
        book=replace(GOOD.book, **(book or {})),
        venue=replace(GOOD.venue, **(venue or {})),
        limits=replace(GOOD.limits, **(limits or {})),
    )


def sale(*, order=None, market=None, book=None, limits=None, venue=None) -> GateFacts:
    """A sale of a whole position of 0.002 BTC."""
    selling = {"side": "sell", "reduce_only": True, "needs": Decimal("0.002"), "needs_asset": "BTC"}
    held = {"available": Decimal("0.002"), "held_quantity": Decimal("0.002")}
    return facts(order=selling | (order or {}), market=market, book=held | (book or {}), limits=limits, venue=venue)
