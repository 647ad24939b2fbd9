"""The paper exchange: an exchange of its own, with its own tables, written in its own transactions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO, floor_to, plain
from apps.market import queries as market
from apps.market.domain.candles import Candle
from apps.trading.domain.decimal_math import times
from apps.trading.domain.fill_simulation import (
    MarketSlice,
    Matched,
    WorkingOrder,
    match_orders,
    slice_of_bar,
    slice_of_quote,
)
from apps.trading.domain.paper_terms import PAPER_TERMS, PaperTerms
from apps.trading.models.paper_exchange import WORKING_STATES, PaperExchange, PaperFill, PaperOrder
from apps.trading.ports import QuotedMarket, VenueFill, VenueOrder, VenueOrderExists, VenueRefused, VenueReport

NAME = "paper"


class PaperVenue:
    """Implements ``MatchingVenue``. It answers definitively: its own tables are its order book."""

    name = NAME
    request_life = timedelta(seconds=5)
    negative_answers = 2

    def __init__(self, terms: PaperTerms = PAPER_TERMS) -> None:
        self.terms = terms

    def client_order_id(self, order_hex: str) -> str:
        return order_hex

    def submit(self, *, order: VenueOrder, moment: Moment) -> VenueReport:
        _check_rules(order, moment)
        try:
            with transaction.atomic(durable=True):
                _check_in_time(order)
                row = PaperOrder.objects.create(
                    client_order_id=order.client_order_id,
                    symbol=order.symbol,
                    side=order.side,
                    type=order.type,
                    quantity=order.quantity,
                    limit_price=order.limit_price,
                    funds_left=order.funds,
                    time_in_force=order.time_in_force,
                    post_only=order.post_only,
                    reduce_only=order.reduce_only,
                    accepted_firm=moment.firm,
                    accepted_wall=moment.wall,
                )
        except IntegrityError as error:
            if PaperOrder.objects.filter(client_order_id=order.client_order_id).exists():
                raise VenueOrderExists(f"The paper exchange already has the order {order.client_order_id}.") from error
            raise
        return _report(row)

    def find(self, *, client_order_id: str) -> VenueReport | None:
        row = PaperOrder.objects.filter(client_order_id=client_order_id).first()
        return None if row is None else _report(row)

    def cancel(self, *, client_order_id: str, moment: Moment) -> VenueReport:  # noqa: ARG002 - the port's signature
        with transaction.atomic(durable=True):
            row = PaperOrder.objects.select_for_update().filter(client_order_id=client_order_id).first()
            if row is None:
                raise VenueRefused(f"The paper exchange has no order {client_order_id}.", code="venue_order_unknown")
            if row.state in WORKING_STATES:
                row.state, row.reason = "CANCELED", "Canceled on request."
                row.save(update_fields=["state", "reason"])
        return _report(row)

    def open_orders(self) -> list[VenueReport]:
        return [_report(row) for row in PaperOrder.objects.filter(state__in=WORKING_STATES).order_by("pk")]

    def fills_since(self, *, sequence: int, limit: int) -> list[VenueFill]:
        rows = PaperFill.objects.filter(pk__gt=sequence).select_related("order").order_by("pk")[:limit]
        return [_fill(row) for row in rows]

    def matched_until(self) -> datetime | None:
        row = PaperExchange.objects.filter(name=NAME).first()
        return None if row is None else row.matched_until

    def match_bars(self, *, closed_at: datetime, bars: Sequence[Candle]) -> int:
        fills = 0
        with transaction.atomic(durable=True):
            exchange = _locked_exchange()
            if exchange.matched_until is not None and exchange.matched_until >= closed_at:
                return 0
            for bar in sorted(bars, key=lambda each: each.symbol):
                rows = _working(bar.symbol, accepted_firm__lte=bar.open_at)
                if rows:
                    market_slice = slice_of_bar(
                        opening=bar.open, high=bar.high, low=bar.low, volume=bar.volume, terms=self.terms
                    )
                    fills += self._match(rows, market_slice, ZERO, bar.open_at, closed_at)
            exchange.matched_until = closed_at
            exchange.save(update_fields=["matched_until"])
        return fills

    def match_quotes(self, *, markets: Sequence[QuotedMarket], moment: Moment) -> int:
        fills = 0
        latency = timedelta(seconds=float(self.terms.latency_seconds))
        with transaction.atomic(durable=True):
            _locked_exchange()
            for quoted in sorted(markets, key=lambda each: each.symbol):
                rows = _working(quoted.symbol, accepted_wall__lte=quoted.received_at - latency)
                if rows:
                    taken = _taken_since(quoted.symbol, quoted.window_start)
                    market_slice = slice_of_quote(bid=quoted.bid, ask=quoted.ask, volume=quoted.bar_volume)
                    fills += self._match(rows, market_slice, taken, moment.firm, moment.firm)
        return fills

    def _match(
        self, rows: list[PaperOrder], market_slice: MarketSlice, taken: Decimal, opened: datetime, closed: datetime
    ) -> int:
        rules = market.instrument_rules(rows[0].symbol)
        outcomes = match_orders(
            orders=[_working_order(row) for row in rows],
            market=market_slice,
            taken=taken,
            tick=rules.tick_size,
            step=rules.step_size,
            terms=self.terms,
        )
        by_id = {row.client_order_id: row for row in rows}
        for outcome in outcomes:
            row = by_id[outcome.order_id]
            taker = outcome.fill is not None and outcome.fill.liquidity == "taker"
            _keep(row, outcome, rules.quote, opened if taker else closed)
        return sum(outcome.fill is not None for outcome in outcomes)


def _check_rules(order: VenueOrder, moment: Moment) -> None:
    rules = market.instrument_rules(order.symbol)
    if order.quantity <= 0 or floor_to(order.quantity, rules.step_size) != order.quantity:
        raise VenueRefused(
            f"Quantity was {plain(order.quantity)}; it must be a positive multiple of {plain(rules.step_size)}.",
            code="venue_bad_quantity",
        )
    if order.quantity < rules.min_quantity:
        raise VenueRefused(
            f"Quantity was {plain(order.quantity)}; the least is {plain(rules.min_quantity)}.",
            code="venue_min_quantity",
        )
    if order.limit_price is not None and floor_to(order.limit_price, rules.tick_size) != order.limit_price:
        raise VenueRefused(
            f"Limit price was {plain(order.limit_price)}; it must be a multiple of {plain(rules.tick_size)}.",
            code="venue_bad_price",
        )
    price = order.limit_price if order.limit_price is not None else market.mark(order.symbol, moment).price
    if price is not None and price * order.quantity < rules.min_notional:
        worth = plain(price * order.quantity)
        raise VenueRefused(
            f"The order is worth {worth} {rules.quote}; the least is {plain(rules.min_notional)}.",
            code="venue_min_notional",
        )


def _check_in_time(order: VenueOrder) -> None:
    """On the database's clock, which a frozen sender can't have stopped."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() > %s", [order.valid_until])
        late = cursor.fetchone()[0]
    if late:
        raise VenueRefused("The request came after the end of its life.", code="venue_request_expired")


