"""Walk-forward parts, calibration, figures and the gates of a promotion."""

import numpy as np
import pytest

from apps.agents.domain.neural.calibration import (
    best_temperature,
    calibration_error,
    forecast_figures,
    log_loss,
    softmax,
)
from apps.agents.domain.neural.device_choice import ROOM_BYTES, DeviceLoad, choose_device, with_one_more
from apps.agents.domain.neural.promotion_gates import TradedFigures, promotion_gates
from apps.agents.domain.neural.walk_forward import parts_of, walk_forward

HOUR = 3_600_000


def test_each_test_lies_behind_all_that_was_learned_and_tests_follow_one_another():
    folds = walk_forward(first=0, until=1000 * HOUR, folds=3)
    assert [fold.test_from for fold in folds] == [400 * HOUR, 600 * HOUR, 800 * HOUR]
    assert [fold.until for fold in folds] == [600 * HOUR, 800 * HOUR, 1000 * HOUR]
    assert [fold.validation_from for fold in folds] == [340 * HOUR, 510 * HOUR, 680 * HOUR]


def test_no_label_of_an_earlier_part_looks_into_a_later_one():
    fold = walk_forward(first=0, until=1000 * HOUR, folds=3)[1]
    closed = np.arange(0, 1000 * HOUR, HOUR // 4)
    parts = parts_of(fold, closed, reach_ms=3 * HOUR)
    assert (closed[parts.training] + 3 * HOUR).max() == fold.validation_from
    assert closed[parts.validation].min() == fold.validation_from
    assert (closed[parts.validation] + 3 * HOUR).max() == fold.test_from
    assert closed[parts.test].min() == fold.test_from
    assert (closed[parts.test] + 3 * HOUR).max() == fold.until
    assert not (parts.training & parts.validation | parts.validation & parts.test).any()


@pytest.mark.parametrize(("until", "folds"), [(0, 3), (1000, 0), (1000, 21)])
def test_a_span_or_number_of_folds_that_cannot_be_is_refused(until, folds):
    with pytest.raises(ValueError, match="Folds were"):
        walk_forward(first=0, until=until, folds=folds)


def drawn(temperature: float, samples: int = 20_000):
    """Scores, and labels drawn from the probabilities that they have at this temperature."""
    random = np.random.default_rng(11)
    scores = random.normal(0.0, 2.0, (samples, 3))
    chances = softmax(scores, temperature)
    labels = (random.random((samples, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    return scores, np.minimum(labels, 2)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found_again(temperature):
    scores, labels = drawn(temperature)
    found = best_temperature(scores, labels)
    assert found == pytest.approx(temperature, rel=0.05)
    assert calibration_error(softmax(scores, found), labels) < 0.01
    assert calibration_error(softmax(scores, temperature / 4), labels) > 0.05


def test_the_figures_of_a_forecast_by_hand():
    probabilities = np.array([[0.1, 0.2, 0.7], [0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.5, 0.1, 0.4]])
    labels = np.array([2, 0, 1, 2])
    moves = np.array([0.01, -0.02, 0.0, 0.03])
    found = forecast_figures(probabilities, labels, moves, base_shares=np.array([0.25, 0.25, 0.5]))
    assert found.log_loss == pytest.approx(-np.log([0.7, 0.6, 0.6, 0.4]).mean())
    assert found.base_loss == pytest.approx(-np.log([0.5, 0.25, 0.25, 0.5]).mean())
    assert found.direction_brier == pytest.approx(np.mean([0.2**2, 0.3**2, 0.0, 0.55**2]))
    assert found.hit_rate == pytest.approx(2 / 3)
    assert found.shares == (0.25, 0.25, 0.5)
    assert found.samples == 4
    with pytest.raises(ValueError, match="no samples"):
        forecast_figures(probabilities[:0], labels[:0], moves[:0], base_shares=np.ones(3) / 3)


def test_probabilities_of_huge_scores_stay_probabilities():
    found = softmax(np.array([[1e4, -1e4, 0.0]]))
    assert found.tolist() == [[1.0, 0.0, 0.0]]
    assert np.isfinite(log_loss(found, np.array([1])))


GOOD = {"log_loss": 1.00, "base_loss": 1.05, "direction_brier": 0.24, "calibration_error": 0.02}
TRADES = {"total_return": 0.05, "largest_drawdown": 0.1, "trades": 50}
RULES = {"momentum": TradedFigures(0.01, 0.1, 80), "breakout": TradedFigures(-0.2, 0.3, 90)}


def judged(**changes):
    probabilities = np.full((3, 3), 1 / 3)
    forecast = forecast_figures(probabilities, np.array([0, 1, 2]), np.array([-1, 0, 1.0]), base_shares=np.ones(3) / 3)
    changed = {name: changes.pop(name, value) for name, value in GOOD.items()}
    forecast = type(forecast)(**{**{n: getattr(forecast, n) for n in forecast.__slots__}, **changed})
    return promotion_gates(forecast=forecast, traded=TradedFigures(**(TRADES | changes)), rules=RULES)


def test_a_good_model_passes_every_gate():
    assert [gate.name for gate in judged() if not gate.passed] == []


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ({"log_loss": 1.05}, ["forecast_beats_the_shares"]),
        ({"direction_brier": 0.25}, ["direction_beats_a_coin"]),
        ({"calibration_error": 0.051}, ["probabilities_are_calibrated"]),
        ({"calibration_error": float("nan")}, ["probabilities_are_calibrated"]),
        ({"trades": 29}, ["enough_trades"]),
        ({"total_return": 0.0}, ["profit_after_costs", "beats_every_rule_strategy"]),
        ({"total_return": 0.01}, ["beats_every_rule_strategy"]),
        ({"largest_drawdown": 0.21}, ["drawdown_is_bounded"]),
    ],
)
def test_each_gate_fails_on_its_own_figure(change, failed):
    found = judged(**change)
    assert [gate.name for gate in found if not gate.passed] == failed
    assert all(gate.detail for gate in found)


def test_the_device_that_is_done_first_judges_next():
    slow, fast = DeviceLoad("cpu0", 0, 0.02, None), DeviceLoad("cuda0", 3, 0.001, ROOM_BYTES)
    full = DeviceLoad("cuda1", 0, 0.0001, ROOM_BYTES - 1)
    assert choose_device([slow, fast, full]) == "cuda0"
    assert choose_device([slow, full]) == "cpu0"
    assert choose_device([full]) is None
    assert choose_device([]) is None
    loads = [DeviceLoad("a", 0, 0.01, None), DeviceLoad("b", 0, 0.01, None)]
    chosen = []
    for _ in range(4):
        chosen.append(choose_device(loads))
        loads = with_one_more(loads, chosen[-1])
    assert chosen == ["a", "b", "a", "b"]
