"""A model's file is numbers with a digest; whatever else is in it is refused with a sentence."""

import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save

from apps.agents.adapters.torch_engine import TorchEngine
from apps.agents.adapters.weights_file import FACTS, LARGEST_FILE, read_weights, write_weights
from apps.agents.domain.neural.model_facts import ModelRefusedError, model_digest, model_facts
from tests.support.neural import facts, tensors


def saved(made_for=None, *, stated=None, **changed) -> bytes:
    made_for = made_for or facts()
    found = {name: tensor for name, tensor in (tensors(made_for) | changed).items() if tensor is not None}
    return save(found, metadata={FACTS: json.dumps(stated if stated is not None else made_for.plain())})


def refusal(content: bytes, digest: str | None = None) -> ModelRefusedError:
    with pytest.raises(ModelRefusedError) as refused:
        read_weights(content, digest=digest or model_digest(content))
    return refused.value


def test_a_model_comes_back_as_it_was_written():
    made_for, weights = facts(), tensors(facts())
    content = write_weights(weights, made_for)
    model = read_weights(content, digest=model_digest(content))
    assert model.facts == made_for
    assert set(model.tensors) == set(weights)
    assert all(np.array_equal(model.tensors[name], weights[name]) for name in weights)
    assert write_weights(weights, made_for) == content


def test_one_changed_bit_is_another_model():
    content = bytearray(saved())
    digest = model_digest(bytes(content))
    content[-1] ^= 1
    found = refusal(bytes(content), digest)
    assert found.code == "wrong_digest"
    assert digest[:16] in found.message


def archive() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as folder:
        folder.writestr("archive/data.pkl", pickle.dumps({"weight": [1.0]}))
    return held.getvalue()


class Bomb:
    def __reduce__(self):
        return (print, ("this must not run",))


@pytest.mark.parametrize("content", [pickle.dumps(Bomb()), archive()], ids=["pickle", "torch.save"])
def test_a_pickle_is_refused_and_never_opened(content, capsys):
    found = refusal(content)
    assert found.code == "pickle"
    assert "can run code" in found.message
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "content",
    [b"", b"\x10", b"{}", struct.pack("<Q", 2**60) + b"{}", save({"a": np.zeros(1, np.float32)}), saved(stated=[1])],
    ids=["empty", "short", "text", "endless header", "no facts", "facts are a list"],
)
def test_what_is_no_model_file_is_refused(content):
    assert refusal(content).code == "not_safetensors"


def test_a_huge_file_is_refused_before_it_is_read():
    assert refusal(b"\0" * (LARGEST_FILE + 1)).code == "too_large"


@pytest.mark.parametrize(
    ("changed", "code", "words"),
    [
        ({"head.bias": None}, "wrong_shape", "lacks the tensor head.bias"),
        ({"extra": np.zeros(1, np.float32)}, "wrong_shape", "'extra' that the network lacks"),
        ({"head.bias": np.zeros(4, np.float32)}, "wrong_shape", r"shape \(4,\); the network takes \(3,\)"),
        ({"head.bias": np.array([0, np.nan, 0], np.float32)}, "not_finite", "head.bias"),
        ({"head.bias": np.zeros(3, np.float64)}, "not_finite", "head.bias"),
        ({"scale": np.zeros(9, np.float32)}, "not_finite", "above zero"),
    ],
    ids=["missing", "extra", "shape", "NaN", "double", "zero scale"],
)
def test_tensors_that_are_not_the_networks_are_refused(changed, code, words):
    found = refusal(saved(**changed))
    assert found.code == code
    with pytest.raises(ModelRefusedError, match=words):
        raise found


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"feature_set": "candles-0"}, "other_features"),
        ({"window": 32}, "other_features"),
        ({"timeframe": "7m"}, "bad_facts"),
        ({"hidden": 0}, "bad_facts"),
        ({"hidden": 4.0}, "bad_facts"),
        ({"horizon_bars": True}, "bad_facts"),
        ({"cost_bps": "24"}, "bad_facts"),
        ({"test_from": 0}, "bad_facts"),
        ({"surprise": 1}, "bad_facts"),
    ],
)
def test_facts_that_cannot_be_are_refused(change, code):
    with pytest.raises(ModelRefusedError) as refused:
        model_facts(facts().plain() | change)
    assert refused.value.code == code


def test_the_shipped_model_is_the_one_on_its_card():
    engine = TorchEngine()
    content, card = engine.shipped()
    model = engine.read(content, digest=card["digest"])
    assert model.facts.plain() == card["facts"]
    assert card["passed"] is all(gate["passed"] for gate in card["gates"])
    assert len(content) < 100_000
