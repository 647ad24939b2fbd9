"""Agents and decisions over REST: every shape, every role, every refusal."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from apps.agents import operations
from apps.agents.models import Agent, ConsensusPolicy
from apps.foundation.models import AuditEntry, OutboxEvent
from tests.support.agents_room import open_agents_room

pytestmark = pytest.mark.django_db
AGENTS = "/api/v1/agents/"


@pytest.fixture
def room(clean_redis):
    return open_agents_room()


@pytest.fixture
def trader(room, person):
    return person("trader")


def refused(answer, status, code, field=None):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    fields = {error["field"] for error in problem.get("errors", [])}
    codes = {problem["code"], *(error["code"] for error in problem.get("errors", []))}
    assert code in codes
    if field is not None:
        assert field in fields
    return problem


def test_an_agent_is_created_with_what_was_asked(trader):
    body = {
        "type": "trading_agent",
        "strategy": "momentum",
        "resources": {"memory": "1G", "cpu": 1.0},
        "instruments": ["BTC/USDT"],
        "timeframe": "1m",
        "parameters": {"fast": 10},
    }
    answer = trader.post(AGENTS, body)
    assert answer.status_code == 201
    card = answer.json()
    assert (card["name"], card["strategy"], card["timeframe"]) == ("momentum-2", "momentum", "1m")
    assert (card["instruments"], card["follows_watch_list"]) == (["BTC/USDT"], False)
    assert (card["resources"], card["parameters"]) == ({"memory": "1G", "cpu": 1.0}, {"fast": 10})
    assert (card["desired_state"], card["activity"], card["needs_bars"]) == ("running", "silent", 78)
    event = OutboxEvent.objects.get(aggregate=f"agent:{card['id']}")
    assert (event.kind, event.payload) == ("agent.changed", {"agent_id": card["id"]})
    assert AuditEntry.objects.get(subject=f"agent:{card['id']}").actor == trader.username
    assert trader.get(f"{AGENTS}{card['id']}").json()["id"] == card["id"]


def test_the_smallest_body_takes_every_default(trader):
    card = trader.post(AGENTS, {"strategy": "breakout"}).json()
    assert card["instruments"] == ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    assert (card["follows_watch_list"], card["timeframe"], card["type"]) == (True, "5m", "trading_agent")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "required", "strategy"),
        ({"strategy": "astrology"}, "unknown_strategy", "strategy"),
        ({"strategy": 7.5}, "unknown_strategy", "strategy"),
        ({"strategy": None}, "null", "strategy"),
        ({"strategy": "momentum", "type": "human"}, "unknown_type", "type"),
        ({"strategy": "momentum", "timeframe": "7m"}, "timeframe_not_stored", "timeframe"),
        ({"strategy": "momentum", "timeframe": "x" * 100}, "max_length", "timeframe"),
        ({"strategy": "momentum", "instruments": ["DOGE/USDT"]}, "unknown_instrument", "instruments"),
        ({"strategy": "momentum", "instruments": ["nonsense"]}, "not_a_symbol", "instruments.0"),
        ({"strategy": "momentum", "instruments": "BTC/USDT"}, "not_a_list", "instruments"),
        ({"strategy": "momentum", "parameters": {"fast": 0}}, "invalid_parameter", "parameters.fast"),
        ({"strategy": "momentum", "parameters": {"fast": "12"}}, "invalid_parameter", "parameters.fast"),
        ({"strategy": "momentum", "parameters": {"fast": 1e308}}, "invalid_parameter", "parameters.fast"),
        ({"strategy": "momentum", "parameters": {"speed": 1}}, "invalid_parameter", "parameters.speed"),
        ({"strategy": "momentum", "parameters": [1]}, "not_a_dict", "parameters"),
        ({"strategy": "momentum", "resources": {"memory": "lots"}}, "invalid_resources", "resources.memory"),
        ({"strategy": "momentum", "resources": {"cpu": -1}}, "invalid_resources", "resources.cpu"),
        ({"strategy": "momentum", "colour": "red"}, "unknown_field", "colour"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_created(trader, body, code, field):
    refused(trader.post(AGENTS, body), 400, code, field)
    assert Agent.objects.count() == 4


def test_a_strategy_that_was_installed_meanwhile_asks_for_a_new_start(trader):
    problem = trader.post(AGENTS, {"strategy": "three_down_of_my_own"}).json()
    assert problem["detail"].startswith("There is no strategy 'three_down_of_my_own'; registered are arbitrage,")
    assert problem["detail"].endswith("is known once the firm was started again.")


def test_configure_changes_only_what_is_named(trader):
    agent = Agent.objects.get(strategy="momentum")
    path = f"{AGENTS}{agent.pk}/"
    card = trader.call("patch", path, {"parameters": {"fast": 5}, "resources": {"cpu": 2}}).json()
    assert (card["parameters"], card["resources"]) == ({"fast": 5}, {"memory": "256M", "cpu": 2.0})
    assert card["timeframe"] == agent.timeframe
    assert json.loads(AuditEntry.objects.get(action="agent.configured").payload) == {
        "parameters": {"fast": 5},
        "resources": {"memory": "256M", "cpu": 2.0},
    }
    refused(trader.call("patch", path, {"strategy": "breakout"}), 400, "unknown_field", "strategy")
    refused(trader.call("patch", path, {"parameters": {"slow": 1}}), 400, "invalid_parameter", "parameters.slow")
    assert trader.call("patch", path, {}).json()["parameters"] == {"fast": 5}
    assert AuditEntry.objects.filter(action="agent.configured").count() == 1


def test_start_stop_and_destroy_change_the_wish_once(trader):
    agent = Agent.objects.get(strategy="arbitrage")
    path = f"{AGENTS}{agent.pk}"
    assert trader.post(f"{path}/stop/").json()["desired_state"] == "stopped"
    assert trader.post(f"{path}/stop").json()["activity"] == "stopped"
    assert trader.post(f"{path}/start/").json()["desired_state"] == "running"
    assert trader.call("delete", f"{path}/").json()["desired_state"] == "destroyed"
    assert trader.call("delete", f"{path}/").status_code == 200
    refused(trader.post(f"{path}/start/"), 409, "agent_destroyed")
    refused(trader.call("patch", f"{path}/", {"timeframe": "5m"}), 409, "agent_destroyed")
    actions = AuditEntry.objects.filter(subject=f"agent:{agent.pk}").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["agent.created", "agent.stopped", "agent.started", "agent.destroyed"]
    names = [card["name"] for card in trader.get(AGENTS).json()["results"]]
    assert names == ["breakout-1", "mean-reversion-1", "momentum-1"]
    gone = trader.get(AGENTS, {"desired_state": "destroyed"}).json()["results"]
    assert [card["name"] for card in gone] == ["arbitrage-1"]


def test_the_list_filters_and_orders(trader):
    found = trader.get(AGENTS, {"strategy": "momentum"}).json()["results"]
    assert [card["name"] for card in found] == ["momentum-1"]
    names = [card["name"] for card in trader.get(AGENTS, {"ordering": "-name"}).json()["results"]]
    assert names == sorted(names, reverse=True)
    refused(trader.get(AGENTS, {"strateegy": "momentum"}), 400, "unknown_parameter", "strateegy")


@pytest.mark.parametrize("path", ["", "start/", "stop/", "votes/", "performance/"])
def test_an_unknown_agent_is_not_found(trader, path):
    call = trader.post if path in {"start/", "stop/"} else trader.get
    refused(call(f"{AGENTS}{uuid4()}/{path}"), 404, "unknown_agent")


def test_roles(room, person, stranger):
    viewer = person("viewer")
    agent = Agent.objects.get(strategy="momentum")
    assert viewer.get(AGENTS).status_code == 200
    refused(viewer.post(AGENTS, {"strategy": "momentum"}), 403, "role_too_low")
    refused(viewer.call("delete", f"{AGENTS}{agent.pk}/"), 403, "role_too_low")
    refused(viewer.post(f"{AGENTS}{agent.pk}/stop/"), 403, "role_too_low")
    refused(person("trader").call("patch", f"{AGENTS}consensus/", {"reason": "x"}), 403, "role_too_low")
    refused(stranger.get(AGENTS), 401, "not_authenticated")
    refused(stranger.get("/api/v1/trading/decisions/"), 401, "not_authenticated")


def test_strategies_are_described(trader):
    strategies = {s["name"]: s for s in trader.get(f"{AGENTS}strategies/").json()["results"]}
    assert {"momentum", "mean_reversion", "breakout", "arbitrage"} <= set(strategies)
    fast = strategies["momentum"]["parameters"][0]
    assert (fast["name"], fast["default"], fast["lowest"], fast["highest"], fast["whole"]) == ("fast", 12, 2, 200, True)
    assert fast["description"]


def test_what_a_strategy_tells_of_resources_is_what_an_agent_gets_and_may_get(trader):
    spans = {s["name"]: s for s in trader.get(f"{AGENTS}strategies/").json()["results"]}["momentum"]["resources"]
    assert spans == {
        "memory": {"default": "256M", "lowest": "64M", "highest": "64G"},
        "cpu": {"default": 0.5, "lowest": 0.05, "highest": 64.0},
    }
    for edge in ("default", "lowest", "highest"):
        named = {name: span[edge] for name, span in spans.items()}
        card = trader.post(AGENTS, {"strategy": "momentum", "resources": {} if edge == "default" else named}).json()
        assert card["resources"] == named
    for beyond in ({"memory": "63M"}, {"memory": "65G"}, {"cpu": 0.04}, {"cpu": 64.1}):
        refused(trader.post(AGENTS, {"strategy": "momentum", "resources": beyond}), 400, "invalid_resources")


def test_the_consensus_policy_changes_with_a_reason(room, person):
    risk = person("risk")
    path = f"{AGENTS}consensus/"
    assert (risk.get(path).json()["version"], risk.get(path).json()["method"]) == (1, "weighted")
    changed = risk.call("patch", path, {"method": "majority", "quorum": 0.75, "reason": "Fewer, surer trades."}).json()
    assert (changed["version"], changed["method"], changed["quorum"]) == (2, "majority", 0.75)
    refused(risk.call("patch", path, {"method": "majority"}), 400, "required", "reason")
    refused(risk.call("patch", path, {"method": "dice", "reason": "x"}), 400, "invalid_choice", "method")
    refused(risk.call("patch", path, {"enter": -0.5, "reason": "x"}), 400, "invalid_policy")
    assert ConsensusPolicy.objects.count() == 2


def test_decisions_are_listed_filtered_and_opened(room, trader):
    made = room.decide()
    rows = trader.get("/api/v1/trading/decisions/").json()["results"]
    assert [row["instrument"] for row in rows] == ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    denied = trader.get("/api/v1/trading/decisions/", {"outcome": "DENIED"}).json()["results"]
    assert [row["instrument"] for row in denied] == ["SOL/USDT"]
    assert not all(verdict["allowed"] for verdict in denied[0]["verdicts"])
    one = trader.get(f"/api/v1/trading/decisions/{made['BTC/USDT'].pk}").json()
    assert one == rows[0]
    assert one["order"]["id"] == one["order_id"]
    assert one["order"]["decision_id"] == one["id"]
    assert [vote["agent"] for vote in one["votes"]] == ["arbitrage-1", "breakout-1", "mean-reversion-1", "momentum-1"]
    assert {vote["weight"] for vote in one["votes"]} == {1.0}
    refused(trader.get(f"/api/v1/trading/decisions/{uuid4()}/"), 404, "unknown_decision")
    refused(trader.get("/api/v1/trading/decisions/", {"outcome": "MAYBE"}), 400, "invalid_choice", "outcome")
    votes = trader.get(f"{AGENTS}{room.agent('momentum').pk}/votes/").json()["results"]
    assert {vote["instrument"] for vote in votes} == {"BTC/USDT", "ETH/USDT", "SOL/USDT"}
    assert votes[0]["next_bar_bps"] is None


def test_explain_by_instrument_and_minute(room, trader):
    decision = room.decide()["ETH/USDT"]
    at = (decision.closed_at + timedelta(seconds=20)).isoformat().replace("+00:00", "Z")
    told = trader.get("/api/v1/trading/explain/", {"instrument": "ETH/USDT", "at": at}).json()
    assert [d["id"] for d in told["decisions"]] == [str(decision.pk)]
    now = trader.get("/api/v1/trading/explain/", {"instrument": "ETH/USDT"}).json()
    assert [d["id"] for d in now["decisions"]] == [str(decision.pk)]
    refused(trader.get("/api/v1/trading/explain/"), 400, "required", "instrument")
    refused(trader.get("/api/v1/trading/explain/", {"instrument": "DOGE/USDT"}), 404, "unknown_instrument")
    bad_time = {"instrument": "ETH/USDT", "at": "yesterday"}
    refused(trader.get("/api/v1/trading/explain/", bad_time), 400, "not_a_time", "at")


def test_performance_shows_scores_and_refusals(room, trader):
    agent = room.agent("momentum")
    operations.record_vote(agent_id=agent.pk, message=None, moment=room.moment())
    shown = trader.get(f"{AGENTS}{agent.pk}/performance/").json()
    assert (shown["votes"], shown["score"], shown["history"]) == (0, None, [])
    assert [(row["code"], row["count"]) for row in shown["refused"]] == [("not_an_object", 1)]


def test_a_repeated_creation_with_the_same_key_makes_one_agent(trader):
    body = {"strategy": "momentum"}
    first = trader.post(AGENTS, body, **{"Idempotency-Key": "create-1"})
    again = trader.post(AGENTS, body, **{"Idempotency-Key": "create-1"})
    assert first.json()["id"] == again.json()["id"]
    assert Agent.objects.count() == 5
    other = trader.post(AGENTS, {"strategy": "breakout"}, **{"Idempotency-Key": "create-1"})
    assert other.status_code in {409, 422}


@pytest.mark.parametrize(
    "model",
    ["agent", "agentscore", "consensuspolicy", "decision", "decisionround", "vote", "votecursor", "voterefusal"],
)
def test_every_table_opens_in_the_admin(room, admin_client, model):
    room.decide()
    assert admin_client.get(f"/admin/agents/{model}/").status_code == 200


def test_the_admin_stops_agents_through_the_operation(room, admin_client):
    agent = room.agent("momentum")
    body = {"action": "stop_agents", "_selected_action": [str(agent.pk)]}
    answer = admin_client.post("/admin/agents/agent/", body, follow=True)
    assert answer.status_code == 200
    assert room.agent("momentum").desired_state == "stopped"
    assert AuditEntry.objects.filter(action="agent.stopped").count() == 1


def test_the_registry_tells_what_each_model_is_worth(trader):
    answer = trader.get(f"{AGENTS}models/").json()
    (model,) = answer["results"]
    assert (model["state"], model["origin"], model["promoted_at"]) == ("candidate", "shipped", None)
    assert {gate["name"] for gate in model["card"]["gates"]} >= {"profit_after_costs", "beats_every_rule_strategy"}
    assert "weights" not in model
    assert trader.get(f"{AGENTS}models/", {"state": "promoted"}).json()["results"] == []


def test_a_model_is_retired_over_the_api_and_promoted_only_with_an_agent(room, person):
    risk = person("risk")
    (model,) = risk.get(f"{AGENTS}models/").json()["results"]
    address = f"{AGENTS}models/{model['id']}/"
    assert risk.post(f"{address}promote/", {"reason": "I like it."}).status_code == 404
    refused(risk.post(f"{address}retire/", {}), 400, "required", "reason")
    refused(risk.post(f"{AGENTS}models/{uuid4()}/retire/", {"reason": "x"}), 404, "unknown_model")
    assert risk.post(f"{address}retire/", {"reason": "It loses."}).json()["retirement_reason"] == "It loses."
    refused(risk.post(f"{address}retire/", {"reason": "Again."}), 409, "model_retired")


def test_devices_are_empty_until_a_worker_ran(trader):
    assert trader.get(f"{AGENTS}devices/").json()["results"] == []
