"""From an agent's features to its vote: real database, Redis and Celery messages; the network itself where torch is."""

import base64
import json
from dataclasses import replace
from importlib import import_module
from uuid import UUID

import numpy as np
import pytest
from django.db import connection

from apps.agents import operations, ports, queries
from apps.agents.domain.neural.feature_message import BYTES
from apps.agents.domain.neural.feature_reading import read_windows
from apps.agents.domain.neural.model_facts import model_digest
from apps.agents.domain.neural.window_batch import read_batch
from apps.agents.domain.strategies.registry import build_strategy
from apps.agents.models import Agent, Decision, DecisionRound, NeuralModel, Vote, VoteRefusal
from apps.agents.operations.send_windows import NO_ROOM, NO_WORKER
from apps.agents.queries.inference_devices import BOARD
from apps.foundation import redis_pool
from apps.foundation.identifiers import derived_id
from apps.foundation.time_text import utc_text
from tests.support.agents_room import open_agents_room
from tests.support.inference_worker import InferenceWorker
from tests.support.leading import lead
from tests.support.live_model import go_live
from tests.support.neural import FixedAnswers, facts, tensors
from tests.support.running_supervisor import until
from workers import vote_collector
from workers.agent_process.answer_round import answer_round

pytestmark = pytest.mark.django_db(transaction=True)
SIGN = {
    "title": "CPU, one thread",
    "memory_used": None,
    "memory_total": None,
    "model": "",
    "batches": 0,
    "windows": 0,
    "failures": 0,
    "problem": "",
    "batch_size_mean": None,
    "batch_ms_p50": None,
    "batch_ms_p99": None,
}


@pytest.fixture
def room(clean_redis, monkeypatch):
    """The four agents by rules and one by a model, all on one-minute bars. Rounds wait long for a slow machine."""
    monkeypatch.setattr(import_module("apps.agents.operations.open_rounds"), "LOCK_STEP_SECONDS", 300)
    room = open_agents_room()
    operations.create_agent(strategy="neural", actor="test", moment=room.moment(), timeframe="1m")
    return room


def waiting(client, queue):
    """The messages in the queue, oldest first."""
    return [json.loads(text) for text in client.lrange(queue, 0, -1)]


def answer(room, client, agent):
    """Ask everybody about the next bar; the model's agent writes what its process would. Its questions."""
    room.ask()
    asked = [question for message in waiting(client, f"agent.{agent.pk}") for question in message["questions"]]
    for question in asked:
        written = answer_round(build_strategy("neural", {}), question, "source")
        client.xadd(f"votes.{agent.pk}", {"vote": json.dumps(written)})
    client.delete(f"agent.{agent.pk}")
    return asked


def batches():
    """What waits for the device, oldest first."""
    return [read_batch(text) for text in redis_pool.raw_client().lrange("inference.cpu0", 0, -1)]


def collect():
    while vote_collector.VoteCollector().step():
        pass


def alive(room, client, device="cpu0", **sign):
    client.hset(BOARD, device, json.dumps(SIGN | {"at": utc_text(room.moment().wall)} | sign))


def test_without_a_worker_the_agent_abstains_and_says_how_to_get_one(room, clean_redis):
    agent = room.agent("neural")
    assert len(answer(room, clean_redis, agent)) == 3
    collect()
    votes = Vote.objects.filter(agent=agent)
    assert {vote.abstain for vote in votes} == {True}
    assert {vote.reason for vote in votes} == {ports.engine().missing() or NO_WORKER}
    assert votes.count() == 3
    assert VoteRefusal.objects.count() == 0


def test_the_strategy_says_that_it_is_unavailable_where_no_network_can_be_asked(room, clean_redis, monkeypatch):
    reason = "torch is not installed."
    seen = lambda: {view["name"]: view["unavailable"] for view in queries.strategy_views(room.moment().wall)}  # noqa: E731
    monkeypatch.setattr(type(ports.engine()), "missing", lambda _: reason)
    assert {name for name, unavailable in seen().items() if unavailable} == {"neural"}
    assert seen()["neural"] == reason
    alive(room, clean_redis)  # where another machine judges
    assert not any(seen().values())
    clean_redis.flushdb()
    monkeypatch.setattr(type(ports.engine()), "missing", lambda _: None)
    assert not any(seen().values())


