"""What a rule finds, and the verdict that is kept of it. A rule is one function of the facts under ``rule``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from apps.foundation.money import plain
from apps.trading.domain.risk.gate_facts import GateFacts, jsonable

OK = "ok"
EXEMPT = "exempt_reducing"
MISSING = "missing_input"


class Verdict(NamedTuple):
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


def verdicts_as_text(verdicts: Sequence[Verdict]) -> bytes:
    """The JSON of all of an order's verdicts, each as its ``as_json`` says; at once, since every order waits for it."""
    rows = [
        {"rule": rule, "allowed": allowed, "code": code, "detail": detail, "inputs": inputs}
        for rule, allowed, code, detail, inputs in verdicts
    ]
    return orjson.dumps(rows, default=plain, option=orjson.OPT_UTC_Z)


Words = str | Callable[[], str]


class Finding(NamedTuple):
    """A rule's answer before it has a name. ``code``: where it is not the rule's own denial, or ``ok``.

    ``detail``: put together only where somebody reads it; a backtest asks most rules for their answer alone.
    """

    allowed: bool
    detail: Words
    inputs: Mapping[str, Any]
    code: str = ""

    @property
    def words(self) -> str:
        """The detail, put together."""
        return self.detail if isinstance(self.detail, str) else self.detail()


class Rule:
    """One rule of the gate, which looks at the facts.

    Unless it ``binds_sales``, an order that can only lower a position is exempt from it; the inputs are kept anyway.
    """

    def __init__(self, look: Callable[[GateFacts], Finding], *, denial: str, binds_sales: bool) -> None:
        self.name, self.denial, self.__doc__ = look.__name__, denial, look.__doc__
        self._look, self._binds_sales = look, binds_sales

    def __call__(self, facts: GateFacts) -> Verdict:
        """Its verdict, under its name and in words."""
        found = self._look(facts)
        if facts.order.reducing and not self._binds_sales:
            found = exempt(found.inputs)
        code = found.code or (OK if found.allowed else self.denial)
        return Verdict(self.name, found.allowed, code, found.words, found.inputs)

    def denies(self, facts: GateFacts) -> str:
        """The code of its verdict where that is a denial, without the words; empty where it is none."""
        if facts.order.reducing and not self._binds_sales:
            return ""
        found = self._look(facts)
        return "" if found.allowed else found.code or self.denial


def rule(denial: str, *, binds_sales: bool = False) -> Callable[[Callable[[GateFacts], Finding]], Rule]:
    """Make a function of the facts a rule of the gate: named after the function, denying with the code ``denial``."""

    def named(look: Callable[[GateFacts], Finding]) -> Rule:
        return Rule(look, denial=denial, binds_sales=binds_sales)

    return named


def passed_if(allowed: bool, inputs: Mapping[str, Any], *, yes: Words, no: Words) -> Finding:
    """The finding of a plain comparison, in the words that fit its outcome."""
    return Finding(allowed, yes if allowed else no, inputs)


def without(what: str, reason: str, inputs: Mapping[str, Any]) -> Finding:
    """Denied because nobody knows an input."""
    return Finding(False, f"Denied for want of {what}. {reason}".strip(), inputs, MISSING)


def exempt(inputs: Mapping[str, Any], why: str = "The order only lowers a position.") -> Finding:
    """Passed because the order is not of the kind this rule is about."""
    return Finding(True, why, inputs, EXEMPT)
