"""The room's tables. Private to the trading room."""

from apps.trading.models.account import Account, AccountMode
from apps.trading.models.cursor import Cursor
from apps.trading.models.equity_snapshot import EquitySnapshot
from apps.trading.models.fill import Fill
from apps.trading.models.ledger import LedgerAccount, LedgerKind, LedgerPosting, LedgerTransfer
from apps.trading.models.order import Order, OrderTransition
from apps.trading.models.order_group import OrderGroup
from apps.trading.models.paper_exchange import PaperExchange, PaperFill, PaperOrder
from apps.trading.models.portfolio import Portfolio
from apps.trading.models.position import Position
from apps.trading.models.reconciliation_break import AccountReconciliation, ReconciliationBreak
from apps.trading.models.risk_limits import RiskLimits
from apps.trading.models.state_cause import StateCause
from apps.trading.models.venue_health import VenueHealth
from apps.trading.models.venue_tracking import UnknownLookup, VenueWatermark

__all__ = [
    "Account",
    "AccountMode",
    "AccountReconciliation",
    "Cursor",
    "EquitySnapshot",
    "Fill",
    "LedgerAccount",
    "LedgerKind",
    "LedgerPosting",
    "LedgerTransfer",
    "Order",
    "OrderGroup",
    "OrderTransition",
    "PaperExchange",
    "PaperFill",
    "PaperOrder",
    "Portfolio",
    "Position",
    "ReconciliationBreak",
    "RiskLimits",
    "StateCause",
    "UnknownLookup",
    "VenueHealth",
    "VenueWatermark",
]
