"""The gate: every rule judges every order, one denial denies, and all verdicts are kept with their inputs."""

import hashlib
from dataclasses import dataclass

from apps.trading.domain.risk.gate_facts import GateFacts
from apps.trading.domain.risk.risk_rules import RULES
from apps.trading.domain.risk.risk_verdict import Verdict


@dataclass(frozen=True, slots=True)
class GateDecision:
    """``digest``: SHA-256 of all inputs, so that an approval can be tied to what it was given on."""

    allowed: bool
    verdicts: tuple[Verdict, ...]
    digest: str

    @property
    def denials(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if not verdict.allowed)

    @property
    def summary(self) -> str:
        """One sentence a person can read."""
        if self.allowed:
            return f"{len(self.verdicts)} of {len(self.verdicts)} rules passed."
        return " ".join(verdict.detail for verdict in self.denials)


def judge(facts: GateFacts) -> GateDecision:
    """Run all rules on these facts."""
    verdicts = tuple(rule(facts) for rule in RULES)
    return GateDecision(all(verdict.allowed for verdict in verdicts), verdicts, digest_of(facts))


def first_denial(facts: GateFacts) -> tuple[str, str]:
    """(rule, code) of the first denial that ``judge`` would find; the rules after it are not asked. Both are empty
    where the order is allowed.
    """
    for rule in RULES:
        code = rule.denies(facts)
        if code:
            return rule.name, code
    return "", ""


def digest_of(facts: GateFacts) -> str:
    """SHA-256 of all inputs."""
    return hashlib.sha256(facts.as_text()).hexdigest()
