"""The trading tables in the admin: money can be read, never edited; what may be done is done through the operations."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline

from apps.foundation.admin import ReadOnlyAdmin
from apps.foundation.errors import HQError
from apps.foundation.permissions import Role, role_at_least
from apps.market.queries import current_moment
from apps.trading import operations
from apps.trading.models import (
    Cursor,
    EquitySnapshot,
    Fill,
    LedgerAccount,
    LedgerPosting,
    LedgerTransfer,
    Order,
    OrderTransition,
    PaperExchange,
    PaperFill,
    PaperOrder,
    Portfolio,
    Position,
    RiskLimits,
    StateCause,
    UnknownLookup,
    VenueWatermark,
)


class SteeredAdmin(ReadOnlyAdmin):
    """Read-only rows whose actions call operations, for those who have the role."""

    show_full_result_count = False

    def has_trade_permission(self, request: HttpRequest) -> bool:
        return role_at_least(request.user, Role.TRADER)

    def has_risk_permission(self, request: HttpRequest) -> bool:
        return role_at_least(request.user, Role.RISK)

    def attempt(self, request: HttpRequest, what: str, step: Callable[[], Any]) -> None:
        """Run one step and tell how it went."""
        try:
            step()
        except HQError as error:
            self.message_user(request, f"{what}: {error.message}", messages.ERROR)
        else:
            self.message_user(request, f"{what}: done.", messages.SUCCESS)


class TransitionsOfOrder(TabularInline):
    model = OrderTransition
    fields = ("from_state", "to_state", "at_wall", "at_firm", "actor", "note")
    readonly_fields = ("from_state", "to_state", "at_wall", "at_firm", "actor", "note")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Portfolio)
class PortfolioAdmin(SteeredAdmin):
    list_display = ["name", "account", "base_currency", "starting_capital", "peak_equity", "day_start_equity"]
    actions = ["halt", "halt_and_flatten"]

    @admin.action(description="Halt trading (all portfolios)", permissions=["risk"])
    def halt(self, request: HttpRequest, _: QuerySet[Portfolio]) -> None:
        self._halt(request, flatten=False)

    @admin.action(description="Halt trading and sell everything (all portfolios)", permissions=["risk"])
    def halt_and_flatten(self, request: HttpRequest, _: QuerySet[Portfolio]) -> None:
        self._halt(request, flatten=True)

    def _halt(self, request: HttpRequest, *, flatten: bool) -> None:
        actor, reason = request.user.get_username(), "Stopped in the admin."
        self.attempt(
            request,
            "Halt",
            lambda: operations.halt_trading(actor=actor, reason=reason, flatten=flatten, moment=current_moment()),
        )


@admin.register(StateCause)
class StateCauseAdmin(SteeredAdmin):
    list_display = ["kind", "state", "latched", "author", "reason", "opened_wall", "closed_wall", "closed_by"]
    list_filter = ["kind", "state", ("closed_wall", admin.EmptyFieldListFilter)]
    actions = ["resume"]

    @admin.action(description="Resume trading (closes all latched causes)", permissions=["risk"])
    def resume(self, request: HttpRequest, _: QuerySet[StateCause]) -> None:
        actor, reason = request.user.get_username(), "Resumed in the admin."
        self.attempt(
            request,
            "Resume",
            lambda: operations.resume_trading(actor=actor, reason=reason, moment=current_moment()),
        )


@admin.register(Order)
class OrderAdmin(SteeredAdmin):
    list_display = ["id", "symbol", "side", "type", "quantity", "state", "filled_quantity", "origin", "proposed_wall"]
    list_filter = ["account", "state", "symbol", "side", "origin", "is_protective"]
    search_fields = ["id", "client_order_id", "symbol", "correlation_id"]
    inlines = [TransitionsOfOrder]
    actions = ["cancel"]

    @admin.action(description="Cancel the chosen orders", permissions=["trade"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Order]) -> None:
        actor, moment = request.user.get_username(), current_moment()
        for order in chosen.order_by("pk"):
            self.attempt(
                request,
                str(order),
                partial(
                    operations.cancel_order,
                    order_id=order.pk,
                    actor=actor,
                    reason="Cancelled in the admin.",
                    moment=moment,
                ),
            )


@admin.register(Position)
class PositionAdmin(SteeredAdmin):
    list_display = ["symbol", "quantity", "average_price", "stop_price", "realized_pnl", "fees", "opened_firm"]
    list_filter = ["symbol"]
    actions = ["close"]

    @admin.action(description="Close the chosen positions at the market", permissions=["trade"])
    def close(self, request: HttpRequest, chosen: QuerySet[Position]) -> None:
        actor, moment = request.user.get_username(), current_moment()
        privileged = self.has_risk_permission(request)
        for position in chosen.order_by("pk"):
            self.attempt(
                request,
                position.symbol,
                partial(
                    operations.close_position,
                    account=position.portfolio.account.name,
                    symbol=position.symbol,
                    actor=actor,
                    reason="Closed in the admin.",
                    moment=moment,
                    privileged=privileged,
                ),
            )


@admin.register(OrderTransition)
class OrderTransitionAdmin(SteeredAdmin):
    list_display = ["order", "from_state", "to_state", "at_wall", "actor", "note"]
    list_filter = ["to_state"]
    list_select_related = ["order"]


@admin.register(Fill)
class FillAdmin(SteeredAdmin):
    list_display = ["symbol", "side", "quantity", "price", "fee", "realized_pnl", "traded_firm", "venue_trade_id"]
    list_filter = ["account", "symbol", "side"]
    search_fields = ["venue_trade_id", "order__id"]


@admin.register(LedgerAccount)
class LedgerAccountAdmin(SteeredAdmin):
    list_display = ["portfolio", "asset", "kind", "budget", "balance"]
    list_filter = ["asset", "kind"]
    list_select_related = ["portfolio"]


@admin.register(LedgerTransfer)
class LedgerTransferAdmin(SteeredAdmin):
    list_display = ["cause_kind", "cause_id", "order_id", "at_wall", "at_firm"]
    list_filter = ["cause_kind"]
    search_fields = ["cause_id", "order_id"]


@admin.register(LedgerPosting)
class LedgerPostingAdmin(SteeredAdmin):
    list_display = ["transfer", "account", "asset", "amount"]
    list_filter = ["asset", "account__kind"]
    list_select_related = ["transfer", "account"]


@admin.register(RiskLimits)
class RiskLimitsAdmin(SteeredAdmin):
    list_display = ["version", "author", "reason", "at", "changes"]


@admin.register(EquitySnapshot)
class EquitySnapshotAdmin(SteeredAdmin):
    list_display = ["at_firm", "equity", "cash", "reserved", "market_value", "drawdown_pct", "stale"]


@admin.register(Cursor)
class CursorAdmin(SteeredAdmin):
    list_display = ["name", "through"]


@admin.register(VenueWatermark)
class VenueWatermarkAdmin(SteeredAdmin):
    list_display = ["account", "watermark"]


@admin.register(UnknownLookup)
class UnknownLookupAdmin(SteeredAdmin):
    list_display = ["order", "negative_answers", "first_negative_wall", "next_look_wall"]
    list_select_related = ["order"]


@admin.register(PaperExchange)
class PaperExchangeAdmin(SteeredAdmin):
    list_display = ["name", "matched_until"]


@admin.register(PaperOrder)
class PaperOrderAdmin(SteeredAdmin):
    list_display = ["client_order_id", "symbol", "side", "type", "quantity", "state", "filled_quantity"]
    list_filter = ["state", "symbol"]
    search_fields = ["client_order_id"]


@admin.register(PaperFill)
class PaperFillAdmin(SteeredAdmin):
    list_display = ["trade_id", "symbol", "side", "quantity", "price", "fee", "liquidity", "executed_firm"]
    list_filter = ["symbol", "side"]
