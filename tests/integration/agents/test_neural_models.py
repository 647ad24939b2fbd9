"""The registry of models on a real database: one promoted at most, for a reason, nothing rewritten."""

from dataclasses import replace

import pytest
from django.db import DatabaseError, transaction

from apps.agents import operations, ports, queries
from apps.agents.domain.neural.model_facts import model_digest
from apps.agents.models import Agent, ModelState, NeuralModel, Promotion
from apps.agents.operations import TrainedModel
from apps.foundation.errors import Conflict, NotFound, Refused
from apps.foundation.identifiers import new_id
from apps.foundation.models import AuditEntry
from tests.support.live_model import go_live
from tests.support.neural import facts, tensors
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db
GATE = {"name": "profit_after_costs", "passed": True, "detail": "return +5.00% after fees and slippage"}


@pytest.fixture
def moment(clean_redis):
    return open_desk().moment()


def trained(seed=0, *, passed=True) -> TrainedModel:
    made_for = facts(seed=seed)
    content = ports.engine().write(tensors(made_for, seed), made_for)
    digest = model_digest(content)
    card = {"digest": digest, "gates": [GATE | {"passed": passed}], "passed": passed}
    return TrainedModel(content, digest, made_for, card)


def registered(moment, seed=0, *, passed=True):
    view = operations.register_model(trained=trained(seed, passed=passed), actor="me", moment=moment)
    return NeuralModel.objects.get(pk=view["id"])


def neural_agent(moment) -> Agent:
    card = operations.create_agent(strategy="neural", actor="ada", timeframe="5m", moment=moment)
    return Agent.objects.get(pk=card["id"])


def acts():
    return list(AuditEntry.objects.filter(subject__startswith="model:").order_by("id").values_list("action", flat=True))


def test_weights_are_registered_once_as_a_candidate(moment):
    first = operations.register_model(trained=trained(), actor="me", moment=moment)
    again = operations.register_model(trained=trained(), actor="you", moment=moment)
    assert first == again
    assert (first["state"], first["origin"], first["created_by"]) == ("candidate", "trained", "me")
    assert bytes(NeuralModel.objects.get(digest=first["digest"]).weights) == trained().content
    assert "weights" not in first
    assert acts() == ["model.registered"]


def test_weights_of_another_digest_are_not_registered(moment):
    wrong = trained()
    wrong = replace(wrong, card={**wrong.card, "digest": "0" * 64})
    with pytest.raises(Refused, match="was expected") as refused:
        operations.register_model(trained=wrong, actor="me", moment=moment)
    assert refused.value.code == "model_wrong_digest"
    assert not NeuralModel.objects.filter(origin="trained").exists()


def test_a_candidate_that_passed_is_promoted_and_replaces_the_one_before(moment):
    old, new = registered(moment, 1), registered(moment, 2)
    go_live(old, neural_agent(moment), moment, actor="ann", reason="Best of the week.")
    assert queries.model_in_force().digest == old.digest
    assert queries.model_in_force().unheard == ""
    go_live(new, neural_agent(moment), moment, actor="ben", reason="Better.")
    view = queries.model_view(new.pk)
    assert (view["state"], view["promoted_by"], view["promotion_reason"]) == ("promoted", "ben", "Better.")
    old.refresh_from_db()
    assert (old.state, old.retired_by) == (ModelState.RETIRED, "ben")
    assert old.retirement_reason == f"Replaced by {new.digest[:16]}."
    assert acts() == ["model.registered"] * 2 + ["model.promoted", "model.retired", "model.promoted"]


def test_a_candidate_that_failed_a_gate_is_not_promoted_and_says_which(moment):
    bad = registered(moment, passed=False)
    with pytest.raises(Conflict, match=r"failed 1 of 1 gates: profit_after_costs \(return \+5.00%") as refused:
        go_live(bad, neural_agent(moment), moment)
    assert refused.value.code == "gates_failed"
    bad.refresh_from_db()
    assert bad.state == ModelState.CANDIDATE


