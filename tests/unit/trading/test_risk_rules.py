"""Every rule both ways, on its bound, and without its input."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from apps.trading.domain.risk.risk_gate import judge
from apps.trading.domain.risk.risk_rules import RULES
from apps.trading.domain.risk.trading_state import TradingState
from tests.support.gate_facts import FIRM, facts, sale

D = Decimal


def verdict(given, rule):
    found = [each for each in judge(given).verdicts if each.rule == rule]
    assert len(found) == 1
    return found[0]


def test_the_good_order_passes_every_rule():
    decision = judge(facts())
    assert decision.allowed
    assert [each.rule for each in decision.verdicts if each.code != "ok"] == []
    assert len(decision.verdicts) == len(RULES) == len({each.rule for each in decision.verdicts})


# (rule, code, what changes); each is denied by exactly this rule.
DENIALS = [
    ("trading_state", "trading_halted", {"book": {"state": TradingState.HALTED, "state_reasons": ("Stopped.",)}}),
    ("trading_state", "trading_reducing", {"book": {"state": TradingState.REDUCING, "state_reasons": ("Loss.",)}}),
    ("instrument_paused", "instrument_paused", {"market": {"paused_reason": "By hand."}}),
    ("symbol_quarantined", "symbol_quarantined", {"venue": {"quarantine": "The venue has 1 BTC less."}}),
    ("market_session", "market_closed", {"market": {"closed": True}}),
    ("stale_price", "stale_price", {"market": {"stale": True}}),
    ("diverging_providers", "diverging_providers", {"market": {"diverging": True}}),
    ("spread", "spread_too_wide", {"market": {"spread_bps": D("50.01")}}),
    ("spread", "missing_input", {"market": {"spread_bps": None}, "order": {"origin": "manual"}}),
    ("price_collar", "price_outside_collar", {"order": {"type": "limit", "price": D("51000.01")}}),
    ("price_collar", "stop_on_wrong_side", {"order": {"type": "stop", "price": D(50_000), "trigger": D(50_000)}}),
    ("instrument_rules", "instrument_rules", {"order": {"quantity": D("0.000009")}}),
    ("instrument_rules", "instrument_rules", {"order": {"quantity": D("0.0020001")}}),
    ("instrument_rules", "instrument_rules", {"order": {"type": "limit", "price": D("49999.999")}}),
    ("instrument_rules", "instrument_rules", {"order": {"quantity": D(0)}}),
    ("min_notional", "below_min_notional", {"order": {"value": D("4.99")}}),
    (
        "max_order_notional",
        "order_too_large",
        {"order": {"value": D("250.01")}, "limits": {"max_position_share": D("0.3")}},
    ),
    ("max_position", "position_too_large", {"book": {"exposures": {"BTC/USDT": D("150.01")}}}),
    (
        "max_gross_exposure",
        "gross_exposure_too_large",
        {"book": {"exposures": {"ETH/USDT": D("500.01")}}, "market": {"correlations": {"ETH/USDT": 0.1}}},
    ),
    ("concentration", "asset_too_concentrated", {"book": {"exposures": {"BTC/USDC": D("200.01")}}}),
    ("order_rate", "too_many_orders", {"book": {"orders_last_hour": 30}}),
    ("open_order_count", "too_many_open_orders", {"book": {"open_orders": 10}}),
    ("unknown_orders", "too_many_unknown_orders", {"book": {"unknown_orders": 3}}),
    ("unknown_orders", "unknown_order_on_instrument", {"book": {"unknown_orders": 1, "unknown_on_symbol": 1}}),
    ("daily_loss", "daily_loss_reached", {"book": {"day_start_equity": D("1052.64")}}),
    ("drawdown", "drawdown_reached", {"book": {"peak_equity": D("1176.48")}}),
    (
        "loss_streak",
        "loss_streak_cooldown",
        {"book": {"losses_in_row": 5, "last_loss_firm": FIRM - timedelta(minutes=239)}},
    ),
    ("loss_streak", "missing_input", {"book": {"losses_in_row": 5, "last_loss_firm": None}}),
    ("fee_edge", "edge_below_costs", {"order": {"expected_edge_bps": 22.0}}),
    ("fee_edge", "missing_input", {"order": {"expected_edge_bps": None}}),
    ("balance", "insufficient_balance", {"book": {"available": D("102.101")}}),
    (
        "agent_budget",
        "budget_exceeded",
        {"order": {"budget": "agent:7"}, "book": {"available": D("102.101"), "position_budget": "agent:7"}},
    ),
    ("agent_budget", "position_of_another_budget", {"book": {"position_budget": "agent:7"}}),
    ("venue_health", "venue_degraded", {"venue": {"rung": "no_entries"}}),
    ("venue_health", "venue_degraded", {"venue": {"rung": "exits_only"}}),
    ("venue_health", "venue_degraded", {"venue": {"rung": "frozen"}}),
    ("venue_health", "missing_input", {"venue": {"rung": None}}),
    ("clock_skew", "clock_skew", {"venue": {"clock_offset_ms": -1001}}),
    ("clock_skew", "missing_input", {"venue": {"clock_offset_ms": None}}),
    ("daily_loss", "daily_loss_reached", {"book": {"in_flight_loss": D(50)}}),
    (
        "correlation",
        "correlated_exposure_too_large",
        {"book": {"exposures": {"ETH/USDT": D("450.01")}}, "market": {"correlations": {"ETH/USDT": 0.8}}},
    ),
    ("correlation", "correlated_exposure_too_large", {"book": {"exposures": {"ETH/USDT": D("450.01")}}}),
]


@pytest.mark.parametrize(("rule", "code", "change"), DENIALS)
def test_one_change_is_denied_by_exactly_its_rule(rule, code, change):
    decision = judge(facts(**change))
    assert not decision.allowed
    assert [(each.rule, each.code) for each in decision.denials] == [(rule, code)]
    assert decision.denials[0].detail in decision.summary


# A value that rounding would make equal to its limit is told with the digits that set them apart.
TELLING = [
    ("max_position", {"book": {"exposures": {"BTC/USDT": D("150.01")}}}, "25.001 % of equity; at most 25 % is allowed"),
    ("max_position", {"book": {"exposures": {"BTC/USDT": D("149.99")}}}, "24.999 % of equity, at most 25 % is allowed"),
    ("max_position", {"book": {"exposures": {"BTC/USDT": D(150)}}}, "25.0 % of equity, at most 25 % is allowed"),
    ("max_order_notional", {"order": {"value": D("250.001")}}, "worth 250.001; at most 250 are allowed"),
    ("min_notional", {"order": {"value": D("4.9996")}}, "worth 4.9996; the instrument takes no order below 5"),
    ("spread", {"market": {"spread_bps": D("50.01")}}, "The spread is 50.01 bp; new risk is taken up to 50 bp"),
    ("price_collar", {"order": {"type": "limit", "price": D("51000.01")}}, "lies 200.002 bp on the costly side"),
    ("drawdown", {"book": {"peak_equity": D("1176.47")}}, "Drawdown: 14.99996 % of at most 15 %."),
    ("fee_edge", {"order": {"expected_edge_bps": 22.0001}}, "The edge of 0.220001 % pays 0.220000 %"),
    ("open_order_count", {"book": {"open_orders": 1}}, "1 order is open, at most 10 are allowed."),
    ("order_rate", {"book": {"orders_last_hour": 30}}, "30 orders were approved in the last hour already;"),
    ("unknown_orders", {"book": {"unknown_orders": 1}}, "1 order has an unknown outcome, at most 2 are allowed."),
    ("loss_streak", {"book": {"losses_in_row": 1}}, "1 losing position in a row."),
]


@pytest.mark.parametrize(("rule", "change", "words"), TELLING)
def test_a_sentence_shows_the_digits_that_make_it_true(rule, change, words):
    assert words in verdict(facts(**change), rule).detail


# The last value that still passes.
BOUNDS = [
    ("spread", {"market": {"spread_bps": D(50)}}),
    ("price_collar", {"order": {"type": "limit", "price": D(51_000)}}),
    ("price_collar", {"order": {"type": "limit", "price": D("0.01")}}),
    ("price_collar", {"order": {"type": "stop", "price": D("50000.01"), "trigger": D("50000.01")}}),
    ("min_notional", {"order": {"value": D(5)}}),
    ("max_order_notional", {"order": {"value": D(250)}}),
    ("max_position", {"book": {"exposures": {"BTC/USDT": D(150)}}}),
    ("max_gross_exposure", {"book": {"exposures": {"ETH/USDT": D(500)}}}),
    ("order_rate", {"book": {"orders_last_hour": 29}}),
    ("open_order_count", {"book": {"open_orders": 9}}),
    ("unknown_orders", {"book": {"unknown_orders": 2}}),
    ("daily_loss", {"book": {"day_start_equity": D("1052.63")}}),
    ("drawdown", {"book": {"peak_equity": D("1176.47")}}),
    ("loss_streak", {"book": {"losses_in_row": 5, "last_loss_firm": FIRM - timedelta(minutes=240)}}),
    ("loss_streak", {"book": {"losses_in_row": 4, "last_loss_firm": FIRM}}),
    ("fee_edge", {"order": {"expected_edge_bps": 22.1}}),
    ("fee_edge", {"order": {"expected_edge_bps": None, "origin": "manual"}}),
    ("balance", {"book": {"available": D("102.102")}}),
    (
        "agent_budget",
        {"order": {"budget": "agent:7"}, "book": {"available": D("102.102"), "position_budget": "agent:7"}},
    ),
    ("clock_skew", {"venue": {"clock_offset_ms": 1000}}),
    ("clock_skew", {"venue": {"clock_offset_ms": None, "in_house": True}}),
    ("venue_health", {"venue": {"rung": None, "in_house": True}}),
    ("daily_loss", {"book": {"in_flight_loss": D("49.99")}}),
    ("correlation", {"book": {"exposures": {"ETH/USDT": D(450)}}}),
    ("correlation", {"book": {"exposures": {"ETH/USDT": D(500)}}, "market": {"correlations": {"ETH/USDT": 0.79}}}),
    ("correlation", {"book": {"exposures": {"ETH/USDT": D(500)}}, "limits": {"max_correlated_share": D(1)}}),
]


@pytest.mark.parametrize(("rule", "change"), BOUNDS)
def test_on_the_bound_the_rule_passes(rule, change):
    assert verdict(facts(**change), rule).code == "ok"


def test_without_a_price_every_rule_that_needs_one_denies():
    blind = facts(
        order={"value": None, "needs": None, "quantity": D("0.002")},
        market={"mark": None, "spread_bps": None, "stale": True},
        book={"equity": None},
    )
    missing = {each.rule for each in judge(blind).denials if each.code == "missing_input"}
    assert missing == {
        "stale_price",
        "diverging_providers",
        "spread",
        "price_collar",
        "min_notional",
        "max_order_notional",
        "max_position",
        "max_gross_exposure",
        "concentration",
        "correlation",
        "daily_loss",
        "drawdown",
        "fee_edge",
        "balance",
    }


def test_a_held_instrument_without_a_price_stops_new_risk_elsewhere():
    decision = judge(facts(book={"equity": None, "exposures": {"ETH/USDT": None}}))
    assert {each.rule for each in decision.denials} == {
        "max_position",
        "max_gross_exposure",
        "concentration",
        "correlation",
        "daily_loss",
        "drawdown",
    }


WORST = {
    "market": {"mark": None, "stale": True, "diverging": True, "spread_bps": None, "paused_reason": "By hand."},
    "book": {
        "equity": None,
        "exposures": {"BTC/USDT": None},
        "orders_last_hour": 1000,
        "open_orders": 1000,
        "unknown_orders": 9,
        "unknown_on_symbol": 1,
        "losses_in_row": 99,
        "state": TradingState.REDUCING,
    },
    "order": {"value": None, "expected_edge_bps": None},
    "venue": {"rung": "exits_only", "clock_offset_ms": None},
}
ASKED_OF_SALES = {"trading_state", "venue_health", "price_collar", "instrument_rules", "min_notional", "balance"}


def test_a_sale_passes_whatever_the_market_and_the_losses():
    decision = judge(sale(**WORST))
    assert decision.allowed, decision.summary
    exempt = {each.rule for each in decision.verdicts if each.code == "exempt_reducing"}
    assert exempt == {each.rule for each in decision.verdicts} - ASKED_OF_SALES | {"min_notional"}


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("balance", {"book": {"available": D("0.00199")}}),
        ("instrument_rules", {"order": {"quantity": D("0.0020001")}}),
        ("price_collar", {"order": {"type": "limit", "price": D("48999.99")}}),
        ("price_collar", {"order": {"type": "stop", "price": D("50000.01"), "trigger": D("50000.01")}}),
        ("min_notional", {"order": {"value": D(4)}, "book": {"held_quantity": D(1), "available": D(1)}}),
    ],
)
def test_the_rules_that_also_bind_sales(rule, change):
    assert {each.rule for each in judge(sale(**change)).denials} == {rule}


def test_dust_can_always_be_sold_as_a_whole():
    assert judge(sale(order={"value": D("0.01")})).allowed


@pytest.mark.parametrize(
    ("origin", "reduce_only", "privileged", "allowed"),
    [
        ("guard", True, False, True),
        ("flatten", True, False, True),
        ("manual", True, True, True),
        ("manual", True, False, False),
        ("manual", False, True, False),
        ("consensus", True, False, False),
        ("guard", False, False, False),
    ],
)
def test_what_a_halt_lets_through(origin, reduce_only, privileged, allowed):
    given = sale(
        order={"origin": origin, "reduce_only": reduce_only, "privileged": privileged},
        book={"state": TradingState.HALTED},
    )
    assert verdict(given, "trading_state").allowed is allowed


def test_a_halt_stops_every_buy_even_of_role_risk():
    given = facts(order={"origin": "manual", "privileged": True}, book={"state": TradingState.HALTED})
    assert not verdict(given, "trading_state").allowed


def test_the_digest_follows_every_input():
    digests = {judge(facts(**change)).digest for _, _, change in DENIALS}
    assert len(digests) == len({json.dumps(change, default=str, sort_keys=True) for _, _, change in DENIALS})
    assert judge(facts()).digest == judge(facts()).digest


def test_verdicts_are_json_with_decimals_as_text():
    for each in judge(facts()).verdicts:
        shown = json.loads(json.dumps(each.as_json()))
        assert set(shown) == {"rule", "allowed", "code", "detail", "inputs"}
        assert not [value for value in shown["inputs"].values() if isinstance(value, float)] or each.rule == "fee_edge"
