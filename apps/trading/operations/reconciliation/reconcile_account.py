"""Compare one account with its venue, whole: orders, trades, balances. Heal what evidence heals, keep the rest."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Greatest

from apps.foundation.clock import Moment
from apps.foundation.errors import RetryableFailure
from apps.foundation.outbox import record_events
from apps.market import queries as market
from apps.market.domain.instruments import split_symbol
from apps.trading.domain.orders.order_lifecycle import OPEN, TERMINAL
from apps.trading.domain.risk.cause_kinds import RECONCILING
from apps.trading.domain.risk.trading_state import TradingState
from apps.trading.domain.venues.break_kinds import BreakKind, BreakState
from apps.trading.domain.venues.reconciliation import standing
from apps.trading.models import Account, AccountReconciliation, Order, Position, ReconciliationBreak
from apps.trading.operations.books.collect_fills import collect_fills
from apps.trading.operations.execution.note_bad_answer import note_bad_answer
from apps.trading.operations.orders.announce_changes import system_event
from apps.trading.operations.reconciliation.post_transfers import post_transfers_there
from apps.trading.operations.reconciliation.reconcile_balances import (
    BalancesCompared,
    keep_gap,
    post_charges,
    reconcile_balances,
)
from apps.trading.operations.reconciliation.reconcile_orders import OrdersCompared, cancel_wanted, reconcile_orders
from apps.trading.operations.reconciliation.reconcile_trades import TradesCompared, reconcile_trades
from apps.trading.operations.reconciliation.record_break import RECONCILER, Finding, heal_breaks, keep_break
from apps.trading.operations.risk.state_causes import close_causes, open_cause
from apps.trading.ports import Venue

OVERLAP = timedelta(minutes=10)
OWED_AT_MOST = timedelta(seconds=10)  # after which the screens say that an account waits for its comparison
STALE_AFTER = timedelta(minutes=10)
AGAIN_AFTER, AGAIN_AT_MOST = timedelta(seconds=3), timedelta(seconds=30)  # while a comparison is owed
WITHOUT_BEAT = timedelta(seconds=90)
_LASTING = (
    BreakKind.UNKNOWN_ORDER,
    BreakKind.FOREIGN_ORDER,
    BreakKind.ORDER_GONE,
    BreakKind.UNDECIDED_ORDER,
    BreakKind.BALANCE_GAP,
    BreakKind.POSITION_GAP,
)


@dataclass(frozen=True, slots=True)
class ReconciliationReport:
    """``finished``: all was compared. ``passed``: and nothing is left that another look has to confirm."""

    account: str
    finished: bool
    passed: bool
    trouble: str = ""
    open_breaks: int = 0
    summary: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Run:
    venue: Venue
    moment: Moment
    row: AccountReconciliation
    symbols: list[str]
    orders: OrdersCompared = field(default_factory=OrdersCompared)
    trades: TradesCompared = field(default_factory=TradesCompared)
    balances: BalancesCompared = field(default_factory=BalancesCompared)
    charges: int = 0
    transfers: int = 0


def require_reconciliation(*, moment: Moment) -> int:
    """At the executor's start: nothing that adds risk is sent for any account until it was compared; how many."""
    with transaction.atomic():
        names = list(Account.objects.order_by("pk").values_list("pk", flat=True))
        AccountReconciliation.objects.bulk_create(
            [AccountReconciliation(pk=name, required_wall=moment.wall) for name in names], ignore_conflicts=True
        )
        AccountReconciliation.objects.update(
            required_wall=moment.wall, passed_wall=None, tried_wall=None, failures=0, seen_gaps={}
        )
    return len(names)


def reconcile_account(*, venue: Venue, moment: Moment) -> ReconciliationReport:
    """One whole comparison; safe to repeat and beside itself. A venue that does not answer proves nothing.

    What a person has to decide stays a break with a quarantine and does not keep the account from passing: the rest of
    it may be traded. A gap that only this look saw does: the next look decides.
    """
    row = _begin(venue.account, moment)
    run = _Run(venue, moment, row, account_symbols(venue.account))
    try:
        _compare(run)
    except RetryableFailure as failure:
        note_bad_answer(account=venue.account, symbol="", failure=failure, moment=moment)
        return _failed(run, failure.message)
    return _finish(run)


def reconcile_due(*, venue: Venue, moment: Moment) -> bool:
    """Compare the account if it is owed a comparison, asked for one, or had none for long; whether it was compared.

    What Beat asks for each minute is done here too while no message comes through.
    """
    row = AccountReconciliation.objects.filter(pk=venue.account).first()
    if row is not None and not _is_due(row, moment):
        return False
    reconcile_account(venue=venue, moment=moment)
    return True


