"""Risk rules about the portfolio: state, sizes, counts, losses, funds. One small pure function a rule."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from apps.foundation.money import ZERO, plain
from apps.trading.domain.decimal_math import over
from apps.trading.domain.gate_facts import GateFacts
from apps.trading.domain.portfolio import daily_loss, drawdown
from apps.trading.domain.risk_verdict import OK, Verdict, missing_input, verdict_of
from apps.trading.domain.trading_state import permits


def trading_state(facts: GateFacts) -> Verdict:
    order, state = facts.order, facts.book.state
    allowed = permits(
        state,
        reducing=order.reducing,
        reduce_only=order.reduce_only,
        origin=order.origin,
        privileged=order.privileged,
    )
    why = "; ".join(facts.book.state_reasons)
    if allowed:
        detail = f"Trading is {state}" + (", and this order only reduces." if state != "ACTIVE" else ".")
    elif state == "HALTED":
        detail = (
            f"Trading is HALTED ({why}): only reduce-only orders of the stop guard, of flatten or of role risk pass."
        )
    else:
        detail = f"Trading is REDUCING ({why}): only orders that lower a position pass."
    return Verdict(
        "trading_state",
        allowed,
        OK if allowed else f"trading_{state.lower()}",
        detail,
        {"state": state, "causes": facts.book.state_reasons},
    )


def max_order_notional(facts: GateFacts) -> Verdict:
    value, limit = facts.order.value, facts.limits.max_order_notional
    inputs = {"value": value, "max_order_notional": limit}
    if value is None:
        return missing_input("max_order_notional", "a price", facts.market.reason, inputs)
    return verdict_of(
        "max_order_notional",
        allowed=value <= limit,
        code="order_too_large",
        yes=f"The order is worth {value:.2f} of at most {plain(limit)}.",
        no=f"The order is worth {value:.2f}; at most {plain(limit)} are allowed.",
        inputs=inputs,
    )


def max_position(facts: GateFacts) -> Verdict:
    return _share_rule(
        "max_position",
        facts,
        before=facts.book.exposures.get(facts.order.symbol, ZERO),
        limit=facts.limits.max_position_share,
        code="position_too_large",
        what=f"The position in {facts.order.symbol}",
    )


def max_gross_exposure(facts: GateFacts) -> Verdict:
    return _share_rule(
        "max_gross_exposure",
        facts,
        before=_sum(facts.book.exposures.values()),
        limit=facts.limits.max_gross_exposure,
        code="gross_exposure_too_large",
        what="Gross exposure",
    )


def concentration(facts: GateFacts) -> Verdict:
    same = [value for symbol, value in facts.book.exposures.items() if symbol.partition("/")[0] == facts.order.base]
    return _share_rule(
        "concentration",
        facts,
        before=_sum(same),
        limit=facts.limits.max_asset_share,
        code="asset_too_concentrated",
        what=f"The holding of {facts.order.base}",
    )


def _share_rule(
    rule: str, facts: GateFacts, *, before: Decimal | None, limit: Decimal, code: str, what: str
) -> Verdict:
    equity, value = facts.book.equity, facts.order.value
    inputs = {"before": before, "order_value": value, "equity": equity, "limit": limit}
    if equity is None or value is None or before is None or equity <= 0:
        return missing_input(rule, "a price of everything held", facts.market.reason, inputs)
    share = over(before + value, equity)
    return verdict_of(
        rule,
        allowed=share <= limit,
        code=code,
        yes=f"{what} would be {share:.1%} of equity, at most {limit:.1%} is allowed.",
        no=f"{what} would be {share:.1%} of equity; at most {limit:.1%} is allowed.",
        inputs=inputs,
    )


def order_rate(facts: GateFacts) -> Verdict:
    return _count_rule(
        "order_rate",
        facts.book.orders_last_hour,
        facts.limits.max_orders_per_hour,
        code="too_many_orders",
        what="orders were approved in the last hour",
    )


def open_order_count(facts: GateFacts) -> Verdict:
    return _count_rule(
        "open_order_count",
        facts.book.open_orders,
        facts.limits.max_open_orders,
        code="too_many_open_orders",
        what="orders are open",
    )


def _count_rule(rule: str, count: int, limit: int, *, code: str, what: str) -> Verdict:
    return verdict_of(
        rule,
        allowed=count < limit,
        code=code,
        yes=f"{count} {what}, at most {limit} are allowed.",
        no=f"{count} {what} already; at most {limit} are allowed.",
        inputs={"count": count, "limit": limit},
    )


def unknown_orders(facts: GateFacts) -> Verdict:
    book, limit = facts.book, facts.limits.max_unknown_orders
    inputs = {"unknown": book.unknown_orders, "unknown_on_symbol": book.unknown_on_symbol, "limit": limit}
    if book.unknown_on_symbol:
        return Verdict(
            "unknown_orders",
            False,
            "unknown_order_on_instrument",
            f"What became of an order of {facts.order.symbol} is unknown; no new risk there until it is found.",
            inputs,
        )
    return verdict_of(
        "unknown_orders",
        allowed=book.unknown_orders <= limit,
        code="too_many_unknown_orders",
        yes=f"{book.unknown_orders} orders have an unknown outcome, at most {limit} are allowed.",
        no=f"{book.unknown_orders} orders have an unknown outcome; above {limit} no new risk is taken.",
        inputs=inputs,
    )


def daily_loss_limit(facts: GateFacts) -> Verdict:
    equity, start, limit = facts.book.equity, facts.book.day_start_equity, facts.limits.max_daily_loss
    inputs = {"equity": equity, "day_start_equity": start, "limit": limit}
    if equity is None:
        return missing_input("daily_loss", "a price of everything held", facts.market.reason, inputs)
    lost = daily_loss(equity=equity, day_start=start)
    return verdict_of(
        "daily_loss",
        allowed=lost < limit,
        code="daily_loss_reached",
        yes=f"Lost today: {lost:.2%} of at most {limit:.2%}.",
        no=f"Lost today: {lost:.2%}; from {limit:.2%} on no new risk is taken.",
        inputs=inputs,
    )


def drawdown_limit(facts: GateFacts) -> Verdict:
    equity, peak, limit = facts.book.equity, facts.book.peak_equity, facts.limits.max_drawdown
    inputs = {"equity": equity, "peak_equity": peak, "limit": limit}
    if equity is None:
        return missing_input("drawdown", "a price of everything held", facts.market.reason, inputs)
    fall = drawdown(equity=equity, peak=peak)
    return verdict_of(
        "drawdown",
        allowed=fall < limit,
        code="drawdown_reached",
        yes=f"Drawdown: {fall:.2%} of at most {limit:.2%}.",
        no=f"Drawdown: {fall:.2%}; from {limit:.2%} on no new risk is taken.",
        inputs=inputs,
    )


def loss_streak(facts: GateFacts) -> Verdict:
    book, limits = facts.book, facts.limits
    inputs = {"losses_in_row": book.losses_in_row, "limit": limits.max_losses_in_row, "last_loss": book.last_loss_firm}
    if book.losses_in_row < limits.max_losses_in_row:
        return Verdict("loss_streak", True, OK, f"{book.losses_in_row} losing positions in a row.", inputs)
    if book.last_loss_firm is None:
        return missing_input("loss_streak", "the time of the last loss", "", inputs)
    ends = book.last_loss_firm + timedelta(minutes=limits.loss_cooldown_minutes)
    return verdict_of(
        "loss_streak",
        allowed=facts.firm >= ends,
        code="loss_streak_cooldown",
        yes=f"The pause after {book.losses_in_row} losing positions in a row is over.",
        no=f"{book.losses_in_row} losing positions in a row; new risk is taken again from {ends:%Y-%m-%d %H:%M} UTC.",
        inputs=inputs,
    )


def balance(facts: GateFacts) -> Verdict:
    order, free = facts.order, facts.book.available
    inputs = {"needed": order.needs, "available": free, "asset": order.needs_asset}
    if order.needs is None:
        return missing_input("balance", "a price", facts.market.reason, inputs)
    more = "at the worst price the collar allows, with fee" if order.side == "buy" else "to sell"
    return verdict_of(
        "balance",
        allowed=ZERO < order.needs <= free,
        code="insufficient_balance",
        yes=f"{plain(order.needs)} {order.needs_asset} needed {more}, {plain(free)} free.",
        no=f"{plain(order.needs)} {order.needs_asset} are needed {more}; {plain(free)} are free.",
        inputs=inputs,
    )


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    total = ZERO
    for value in values:
        if value is None:
            return None
        total += value
    return total