def test_a_silent_device_and_a_full_one_are_not_chosen(room, clean_redis):
    agent = room.agent("neural")
    nobody = ports.engine().missing() or NO_WORKER
    for sign, reason in (({"at": "2020-01-01T00:00:00Z"}, nobody), ({"memory_used": 10, "memory_total": 20}, NO_ROOM)):
        alive(room, clean_redis, **sign)
        answer(room, clean_redis, agent)
        collect()
        assert Vote.objects.filter(agent=agent).latest("id").reason == reason
    assert Vote.objects.filter(agent=agent, abstain=True).count() == 6
    assert clean_redis.llen("inference.cpu0") == 0


def test_the_windows_of_one_look_leave_in_one_message(room, clean_redis):
    agent = room.agent("neural")
    alive(room, clean_redis)
    asked = answer(room, clean_redis, agent)
    collect()
    (batch,) = batches()
    assert batch.model == str(queries.model_in_force().id)
    (told,) = batch.asked
    assert [each["round_id"] for each in told["rounds"]] == [question["round_id"] for question in asked]
    assert told["agent_id"] == str(agent.pk)
    assert len(read_windows(batch.features)) == batch.windows == 3
    assert batch.expires_at == DecisionRound.objects.get(pk=told["rounds"][0]["round_id"]).deadline_wall
    assert 0 < clean_redis.ttl("inference.cpu0") <= 3_600  # where nobody is left to read it
    assert not Vote.objects.filter(agent=agent).exists()
    (view,) = queries.device_views(room.moment().wall)
    assert (view["device"], view["alive"], view["waiting"]) == ("cpu0", True, 1)


def test_features_that_cannot_be_are_counted_against_the_agent_and_never_sent(room, clean_redis):
    agent = room.agent("neural")
    alive(room, clean_redis)
    room.ask()
    question = waiting(clean_redis, f"agent.{agent.pk}")[0]["questions"][0]
    written = answer_round(build_strategy("neural", {}), question, "source")
    for change in (
        {"features": "x"},
        {"features": base64.b64encode(b"\xff" * BYTES).decode()},
        {"direction": 1.0},
        {"data_as_of": "2020-01-01T00:00:00+00:00"},
        {"symbol": "ETH/USDT"},
    ):
        clean_redis.xadd(f"votes.{agent.pk}", {"vote": json.dumps(written | change)})
    collect()
    counted = dict(VoteRefusal.objects.filter(agent=agent).values_list("code", "count"))
    assert counted == {"bad_features": 3, "stale_data": 1, "wrong_symbol": 1}
    assert clean_redis.llen("inference.cpu0") == 0


def in_force(room, seed, *, promoted=True) -> NeuralModel:
    """A model of one-minute bars that always leans up, newer than the package's."""
    made_for = facts(timeframe="1m", seed=seed)
    weights = tensors(made_for, seed) | {"head.bias": np.array([-2, 0, 2], np.float32)}
    content = ports.engine().write(weights, made_for)
    digest = model_digest(content)
    model = NeuralModel.objects.create(
        id=derived_id("model", digest),
        digest=digest,
        origin="shipped",
        weights=content,
        timeframe="1m",
        horizon_bars=12,
        facts=made_for.plain(),
        card={"digest": digest, "gates": [], "passed": True},
        passed=True,
        created_at=room.moment(later=1).wall,
        created_by="test",
    )
    if promoted:
        go_live(model, room.agent("neural"), room.moment())
    return model


def judge():
    """What the worker does with the one message that waits."""
    (batch,) = batches()
    return operations.judge_windows(batch=batch, device="cpu0")


