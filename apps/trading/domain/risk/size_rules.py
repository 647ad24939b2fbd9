"""Risk rules about how much: the order, the position, everything together, one asset, what moves together."""

from collections.abc import Iterable
from decimal import Decimal

from apps.foundation.money import ZERO, plain
from apps.trading.domain.books.decimal_math import over
from apps.trading.domain.risk.compared_figures import beside, percent, percent_beside
from apps.trading.domain.risk.correlation import correlated_exposure
from apps.trading.domain.risk.gate_facts import GateFacts
from apps.trading.domain.risk.risk_verdict import Finding, passed_if, rule, without


@rule("order_too_large")
def max_order_notional(facts: GateFacts) -> Finding:
    value, limit = facts.order.value, facts.limits.max_order_notional
    inputs = {"value": value, "max_order_notional": limit}
    if value is None:
        return without("a price", facts.market.reason, inputs)
    return passed_if(
        value <= limit,
        inputs,
        yes=lambda: f"The order is worth {beside(value, limit, places=2)} of at most {plain(limit)}.",
        no=lambda: f"The order is worth {beside(value, limit, places=2)}; at most {plain(limit)} are allowed.",
    )


@rule("position_too_large")
def max_position(facts: GateFacts) -> Finding:
    before = facts.book.exposures.get(facts.order.symbol, ZERO)
    return _share(facts, before, facts.limits.max_position_share, f"The position in {facts.order.symbol}")


@rule("gross_exposure_too_large")
def max_gross_exposure(facts: GateFacts) -> Finding:
    return _share(facts, _sum(facts.book.exposures.values()), facts.limits.max_gross_exposure, "Gross exposure")


@rule("asset_too_concentrated")
def concentration(facts: GateFacts) -> Finding:
    base = facts.order.base
    same = [value for symbol, value in facts.book.exposures.items() if symbol.partition("/")[0] == base]
    return _share(facts, _sum(same), facts.limits.max_asset_share, f"The holding of {base}")


@rule("correlated_exposure_too_large")
def correlation(facts: GateFacts) -> Finding:
    """What moves with the order's instrument counts as one position. An unmeasured pair counts as moving together."""
    limits, symbol = facts.limits, facts.order.symbol
    group = correlated_exposure(
        symbol=symbol,
        exposures=facts.book.exposures,
        correlations=facts.market.correlations,
        threshold=limits.correlation_threshold,
    )
    if group.symbols == (symbol,):
        found = Finding(True, f"Nothing else that is held moves together with {symbol}.", {})
    else:
        found = _share(facts, group.total, limits.max_correlated_share, f"{symbol} with what moves together with it")
    inputs = {
        **found.inputs,
        "together": group.symbols,
        "unmeasured": group.unmeasured,
        "correlations": {name: round(value, 4) for name, value in facts.market.correlations.items()},
        "threshold": limits.correlation_threshold,
    }
    taken = f" Unmeasured, so taken as one: {', '.join(group.unmeasured)}." if group.unmeasured else ""
    return Finding(found.allowed, lambda: found.words + taken, inputs, found.code)


def _share(facts: GateFacts, before: Decimal | None, limit: Decimal, what: str) -> Finding:
    equity, value = facts.book.equity, facts.order.value
    inputs = {"before": before, "order_value": value, "equity": equity, "limit": limit}
    if equity is None or value is None or before is None or equity <= 0:
        return without("a price of everything held", facts.market.reason, inputs)
    share = over(before + value, equity)

    def would() -> str:
        return f"{what} would be {percent_beside(share, limit, places=1)} of equity"

    return passed_if(
        share <= limit,
        inputs,
        yes=lambda: f"{would()}, at most {percent(limit)} is allowed.",
        no=lambda: f"{would()}; at most {percent(limit)} is allowed.",
    )


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    total = ZERO
    for value in values:
        if value is None:
            return None
        total += value
    return total
