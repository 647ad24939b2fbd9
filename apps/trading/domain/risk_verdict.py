"""A rule's verdict and the words it is given in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.trading.domain.gate_facts import GateFacts, jsonable

OK = "ok"


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


Rule = Callable[[GateFacts], Verdict]


def verdict_of(rule: str, *, allowed: bool, code: str, yes: str, no: str, inputs: Mapping[str, Any]) -> Verdict:
    return Verdict(rule, allowed, OK if allowed else code, yes if allowed else no, inputs)


def missing_input(rule: str, what: str, reason: str, inputs: Mapping[str, Any]) -> Verdict:
    return Verdict(rule, False, "missing_input", f"Denied for want of {what}. {reason}".strip(), inputs)


def exempt(rule: str, inputs: Mapping[str, Any], why: str = "The order only lowers a position.") -> Verdict:
    return Verdict(rule, True, "exempt_reducing", why, inputs)


def for_new_risk(rule: Rule) -> Rule:
    """The rule, asked only of orders that may raise a position; others answer ``exempt_reducing``."""

    def judged(facts: GateFacts) -> Verdict:
        verdict = rule(facts)
        return exempt(verdict.rule, verdict.inputs) if facts.order.reducing else verdict

    return judged