def _is_due(row: AccountReconciliation, moment: Moment) -> bool:
    if row.tried_wall is None or row.wanted_wall is not None:
        return True
    again = min(AGAIN_AT_MOST, AGAIN_AFTER * 2 ** min(row.failures, 5)) if row.passed_wall is None else WITHOUT_BEAT
    return moment.wall - row.tried_wall >= again


def account_symbols(account: str) -> list[str]:
    """What the account may trade or holds: watched instruments of its currency, positions, open orders."""
    row = Account.objects.select_related("portfolio").get(pk=account)
    held = Position.objects.filter(portfolio=row.portfolio, quantity__gt=0).values_list("symbol", flat=True)
    open_ones = Order.objects.filter(account_id=account, state__in=OPEN).values_list("symbol", flat=True)
    currency = row.portfolio.base_currency
    watched = [symbol for symbol in market.watched_symbols() if split_symbol(symbol)[1] == currency]
    return sorted({*watched, *held, *open_ones})


def _begin(account: str, moment: Moment) -> AccountReconciliation:
    row, _ = AccountReconciliation.objects.get_or_create(pk=account, defaults={"required_wall": moment.wall})
    AccountReconciliation.objects.filter(pk=account).update(tried_wall=moment.wall, wanted_wall=None)
    return row


def _compare(run: _Run) -> None:
    venue, moment, row = run.venue, run.moment, run.row
    venue.healthy()
    cancel_wanted(venue=venue, moment=moment)
    collect_fills(venue=venue, moment=moment)
    since = _since(row)
    run.orders = reconcile_orders(venue=venue, symbols=run.symbols, since=since, moment=moment)
    run.trades = reconcile_trades(venue=venue, symbols=run.symbols, watermark=row.compared_watermark, moment=moment)
    run.charges = post_charges(venue=venue, since=since, moment=moment)
    run.balances = reconcile_balances(venue=venue, symbols=run.symbols, moment=moment)
    run.transfers = post_transfers_there(
        venue=venue, gaps=run.balances.gaps, symbols=run.symbols, since=since, moment=moment
    )
    if run.transfers:
        run.balances = reconcile_balances(venue=venue, symbols=run.symbols, moment=moment)


def _since(row: AccountReconciliation) -> datetime:
    created = Account.objects.values_list("created_wall", flat=True).get(pk=row.pk)
    return (row.finished_wall or created) - OVERLAP


def _finish(run: _Run) -> ReconciliationReport:
    account, moment = run.venue.account, run.moment
    unsure = run.orders.short | {f"gap:{asset}": str(gap.unexplained) for asset, gap in run.balances.gaps.items()}
    stands, memory = standing(before=run.row.seen_gaps, now=unsure, at=moment.wall)
    for name in sorted(stands):
        _keep_standing(name, run)
    passed = run.balances.stable and stands == frozenset(unsure)
    with transaction.atomic():
        _heal_what_is_over(run, whole=passed and not unsure)
    summary = {
        "orders_listed": run.orders.listed,
        "orders_at_work": run.orders.at_work,
        "orders_updated": run.orders.updated,
        "orders_imported": run.orders.imported,
        "trades_listed": run.trades.listed,
        "trades_posted": run.trades.posted,
        "trades_held_back": run.trades.held_back,
        "assets": run.balances.assets,
        "balances_kept_there": run.balances.kept_there,
        "balances_stable": run.balances.stable,
        "charges_posted": run.charges,
        "transfers_posted": run.transfers,
        "to_confirm": sorted(set(unsure) - stands),
    }
    waits = "Balances moved while they were read." if not run.balances.stable else ""
    if set(unsure) - stands:
        waits = f"{len(set(unsure) - stands)} differences are looked at again before they count."
    with transaction.atomic():
        _store(run, memory, summary, passed, "" if passed else waits)
        if not passed:
            _tell_owed(run.row, moment, waits)
    return ReconciliationReport(account, True, passed, "" if passed else waits, _open_breaks(account), summary)


def _store(run: _Run, memory: dict[str, list[str]], summary: dict[str, Any], passed: bool, trouble: str) -> None:
    row, moment = run.row, run.moment
    changes: dict[str, Any] = {
        "seen_gaps": memory,
        "summary": summary,
        "failures": 0,
        "trouble": trouble,
        "finished_wall": Greatest("finished_wall", moment.wall) if row.finished_wall else moment.wall,
        "compared_watermark": row.next_watermark,
        "next_watermark": run.trades.watermark,
    }
    rows = AccountReconciliation.objects.filter(pk=row.pk)
    rows.update(**changes)
    # A start of the executor in between asks for a new comparison: its mark is later than this run's.
    if passed and rows.filter(passed_wall__isnull=True, required_wall__lte=moment.wall).update(passed_wall=moment.wall):
        record_events([system_event()])
    if passed:
        reason = "The account was compared with its venue, whole."
        close_causes(kinds=[RECONCILING], account=row.pk, actor=RECONCILER, reason=reason, moment=moment)