def test_a_model_is_retired_once_for_a_reason_and_never_comes_back(moment):
    good = registered(moment)
    with pytest.raises(Refused, match="Say why"):
        operations.retire_model(model_id=good.pk, actor="me", reason="  ", moment=moment)
    with pytest.raises(NotFound):
        operations.retire_model(model_id=new_id(), actor="me", reason="x", moment=moment)
    operations.retire_model(model_id=good.pk, actor="me", reason="Old.", moment=moment)
    with pytest.raises(Conflict, match="retired already"):
        operations.retire_model(model_id=good.pk, actor="me", reason="Again.", moment=moment)
    good.refresh_from_db()
    with pytest.raises(Conflict, match="retired, not a candidate"):
        go_live(good, neural_agent(moment), moment)


@pytest.mark.parametrize("stage", ["paper", "canary"])
def test_the_database_keeps_a_model_out_of_force_until_its_agent_is_live(moment, stage):
    row, agent = registered(moment), neural_agent(moment)
    given = {"paper_days": 1, "canary_days": 1, "opened_at": moment.wall, "opened_by": "me"}
    since = {"since_firm": moment.firm, "since_wall": moment.wall}
    promotion = Promotion.objects.create(id=new_id(), agent=agent, model=row, stage=stage, **since, **given)
    by_hand = PROMOTED | {"promoted_at": moment.wall}
    with pytest.raises(DatabaseError, match="when the agent that is promoted with it goes live"), transaction.atomic():
        NeuralModel.objects.filter(pk=row.pk).update(**by_hand)
    if stage == "canary":
        Promotion.objects.filter(pk=promotion.pk).update(stage="live")
        assert NeuralModel.objects.filter(pk=row.pk).update(**by_hand) == 1


PROMOTED = {"state": "promoted", "promoted_by": "sql", "promotion_reason": "by hand"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"state": "promoted"}, "goes live"),
        ({"state": "retired"}, "model_retired_for_a_reason"),
        ({"passed": False}, "Cannot update"),
        ({"weights": b"other"}, "Cannot update"),
        ({"card": {}}, "Cannot update"),
        ({"state": "glorious"}, "transition"),
    ],
)
def test_the_database_refuses_what_the_operations_would(moment, change, rule):
    row = registered(moment)
    with pytest.raises(DatabaseError, match=rule), transaction.atomic():
        NeuralModel.objects.filter(pk=row.pk).update(**change)


def test_the_database_keeps_one_promoted_at_most_and_none_that_failed(moment):
    first, second, bad = registered(moment, 1), registered(moment, 2), registered(moment, 3, passed=False)
    by_hand = PROMOTED | {"promoted_at": moment.wall}
    go_live(first, neural_agent(moment), moment)
    since = {"since_firm": moment.firm, "since_wall": moment.wall, "opened_at": moment.wall, "opened_by": "me"}
    for model in (second, bad):
        of = {"agent": neural_agent(moment), "model": model, "stage": "live", "paper_days": 1, "canary_days": 1}
        Promotion.objects.create(id=new_id(), **of, **since)
    with pytest.raises(DatabaseError, match="model_promoted_for_a_reason"), transaction.atomic():
        NeuralModel.objects.filter(pk=second.pk).update(state="promoted")
    with pytest.raises(DatabaseError, match="model_promoted_one_at_most"), transaction.atomic():
        NeuralModel.objects.filter(pk=second.pk).update(**by_hand)
    with pytest.raises(DatabaseError, match="model_promoted_"), transaction.atomic():
        NeuralModel.objects.filter(pk=bad.pk).update(**by_hand)
    with pytest.raises(DatabaseError, match="transition"), transaction.atomic():
        NeuralModel.objects.filter(pk=first.pk).update(state="candidate")
    with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic():
        first.delete()


def test_without_a_promoted_model_the_shipped_one_judges_unheard(moment):
    assert queries.model_in_force() is None
    registered(moment)
    assert queries.model_in_force() is None
    shipped = operations.register_shipped_model(moment=moment)
    assert operations.register_shipped_model(moment=moment) == shipped
    found = queries.model_in_force()
    assert found.digest == shipped["digest"]
    assert found.unheard == f"its model {shipped['digest'][:8]} is a candidate, not promoted"
