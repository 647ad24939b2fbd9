"""The trading tables in the admin: money can be read, never edited; what may be done is done through the operations."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import CharField, DecimalField, IntegerField, ModelForm
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from apps.foundation.admin import ReadOnlyAdmin
from apps.foundation.errors import HQError, Refused
from apps.foundation.permissions import Role, role_at_least
from apps.market.queries import current_moment
from apps.trading import operations, queries
from apps.trading.domain.orders.order_intent import LONGEST_REASON
from apps.trading.domain.risk.risk_limits import LIMITS, changed
from apps.trading.models import (
    Account,
    AccountReconciliation,
    Cursor,
    EquitySnapshot,
    Fill,
    LedgerAccount,
    LedgerPosting,
    LedgerTransfer,
    Order,
    OrderGroup,
    OrderTransition,
    PaperExchange,
    PaperFill,
    PaperOrder,
    Portfolio,
    Position,
    ReconciliationBreak,
    RiskLimits,
    StateCause,
    UnknownLookup,
    VenueHealth,
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


@admin.register(Account)
class AccountAdmin(SteeredAdmin):
    """Enabling asks for the password again, so it is done on the dashboard or over REST. Keys are never shown."""

    list_display = ["name", "venue", "mode", "portfolio", "enabled", "trouble_code", "checked_wall"]
    list_filter = ["venue", "mode", "enabled"]
    exclude = ["sealed_keys"]
    actions = ["disable"]

    @admin.action(description="Disable the chosen accounts", permissions=["risk"])
    def disable(self, request: HttpRequest, chosen: QuerySet[Account]) -> None:
        actor, moment = request.user.get_username(), current_moment()
        for account in chosen.order_by("pk"):
            self.attempt(
                request,
                account.name,
                partial(
                    operations.disable_account,
                    name=account.name,
                    actor=actor,
                    reason="Disabled in the admin.",
                    moment=moment,
                ),
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
    list_display = [
        "symbol",
        "side",
        "type",
        "quantity",
        "filled_quantity",
        "state",
        "origin",
        "account",
        "proposed_wall",
    ]
    ordering = ["-proposed_wall", "-id"]
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


class OrdersOfGroup(TabularInline):
    model = Order
    fk_name = "group"
    fields = ("role", "state", "type", "quantity", "filled_quantity", "stop_price", "limit_price")
    readonly_fields = ("role", "state", "type", "quantity", "filled_quantity", "stop_price", "limit_price")
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(OrderGroup)
class OrderGroupAdmin(SteeredAdmin):
    list_display = ["symbol", "kind", "units", "take_profit_price", "stop_loss_price", "created_by"]
    list_filter = ["account", "kind", "symbol"]
    inlines = [OrdersOfGroup]


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


class LimitsForm(ModelForm):
    """Every limit at the value that holds, and why it is changed. The room's rules judge what may stand there."""

    reason = CharField(max_length=LONGEST_REASON, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))

    class Meta:
        model = RiskLimits
        fields = ["reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        holds = queries.current_limits().stored()
        for name, (lowest, highest, meaning) in LIMITS.items():
            kind = IntegerField if isinstance(holds[name], int) else DecimalField
            widget = UnfoldAdminTextInputWidget()
            hint = f"{meaning} From {lowest:f} to {highest:f}."
            self.fields[name] = kind(initial=holds[name], help_text=hint, widget=widget)
        self.order_fields([*LIMITS, "reason"])

    def clean(self) -> dict[str, Any]:
        """Adds what the rules refuse to the field that they name."""
        given = super().clean() or {}
        if not self.errors:
            try:
                changed(queries.current_limits(), self.changes)
            except Refused as refusal:
                self.add_error(refusal.field if refusal.field in self.fields else None, refusal.message)
        return given

    @property
    def changes(self) -> dict[str, Any]:
        """The limits that were given another value, as the operation takes them."""
        holds = queries.current_limits()
        given = {name: self.cleaned_data[name] for name in LIMITS if name in self.cleaned_data}
        return {name: value for name, value in given.items() if value != getattr(holds, name)}


@admin.register(RiskLimits)
class RiskLimitsAdmin(SteeredAdmin):
    """Versions can't be edited; a new one is added through the operation, with a reason."""

    list_display = ["version", "author", "reason", "at", "changes"]
    form = LimitsForm

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_risk_permission(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:  # noqa: ARG002
        return ["version", "author", "reason", "at", "changes", "values"] if obj else [*LIMITS, "reason"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[ModelForm]:
        return LimitsForm if obj is None else super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: RiskLimits, form: ModelForm, change: bool) -> None:  # noqa: ARG002
        """A new version by the operation; the row shown afterwards is that one."""
        assert isinstance(form, LimitsForm)
        answer = operations.change_limits(
            changes=form.changes,
            actor=request.user.get_username(),
            reason=form.cleaned_data["reason"],
            moment=current_moment(),
        )
        obj.pk = answer["version"]


@admin.register(VenueHealth)
class VenueHealthAdmin(SteeredAdmin):
    list_display = ["account", "rung", "rung_since", "reason", "latency_ms", "failures_in_row", "clock_offset_ms"]
    list_filter = ["rung"]


@admin.register(EquitySnapshot)
class EquitySnapshotAdmin(SteeredAdmin):
    list_display = ["at_firm", "equity", "cash", "reserved", "market_value", "drawdown_pct", "stale"]


@admin.register(Cursor)
class CursorAdmin(SteeredAdmin):
    list_display = ["name", "through"]


@admin.register(ReconciliationBreak)
class ReconciliationBreakAdmin(SteeredAdmin):
    list_display = ["account", "kind", "symbol", "asset", "amount", "state", "detail", "opened_wall", "choice_by"]
    list_filter = ["state", "kind", "account", "quarantines"]
    search_fields = ["detail", "symbol", "asset"]
    actions = ["accept_transfer", "adopt_trade", "cancel_order", "attest_not_placed", "attest_canceled", "ignore"]

    @admin.action(description="Accept as a deposit or withdrawal", permissions=["risk"])
    def accept_transfer(self, request: HttpRequest, chosen: QuerySet[ReconciliationBreak]) -> None:
        self._decide(request, chosen, "accept_transfer")

    @admin.action(description="Adopt the trade into our books", permissions=["risk"])
    def adopt_trade(self, request: HttpRequest, chosen: QuerySet[ReconciliationBreak]) -> None:
        self._decide(request, chosen, "adopt_trade")

    @admin.action(description="Cancel the order at the venue", permissions=["risk"])
    def cancel_order(self, request: HttpRequest, chosen: QuerySet[ReconciliationBreak]) -> None:
        self._decide(request, chosen, "cancel_order")

    @admin.action(description="Attest: the order was never placed", permissions=["risk"])
    def attest_not_placed(self, request: HttpRequest, chosen: QuerySet[ReconciliationBreak]) -> None:
        self._decide(request, chosen, "attest_not_placed")

    @admin.action(description="Attest: the order was canceled at the venue", permissions=["risk"])
    def attest_canceled(self, request: HttpRequest, chosen: QuerySet[ReconciliationBreak]) -> None:
        self._decide(request, chosen, "attest_canceled")

    @admin.action(description="Ignore this once", permissions=["risk"])
    def ignore(self, request: HttpRequest, chosen: QuerySet[ReconciliationBreak]) -> None:
        self._decide(request, chosen, "ignore")

    def _decide(self, request: HttpRequest, chosen: QuerySet[ReconciliationBreak], choice: str) -> None:
        actor, moment = request.user.get_username(), current_moment()
        for row in chosen.order_by("pk"):
            self.attempt(
                request,
                str(row),
                partial(
                    operations.resolve_break,
                    break_id=row.pk,
                    choice=choice,
                    reason="Decided in the admin.",
                    actor=actor,
                    moment=moment,
                ),
            )


@admin.register(AccountReconciliation)
class AccountReconciliationAdmin(SteeredAdmin):
    list_display = ["account", "passed_wall", "finished_wall", "tried_wall", "failures", "trouble"]
    actions = ["reconcile"]

    @admin.action(description="Compare the chosen accounts with their venues now", permissions=["trade"])
    def reconcile(self, request: HttpRequest, chosen: QuerySet[AccountReconciliation]) -> None:
        moment = current_moment()
        for row in chosen.order_by("pk"):
            want = partial(operations.want_reconciliation, account=row.pk, moment=moment)
            self.attempt(request, row.pk, want)


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
