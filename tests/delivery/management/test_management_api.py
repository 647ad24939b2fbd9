from datetime import timedelta

import pytest

from apps.foundation import audit, lease
from apps.foundation.clock import Moment, wall_now
from apps.foundation.identifiers import new_id
from apps.management import operations
from apps.management.models import Container, Instance
from tests.support.agents_room import AgentsRoom
from tests.support.leading import HOUSE
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db


def moment() -> Moment:
    return Moment(wall=wall_now(), firm=wall_now())


@pytest.fixture
def agent(clean_redis):
    return AgentsRoom(open_desk()).agent("momentum")


@pytest.fixture
def container(agent):
    return Container.objects.create(
        name=f"agent-{agent.pk}", subject_id=agent.pk, runtime="process", health="healthy", observed_at=wall_now()
    )


def test_containers_are_listed_filtered_and_ordered(container, person):
    viewer = person("viewer")
    rows = viewer.get("/api/v1/management/containers/").json()["results"]
    assert [(row["name"], row["health"], row["limits_state"]) for row in rows] == [
        (container.name, "healthy", "not enforced")
    ]
    assert viewer.get("/api/v1/management/containers", {"health": "ended"}).json()["results"] == []
    assert viewer.get("/api/v1/management/containers/", {"colour": "red"}).status_code == 400
    assert viewer.get("/api/v1/management/containers/", {"ordering": "-restarts"}).status_code == 200


def test_releasing_needs_a_quarantined_container_and_a_trader(container, person):
    path = f"/api/v1/management/containers/{container.name}/release/"
    assert person("viewer").post(path).status_code == 403
    assert person("trader").post(path).json()["code"] == "not_quarantined"
    assert person("trader").post("/api/v1/management/containers/nothing/release/").status_code == 404
    Container.objects.update(quarantined_at=wall_now(), crashes=[wall_now()] * 5)
    assert person("trader").post(path).status_code == 204
    container.refresh_from_db()
    assert (container.quarantined_at, container.crashes) == (None, [])


def test_instances_say_who_leads(person):
    now = wall_now()
    facts = {"host": "h", "runtime": "process", "version": "0", "started_at": now, "role": "primary"}
    Instance.objects.create(name="hq-1", house="h1", seen_at=now, **facts)
    Instance.objects.create(name="hq-2", house="h2", seen_at=now - timedelta(hours=1), **facts)
    viewer = person("viewer")

    def leading():
        rows = viewer.get("/api/v1/management/instances/").json()["results"]
        return [(row["name"], row["alive"], row["leader"], row["epoch"]) for row in rows]

    assert leading() == [("hq-1", True, False, None), ("hq-2", False, False, None)]
    lease.take(house=lease.House("h1", "hq-1"), lives={"paper": timedelta(0)}, first=True)
    assert leading() == [("hq-1", True, True, 1), ("hq-2", False, False, None)]


def test_an_admin_promotes_an_instance_that_lives(person):
    now = wall_now()
    facts = {"host": "h", "runtime": "process", "version": "0", "started_at": now, "seen_at": now}
    Instance.objects.create(name="hq-2", house="h2", role="backup", **facts)
    path = "/api/v1/management/instances/hq-2/promote/"
    assert person("risk").post(path, {"reason": "New machine."}).status_code == 403
    admin = person("admin")
    assert admin.post(path, {}).status_code == 400
    answer = admin.post(path, {"reason": "New machine."})
    assert (answer.status_code, answer.json()["promotion_wanted"], answer.json()["leader"]) == (202, True, False)
    assert admin.post("/api/v1/management/instances/hq-9/promote/", {"reason": "r"}).status_code == 404


def test_incidents_are_listed_and_closed(person):
    opened = operations.open_incident(kind="late_fill", subject="order:1", detail="Late.", moment=moment())
    trader = person("trader")
    assert trader.get("/api/v1/management/incidents/").json()["results"][0]["id"] == opened["id"]
    path = f"/api/v1/management/incidents/{opened['id']}/close/"
    assert trader.post(path, {}).status_code == 400
    assert person("viewer").post(path, {"reason": "Seen."}).status_code == 403
    assert trader.post(path, {"reason": "Seen."}).json()["open"] is False
    assert trader.post(path, {"reason": "Seen."}).json()["code"] == "incident_closed"
    assert trader.post(f"/api/v1/management/incidents/{new_id()}/close/", {"reason": "x"}).status_code == 404
    assert trader.get("/api/v1/management/incidents/", {"closed_at__isnull": "true"}).json()["results"] == []


def test_health_names_what_is_wrong(container, person):
    viewer = person("viewer")
    body = viewer.get("/api/v1/management/health/").json()
    assert (body["ok"], body["problems"]) == (True, [])
    assert {part["part"] for part in body["parts"]} == {"postgres", "redis", "disk"}
    Container.objects.update(health="silent", reason="It makes no progress.")
    body = viewer.get("/api/v1/management/health/").json()
    assert body["ok"] is False
    assert container.name in body["problems"][0]


def test_the_audit_is_read_by_risk_and_verified(person):
    audit.append(
        chain=audit.OPERATIONS, action="test.done", actor="ann", subject="thing:1", payload={"a": "1"}, moment=moment()
    )
    assert person("trader").get("/api/v1/management/audit/").status_code == 403
    risk = person("risk")
    rows = risk.get("/api/v1/management/audit/", {"subject": "thing:1"}).json()["results"]
    assert [(row["action"], row["actor"], row["payload"]) for row in rows] == [("test.done", "ann", {"a": "1"})]
    report = risk.get("/api/v1/management/audit/verify/").json()
    assert (report["ok"], report["first_bad"]) == (True, None)
    assert report["rows"] >= 1


def test_an_agents_status_has_its_container_and_its_log_can_be_read(agent, container, person, settings):
    viewer = person("viewer")
    body = viewer.get(f"/api/v1/agents/{agent.pk}/status/").json()
    assert (body["name"], body["container"]["name"]) == (agent.name, container.name)
    assert viewer.get(f"/api/v1/agents/{agent.pk}/logs/").status_code == 403
    log = settings.HQ_HOME / "logs" / f"{container.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("first\nsecond\n")
    answer = person("trader").get(f"/api/v1/agents/{agent.pk}/logs/").json()
    assert answer == {"agent_id": str(agent.pk), "lines": ["first", "second"]}
    assert person("trader").get(f"/api/v1/agents/{new_id()}/logs/").status_code == 404


def test_the_system_view_has_all_that_the_status_line_shows(container, desk_moment):
    from apps.management.queries import system_view

    view = system_view(desk_moment)
    assert view["mode"] == view["market"]["kind"] == "recorded"
    assert (view["trading_state"], view["causes"]) == ("ACTIVE", [])
    assert view["agents"]["wanted"] == 4
    assert view["data_age_seconds"] >= 0
    assert (view["leader"], view["lease"]["epoch"]) == ("tests", 1)
    assert view["lease"]["age_seconds"] >= 0
    lease.release(house=HOUSE)
    view = system_view(desk_moment)
    assert (view["leader"], view["lease"]["text"]) == (None, "standing by: the lease of tests has ended")


@pytest.fixture
def desk_moment():
    from apps.market.queries import current_moment

    return current_moment()
