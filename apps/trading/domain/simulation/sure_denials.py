"""Refusals that are sure before the gate is asked: most of what wild prices lead to. Pure.

A buy of an instrument of which nothing is held, while no order is on its way, meets the gate's rules with few numbers.
Where these tell which rule denies it first, the rest of what the gate looks at is not put together; where they leave a
doubt, the gate is asked. A test holds both to the same answers, and the rules to those that are thought of here.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.foundation.money import ZERO, floor_to
from apps.market.domain.mark_price import Mark
from apps.trading.domain.books import portfolio
from apps.trading.domain.books.decimal_math import over, times
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.orders.position_sizing import NoTrade, SizingFacts, TargetExposure, size_target
from apps.trading.domain.orders.target_order import target_intent
from apps.trading.domain.risk import loss_rules, size_rules
from apps.trading.domain.simulation.simulated_account import Answer, SimulatedAccount, target_order_id


@dataclass(frozen=True, slots=True)
class Standing:
    """What the account is worth at a close, and what of it is held in instruments."""

    equity: Decimal
    exposed: Decimal


class SureDenials:
    """Answers for ``account`` what ``SimulatedAccount.propose`` would, or not at all."""

    def __init__(self, account: SimulatedAccount) -> None:
        self._account = account
        self._fixed = {symbol: _fixed_facts(account, symbol) for symbol in account.terms.rules}
        bases = [rules.base for rules in account.terms.rules.values()]
        self._alone = {symbol: bases.count(rules.base) == 1 for symbol, rules in account.terms.rules.items()}

    def likely(self, standing: Standing, now: datetime) -> bool:
        """Whether a buy may be denied surely at this close: else it costs less to ask the gate at once."""
        account = self._account
        limits, equity = account.terms.limits, standing.equity
        full = standing.exposed + limits.max_position_share * equity > limits.max_gross_exposure * equity
        return not account.sent() and (full or bool(account.causes) or self._pauses(now))

    def answer(self, target: TargetExposure, *, mark: Mark, standing: Standing, now: datetime) -> Answer | None:
        """The answer to this target; None: the gate must be asked."""
        account, symbol = self._account, target.symbol
        if not self._applies(symbol, mark, standing, now):
            return None
        sized = size_target(
            target=target, facts=self._sizing(symbol, mark, standing, now), step=account.terms.rules[symbol].step_size
        )
        if isinstance(sized, NoTrade):
            return Answer("NO_TRADE", sized.code)
        intent = target_intent(target, sized, target_order_id(target))
        denial = account.barred(intent) or self._first_denial(intent, mark, standing, now)
        return account.deny(target, intent, mark.price, denial=denial, now=now) if denial else None

    def _applies(self, symbol: str, mark: Mark, standing: Standing, now: datetime) -> bool:
        """Whether nothing is held of the instrument, nothing on its way, and everything known."""
        account = self._account
        known = mark.price is not None and mark.price > ZERO and mark.spread_bps is not None and standing.equity > ZERO
        today = now.astimezone(UTC).date() == account.books.marks.day
        return known and today and self._alone[symbol] and not account.books.held(symbol) and not account.sent()

    def _sizing(self, symbol: str, mark: Mark, standing: Standing, now: datetime) -> SizingFacts:
        """As ``sizing_facts`` has them."""
        assert mark.price is not None
        assert mark.spread_bps is not None
        position = self._account.books.positions.get(symbol)
        closed = None if position is None else position.closed_firm
        return SizingFacts(
            price=float(mark.price),
            equity=float(standing.equity),
            cash=float(self._account.books.cash),
            spread_bps=float(mark.spread_bps),
            minutes_since_close=None if closed is None else (now - closed).total_seconds() / 60.0,
            **self._fixed[symbol],
        )

    def _first_denial(self, intent: OrderIntent, mark: Mark, standing: Standing, now: datetime) -> str:
        """The code of the gate's first denial in the order of its rules; empty where it is none of those told here."""
        assert mark.price is not None
        assert intent.quantity is not None
        account = self._account
        limits, books, equity = account.terms.limits, account.books, standing.equity
        value = times(intent.quantity, mark.price)
        share, together = over(value, equity), standing.exposed + value
        if not self._fits(intent, mark, value) or share > limits.max_position_share:
            return ""
        lost = portfolio.drawdown(equity=equity, peak=books.marks.day_start_equity)
        fall = portfolio.drawdown(equity=equity, peak=books.marks.peak_equity)
        if lost >= limits.max_daily_loss or fall >= limits.max_drawdown:
            return ""
        if over(together, equity) > limits.max_gross_exposure:
            return size_rules.max_gross_exposure.denial
        if share > limits.max_asset_share or together > times(limits.max_correlated_share, equity):
            return ""
        if books.buys_last_hour(now) >= limits.max_orders_per_hour or limits.max_open_orders <= 0:
            return ""
        return loss_rules.loss_streak.denial if self._pauses(now) else ""

    def _pauses(self, now: datetime) -> bool:
        """Whether too many positions in a row were closed at a loss, not long ago."""
        limits, books = self._account.terms.limits, self._account.books
        if books.losses_in_row < limits.max_losses_in_row or books.last_loss_firm is None:
            return False
        return now < books.last_loss_firm + timedelta(minutes=limits.loss_cooldown_minutes)

    def _fits(self, intent: OrderIntent, mark: Mark, value: Decimal) -> bool:
        """Whether the rules about the price, the instrument and the order's own size let it pass."""
        limits, rules, quantity = self._account.terms.limits, self._account.terms.rules[intent.symbol], intent.quantity
        assert mark.spread_bps is not None
        assert quantity is not None
        return (
            not (mark.stale or mark.diverging or mark.closed)
            and mark.spread_bps <= limits.max_spread_bps
            and quantity >= rules.min_quantity
            and floor_to(quantity, rules.step_size) == quantity
            and rules.min_notional <= value <= limits.max_order_notional
        )


def _fixed_facts(account: SimulatedAccount, symbol: str) -> dict[str, Any]:
    """What a size follows from that is the same at every close, nothing held and nothing on its way."""
    rules, limits = account.terms.rules[symbol], account.terms.limits
    return {
        "position_lots": 0,
        "step": float(rules.step_size),
        "min_notional": float(rules.min_notional),
        "max_position_share": float(limits.max_position_share),
        "max_order_notional": float(limits.max_order_notional),
        "rebalance_band": float(limits.rebalance_band),
        "fee_bps": float(account.terms.paper[symbol].side_fee_bps),
        "collar_bps": float(limits.price_collar_bps),
        "fee_edge_multiple": float(limits.fee_edge_multiple),
        "reentry_minutes": float(limits.reentry_minutes),
        "order_working": False,
        "paused_reason": None,
    }