def _locked_exchange() -> PaperExchange:
    PaperExchange.objects.bulk_create([PaperExchange(name=NAME)], ignore_conflicts=True)
    return PaperExchange.objects.select_for_update().get(name=NAME)


def _working(symbol: str, **conditions: datetime) -> list[PaperOrder]:
    rows = PaperOrder.objects.select_for_update(of=("self",)).filter(
        symbol=symbol, state__in=WORKING_STATES, **conditions
    )
    return list(rows.order_by("pk"))


def _taken_since(symbol: str, start: datetime) -> Decimal:
    taken = PaperFill.objects.filter(symbol=symbol, executed_firm__gte=start).aggregate(total=Sum("quantity"))["total"]
    return taken or ZERO


def _working_order(row: PaperOrder) -> WorkingOrder:
    return WorkingOrder(
        order_id=row.client_order_id,
        side="buy" if row.side == "buy" else "sell",
        type="limit" if row.type == "limit" else "market",
        remaining=row.quantity - row.filled_quantity,
        limit_price=row.limit_price,
        time_in_force=row.time_in_force,
        post_only=row.post_only,
        resting=row.resting,
        funds=row.funds_left,
    )


def _keep(row: PaperOrder, outcome: Matched, fee_asset: str, executed: datetime) -> None:
    row.resting = True
    if outcome.fill is not None:
        PaperFill.objects.create(
            trade_id=f"{row.client_order_id}-{row.fills.count() + 1}",
            order=row,
            symbol=row.symbol,
            side=row.side,
            quantity=outcome.fill.quantity,
            price=outcome.fill.price,
            fee=outcome.fill.fee,
            fee_asset=fee_asset,
            liquidity=outcome.fill.liquidity,
            executed_firm=executed,
        )
        if row.funds_left is not None:
            row.funds_left -= times(outcome.fill.quantity, outcome.fill.price) + outcome.fill.fee
        row.filled_quantity += outcome.fill.quantity
        row.state = "PARTIALLY_FILLED"
    if outcome.ended is not None:
        row.state, row.reason = outcome.ended, outcome.reason
    row.save(update_fields=["resting", "funds_left", "filled_quantity", "state", "reason"])


def _report(row: PaperOrder) -> VenueReport:
    return VenueReport(
        client_order_id=row.client_order_id,
        venue_order_id=row.venue_order_id,
        symbol=row.symbol,
        state=row.state,  # type: ignore[arg-type]  # constrained to the venue's states by the only writers above
        filled_quantity=row.filled_quantity,
        accepted_firm=row.accepted_firm,
        reason=row.reason,
    )


def _fill(row: PaperFill) -> VenueFill:
    return VenueFill(
        sequence=row.pk,
        venue_trade_id=row.trade_id,
        client_order_id=row.order.client_order_id,
        symbol=row.symbol,
        side="buy" if row.side == "buy" else "sell",
        quantity=row.quantity,
        price=row.price,
        fee=row.fee,
        fee_asset=row.fee_asset,
        liquidity="maker" if row.liquidity == "maker" else "taker",
        executed_firm=row.executed_firm,
    )
