"""What changes the books. Each operation owns its transaction; other rooms, workers and screens call these only."""

from apps.trading.operations.accounts.open_account import disable_account, enable_account, open_account, replace_keys
from apps.trading.operations.accounts.open_portfolio import open_portfolio
from apps.trading.operations.accounts.open_simulated_account import open_simulated_account
from apps.trading.operations.accounts.set_agent_budget import set_agent_budget
from apps.trading.operations.books.collect_fills import collect_fills, collect_fills_in_turn
from apps.trading.operations.books.snapshot_equity import prune_equity, snapshot_equity
from apps.trading.operations.books.verify_books import BooksReport, verify_books
from apps.trading.operations.execution.check_venue import check_venue
from apps.trading.operations.execution.match_paper_orders import match_paper_orders
from apps.trading.operations.execution.poll_open_orders import poll_open_orders, poll_open_orders_in_turn
from apps.trading.operations.execution.record_venue_answer import record_clock_offset, record_venue_answer
from apps.trading.operations.execution.send_cancel import send_cancel
from apps.trading.operations.execution.submit_order import submit_order
from apps.trading.operations.execution.sweep_orders import sweep_orders
from apps.trading.operations.execution.take_over import begin_takeover, settle_takeover
from apps.trading.operations.execution.take_venue_news import take_venue_news
from apps.trading.operations.orders.amend_order import amend_order
from apps.trading.operations.orders.cancel_order import cancel_open_orders, cancel_order
from apps.trading.operations.orders.close_position import close_position
from apps.trading.operations.orders.preview_order import preview_order
from apps.trading.operations.orders.propose_order import propose_order
from apps.trading.operations.orders.propose_target import TargetOutcome, propose_target
from apps.trading.operations.protection.fire_armed_order import fire_armed_order
from apps.trading.operations.protection.guard_cycle import guard_cycle
from apps.trading.operations.reconciliation.reconcile_account import (
    ReconciliationReport,
    reconcile_account,
    reconcile_due,
    require_reconciliation,
)
from apps.trading.operations.reconciliation.resolve_break import resolve_break
from apps.trading.operations.reconciliation.want_reconciliation import want_reconciliation
from apps.trading.operations.risk.change_limits import change_limits
from apps.trading.operations.risk.halt_trading import halt_trading
from apps.trading.operations.risk.latch_cause import latch_failed_invariant, latch_foreign_trade, latch_restored
from apps.trading.operations.risk.monitor_risk import monitor_risk
from apps.trading.operations.risk.resume_trading import resume_trading

__all__ = [
    "BooksReport",
    "ReconciliationReport",
    "TargetOutcome",
    "amend_order",
    "begin_takeover",
    "cancel_open_orders",
    "cancel_order",
    "change_limits",
    "check_venue",
    "close_position",
    "collect_fills",
    "collect_fills_in_turn",
    "disable_account",
    "enable_account",
    "fire_armed_order",
    "guard_cycle",
    "halt_trading",
    "latch_failed_invariant",
    "latch_foreign_trade",
    "latch_restored",
    "match_paper_orders",
    "monitor_risk",
    "open_account",
    "open_portfolio",
    "open_simulated_account",
    "poll_open_orders",
    "poll_open_orders_in_turn",
    "preview_order",
    "propose_order",
    "propose_target",
    "prune_equity",
    "reconcile_account",
    "reconcile_due",
    "record_clock_offset",
    "record_venue_answer",
    "replace_keys",
    "require_reconciliation",
    "resolve_break",
    "resume_trading",
    "send_cancel",
    "set_agent_budget",
    "settle_takeover",
    "snapshot_equity",
    "submit_order",
    "sweep_orders",
    "take_venue_news",
    "verify_books",
    "want_reconciliation",
]
