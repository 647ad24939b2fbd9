"""How votes are pooled and when a score becomes a target: each change is a new row, the newest one holds."""

import pgtrigger
from django.db import models

from apps.agents.domain.consensus import METHODS, ConsensusRules
from apps.agents.domain.target_stance import StanceRules

_RULES, _STANCE = ConsensusRules(), StanceRules()


class ConsensusPolicy(models.Model):
    version = models.PositiveIntegerField(primary_key=True)
    method = models.CharField(max_length=12, choices=[(name, name) for name in METHODS], default=_RULES.method)
    quorum = models.FloatField(default=_RULES.quorum)
    veto_confidence = models.FloatField(default=_RULES.veto_confidence)
    enter = models.FloatField(default=_STANCE.enter)
    leave = models.FloatField(default=_STANCE.leave)
    full = models.FloatField(default=_STANCE.full)
    band = models.FloatField(default=_STANCE.band)
    denied_pause_bars = models.PositiveIntegerField(default=6, help_text="A denied purchase is not asked again sooner.")
    author = models.CharField(max_length=120)
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "consensus policies"
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"version {self.version}: {self.method}"

    def consensus_rules(self) -> ConsensusRules:
        return ConsensusRules(method=self.method, quorum=self.quorum, veto_confidence=self.veto_confidence)

    def stance_rules(self) -> StanceRules:
        return StanceRules(enter=self.enter, leave=self.leave, full=self.full, band=self.band)
