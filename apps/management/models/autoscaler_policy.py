"""When and how far the fleet scales by itself: each change is a new row, the newest one holds."""

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from apps.management.domain.autoscaling import ScalingRules

_RULES = ScalingRules()


def default_strategies() -> list[str]:
    return list(_RULES.strategies)


class AutoscalerPolicy(models.Model):
    """Switched off until somebody with a reason switches it on."""

    version = models.PositiveIntegerField(primary_key=True)
    enabled = models.BooleanField(default=False)
    strategies = ArrayField(models.CharField(max_length=60), default=default_strategies)
    least_agents = models.PositiveIntegerField(default=_RULES.least_agents)
    most_agents = models.PositiveIntegerField(default=_RULES.most_agents)
    hot_above = models.FloatField(
        default=_RULES.hot_above, help_text="Volatility against the usual; deploys from here."
    )
    cool_under = models.FloatField(default=_RULES.cool_under, help_text="And drains again below this.")
    late_above = models.FloatField(default=_RULES.late_above, help_text="Share of missed deadlines.")
    weak_brier = models.FloatField(
        default=_RULES.weak_brier, help_text="A worse Brier score is benched; a coin has 0.25."
    )
    most_memory_bytes = models.BigIntegerField(default=_RULES.most_memory_bytes, help_text="For one agent.")
    most_cpus = models.FloatField(default=_RULES.most_cpus, help_text="For one agent.")
    hold_seconds = models.PositiveIntegerField(
        default=_RULES.hold_seconds, help_text="A signal counts once it held so long."
    )
    cooldown_seconds = models.PositiveIntegerField(default=_RULES.cooldown_seconds)
    author = models.CharField(max_length=150)
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "autoscaler policies"
        constraints = (
            models.CheckConstraint(condition=Q(least_agents__lte=F("most_agents")), name="autoscaler_least_below_most"),
            models.CheckConstraint(condition=Q(cool_under__lte=F("hot_above")), name="autoscaler_cool_under_hot"),
        )
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"version {self.version}: {'on' if self.enabled else 'off'}"

    def rules(self) -> ScalingRules:
        """The policy as the decision table takes it. Raises ``ValueError`` for what contradicts itself."""
        return ScalingRules(
            strategies=tuple(self.strategies),
            least_agents=self.least_agents,
            most_agents=self.most_agents,
            hot_above=self.hot_above,
            cool_under=self.cool_under,
            late_above=self.late_above,
            weak_brier=self.weak_brier,
            most_memory_bytes=self.most_memory_bytes,
            most_cpus=self.most_cpus,
            hold_seconds=self.hold_seconds,
            cooldown_seconds=self.cooldown_seconds,
        )