def test_weights_that_were_tampered_with_are_not_used(room, clean_redis):
    """Whoever can switch the table's triggers off can change a row; the digest still tells."""
    agent, model = room.agent("neural"), in_force(room, 1)
    alive(room, clean_redis)
    answer(room, clean_redis, agent)
    collect()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE agents_neuralmodel DISABLE TRIGGER USER")
        cursor.execute(r"UPDATE agents_neuralmodel SET weights = weights || '\x00'::bytea")
        cursor.execute("ALTER TABLE agents_neuralmodel ENABLE TRIGGER USER")
    batch = judge()
    assert batch.problem.endswith(f"{model.digest[:16]}... was expected.")
    collect()
    votes = Vote.objects.filter(agent=agent)
    assert {(vote.abstain, vote.reason) for vote in votes} == {(True, batch.problem)}
    assert votes.count() == 3


def test_each_answer_goes_to_the_round_of_its_window_as_its_agent_reads_it(room, clean_redis, monkeypatch):
    """Two agents of other parameters in one message; one answer is no number."""
    bold = room.agent("neural")
    shy = Agent.objects.get(
        pk=operations.create_agent(
            strategy="neural", actor="test", moment=room.moment(), timeframe="1m", parameters={"smallest_lean": 0.5}
        )["id"]
    )
    alive(room, clean_redis)
    room.ask()
    for symbol in ("SOL/USDT", "BTC/USDT", "ETH/USDT"):  # in another order than asked, and in turns
        for agent in (shy, bold):
            questions = [each for message in waiting(clean_redis, f"agent.{agent.pk}") for each in message["questions"]]
            (question,) = [each for each in questions if each["symbol"] == symbol]
            written = answer_round(build_strategy("neural", {}), question, "source")
            clean_redis.xadd(f"votes.{agent.pk}", {"vote": json.dumps(written)})
    collect()
    (batch,) = batches()
    leans = {"SOL/USDT": 0.9, "BTC/USDT": -0.3, "ETH/USDT": float("nan")}
    named = [each["symbol"] for agent in batch.asked for each in agent["rounds"]]
    answers = [[(0.95 - leans[name]) / 2, 0.05, (0.95 + leans[name]) / 2] for name in named]
    model = FixedAnswers(answers, timeframe="1m")
    warm = import_module("apps.agents.operations.judge_windows")._warm
    monkeypatch.setitem(warm, (UUID(batch.model), "cpu0"), model)
    assert judge().windows == 6
    assert sum(clean_redis.xlen(f"votes.{agent.pk}") for agent in (bold, shy)) == 6 + 2  # three votes in one entry
    collect()
    said = {
        (vote.agent_id, vote.round.symbol): (vote.direction, round(vote.confidence, 6), vote.abstain)
        for vote in Vote.objects.filter(agent__in=(bold, shy)).select_related("round")
    }
    silent = (0.0, 0.0, True)
    assert said == {
        (bold.pk, "SOL/USDT"): (1.0, 0.9, False),
        (bold.pk, "BTC/USDT"): (-1.0, 0.3, False),
        (bold.pk, "ETH/USDT"): silent,
        (shy.pk, "SOL/USDT"): (1.0, 0.9, False),
        (shy.pk, "BTC/USDT"): silent,
        (shy.pk, "ETH/USDT"): silent,
    }
    reasons = Vote.objects.filter(agent__in=(bold, shy), round__symbol="ETH/USDT").values_list("reason", flat=True)
    assert set(reasons) == {"The model abababab answered what is no number."}
    assert VoteRefusal.objects.count() == 0
    one_less = replace(batch, features=batch.features[BYTES:])
    with pytest.raises(ValueError, match="6 rounds were named, the features are those of 5 windows"):
        operations.judge_windows(batch=one_less, device="cpu0")


def contribution(room, agent):
    """The agent's part in the decision on the bar, all others voting up; None where it had no part."""
    room.answer("BTC/USDT", 1.0, silent=("neural",))
    room.close()
    parts = Decision.objects.get(symbol="BTC/USDT").contributions
    return next((part for part in parts if part["name"] == agent.name), None)


