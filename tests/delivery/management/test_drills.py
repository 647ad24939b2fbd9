"""Drills of a practice firm over REST: who may, where, and one at a time."""

from uuid import UUID

import pytest

from apps.foundation.clock import Moment, wall_now
from apps.foundation.models import AuditEntry
from apps.management import operations
from apps.management.domain.practice_drills import PRACTICE_DRILLS
from apps.management.models import DrillRun
from tests.support.trading_desk import open_desk
from workers.drills.every_scenario import SAFE

pytestmark = pytest.mark.django_db
PATH = "/api/v1/management/drills/"
WISH = {"scenario": "T01", "reason": "to see it"}


def now() -> Moment:
    return Moment(wall=wall_now(), firm=wall_now())


@pytest.fixture
def practice(clean_redis, settings):
    settings.VENUE, settings.HQ_SIMULATED_CONTROL = "simulated", "http://127.0.0.1:1"
    return open_desk()


def test_every_drill_that_is_offered_can_be_played():
    assert set(SAFE) == set(PRACTICE_DRILLS)


def test_a_firm_at_another_venue_is_not_drilled(clean_redis, person):
    answer = person("admin").post(PATH, WISH)
    assert (answer.status_code, answer.json()["code"]) == (400, "no_practice_firm")
    assert "VENUE=simulated" in answer.json()["detail"]
    assert person("viewer").get(f"{PATH}choices/").json()["why_not"]
    assert not DrillRun.objects.exists()


def test_an_administrator_asks_for_one_and_its_steps_are_read(practice, person):
    assert person("risk").post(PATH, WISH).status_code == 403
    assert person("viewer").get(f"{PATH}choices/").json()["why_not"] == ""
    asked = person("admin").post(PATH, WISH)
    assert (asked.status_code, asked.json()["state"]) == (201, "waiting")
    run = UUID(asked.json()["id"])
    assert AuditEntry.objects.filter(action="drill.requested", subject=f"drill:{run}").exists()
    assert person("admin").post(PATH, WISH).json()["code"] == "drill_under_way"

    assert operations.claim_drill(run_id=run, moment=now()).pk == run
    assert operations.claim_drill(run_id=run, moment=now()) is None
    operations.note_drill_steps(run_id=run, steps=[(0.5, "broken")])
    told = person("viewer").get(f"{PATH}{run}/").json()
    assert (told["state"], told["steps"]) == ("running", [{"seconds": 0.5, "text": "broken"}])
    operations.end_drill(run_id=run, problems=[], recovery_seconds=2.5, moment=now())
    (row,) = person("viewer").get(PATH).json()["results"]
    assert (row["state"], row["recovery_seconds"]) == ("passed", 2.5)
    assert person("admin").post(PATH, WISH).status_code == 201


@pytest.mark.parametrize(
    ("wish", "field"),
    [({"scenario": "T99", "reason": "x"}, "scenario"), ({"scenario": "T01", "reason": " "}, "reason")],
)
def test_what_it_refuses(practice, person, wish, field):
    answer = person("admin").post(PATH, wish)
    assert answer.status_code == 400
    assert field in answer.content.decode()
