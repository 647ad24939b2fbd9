"""What the portfolio holds and is worth at the marks of a moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from apps.foundation.clock import Moment
from apps.foundation.errors import NotReady
from apps.foundation.money import ZERO, plain
from apps.foundation.time_text import utc_text
from apps.market import queries as market
from apps.market.domain.mark_price import Mark
from apps.trading.domain.books.decimal_math import over, times
from apps.trading.domain.books.portfolio import Growth, Holding, Valuation, drawdown, valued
from apps.trading.models import LedgerAccount, LedgerKind, Portfolio, Position
from apps.trading.queries.accounts import all_accounts, find_account
from apps.trading.queries.held_dust import holds_dust
from apps.trading.queries.trading_state import trading_state


@dataclass(frozen=True, slots=True)
class PortfolioReading:
    """One reading of the books and the marks they are valued at. ``realized_pnl`` is before fees."""

    portfolio: Portfolio
    cash: Decimal
    reserved: Decimal
    fees_paid: Decimal
    realized_pnl: Decimal
    positions: Sequence[Position]
    marks: Mapping[str, Mark]
    valuation: Valuation

    @property
    def stale(self) -> bool:
        """Whether a held instrument is valued at an old, disputed or missing price."""
        held = [self.marks[each.symbol] for each in self.positions if each.closed_firm is None]
        return any(mark.stale or mark.diverging for mark in held)

    def exposure(self, symbol: str) -> float:
        """The position's share of the portfolio; 0 when flat. Raises ``NotReady`` while a held price is unknown."""
        held = next((held for held in self.positions if held.symbol == symbol), None)
        if held is None:
            return 0.0
        equity, price = self.valuation.equity, self.marks[symbol].price
        if equity is None or price is None or equity <= 0:
            raise NotReady(
                f"The price of {', '.join(self.valuation.unpriced) or symbol} is not known; exposure neither.",
                code="no_price",
            )
        return float(over(times(held.quantity, price), equity))


def read_portfolio(
    *, moment: Moment, portfolio: Portfolio | None = None, marks: Mapping[str, Mark] | None = None
) -> PortfolioReading:
    """Read the books and value them; without a portfolio that of the house's trading account.

    ``marks``: those that the caller has read already.
    Raises ``NotReady`` (``no_portfolio``) before a portfolio was opened.
    """
    portfolio = portfolio or find_account().portfolio
    # The firm's own and what its agents were given as budgets: all of it is the portfolio's.
    accounts = LedgerAccount.objects.filter(portfolio=portfolio, asset=portfolio.base_currency)
    balances = dict(accounts.values_list("kind").annotate(total=Sum("balance")).order_by())
    positions = list(Position.objects.filter(portfolio=portfolio, quantity__gt=0).order_by("symbol"))
    known = marks or {}
    missing = [held.symbol for held in positions if held.symbol not in known]
    marks = {**known, **market.marks(missing, moment)} if missing else known
    cash, reserved = balances.get(LedgerKind.AVAILABLE, ZERO), balances.get(LedgerKind.RESERVED, ZERO)
    return PortfolioReading(
        portfolio=portfolio,
        cash=cash,
        reserved=reserved,
        fees_paid=balances.get(LedgerKind.FEES, ZERO),
        realized_pnl=-balances.get(LedgerKind.REALISED, ZERO),
        positions=positions,
        marks=marks,
        valuation=valued(
            cash=cash,
            reserved=reserved,
            holdings=[
                Holding(held.symbol, held.quantity, held.cost, dust=held.closed_firm is not None) for held in positions
            ],
            prices={symbol: mark.price for symbol, mark in marks.items()},
        ),
    )


