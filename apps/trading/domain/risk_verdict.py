"""What a rule finds, and the verdict that is kept of it. A rule is one function of the facts under ``rule``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import orjson

from apps.foundation.money import plain
from apps.trading.domain.gate_facts import GateFacts, jsonable

OK = "ok"
EXEMPT = "exempt_reducing"
MISSING = "missing_input"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one order, and the inputs it looked at."""

    rule: str
    allowed: bool
    code: str
    detail: str
    inputs: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "allowed": self.allowed,
            "code": self.code,
            "detail": self.detail,
            "inputs": jsonable(self.inputs),
        }


def verdicts_as_json(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """All of an order's verdicts, each as its ``as_json`` says; at once, since every order waits for it."""
    found: list[dict[str, Any]] = orjson.loads(orjson.dumps(verdicts, default=plain, option=orjson.OPT_UTC_Z))
    return found


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's answer before it has a name. ``code``: where it is not the rule's own denial, or ``ok``."""

    allowed: bool
    detail: str
    inputs: Mapping[str, Any]
    code: str = ""


Rule = Callable[[GateFacts], Verdict]


def rule(denial: str, *, binds_sales: bool = False) -> Callable[[Callable[[GateFacts], Finding]], Rule]:
    """Make a function of the facts a rule of the gate: named after the function, denying with the code ``denial``.

    Unless it ``binds_sales``, an order that can only lower a position is exempt from it; the inputs are kept anyway.
    """

    def named(look: Callable[[GateFacts], Finding]) -> Rule:
        @wraps(look)
        def judged(facts: GateFacts) -> Verdict:
            found = look(facts)
            if facts.order.reducing and not binds_sales:
                found = exempt(found.inputs)
            code = found.code or (OK if found.allowed else denial)
            return Verdict(look.__name__, found.allowed, code, found.detail, found.inputs)

        return judged

    return named


def passed_if(allowed: bool, inputs: Mapping[str, Any], *, yes: str, no: str) -> Finding:
    """The finding of a plain comparison, in the words that fit its outcome."""
    return Finding(allowed, yes if allowed else no, inputs)


def without(what: str, reason: str, inputs: Mapping[str, Any]) -> Finding:
    """Denied because nobody knows an input."""
    return Finding(False, f"Denied for want of {what}. {reason}".strip(), inputs, MISSING)


def exempt(inputs: Mapping[str, Any], why: str = "The order only lowers a position.") -> Finding:
    """Passed because the order is not of the kind this rule is about."""
    return Finding(True, why, inputs, EXEMPT)
