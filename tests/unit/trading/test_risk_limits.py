"""Limits: what may be changed to what; and what follows from equity, prices and states."""

from dataclasses import fields
from decimal import Decimal

import pytest

from apps.foundation.errors import Refused
from apps.trading.domain.books.portfolio import Holding, daily_loss, drawdown, valued
from apps.trading.domain.risk.risk_limits import DEFAULT_LIMITS, LIMITS, LimitValues, changed
from apps.trading.domain.risk.trading_state import TradingState, permits, worst
from apps.trading.domain.stops.stop_placement import average_true_range, protective_stop, stop_distance

D = Decimal


def test_every_limit_has_bounds_words_and_a_default_within_them():
    assert set(LIMITS) == {field.name for field in fields(LimitValues)}
    for name, (lowest, highest, meaning) in LIMITS.items():
        assert lowest <= D(getattr(DEFAULT_LIMITS, name)) <= highest
        assert meaning.endswith(".")


def test_limits_survive_storage():
    assert LimitValues.restored(DEFAULT_LIMITS.stored()) == DEFAULT_LIMITS
    assert LimitValues.restored({"max_gross_exposure": "0.5", "gone": 1}).max_gross_exposure == D("0.5")


def test_a_change_touches_only_what_it_names():
    after = changed(DEFAULT_LIMITS, {"max_position_share": "0.10", "max_open_orders": 3})
    assert after.stored() == DEFAULT_LIMITS.stored() | {"max_position_share": "0.1", "max_open_orders": 3}


@pytest.mark.parametrize(
    ("field", "code", "changes"),
    [
        (None, "no_change", {}),
        (None, "no_change", {"max_position_share": "0.25"}),
        ("max_luck", "unknown_limit", {"max_luck": "1"}),
        ("max_position_share", "limit_out_of_bounds", {"max_position_share": "1.01"}),
        ("max_position_share", "limit_out_of_bounds", {"max_position_share": "0"}),
        ("max_position_share", "limit_out_of_bounds", {"max_position_share": "-1"}),
        ("max_position_share", "limit_out_of_bounds", {"max_position_share": "NaN"}),
        ("max_position_share", "limit_out_of_bounds", {"max_position_share": "Infinity"}),
        ("max_position_share", "not_a_number", {"max_position_share": "a lot"}),
        ("max_position_share", "not_a_number", {"max_position_share": 0.3}),
        ("max_open_orders", "not_a_number", {"max_open_orders": "3"}),
        ("max_open_orders", "not_a_number", {"max_open_orders": True}),
        ("max_open_orders", "limit_out_of_bounds", {"max_open_orders": 0}),
        ("min_stop_distance", "limit_out_of_bounds", {"min_stop_distance": "0.2"}),
    ],
)
def test_a_bad_change_names_its_field(field, code, changes):
    with pytest.raises(Refused) as refused:
        changed(DEFAULT_LIMITS, changes)
    assert (refused.value.field, refused.value.code) == (field, code)


def test_three_full_positions_do_not_fit_the_published_limits():
    share = DEFAULT_LIMITS.max_position_share
    assert 2 * share <= DEFAULT_LIMITS.max_gross_exposure < 3 * share


def test_equity_is_unknown_while_a_held_price_is():
    held = [Holding("BTC/USDT", D("0.01"), D(400)), Holding("ETH/USDT", D(1), D(100)), Holding("SOL/USDT", D(0), D(0))]
    known = valued(cash=D(300), reserved=D(100), holdings=held, prices={"BTC/USDT": D(50_000), "ETH/USDT": D(90)})
    assert (known.market_value, known.unrealized_pnl, known.equity) == (D(590), D(90), D(990))
    blind = valued(cash=D(300), reserved=D(100), holdings=held, prices={"BTC/USDT": None})
    assert (blind.equity, blind.unpriced) == (None, ("BTC/USDT", "ETH/USDT"))


def test_dust_counts_at_its_price_and_holds_up_nothing_without_one():
    held = [Holding("BTC/USDT", D("0.01"), D(400)), Holding("OLD/USDT", D("0.9"), D(3), dust=True)]
    cash = {"cash": D(300), "reserved": D(100)}
    priced = valued(**cash, holdings=held, prices={"BTC/USDT": D(50_000), "OLD/USDT": D(2)})
    assert (priced.equity, priced.unpriced) == (D("901.8"), ())
    left_out = valued(**cash, holdings=held, prices={"BTC/USDT": D(50_000), "OLD/USDT": None})
    assert (left_out.equity, left_out.unrealized_pnl, left_out.unpriced) == (D(900), D(100), ())


def test_losses_are_shares_and_never_negative():
    assert drawdown(equity=D(850), peak=D(1000)) == D("0.15")
    assert drawdown(equity=D(1001), peak=D(1000)) == 0
    assert daily_loss(equity=D(950), day_start=D(1000)) == D("0.05")


def test_the_worst_cause_rules():
    assert worst([]) == TradingState.ACTIVE
    assert worst(["REDUCING", "HALTED", "REDUCING"]) == TradingState.HALTED
    assert worst(["REDUCING"]) == TradingState.REDUCING


@pytest.mark.parametrize("state", list(TradingState))
@pytest.mark.parametrize("origin", ["manual", "consensus", "guard", "flatten"])
def test_nothing_that_raises_risk_passes_a_restricted_state(state, origin):
    allowed = permits(state, reducing=False, reduce_only=False, origin=origin, privileged=True)
    assert allowed is (state == TradingState.ACTIVE)


def test_the_true_range_counts_gaps():
    assert average_true_range([10.0, 11.0, 20.0], [9.0, 10.0, 19.0], [9.5, 10.5, 19.5]) == pytest.approx(
        (1.5 + 9.5) / 2
    )
    assert average_true_range([10.0], [9.0], [9.5]) is None


def test_a_stop_stays_within_its_bounds_and_on_the_grid():
    bounds = {"price": 100.0, "multiple": 4.0, "nearest": 0.01, "farthest": 0.08}
    assert stop_distance(average_range=1.0, **bounds) == 0.04
    assert stop_distance(average_range=0.0, **bounds) == 0.01
    assert stop_distance(average_range=50.0, **bounds) == 0.08
    assert stop_distance(average_range=None, **bounds) == 0.08
    assert protective_stop(entry=D("100.37"), distance=0.04, tick=D("0.05")) == D("96.35")
    assert protective_stop(entry=D("0.01"), distance=0.5, tick=D("0.01")) == D("0.01")
