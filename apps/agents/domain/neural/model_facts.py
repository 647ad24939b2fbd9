"""What a model's file says of itself, and the tensors it must hold. Pure; the bytes are read by an adapter.

Every refusal is a ``ModelRefusedError`` with a stable code and a sentence.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from apps.agents.domain.neural.features import FEATURE_SET, FEATURES, WINDOW
from apps.agents.domain.neural.labels import CLASSES
from apps.market.domain import timeframes

MOST_HIDDEN = 512
LONGEST_HORIZON = 500


class ModelRefusedError(ValueError):
    """A model can't be used; ``code`` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the weights are made for. ``hidden`` is the width of the one recurrent layer; a vote looks ``horizon_bars``
    ahead; ``cost_bps`` is the round trip that a move must beat; times are milliseconds, ``test_from`` is the first that
    the weights have not seen.
    """

    feature_set: str
    window: int
    features: int
    hidden: int
    timeframe: str
    horizon_bars: int
    cost_bps: float
    seed: int
    trained_from: int
    test_from: int

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of all tensors that such a model has."""
        gates = 3 * self.hidden
        return {
            "mean": (self.features,),
            "scale": (self.features,),
            "temperature": (1,),
            "recurrent.weight_ih_l0": (gates, self.features),
            "recurrent.weight_hh_l0": (gates, self.hidden),
            "recurrent.bias_ih_l0": (gates,),
            "recurrent.bias_hh_l0": (gates,),
            "head.weight": (len(CLASSES), self.hidden),
            "head.bias": (len(CLASSES),),
        }

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def model_digest(content: bytes) -> str:
    """What names a model: SHA-256 of its file."""
    return hashlib.sha256(content).hexdigest()


def model_facts(given: Mapping[str, Any]) -> ModelFacts:
    """The facts, checked. Raises ``ModelRefusedError`` naming the field."""
    known = {field.name: field.type for field in fields(ModelFacts)}
    if set(given) != set(known):
        missing, extra = sorted(set(known) - set(given)), sorted(set(given) - set(known))
        raise ModelRefusedError("bad_facts", f"The model's facts lack {missing} and add {extra}.")
    for name in known:
        kind: type | tuple[type, ...] = str if name in {"feature_set", "timeframe"} else int
        kind = (int, float) if name == "cost_bps" else kind
        if isinstance(given[name], bool) or not isinstance(given[name], kind):
            raise ModelRefusedError("bad_facts", f"The model's {name} was {given[name]!r}, of the wrong kind.")
    facts = ModelFacts(**given)
    _check_features(facts)
    _check_numbers(facts)
    return facts


def check_tensors(facts: ModelFacts, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise ``ModelRefusedError`` (code ``wrong_shape``) unless these are exactly the model's tensors."""
    wanted = facts.tensors()
    for name in sorted(set(wanted) | set(shapes)):
        if name not in shapes:
            raise ModelRefusedError("wrong_shape", f"The model's file lacks the tensor {name}.")
        if name not in wanted:
            raise ModelRefusedError("wrong_shape", f"The model's file has {name[:60]!r} that the network lacks.")
        if wanted[name] != shapes[name]:
            raise ModelRefusedError(
                "wrong_shape", f"The tensor {name} has the shape {shapes[name]}; the network takes {wanted[name]}."
            )


def _check_features(facts: ModelFacts) -> None:
    ours = (FEATURE_SET, WINDOW, len(FEATURES))
    theirs = (facts.feature_set, facts.window, facts.features)
    if theirs != ours:
        told = "set {}, {} bars of {} features".format(*theirs)
        raise ModelRefusedError(
            "other_features",
            f"The model was trained on other features ({told[:120]}); this version makes set {ours[0]}, {ours[1]} bars "
            f"of {ours[2]}. Train a new one: manage.py train.",
        )


def _check_numbers(facts: ModelFacts) -> None:
    allowed = {
        "hidden": 1 <= facts.hidden <= MOST_HIDDEN,
        "timeframe": facts.timeframe in timeframes.SECONDS,
        "horizon_bars": 1 <= facts.horizon_bars <= LONGEST_HORIZON,
        "cost_bps": math.isfinite(facts.cost_bps) and 0.0 <= facts.cost_bps <= 10_000.0,  # noqa: PLR2004 - all of it
        "test_from": facts.trained_from < facts.test_from,
    }
    wrong = next((name for name, fine in allowed.items() if not fine), None)
    if wrong is not None:
        raise ModelRefusedError("bad_facts", f"The model's {wrong} was {getattr(facts, wrong)!r}, which can't be.")
