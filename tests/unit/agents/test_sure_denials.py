"""What is surely denied without asking the gate is what the gate denies, with the same code, in whole runs."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.agents.domain.backtest.firm_backtest import run_firm
from apps.trading.domain.risk.risk_limits import DEFAULT_LIMITS
from apps.trading.domain.risk.risk_rules import RULES
from apps.trading.domain.simulation.sure_denials import SureDenials
from tests.unit.agents.test_quiet_stretches import house, market, told

# In this order ``sure_denials`` thinks of them; whoever adds a rule must say there what it makes of it.
THOUGHT_OF = [
    "trading_state", "venue_health", "clock_skew", "instrument_paused", "symbol_quarantined",
    "market_session", "stale_price", "diverging_providers", "spread", "price_collar",
    "instrument_rules", "min_notional", "max_order_notional", "max_position", "max_gross_exposure",
    "concentration", "correlation", "order_rate", "open_order_count", "unknown_orders",
    "daily_loss", "drawdown", "loss_streak", "fee_edge", "agent_budget",
    "balance",
]  # fmt: skip

limits = st.builds(
    lambda **changes: replace(DEFAULT_LIMITS, **changes),
    max_gross_exposure=st.sampled_from([Decimal("0.2"), Decimal("0.30001"), Decimal("0.6"), Decimal(1)]),
    max_position_share=st.sampled_from([Decimal("0.1"), Decimal("0.25"), Decimal("0.5")]),
    max_asset_share=st.sampled_from([Decimal("0.12"), Decimal("0.3"), Decimal(1)]),
    max_correlated_share=st.sampled_from([Decimal("0.15"), Decimal("0.55"), Decimal(1)]),
    max_losses_in_row=st.integers(1, 4),
    loss_cooldown_minutes=st.sampled_from([7, 60, 240]),
    max_order_notional=st.sampled_from([Decimal(60), Decimal(250)]),
    max_orders_per_hour=st.sampled_from([2, 30]),
    max_spread_bps=st.sampled_from([Decimal("2.00001"), Decimal(50)]),
    max_daily_loss=st.sampled_from([Decimal("0.004"), Decimal("0.05")]),
    max_drawdown=st.sampled_from([Decimal("0.01"), Decimal("0.15")]),
    reentry_minutes=st.sampled_from([0, 15]),
)


def counting(monkeypatch):
    """How many answers were given without asking the gate, by code; ``None``: it was asked after all."""
    met, answer = Counter(), SureDenials.answer

    def counted(self, *given, **named):
        found = answer(self, *given, **named)
        met[None if found is None else found.code] += 1
        return found

    monkeypatch.setattr(SureDenials, "answer", counted)
    return met


def test_they_think_of_all_rules_in_their_order():
    assert [rule.name for rule in RULES] == THOUGHT_OF


def test_most_denials_of_wild_prices_are_sure(monkeypatch):
    met = counting(monkeypatch)
    series, denied = [rows.rows(0, 300) for rows in market(4, deviation=0.012)], Counter()
    for changes in (
        {"max_losses_in_row": 1},
        {"max_gross_exposure": Decimal("0.3")},
        {"max_daily_loss": Decimal("0.008"), "max_drawdown": Decimal("0.02")},
    ):
        given = house(keeps_digests=False, limits=replace(DEFAULT_LIMITS, **changes))
        run = run_firm(series, given)
        assert told(run) == told(run_firm(series, given, bar_by_bar=True))
        denied.update(order.denial for order in run.orders if order.denial)
    wanted = {"loss_streak_cooldown", "gross_exposure_too_large", "trading_reducing", "trading_halted"}
    assert denied.keys() >= wanted, denied
    assert met.keys() >= wanted, met
    assert sum(met[code] for code in wanted) > 0.5 * denied.total(), (met, denied)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), deviation=st.sampled_from([0.004, 0.012]), limits=limits, together=st.booleans())
def test_a_run_with_them_is_the_run_bar_by_bar(seed, deviation, limits, together):
    series = [rows.rows(0, 220) for rows in market(seed, deviation=deviation, together=together)]
    given = house(keeps_digests=False, limits=limits)
    slow, fast = told(run_firm(series, given, bar_by_bar=True)), told(run_firm(series, given))
    for what, wanted in slow.items():
        assert fast[what] == wanted, what
