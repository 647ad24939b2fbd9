"""Money or units that came in or went out beside all trades, posted on a person's word."""

from dataclasses import dataclass
from decimal import Decimal

from apps.foundation.clock import Moment
from apps.foundation.errors import Refused
from apps.foundation.money import plain
from apps.market import queries as market
from apps.trading.domain.books.decimal_math import over, times
from apps.trading.domain.books.ledger_postings import deposit
from apps.trading.models import Portfolio
from apps.trading.operations.books.post_transfer import post_transfer
from apps.trading.operations.reconciliation.adopt_trade import adopt_trade
from apps.trading.operations.reconciliation.record_break import RECONCILER
from apps.trading.queries.portfolio import growth_of, read_portfolio

CAUSE = "transfer"
MARKS = ("starting_capital", "peak_equity", "day_start_equity", "day_capital", "growth", "growth_capital")
PREFIX = "transfer:"  # of the trades that stand for units moved: no venue lists them


@dataclass(frozen=True, slots=True)
class Transfer:
    """``amount`` of ``asset`` that came in (below zero: went out), on ``account``; ``symbol`` prices it if no money."""

    account: str
    asset: str
    symbol: str
    amount: Decimal
    cause_id: str


def accept_transfer(transfer: Transfer, *, moment: Moment) -> str:
    """Post the transfer inside the running transaction; what was done, in words.

    Money moves the starting capital with it, and the marks of loss limits in proportion; units come in and go out at
    the mark. So a transfer is neither profit nor loss, and brings no limit nearer or farther. The caller holds the
    portfolio's lock. Raises ``Refused``: ``no_price`` while something held has no mark, ``exceeds_position`` when more
    units are gone than are held, ``no_capital_left``.
    """
    portfolio = Portfolio.objects.get(account__name=transfer.account)
    if transfer.asset == portfolio.base_currency:
        _post_money(portfolio, transfer.amount, transfer.cause_id, moment)
    else:
        _post_units(portfolio, transfer, moment)
    way = "came in from" if transfer.amount > 0 else "went out to"
    return f"Posted: {plain(abs(transfer.amount))} {transfer.asset} {way} the world outside."


def _post_money(portfolio: Portfolio, amount: Decimal, cause_id: str, moment: Moment) -> None:
    _move_marks(portfolio, amount, moment)
    post_transfer(
        portfolio_id=portfolio.pk,
        cause_kind=CAUSE,
        cause_id=cause_id,
        postings=deposit(asset=portfolio.base_currency, amount=amount),
        moment=moment,
    )


def _move_marks(portfolio: Portfolio, amount: Decimal, moment: Moment) -> None:
    equity = read_portfolio(moment=moment, portfolio=portfolio).valuation.equity
    if equity is None:
        raise Refused(
            "Something that is held has no price, so what the transfer is a share of is not known. Try later.",
            code="no_price",
            field="choice",
        )
    if portfolio.starting_capital + amount <= 0 or equity <= 0 or equity + amount <= 0:
        raise Refused(
            f"Starting capital was {plain(portfolio.starting_capital)} and equity {plain(equity)}, so"
            f" {plain(-amount)} can't leave it.",
            code="no_capital_left",
            field="choice",
        )
    grown, share = growth_of(portfolio).after_transfer(equity=equity, amount=amount), over(equity + amount, equity)
    portfolio.growth, portfolio.growth_capital = grown.factor, grown.capital
    portfolio.starting_capital += amount
    portfolio.day_capital += amount
    portfolio.peak_equity = times(portfolio.peak_equity, share)
    portfolio.day_start_equity = times(portfolio.day_start_equity, share)
    portfolio.save(update_fields=MARKS)


def _post_units(portfolio: Portfolio, transfer: Transfer, moment: Moment) -> None:
    """Units that come in are money that came in and bought them at the mark; units that go out are sold so first."""
    symbol, quantity = transfer.symbol, abs(transfer.amount)
    mark = market.mark(symbol, moment).price if symbol else None
    if mark is None:
        raise Refused(
            f"There is no fresh price of {symbol or transfer.asset}, so what the units cost is not known. Try later.",
            code="no_price",
            field="choice",
        )
    incoming = transfer.amount > 0
    worth = times(quantity, mark)
    if incoming:
        _post_money(portfolio, worth, transfer.cause_id, moment)
    trade = {
        "venue_trade_id": f"{PREFIX}{transfer.cause_id}",
        "client_order_id": "",
        "venue_order_id": "",
        "symbol": symbol,
        "side": "buy" if incoming else "sell",
        "quantity": plain(quantity),
        "price": plain(mark),
        "fee": "0",
        "fee_asset": portfolio.base_currency,
        "liquidity": "taker",
        "executed_at": moment.firm.isoformat(),
    }
    reason = f"Units {'came in' if incoming else 'went out'} beside all trades."
    adopt_trade(trade=trade, account=transfer.account, actor=RECONCILER, reason=reason, moment=moment)
    if not incoming:
        portfolio.refresh_from_db()
        _post_money(portfolio, -worth, transfer.cause_id, moment)