def _keep_standing(name: str, run: _Run) -> None:
    what, _, subject = name.partition(":")
    if what == "gap":
        gap = run.balances.gaps[subject]
        keep_gap(gap, account=run.venue.account, symbols=run.symbols, moment=run.moment)
        return
    order = Order.objects.get(pk=UUID(subject))
    there = run.orders.short[name]
    if what == "filled":
        detail = f"The venue counts {there} of the order as filled, its trades sum to {order.filled_quantity:f}."
    else:
        detail = f"The venue has the order with a quantity of {there}; {order.quantity:f} was sent."
    keep_break(
        Finding(
            account=run.venue.account,
            kind=BreakKind.MISSING_FILL if what == "filled" else BreakKind.BAD_ANSWER,
            cause=f"{what}:{subject}:{there}",
            detail=detail,
            symbol=order.symbol,
            order_id=order.pk,
            facts={"client_order_id": order.client_order_id, "there": there},
            healing="Nothing was posted: the books follow trades only.",
        ),
        moment=run.moment,
    )


def _heal_what_is_over(run: _Run, *, whole: bool) -> None:
    """Close what this whole look did not see again. ``whole``: it saw no difference of orders or balances at all."""
    account = run.venue.account
    unseen = Q(account_id=account, kind__in=_LASTING, seen_wall__lt=run.moment.wall)
    of_orders = Q(order__isnull=True) | Q(order__state__in=TERMINAL)
    gaps = Q(kind__in=(BreakKind.BALANCE_GAP, BreakKind.POSITION_GAP))
    over = "It does not differ any more."
    heal_breaks(breaks=unseen & ~gaps & of_orders, healing=over, moment=run.moment)
    if whole:  # so whatever an answer that could not be right was about, it is in our books as it is there
        told_otherwise = Q(cause__startswith="altered:") | Q(cause__startswith="unproven:")
        nonsense = Q(account_id=account, kind=BreakKind.BAD_ANSWER, seen_wall__lt=run.moment.wall) & ~told_otherwise
        heal_breaks(breaks=nonsense, healing="A whole comparison found no difference since.", moment=run.moment)
    if run.balances.stable:
        still = list(run.balances.gaps)
        heal_breaks(breaks=unseen & gaps & ~Q(asset__in=still), healing=over, moment=run.moment)
    counted = ReconciliationBreak.objects.filter(
        account_id=account, kind=BreakKind.MISSING_FILL, state=BreakState.OPEN, cause__startswith="filled:"
    )
    for row in counted:
        if Order.objects.filter(breaks=row, filled_quantity=row.facts["there"]).exists():
            heal_breaks(breaks=Q(pk=row.pk), healing="Its trades came in.", moment=run.moment)


def _failed(run: _Run, trouble: str) -> ReconciliationReport:
    account = run.venue.account
    with transaction.atomic():
        row = AccountReconciliation.objects.select_for_update().get(pk=account)
        row.failures, row.trouble = row.failures + 1, trouble
        row.save(update_fields=["failures", "trouble"])
        _tell_owed(row, run.moment, trouble)
    return ReconciliationReport(account, False, False, trouble, _open_breaks(account), row.summary)


def _tell_owed(row: AccountReconciliation, moment: Moment, trouble: str) -> None:
    """Restrict the account, visibly, where its comparison has been owed for long."""
    row = AccountReconciliation.objects.get(pk=row.pk)
    owed_since = row.required_wall if row.passed_wall is None else (row.finished_wall or row.required_wall)
    patience = OWED_AT_MOST if row.passed_wall is None else STALE_AFTER
    if moment.wall - owed_since <= patience:
        return
    open_cause(
        kind=RECONCILING,
        account=row.pk,
        state=TradingState.REDUCING,
        latched=False,
        author=RECONCILER,
        reason=f"{row.pk} could not be compared with its venue since {owed_since:%H:%M:%S} UTC. {trouble}",
        moment=moment,
        facts={"failures": row.failures},
    )


def _open_breaks(account: str) -> int:
    return ReconciliationBreak.objects.filter(account_id=account, state=BreakState.OPEN).count()
