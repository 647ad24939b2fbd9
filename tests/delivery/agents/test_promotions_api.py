"""Promotions over REST: open, look, sign off, end; refusals say which gate and are kept."""

import re

import pytest

from apps.agents.models import PromotionGate
from tests.delivery.agents.test_agents_api import refused
from tests.support.agents_room import open_agents_room

pytestmark = pytest.mark.django_db
PROMOTIONS = "/api/v1/agents/promotions/"


@pytest.fixture
def room(clean_redis):
    return open_agents_room()


def test_a_candidate_is_opened_judged_and_ended(room, person):
    agent = room.agent("momentum")
    body = {"agent": str(agent.pk), "reason": "An idea.", "paper_days": 5}
    opened = person("trader").post(PROMOTIONS, body)
    assert opened.status_code == 201
    view = opened.json()
    assert (view["agent"], view["stage"], view["next_stage"], view["paper_days"]) == (
        "momentum-1",
        "research",
        "walk_forward",
        5,
    )
    assert view["unheard"] == "it is a candidate on stage research"
    assert [gate["name"] for gate in view["gates"]] == ["backtest_is_stored"]
    refused(person("trader").post(PROMOTIONS, body), 409, "promotion_open")

    path = f"{PROMOTIONS}{view['id']}/"
    admin = person("admin")
    problem = refused(admin.post(f"{path}advance/", {"reason": "I like it."}), 409, "gates_failed")
    assert "backtest_is_stored (required: a finished backtest of momentum alone" in problem["detail"]
    refused(admin.post(f"{path}advance/", {"reason": " "}), 400, "blank", "reason")
    refused(admin.post(f"{path}advance/", {}), 400, "required", "reason")
    assert person("risk").post(f"{path}advance/", {"reason": "Me too."}).status_code == 403
    judgement = person("viewer").get(path).json()["judgements"][0]
    assert (judgement["outcome"], judgement["reason"]) == ("refused", "I like it.")
    assert judgement["gates"] == view["gates"]

    ended = person("risk").post(f"{path}end/", {"reason": "Enough."})
    assert (ended.status_code, ended.json()["stage"], ended.json()["ended_reason"]) == (200, "ended", "Enough.")
    refused(person("risk").post(f"{path}end/", {"reason": "Again."}), 409, "promotion_ended")
    listed = person("viewer").get(PROMOTIONS, {"stage": "ended"}).json()["results"]
    assert [row["id"] for row in listed] == [view["id"]]
    assert person("viewer").get(PROMOTIONS, {"stage": "live"}).json()["results"] == []


def test_a_gate_that_lacks_research_is_not_yet_instead_of_failed(room, person, admin_client):
    view = person("trader").post(PROMOTIONS, {"agent": str(room.agent("momentum").pk), "reason": "An idea."}).json()
    (gate,) = view["gates"]
    assert (gate["name"], gate["passed"], gate["pending"]) == ("backtest_is_stored", False, True)
    problem = refused(
        person("admin").post(f"{PROMOTIONS}{view['id']}/advance/", {"reason": "On."}), 409, "gates_failed"
    )
    assert problem["detail"].startswith("A gate is not met yet: backtest_is_stored (required: a finished backtest of")
    page = admin_client.get("/admin/agents/promotiongate/").content.decode()
    assert re.search(r"field-outcome[^>]*>\s*not yet\b", page)
    assert PromotionGate.objects.get().outcome == "not yet"


def test_practice_is_asked_for_and_shown_with_what_it_waives(room, person):
    agent = room.agent("momentum")
    body = {"agent": str(agent.pk), "reason": "To see the way.", "practice": True}
    view = person("trader").post(PROMOTIONS, body).json()
    assert (view["practice"], view["paper_days"], view["canary_days"]) == (True, 1, 1)
    assert [(gate["name"], gate["waived"]) for gate in view["gates"]] == [("backtest_is_stored", False)]
    refused(person("admin").post(f"{PROMOTIONS}{view['id']}/advance/", {"reason": "On."}), 409, "gates_failed")
    card = person("viewer").get(f"/api/v1/agents/{agent.pk}/").json()
    assert (card["promotion_stage"], card["promotion_practice"]) == ("research", True)


def test_what_can_not_be_promoted_is_refused(room, person):
    trader = person("trader")
    wish = {"agent": str(room.agent("momentum").pk), "reason": "x"}
    refused(trader.post(PROMOTIONS, wish | {"canary_days": 0}), 400, "out_of_range", "canary_days")
    assert (
        "GET /api/v1/agents/ tells"
        in refused(trader.post(PROMOTIONS, wish | {"agent": "momentum"}), 400, "invalid", "agent")["detail"]
    )
    refused(trader.post(PROMOTIONS, wish | {"agent": "0" * 32}), 404, "unknown_agent")
    refused(trader.post(PROMOTIONS, wish | {"speed": 1}), 400, "unknown_field", "speed")
    refused(trader.get(f"{PROMOTIONS}{'0' * 8}-0000-0000-0000-{'0' * 12}/"), 404, "unknown_promotion")