def portfolio_view(moment: Moment, account: str | None = None) -> dict[str, Any]:
    """The portfolio of an account, or of the house's own, as the API shows it.

    Equity and what follows from it are null while a held price is unknown. Raises ``NotFound``.
    """
    owner = find_account(account)
    reading = read_portfolio(moment=moment, portfolio=owner.portfolio)
    portfolio, worth = reading.portfolio, reading.valuation
    equity = worth.equity
    pnl = None if equity is None else equity - portfolio.starting_capital
    return {
        "id": str(portfolio.pk),
        "name": portfolio.name,
        "account": owner.name,
        "venue": owner.venue,
        "mode": owner.mode,
        "base_currency": portfolio.base_currency,
        "starting_capital": plain(portfolio.starting_capital),
        "cash": plain(reading.cash),
        "reserved": plain(reading.reserved),
        "equity": plain(equity),
        "market_value": plain(worth.market_value),
        "realized_pnl": plain(reading.realized_pnl),
        "unrealized_pnl": plain(worth.unrealized_pnl),
        "fees_paid": plain(reading.fees_paid),
        "pnl": plain(pnl),
        "return_pct": None if equity is None else _percent(growth_of(portfolio).at(equity) - 1),
        "day_pnl": None if equity is None else plain(equity - portfolio.day_capital),
        "exposure_pct": _share(worth.market_value, equity),
        "peak_equity": plain(portfolio.peak_equity),
        "drawdown_pct": None if equity is None else _percent(drawdown(equity=equity, peak=portfolio.peak_equity)),
        "trading_state": trading_state().state,
        "as_of": utc_text(moment.firm),
        "stale": reading.stale,
        "positions": _position_views(reading),
    }


def growth_of(portfolio: Portfolio) -> Growth:
    """How far the portfolio's money has grown, for the return that transfers don't touch."""
    return Growth(portfolio.growth, portfolio.growth_capital)


def position_views(moment: Moment, account: str | None = None) -> list[dict[str, Any]]:
    """The open positions of an account, or of all."""
    owners = all_accounts() if account is None else [find_account(account)]
    readings = [read_portfolio(moment=moment, portfolio=owner.portfolio) for owner in owners]
    return [view for reading in readings for view in _position_views(reading)]


def positions_outside(symbols: Collection[str]) -> list[tuple[str, str, Decimal]]:
    """Account, instrument and quantity of the positions in other instruments than these; dust is none."""
    held = Position.objects.filter(quantity__gt=0, closed_firm=None).exclude(symbol__in=symbols)
    return list(held.order_by("portfolio_id", "symbol").values_list("portfolio__account__name", "symbol", "quantity"))


def _position_views(reading: PortfolioReading) -> list[dict[str, Any]]:
    rules = market.rules_by_symbol([held.symbol for held in reading.positions])
    return [
        _position_view(held, reading)
        | ({"stop_price": None} if holds_dust(held, rules[held.symbol]) else {})  # nobody watches over dust
        for held in reading.positions
    ]


def _position_view(held: Position, reading: PortfolioReading) -> dict[str, Any]:
    mark = reading.marks[held.symbol]
    value = None if mark.price is None else times(held.quantity, mark.price)
    return {
        "account": reading.portfolio.account.name,
        "instrument": held.symbol,
        "quantity": plain(held.quantity),
        "average_price": plain(held.average_price),
        "cost": plain(held.cost),
        "mark_price": plain(mark.price),
        "market_value": plain(value),
        "unrealized_pnl": None if value is None else plain(value - held.cost),
        "unrealized_pct": None if value is None else _share(value - held.cost, held.cost),
        "realized_pnl": plain(held.realized_pnl),
        "fees": plain(held.fees),
        "stop_price": plain(held.stop_price),
        "share_of_equity": _fraction(value, reading.valuation.equity),
        "opened_at": utc_text(held.opened_firm),
        "mark_as_of": utc_text(mark.as_of),
        "mark_sources": list(mark.sources),
        "stale": mark.stale,
    }


def _percent(share: Decimal) -> str:
    return format(share * 100, ".4f")


def _share(part: Decimal | None, whole: Decimal | None) -> str | None:
    return None if part is None or whole is None or not whole else _percent(over(part, whole))


def _fraction(part: Decimal | None, whole: Decimal | None) -> str | None:
    return None if part is None or whole is None or not whole else format(over(part, whole), ".6f")
