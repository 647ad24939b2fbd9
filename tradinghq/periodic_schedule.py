"""What beat sends, and how the table below reaches the schedule that people may edit in the admin.

An entry that a person changed is left alone: its description still says which default it was written from.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

NAME = "hq: {title}"
WRITTEN_FROM = "Default: every {seconds} s."


@dataclass(frozen=True, slots=True)
class PeriodicWork:
    """A task without arguments, sent every ``seconds``; a message expires before its second successor is due."""

    title: str
    task: str
    seconds: int
    live_only: bool = False

    @property
    def queue(self) -> str:
        return self.task.split(".")[1]

    @property
    def expires(self) -> float:
        return 1.5 * self.seconds


SCHEDULE = (
    PeriodicWork("close candles", "workers.market.close_candles", 1, live_only=True),
    PeriodicWork("poll quotes", "workers.market.poll_quotes", 5, live_only=True),
    PeriodicWork("check providers", "workers.market.check_providers", 30),
    PeriodicWork("plan backfills", "workers.market.plan_backfills", 300, live_only=True),
    PeriodicWork("score agents", "workers.agents.score_agents", 900, live_only=True),
    PeriodicWork("converge fleet", "workers.fleet.converge", 30),
    PeriodicWork("stand down", "workers.fleet.stand_down", 30),
    PeriodicWork("keep inference", "workers.fleet.keep_inference", 30),
    PeriodicWork("watch health", "workers.fleet.watch_health", 30),
    PeriodicWork("autoscale", "workers.fleet.autoscale", 60),
    PeriodicWork("reconcile accounts", "workers.execution.reconcile_accounts", 60),
    PeriodicWork("equity snapshot", "workers.upkeep.snapshot_equity", 60),
    PeriodicWork("tend research", "workers.upkeep.tend_research", 15),
    PeriodicWork("verify books", "workers.upkeep.verify_books", 600),
    PeriodicWork("verify audit", "workers.upkeep.verify_audit", 3600),
    PeriodicWork("prune", "workers.upkeep.prune", 86400),
)


@transaction.atomic
def sync_periodic_tasks() -> None:
    """Create missing entries, update those nobody changed, remove ours that the table no longer has."""
    wanted = {
        NAME.format(title=work.title): work for work in SCHEDULE if not work.live_only or settings.MARKET == "live"
    }
    PeriodicTask.objects.filter(name__startswith=NAME.format(title="")).exclude(name__in=wanted).delete()
    for name, work in wanted.items():
        found = PeriodicTask.objects.select_related("interval").filter(name=name).first()
        if found is None or not _is_edited(found):
            _write(name, work, found)
    PeriodicTasks.update_changed()


def _is_edited(entry: PeriodicTask) -> bool:
    interval = entry.interval
    if interval is None or interval.period != IntervalSchedule.SECONDS or not entry.enabled:
        return True
    return bool(entry.description != WRITTEN_FROM.format(seconds=interval.every))


def _write(name: str, work: PeriodicWork, found: PeriodicTask | None) -> None:
    interval, _ = IntervalSchedule.objects.get_or_create(every=work.seconds, period=IntervalSchedule.SECONDS)
    entry = found or PeriodicTask(name=name)
    entry.task = work.task
    entry.interval = interval
    entry.queue = work.queue
    entry.expire_seconds = max(1, int(work.expires))
    entry.description = WRITTEN_FROM.format(seconds=work.seconds)
    entry.save()
