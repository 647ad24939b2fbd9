"""The schedule reaches beat, and what a person changed stays changed."""

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from tradinghq import periodic_schedule
from tradinghq.periodic_schedule import SCHEDULE, PeriodicWork, sync_periodic_tasks

pytestmark = pytest.mark.django_db


def entry(title: str) -> PeriodicTask:
    return PeriodicTask.objects.get(name=f"hq: {title}")


def test_every_entry_is_written_once(settings):
    settings.MARKET = "live"
    sync_periodic_tasks()
    sync_periodic_tasks()
    assert PeriodicTask.objects.filter(name__startswith="hq: ").count() == len(SCHEDULE)
    found = entry("converge fleet")
    assert (found.task, found.queue) == ("workers.fleet.converge", "fleet")
    assert (found.interval.every, found.expire_seconds) == (30, 45)


def test_live_work_is_not_sent_on_a_replayed_market(settings):
    settings.MARKET = "live"
    sync_periodic_tasks()
    settings.MARKET = "recorded"
    sync_periodic_tasks()
    assert not PeriodicTask.objects.filter(task="workers.market.poll_quotes").exists()
    assert PeriodicTask.objects.filter(task="workers.fleet.converge").exists()


def test_a_persons_change_is_kept_and_an_untouched_entry_follows_the_table(monkeypatch):
    sync_periodic_tasks()
    slower, _ = IntervalSchedule.objects.get_or_create(every=90, period=IntervalSchedule.SECONDS)
    PeriodicTask.objects.filter(name="hq: converge fleet").update(interval=slower)
    PeriodicTask.objects.filter(name="hq: verify books").update(enabled=False)
    table = tuple(
        PeriodicWork(work.title, work.task, 7 if work.title == "prune" else work.seconds) for work in SCHEDULE
    )
    monkeypatch.setattr(periodic_schedule, "SCHEDULE", table)
    sync_periodic_tasks()
    assert entry("converge fleet").interval.every == 90
    assert entry("verify books").enabled is False
    assert entry("prune").interval.every == 7


def test_an_entry_that_left_the_table_is_removed_and_a_persons_own_stays(monkeypatch):
    sync_periodic_tasks()
    interval = IntervalSchedule.objects.first()
    PeriodicTask.objects.create(name="mine", task="workers.upkeep.prune", interval=interval)
    monkeypatch.setattr(periodic_schedule, "SCHEDULE", SCHEDULE[:1])
    sync_periodic_tasks()
    assert PeriodicTask.objects.filter(name="mine").exists()
    assert not PeriodicTask.objects.filter(name="hq: prune").exists()
