"""The network in torch: it computes what its formulas say, learns what is there, and again from the same seed."""

import numpy as np
import pytest

from apps.agents.adapters.torch_engine import TorchEngine
from apps.agents.domain.neural.calibration import softmax
from apps.agents.domain.neural.features import FEATURES, WINDOW, windows_over
from apps.agents.domain.neural.model_facts import model_digest
from apps.agents.operations import FitSettings, TrainingWish, train_model
from apps.agents.ports import Samples, StoredModel
from apps.foundation.errors import NotReady, Refused
from tests.support.neural import columns, facts, tensors, walk

pytestmark = pytest.mark.neural
ENGINE = TorchEngine()


def model(seed=0, **changes) -> StoredModel:
    made_for = facts(**changes)
    content = ENGINE.write(tensors(made_for, seed), made_for)
    return ENGINE.read(content, digest=model_digest(content))


def windows(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, WINDOW, len(FEATURES))).astype(np.float32)


def by_hand(stored: StoredModel, window: np.ndarray) -> np.ndarray:
    """The gated recurrent unit's equations (Cho et al., 2014, as torch documents them) in 64 bits."""
    weights = {name: tensor.astype(np.float64) for name, tensor in stored.tensors.items()}
    state = np.zeros(stored.facts.hidden)

    def sigmoid(values):
        return 1.0 / (1.0 + np.exp(-values))

    for row in (window - weights["mean"]) / weights["scale"]:
        given = weights["recurrent.weight_ih_l0"] @ row + weights["recurrent.bias_ih_l0"]
        kept = weights["recurrent.weight_hh_l0"] @ state + weights["recurrent.bias_hh_l0"]
        reset, update, new = zip(np.split(given, 3), np.split(kept, 3), strict=True)
        r, z = sigmoid(sum(reset)), sigmoid(sum(update))
        state = (1.0 - z) * np.tanh(new[0] + r * new[1]) + z * state
    scores = weights["head.weight"] @ state + weights["head.bias"]
    return softmax(scores[None], float(weights["temperature"][0]))[0]


def test_it_computes_what_the_equations_say():
    stored = model()
    forward = ENGINE.load(stored, device="cpu0")
    given = windows(5)
    assert np.allclose(forward(given), [by_hand(stored, window) for window in given], atol=1e-5)
    assert (forward.digest, forward.facts) == (stored.digest, stored.facts)


def test_a_batch_answers_as_one_by_one():
    forward = ENGINE.load(model(3), device="cpu0")
    given = windows(150)
    together = forward(given)
    assert together.shape == (150, 3)
    assert np.allclose(together.sum(axis=1), 1.0)
    assert np.allclose(together, np.concatenate([forward(window[None]) for window in given]), atol=1e-6)
    assert forward(given[:0]).shape == (0, 3)


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (256, [256]), (257, [129, 128]), (1_000, [250] * 4)])
def test_no_tile_is_a_small_remainder(count, sizes):
    """A few windows are multiplied otherwise than many, so a series must not end in a few."""
    forward, seen = ENGINE.load(model(3), device="cpu0"), []
    forward._network.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    given = windows(count)
    answered = forward(given)
    assert seen == sizes
    assert np.allclose(answered, np.concatenate([forward(part) for part in np.array_split(given, 7)]), atol=1e-6)


def test_windows_seen_in_their_rows_are_judged_as_copies_are():
    forward = ENGINE.load(model(4), device="cpu0")
    rows = np.random.default_rng(4).normal(size=(WINDOW + 600, len(FEATURES))).astype(np.float32)
    seen = windows_over(rows)
    assert np.array_equal(forward(seen), forward(np.ascontiguousarray(seen)))


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(NotReady, match="The device cuda99 is not there"):
        ENGINE.load(model(), device="cuda99")


def planted(count: int, seed: int) -> Samples:
    """Rows whose first feature in the last bar tells the class."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count + WINDOW, len(FEATURES))).astype(np.float32)
    ends = np.arange(WINDOW, count + WINDOW)
    told = rows[ends, 0]
    return Samples(rows, ends, np.where(told > 0.4, 2, np.where(told < -0.4, 0, 1)))


def test_it_learns_what_is_there_and_again_from_the_same_seed():
    settings = FitSettings(hidden=8, epochs=3, batch=32, rate=2e-2, dropout=0.0, seed=5)
    losses: list[float] = []

    def fitted(chosen):
        losses.clear()
        return ENGINE.fit(planted(800, 1), planted(200, 2), chosen, told=lambda _e, _l, loss: losses.append(loss))

    first = fitted(settings)
    assert first.validation_loss == min(losses) < 0.6  # three classes of nearly equal share: guessing has 1.1
    again = fitted(settings)
    assert all(np.array_equal(first.tensors[name], again.tensors[name]) for name in first.tensors)
    other = fitted(FitSettings(hidden=8, epochs=1, batch=128, seed=6))
    assert not np.array_equal(first.tensors["head.weight"], other.tensors["head.weight"])


def test_it_stops_once_nothing_is_left_to_learn():
    random = np.random.default_rng(3)
    rows = random.normal(size=(700, len(FEATURES))).astype(np.float32)
    noise = Samples(rows, np.arange(WINDOW, 700), random.integers(0, 3, 700 - WINDOW))
    told: list[int] = []
    settings = FitSettings(hidden=4, epochs=60, patience=2, rate=2e-2)
    other = Samples(rows, noise.ends, random.permutation(noise.labels))
    found = ENGINE.fit(noise, other, settings, told=lambda epoch, _learned, _reached: told.append(epoch))
    assert found.epochs == told[-1] - 2
    assert told[-1] < 60


def test_training_judges_the_model_that_it_hands_out():
    series = [columns(walk(2600, 1)), columns(walk(2600, 2), symbol="ETH/USDT")]
    wish = TrainingWish(folds=2, stride=2, settings=FitSettings(hidden=4, epochs=1, seed=3))
    told: list[str] = []
    trained = train_model(wish=wish, series=series, told=told.append)
    stored = ENGINE.read(trained.content, digest=trained.digest)
    assert stored.facts == trained.facts
    card = trained.card
    assert card["digest"] == trained.digest
    assert [fold["tested_from"] for fold in card["folds"]] == sorted(fold["tested_from"] for fold in card["folds"])
    assert set(card["rules"]) == {"momentum", "mean_reversion", "breakout", "arbitrage"}
    assert len(card["gates"]) == 7
    assert not card["passed"]  # nothing is to be learned from a walk without memory
    assert any("Fold 2 of 2" in line for line in told)
    assert train_model(wish=wish, series=series).content == trained.content


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"folds": 0}, "folds", "folds was 0; it must lie between 1 and 20"),
        ({"horizon_bars": 501}, "horizon", "horizon was 501"),
        ({"stride": 0}, "stride", "stride was 0"),
        ({"settings": FitSettings(epochs=0)}, "epochs", "epochs was 0"),
        ({}, "data", "the fewest. Give more candles"),
    ],
)
def test_what_cannot_be_trained_is_refused_by_name(changes, field, words):
    with pytest.raises(Refused, match=words) as refused:
        train_model(wish=TrainingWish(**changes), series=[columns(walk(600, 1))])
    assert refused.value.field == field
