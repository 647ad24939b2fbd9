"""Stored searches: a search is made of folds, each one worker's work; a fold is made of trials."""

from django.db import models
from django.db.models import Q

from apps.agents.models.research_work import AskedRun, ClaimedWork, ResearchWork, RunState


class SearchRun(AskedRun):
    """Runs while its folds do. ``report``: what it came to."""

    report = models.JSONField(default=dict, blank=True)

    class Meta(AskedRun.Meta):
        abstract = False
        constraints = (
            *AskedRun.Meta.constraints,
            models.CheckConstraint(condition=~Q(state=RunState.DONE) | ~Q(report={}), name="search_done_has_report"),
        )


class SearchFold(ClaimedWork):
    """One stretch of the walk, in milliseconds; the last one of a search has no test. ``tested``: figures and daily
    returns of the best trial on the test.
    """

    search = models.ForeignKey(SearchRun, on_delete=models.CASCADE, related_name="folds")
    number = models.PositiveSmallIntegerField()
    train_from = models.BigIntegerField()
    train_until = models.BigIntegerField()
    test_from = models.BigIntegerField(null=True, blank=True)
    test_until = models.BigIntegerField(null=True, blank=True)
    tested = models.JSONField(default=dict, blank=True)

    class Meta(ClaimedWork.Meta):
        abstract = False
        constraints = (
            *ResearchWork.Meta.constraints,
            *ClaimedWork.Meta.constraints,
            models.UniqueConstraint(fields=["search", "number"], name="search_fold_once"),
        )


class SearchTrial(models.Model):
    """One setting that was tried on the fold's training. ``returns``: float64, one a day."""

    fold = models.ForeignKey(SearchFold, on_delete=models.CASCADE, related_name="trials")
    number = models.PositiveSmallIntegerField()
    parameters = models.JSONField()
    value = models.FloatField(null=True, blank=True, help_text="The objective; none where the setting can't be.")
    figures = models.JSONField(default=dict, blank=True)
    returns = models.BinaryField(default=b"", blank=True)
    refused = models.TextField(default="", blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["fold", "number"], name="search_trial_once"),)

    def __str__(self) -> str:
        return f"{self.fold_id} {self.number}"
