"""Scaling over REST: the plan of a request, what is refused, the autoscaler's policy and its timeline."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.agents.models import Agent
from apps.foundation.identifiers import new_id
from apps.foundation.models import AuditEntry
from apps.management.domain.host_budget import Resources
from apps.management.models import AutoscalerPolicy, ScalingDecision
from tests.delivery.conftest import PASSWORD
from tests.support.agents_room import AgentsRoom
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db
SCALE = "/api/v1/management/scale/"
AUTOSCALER = "/api/v1/management/autoscaler/"
FIVE = {"target_agents": 5, "strategy_distribution": ["momentum", "arbitrage", "mean_reversion"]}


@pytest.fixture(autouse=True)
def budget(monkeypatch):
    """A host that is the same on every machine; the views ask the wiring for it."""

    def give(memory_gib: float, cpus: float) -> None:
        given = Resources(int(memory_gib * 2**30), cpus)
        monkeypatch.setattr("apps.management.api.scaling_views.fleet_budget", lambda: given)

    give(8, 16)
    return give


@pytest.fixture
def room(clean_redis):
    return AgentsRoom(open_desk())


def running() -> list[str]:
    return sorted(Agent.objects.filter(desired_state="running").values_list("name", flat=True))


def test_the_users_request(room, person):
    answer = person("risk").post(SCALE.rstrip("/"), FIVE)
    assert answer.status_code == 202
    plan = answer.json()
    assert [
        (one["strategy"], one["before"], one["after"], one["created"], one["drained"]) for one in plan["by_strategy"]
    ] == [
        ("momentum", 1, 2, 1, 0),
        ("arbitrage", 1, 2, 1, 0),
        ("mean_reversion", 1, 1, 0, 0),
        ("breakout", 1, 0, 0, 1),
    ]
    assert [one["name"] for one in plan["created"]] == ["momentum-2", "arbitrage-2"]
    assert [(one["name"], one["state"]) for one in plan["drained"]] == [("breakout-1", "stopped")]
    assert all(one["reason"] for name in ("created", "kept", "drained") for one in plan[name])
    assert plan["used_after"] == {"memory_bytes": 5 * 256 * 2**20, "cpus": 2.5}
    assert running() == ["arbitrage-1", "arbitrage-2", "mean-reversion-1", "momentum-1", "momentum-2"]
    assert set(Agent.objects.filter(name__endswith="-2").values_list("origin", flat=True)) == {"scaling"}


def test_the_same_request_again_plans_nothing_and_leaves_nothing(room, person):
    risk = person("risk")
    risk.post(SCALE, FIVE)
    entries, rows = AuditEntry.objects.count(), ScalingDecision.objects.count()
    again = risk.post(SCALE, FIVE)
    assert (again.status_code, again.json()["changes_nothing"]) == (202, True)
    assert [len(again.json()[name]) for name in ("created", "started", "kept", "drained")] == [0, 0, 5, 0]
    assert (AuditEntry.objects.count(), ScalingDecision.objects.count()) == (entries, rows)


def test_a_repeated_key_gets_the_first_answer(room, person):
    risk = person("risk")
    first = risk.post(SCALE, FIVE, **{"Idempotency-Key": "scale-1"})
    again = risk.post(SCALE, FIVE, **{"Idempotency-Key": "scale-1"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert again["Idempotency-Replayed"] == "true"
    other = risk.post(SCALE, {**FIVE, "target_agents": 6}, **{"Idempotency-Key": "scale-1"})
    assert other.status_code in {409, 422}
    assert len(running()) == 5


def test_a_preview_changes_nothing(room, person):
    preview = person("risk").post(f"{SCALE}preview/", FIVE)
    assert preview.status_code == 200
    assert [(one["id"], one["strategy"]) for one in preview.json()["created"]] == [
        (None, "momentum"),
        (None, "arbitrage"),
    ]
    assert Agent.objects.count() == 4
    assert not ScalingDecision.objects.exists()


@pytest.mark.parametrize("path", [SCALE, f"{SCALE}preview/"])
@pytest.mark.parametrize(
    "told",
    [
        ({"target_agents": 0}, "target_agents", "between 1 and 500. To stop all agents, use trading/stop/"),
        ({"target_agents": -1}, "target_agents", "was -1"),
        ({"target_agents": 10_000}, "target_agents", "was 10000"),
        ({"target_agents": "many"}, "target_agents", "integer"),
        ({"strategy_distribution": []}, "strategy_distribution", "name 1 to 100 strategies"),
        ({"strategy_distribution": ["momentum", "astrology"]}, "strategy_distribution", "astrology"),
        ({"strategy_distribution": "momentum"}, "strategy_distribution", "list"),
        ({"agents": 3}, "agents", ""),
    ],
)
def test_bad_input_names_its_field(room, person, path, told):
    changes, field, words = told
    answer = person("risk").post(path, FIVE | changes)
    assert answer.status_code == 400
    assert field in str(answer.json())
    assert words in str(answer.json())
    assert Agent.objects.count() == 4


def test_the_hosts_budget_refuses_with_the_remedy(room, person, budget):
    budget(1.1, 16)  # four agents of 256 MiB
    answer = person("risk").post(SCALE, FIVE)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "host_budget")
    assert "target_agents" in str(problem)
    assert "5 agents may use 1.2 GiB of memory and 2.5 CPUs" in problem["detail"]
    assert "Ask for at most 4" in problem["detail"]
    assert "HQ_FLEET_MEMORY" in problem["detail"]
    assert len(running()) == 4
    budget(0.5, 1.0)
    shrink = person("risk").post(SCALE, {"target_agents": 1, "strategy_distribution": ["momentum"]})
    assert (shrink.status_code, running()) == (202, ["momentum-1"])


def test_traders_may_look_and_not_scale(room, person):
    trader = person("trader")
    assert trader.post(SCALE, FIVE).status_code == 403
    assert trader.get(AUTOSCALER).status_code == 200
    assert person("risk").call("patch", AUTOSCALER, {"enabled": True, "reason": "x"}).status_code == 403


def test_the_policy_is_switched_on_with_a_reason(room, person):
    admin = person("admin")
    assert (admin.get(AUTOSCALER).json()["policy"]["version"], AutoscalerPolicy.objects.count()) == (0, 0)
    assert admin.call("patch", AUTOSCALER, {"enabled": True}).status_code == 400
    changed = admin.call("patch", AUTOSCALER, {"enabled": True, "most_agents": 8, "reason": "Try it."})
    assert changed.status_code == 200, changed.json()
    policy = admin.get(AUTOSCALER).json()["policy"]
    assert (policy["version"], policy["enabled"], policy["most_agents"], policy["reason"]) == (1, True, 8, "Try it.")
    assert policy["author"] == admin.username
    admin.call("patch", AUTOSCALER, {"enabled": True, "reason": "Again."})
    assert AutoscalerPolicy.objects.count() == 1, "what holds already is no new version"
    assert AuditEntry.objects.get(action="autoscaler.changed").actor == admin.username


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"least_agents": 5, "most_agents": 4}, "least_agents"),
        ({"cool_under": 3.0}, "cool_under"),
        ({"cooldown_seconds": 1}, "cooldown_seconds"),
        ({"hot_above": "nan"}, "hot_above"),
        ({"strategies": ["astrology"]}, "strategies"),
        ({"strategies": []}, "strategies"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_policy_that_can_not_be_is_refused(room, person, changes, field):
    answer = person("admin").call("patch", AUTOSCALER, {"reason": "Try it."} | changes)
    assert answer.status_code == 400
    assert field in str(answer.json())
    assert not AutoscalerPolicy.objects.exists()


def test_the_timeline_is_filtered_paged_and_exported(room, person):
    risk = person("risk")
    risk.post(SCALE, {**FIVE, "reason": "More of the same."})
    risk.post(SCALE, {**FIVE, "target_agents": 6})
    first = ScalingDecision.objects.earliest("at")
    ScalingDecision.objects.create(
        id=new_id(), at=first.at, firm_at=first.at, actor="autoscaler", action="nothing", code="in_bounds",
        reason="Calm.", inputs={"volatility": 1.0}, policy_version=1,
    )  # fmt: skip
    page = risk.get(AUTOSCALER, {"limit": "1"}).json()
    assert [row["plan"]["created"] for row in page["results"]] == [1]
    assert page["budget"] == {"memory_bytes": 8 * 2**30, "cpus": 16.0}
    assert len(risk.get(page["next"]).json()["results"]) == 1
    acted = risk.get(AUTOSCALER, {"acted": "true"}).json()["results"]
    assert [row["action"] for row in acted] == ["scale", "scale"]
    assert acted[1]["reason"] == "More of the same."
    assert [row["reason"] for row in risk.get(AUTOSCALER, {"action": "nothing"}).json()["results"]] == ["Calm."]
    assert risk.get(AUTOSCALER, {"action": "explode"}).status_code == 400
    assert risk.get(AUTOSCALER, {"colour": "red"}).status_code == 400
    csv = risk.get(AUTOSCALER, {"format": "csv"}).content.decode().splitlines()
    assert len(csv) == 4
    assert csv[0].startswith("id,at,firm_at,actor,action,code,reason")


def test_the_admins_form_goes_through_the_operation(room):
    User.objects.create_superuser("boss", password=PASSWORD)
    client = Client()
    client.login(username="boss", password=PASSWORD)
    path = "/admin/management/autoscalerpolicy/add/"
    assert 'value="600"' in client.get(path).content.decode()
    form = {
        "strategies": "momentum,breakout", "least_agents": 1, "most_agents": 8, "hot_above": 1.5, "cool_under": 1.2,
        "late_above": 0.2, "weak_brier": 0.28, "most_memory_bytes": 2**30, "most_cpus": 2, "hold_seconds": 60,
        "cooldown_seconds": 1, "enabled": "on", "reason": "By the admin.",
    }  # fmt: skip
    refused = client.post(path, form)
    assert (refused.status_code, AutoscalerPolicy.objects.count()) == (200, 0)
    assert "cooldown_seconds was 1" in refused.content.decode()
    assert client.post(path, form | {"cooldown_seconds": 300}).status_code == 302
    policy = AutoscalerPolicy.objects.get()
    assert (policy.version, policy.author, policy.strategies) == (1, "boss", ["momentum", "breakout"])
    assert AuditEntry.objects.get(action="autoscaler.changed").actor == "boss"