@pytest.mark.neural
def test_a_promoted_models_votes_count_each_once(room, clean_redis):
    agent, model = room.agent("neural"), in_force(room, 2)
    alive(room, clean_redis)
    answer(room, clean_redis, agent)
    collect()
    assert [judge().windows for _ in range(2)] == [3, 3]  # a task may run twice
    collect()
    votes = Vote.objects.filter(agent=agent)
    assert votes.count() == 3
    assert {(vote.digest, vote.direction, vote.horizon_bars) for vote in votes} == {(model.digest, 1.0, 12)}
    assert all(0.5 < vote.confidence < 1.0 for vote in votes)
    assert VoteRefusal.objects.count() == 0
    part = contribution(room, agent)
    assert part["counted"]
    assert part["share"] > 0.0


@pytest.mark.neural
def test_a_candidates_votes_are_kept_but_not_counted(room, clean_redis):
    agent, model = room.agent("neural"), in_force(room, 3, promoted=False)
    alive(room, clean_redis)
    answer(room, clean_redis, agent)
    collect()
    judge()
    collect()
    assert {(vote.digest, vote.direction) for vote in Vote.objects.filter(agent=agent)} == {(model.digest, 1.0)}
    (entry,) = [each for each in room.round("BTC/USDT").asked if each["agent_id"] == str(agent.pk)]
    assert entry["benched_reason"] == f"its model {model.digest[:8]} is a candidate, not promoted"
    part = contribution(room, agent)
    assert (part["counted"], part["share"], part["note"]) == (False, 0.0, "without weight")


@pytest.mark.neural
def test_a_model_of_other_bars_abstains(room, clean_redis):
    agent = room.agent("neural")
    alive(room, clean_redis)
    answer(room, clean_redis, agent)
    collect()
    judge()
    collect()
    digest = queries.model_in_force().digest
    reasons = {f"The model {digest[:8]} was trained on 5m bars, this agent votes on 1m."}
    votes = Vote.objects.filter(agent=agent)
    assert ({vote.reason for vote in votes}, {vote.abstain for vote in votes}) == (reasons, {True})


@pytest.mark.neural
def test_the_worker_that_the_house_starts_judges_and_ends_when_told(room, clean_redis, tmp_path):
    agent, model = room.agent("neural"), in_force(room, 4)
    lead()
    worker = InferenceWorker(tmp_path / "home")
    try:
        until(lambda: clean_redis.hlen(BOARD), f"a sign of life; {worker.log.read_text()[-2000:]}", seconds=90)
        sign = json.loads(clean_redis.hget(BOARD, "cpu0"))
        assert (sign["model"], sign["title"]) == (model.digest, "CPU, one thread")
        alive(room, clean_redis)  # by the clock of this room
        assert len(answer(room, clean_redis, agent)) == 3
        until(lambda: collect() or Vote.objects.filter(agent=agent).count() == 3, "three votes", seconds=60)
        assert {vote.digest for vote in Vote.objects.filter(agent=agent)} == {model.digest}
        assert clean_redis.llen("inference.cpu0") == 0
        assert worker.end() == 0
    finally:
        worker.kill()
    assert "Traceback" not in worker.log.read_text()


@pytest.mark.neural
def test_a_device_tells_what_it_judged(room, clean_redis):
    record = operations.DeviceRecord("cpu0", model="abc")
    record.add(operations.JudgedBatch(64, 0.004))
    record.add(operations.JudgedBatch(32, 0.002))
    record.add(operations.JudgedBatch(1, 0.0, "The model is gone."))
    operations.tell_device(record=record, moment=room.moment())
    (view,) = queries.device_views(room.moment().wall)
    assert (view["batches"], view["windows"], view["failures"]) == (3, 97, 1)
    assert (view["batch_size_mean"], view["batch_ms_p50"], view["problem"]) == (48.0, 3.0, "The model is gone.")
    assert view["alive"]
    assert (record.news(), record.news()) == ((0, 0), (0, 0))  # it was told
    record.add(operations.JudgedBatch(5, 0.001))
    assert record.news() == (1, 5)
    assert Agent.objects.filter(strategy="neural").exists()
