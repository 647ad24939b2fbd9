"""The paper exchange: an exchange of its own, with its own tables, written in its own transactions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet, Sum

from apps.foundation.clock import Moment
from apps.foundation.money import ZERO, floor_to, plain
from apps.market import queries as market
from apps.market.domain.candles import Candle
from apps.market.domain.instruments import InstrumentRules
from apps.trading.domain.books.decimal_math import times
from apps.trading.domain.venues.fill_simulation import (
    MarketSlice,
    Matched,
    WorkingOrder,
    match_orders,
    slice_of_bar,
    slice_of_quote,
)
from apps.trading.domain.venues.paper_terms import PAPER_TERMS, terms_of
from apps.trading.models.paper_exchange import WORKING_STATES, PaperExchange, PaperFill, PaperOrder
from apps.trading.ports import (
    FillPage,
    QuotedMarket,
    VenueBalance,
    VenueCapabilities,
    VenueFill,
    VenueOrder,
    VenueOrderExists,
    VenueRefused,
    VenueReport,
    WithdrawalRight,
)

NAME = "paper"


class PaperVenue:
    """Implements ``MatchingVenue``. It answers definitively: its own tables are its order book."""

    name = NAME
    capabilities = VenueCapabilities(times_in_force=frozenset({"GTC", "IOC", "FOK", "GTD"}), balances=False)
    request_life = timedelta(seconds=5)
    visibility_lag = timedelta(0)
    negative_answers = 2

    def __init__(self, account: str = NAME) -> None:
        self.account = account

    def client_order_id(self, order_hex: str) -> str:
        return order_hex

    def submit(self, *, order: VenueOrder, moment: Moment) -> VenueReport:
        _check_words(order)
        _check_rules(order, moment)
        try:
            with transaction.atomic(durable=True):
                _check_in_time(order)
                row = PaperOrder.objects.create(
                    exchange=self.account,
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
                    expires_firm=order.expires_firm,
                    accepted_firm=moment.firm,
                    accepted_wall=moment.wall,
                )
        except IntegrityError as error:
            if PaperOrder.objects.filter(client_order_id=order.client_order_id).exists():
                raise VenueOrderExists(f"The paper exchange already has the order {order.client_order_id}.") from error
            raise
        return _report(row)

    def find(self, *, client_order_id: str, symbol: str, venue_order_id: str | None = None) -> VenueReport | None:
        rows = self._orders().filter(symbol=symbol)
        if client_order_id:
            row = rows.filter(client_order_id=client_order_id).first()
        else:
            row = rows.filter(pk=_number(venue_order_id)).first()
        return None if row is None else _report(row)

    def cancel(
        self,
        *,
        client_order_id: str,
        symbol: str,
        venue_order_id: str | None = None,  # noqa: ARG002 - the port's signature
        moment: Moment,  # noqa: ARG002
    ) -> VenueReport:
        with transaction.atomic(durable=True):
            rows = self._orders().select_for_update()
            row = rows.filter(client_order_id=client_order_id, symbol=symbol).first()
            if row is None:
                raise VenueRefused(f"The paper exchange has no order {client_order_id}.", code="venue_order_unknown")
            if row.state in WORKING_STATES:
                row.state, row.reason = "CANCELED", "Canceled on request."
                row.save(update_fields=["state", "reason"])
        return _report(row)

    def amend(self, *, client_order_id: str, order: VenueOrder, moment: Moment) -> VenueReport:  # noqa: ARG002
        raise VenueRefused("The paper exchange changes no orders; cancel and send anew.", code="venue_cannot_amend")

    def open_orders(self) -> list[VenueReport]:
        return [_report(row) for row in self._orders().filter(state__in=WORKING_STATES).order_by("pk")]

    def closed_orders(self, *, symbols: Sequence[str], since: datetime) -> list[VenueReport]:
        rows = self._orders().filter(symbol__in=symbols, accepted_wall__gte=since).exclude(state__in=WORKING_STATES)
        return [_report(row) for row in rows.order_by("pk")]

    def fills_since(self, *, watermark: str, symbols: Sequence[str], limit: int) -> FillPage:  # noqa: ARG002
        """The watermark is the place of the last fill; fills of all instruments come in one order."""
        rows = PaperFill.objects.filter(order__exchange=self.account, pk__gt=int(watermark or 0))
        found = list(rows.select_related("order").order_by("pk")[:limit])
        reached = str(found[-1].pk) if found else watermark
        return FillPage(tuple(_fill(row) for row in found), reached, complete=len(found) < limit)

    def fills_of(self, *, symbol: str, venue_order_id: str) -> list[VenueFill]:
        rows = PaperFill.objects.filter(order__exchange=self.account, order_id=_number(venue_order_id), symbol=symbol)
        return [_fill(row) for row in rows.select_related("order").order_by("pk")]

    def balances(self) -> dict[str, VenueBalance]:
        """Empty: this exchange trades for the house's books and keeps no balances that could differ from them."""
        return {}

    def rules(self, symbols: Sequence[str]) -> dict[str, InstrumentRules]:
        return {symbol: market.instrument_rules(symbol) for symbol in symbols}

    def clock_offset(self) -> timedelta:
        return timedelta(0)

    def healthy(self) -> None:
        PaperOrder.objects.filter(exchange=self.account).exists()

    def key_rights(self) -> WithdrawalRight:
        return "no"

    def matched_until(self) -> datetime | None:
        row = PaperExchange.objects.filter(name=self.account).first()
        return None if row is None else row.matched_until

    def match_bars(self, *, closed_at: datetime, bars: Sequence[Candle]) -> int:
        fills = 0
        with transaction.atomic(durable=True):
            exchange = _locked_exchange(self.account)
            if exchange.matched_until is not None and exchange.matched_until >= closed_at:
                return 0
            for bar in sorted(bars, key=lambda each: each.symbol):
                self._expire(bar.symbol, bar.open_at)
                rows = self._working(bar.symbol, accepted_firm__lte=bar.open_at)
                if rows:
                    market_slice = slice_of_bar(
                        opening=bar.open, high=bar.high, low=bar.low, volume=bar.volume, terms=terms_of(bar.symbol)
                    )
                    fills += self._match(rows, market_slice, ZERO, bar.open_at, closed_at)
            exchange.matched_until = closed_at
            exchange.save(update_fields=["matched_until"])
        return fills

    def match_quotes(self, *, markets: Sequence[QuotedMarket], moment: Moment) -> int:
        fills = 0
        latency = timedelta(seconds=float(PAPER_TERMS.latency_seconds))
        with transaction.atomic(durable=True):
            _locked_exchange(self.account)
            for quoted in sorted(markets, key=lambda each: each.symbol):
                self._expire(quoted.symbol, moment.firm)
                rows = self._working(quoted.symbol, accepted_wall__lte=quoted.received_at - latency)
                if rows:
                    taken = self._taken_since(quoted.symbol, quoted.window_start)
                    market_slice = slice_of_quote(bid=quoted.bid, ask=quoted.ask, volume=quoted.bar_volume)
                    fills += self._match(rows, market_slice, taken, moment.firm, moment.firm)
        return fills

    def _orders(self) -> QuerySet[PaperOrder]:
        return PaperOrder.objects.filter(exchange=self.account)

    def _expire(self, symbol: str, now: datetime) -> None:
        """End the orders whose date (of the firm's clock) had passed when this stretch of the market began."""
        due = self._orders().filter(symbol=symbol, state__in=WORKING_STATES, expires_firm__lte=now)
        due.update(state="EXPIRED", reason="Its good-till date has passed.")

    def _working(self, symbol: str, **conditions: datetime) -> list[PaperOrder]:
        rows = self._orders().select_for_update(of=("self",))
        return list(rows.filter(symbol=symbol, state__in=WORKING_STATES, **conditions).order_by("pk"))

    def _taken_since(self, symbol: str, start: datetime) -> Decimal:
        fills = PaperFill.objects.filter(order__exchange=self.account, symbol=symbol, executed_firm__gte=start)
        return fills.aggregate(total=Sum("quantity"))["total"] or ZERO

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
            terms=terms_of(rules.symbol),
        )
        by_id = {row.client_order_id: row for row in rows}
        for outcome in outcomes:
            row = by_id[outcome.order_id]
            taker = outcome.fill is not None and outcome.fill.liquidity == "taker"
            _keep(row, outcome, rules.quote, opened if taker else closed)
        return sum(outcome.fill is not None for outcome in outcomes)


