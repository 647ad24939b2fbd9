"""Stored backtests: what was asked, what came out, and every closed trade."""

from django.db import models
from django.db.models import Q

from apps.agents.models.research_work import AskedRun, ClaimedWork, RunState


class BacktestRun(AskedRun, ClaimedWork):
    """``metrics``: the performance report. ``curve``: points of equity and of holding, thinned for a plot.

    Figures are those of a simulation, measured in floats and never posted.
    """

    mode = models.CharField(max_length=8, default="", blank=True)
    stated = models.JSONField(default=dict, blank=True, help_text="What was run, on which terms.")
    metrics = models.JSONField(default=dict, blank=True)
    outcomes = models.JSONField(default=dict, blank=True, help_text="How many rounds came to what.")
    restrictions = models.JSONField(default=list, blank=True, help_text="What restricted trading at the end.")
    curve = models.JSONField(default=list, blank=True)
    trade_count = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(null=True, blank=True)
    digest = models.CharField(max_length=64, default="", blank=True, help_text="SHA-256 of all orders or trades.")

    class Meta(AskedRun.Meta):
        abstract = False
        constraints = (
            *AskedRun.Meta.constraints,
            *ClaimedWork.Meta.constraints,
            models.CheckConstraint(condition=~Q(state=RunState.DONE) | ~Q(digest=""), name="backtest_done_has_digest"),
        )
        indexes = (*AskedRun.Meta.indexes, *ClaimedWork.Meta.indexes)


class BacktestTrade(models.Model):
    """One closed trade of a backtest, in the order of closing. ``figures``: the row of the trade table."""

    run = models.ForeignKey(BacktestRun, on_delete=models.CASCADE, related_name="trades")
    number = models.PositiveIntegerField()
    symbol = models.CharField(max_length=40)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField()
    figures = models.JSONField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "number"], name="backtest_trade_once"),)

    def __str__(self) -> str:
        return f"{self.symbol} {self.number}"