def _check_words(order: VenueOrder) -> None:
    offered = PaperVenue.capabilities
    for field, was, known in (
        ("type", order.type, offered.order_types),
        ("time_in_force", order.time_in_force, offered.times_in_force),
    ):
        if was not in known:
            raise VenueRefused(
                f"{field} was {was}; the paper exchange takes {', '.join(sorted(known))}.",
                code=f"venue_{field}_unsupported",
            )


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
    order.refuse_unless_it_may_leave()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() > %s", [order.valid_until])
        late = cursor.fetchone()[0]
    if late:
        raise VenueRefused("The request came after the end of its life.", code="venue_request_expired")


def _locked_exchange(account: str) -> PaperExchange:
    PaperExchange.objects.bulk_create([PaperExchange(name=account)], ignore_conflicts=True)
    return PaperExchange.objects.select_for_update().get(name=account)


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


def _number(venue_order_id: str | None) -> int:
    """The row of one of this exchange's own order ids; none has 0."""
    digits = (venue_order_id or "").removeprefix("P")
    return int(digits) if digits.isdecimal() else 0


def _report(row: PaperOrder) -> VenueReport:
    return VenueReport(
        client_order_id=row.client_order_id,
        venue_order_id=row.venue_order_id,
        symbol=row.symbol,
        state=row.state,  # type: ignore[arg-type]  # constrained to the venue's states by the only writers above
        filled_quantity=row.filled_quantity,
        accepted_firm=row.accepted_firm,
        reason=row.reason,
        side="buy" if row.side == "buy" else "sell",
        type=row.type,
        quantity=row.quantity,
        limit_price=row.limit_price,
    )


def _fill(row: PaperFill) -> VenueFill:
    return VenueFill(
        venue_trade_id=row.trade_id,
        client_order_id=row.order.client_order_id,
        venue_order_id=row.order.venue_order_id,
        symbol=row.symbol,
        side="buy" if row.side == "buy" else "sell",
        quantity=row.quantity,
        price=row.price,
        fee=row.fee,
        fee_asset=row.fee_asset,
        liquidity="maker" if row.liquidity == "maker" else "taker",
        executed_firm=row.executed_firm,
    )
