"""The vote collector on a real Redis, with the messages that really go to the agents' queues."""

import json
from datetime import timedelta

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.agents import operations
from apps.agents.domain.bar_window import market_view
from apps.agents.domain.strategies.registry import build_strategy
from apps.agents.models import Agent, AgentScore, Decision, DecisionRound, RoundState, Vote, VoteCursor, VoteRefusal
from apps.foundation import redis_pool
from apps.foundation.metrics import WAKE_UPS_LOST
from apps.trading.models import Cursor
from tests.support.agents_room import open_agents_room
from workers import vote_collector
from workers.agent_process.answer_round import answer_round

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def room(clean_redis):
    return open_agents_room()


def questions(client, agent):
    """What waits in the agent's queue, oldest first."""
    messages = [json.loads(text) for text in client.lrange(f"agent.{agent.pk}", 0, -1)]
    return [question for message in messages for question in message["questions"]]


def test_each_agent_gets_its_window_and_its_answer_is_taken_in(room, clean_redis):
    room.ask()
    for agent in Agent.objects.all():
        strategy = build_strategy(agent.strategy, {})
        asked = questions(clean_redis, agent)
        assert [question["symbol"] for question in asked] == ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
        for question in asked:
            view = market_view(question)
            assert view.bars == strategy.needs_bars
            assert view.closed_at == room.market.bar_at
            assert view.times[-1] == int((room.market.bar_at - timedelta(minutes=1)).timestamp() * 1000)
            assert [venue.source for venue in view.venues] == ["staged"]
            vote = answer_round(strategy, question, "digest")
            clean_redis.xadd(f"votes.{agent.pk}", {"vote": json.dumps(vote)})
    while vote_collector.VoteCollector().step():
        pass
    assert Vote.objects.count() == 12
    assert VoteRefusal.objects.count() == 0
    assert Decision.objects.count() == 3
    reason = Vote.objects.get(agent__strategy="arbitrage", round__symbol="BTC/USDT").reason
    assert reason == "Arbitrage compares two sources, and only staged quotes BTC/USDT."


def test_a_bar_that_all_have_voted_on_is_decided_once_the_guard_has_seen_it(room):
    room.ask()
    for symbol in room.market.last:
        room.answer(symbol)
    seen = Cursor.objects.get(name="guard").through
    Cursor.objects.filter(name="guard").update(through=seen - timedelta(minutes=1))
    collector = vote_collector.VoteCollector()
    assert collector.step() is False
    assert Decision.objects.count() == 0
    Cursor.objects.filter(name="guard").update(through=seen)
    assert collector.step() is True
    assert Decision.objects.filter(outcome="ORDER").exists()


def test_a_bar_that_the_guard_does_not_see_for_a_minute_is_closed_untraded(room, monkeypatch):
    room.ask()
    for symbol in room.market.last:
        room.answer(symbol)
    Cursor.objects.filter(name="guard").delete()
    late = room.moment(later=70)
    monkeypatch.setattr(vote_collector, "current_moment", lambda: late)
    assert vote_collector.VoteCollector().step() is True
    assert set(Decision.objects.values_list("outcome", "code")) == {("SKIPPED", "too_late")}


def test_all_that_an_agent_is_asked_is_one_message_and_one_that_reads_none_fills_no_memory(room, clean_redis):
    agent = room.agent("momentum")
    queue = f"agent.{agent.pk}"
    room.ask()
    assert clean_redis.llen(queue) == 1
    assert [question["symbol"] for question in questions(clean_redis, agent)] == ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    assert 0 < clean_redis.ttl(queue) <= 3_600
    clean_redis.delete(queue)
    clean_redis.rpush(queue, *range(50))
    room.ask()
    assert clean_redis.llen(queue) == 20
    assert clean_redis.lrange(queue, 0, 0) == ["31"]
    assert len(json.loads(clean_redis.lrange(queue, -1, -1)[0])["questions"]) == 3


def test_while_redis_is_away_the_rounds_are_open_and_the_questions_counted_as_lost(room, clean_redis, monkeypatch):
    lost = WAKE_UPS_LOST.labels(task="agents asked")
    before = lost._value.get()
    nobody = redis_pool.Redis(port=1, retry=redis_pool.Retry(redis_pool.ConstantBackoff(0), 0))
    monkeypatch.setattr(redis_pool, "raw_client", lambda: nobody)
    room.ask()
    assert DecisionRound.objects.filter(state=RoundState.OPEN).count() == 3
    assert lost._value.get() == before + 1


def test_votes_that_stand_in_one_entry_are_taken_in_once_each(room, clean_redis):
    room.ask()
    agent = room.agent("momentum")
    written = [room.message(room.round(symbol)) for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT")]
    common = {name: written[0].pop(name) for name in ("expires_at", "data_as_of", "digest")}
    votes = [*written, "no vote", written[0] | {"symbol": "SOL/USDT"}]
    clean_redis.xadd(f"votes.{agent.pk}", {"vote": json.dumps(common | {"votes": votes})}, id="7-1")
    clean_redis.xadd(f"votes.{agent.pk}", {"vote": json.dumps({"votes": votes * 2})}, id="7-2")
    vote_collector.VoteCollector().step()
    assert set(Vote.objects.values_list("round__symbol", flat=True)) == {"BTC/USDT", "ETH/USDT", "SOL/USDT"}
    assert {vote.digest for vote in Vote.objects.all()} == {common["digest"]}
    counted = dict(VoteRefusal.objects.values_list("code", "count"))
    assert counted == {"not_an_object": 2, "wrong_symbol": 1}  # the second entry is one bad message
    assert VoteCursor.objects.get(agent=agent).entry_id == "7-2"
    entries = [operations.StreamEntry(agent.pk, "7-2", None, part) for part in range(3)]
    assert operations.record_votes(entries=entries, moment=room.moment()) == 0
    assert sum(VoteRefusal.objects.values_list("count", flat=True)) == 3


def test_a_restart_reads_on_where_it_stopped(room, clean_redis):
    room.ask()
    agent = room.agent("momentum")
    clean_redis.xadd(f"votes.{agent.pk}", {"vote": "no json"}, id="7-1")
    clean_redis.xadd(f"votes.{agent.pk}", {"other": "field"}, id="7-2")
    clean_redis.xadd(f"votes.{agent.pk}", {"vote": "[" * 5_000}, id="7-3")
    vote_collector.VoteCollector().step()
    assert VoteCursor.objects.get(agent=agent).entry_id == "7-3"
    assert VoteRefusal.objects.get().count == 3
    vote_collector.VoteCollector().step()
    assert VoteRefusal.objects.get().count == 3


def test_what_one_agent_writes_under_its_stream_hides_no_other_agents_votes(room, clean_redis):
    room.ask()
    rogue, good = room.agent("momentum"), room.agent("breakout")
    clean_redis.set(f"votes.{rogue.pk}", "no stream")
    clean_redis.xadd(f"votes.{good.pk}", {"vote": "no json"}, id="7-1")
    assert vote_collector.VoteCollector().step() is False
    vote_collector.VoteCollector().step()
    assert VoteRefusal.objects.get().agent_id == good.pk
    clean_redis.xadd(f"votes.{rogue.pk}", {"vote": "no json"}, id="8-1")
    vote_collector.VoteCollector().step()
    assert VoteCursor.objects.get(agent=rogue).entry_id == "8-1"


def test_without_redis_rounds_close_at_their_deadline_with_the_reason(room, monkeypatch):
    room.ask()
    nowhere = redis.Redis(port=1, retry=Retry(NoBackoff(), 0), decode_responses=True)
    monkeypatch.setattr(redis_pool, "client", lambda: nowhere)
    assert vote_collector.VoteCollector().step() is False
    late = room.moment(later=5)
    monkeypatch.setattr(vote_collector, "current_moment", lambda: late)
    assert vote_collector.VoteCollector().step() is True
    decision = Decision.objects.get(symbol="BTC/USDT")
    assert decision.code == "no_quorum"
    assert "No answer in time from arbitrage-1, breakout-1, mean-reversion-1, momentum-1." in decision.reason


def test_a_stopped_agent_is_asked_no_more(room, clean_redis):
    momentum = room.agent("momentum")
    operations.stop_agent(agent_id=momentum.pk, actor="me", moment=room.moment())
    room.ask()
    assert questions(clean_redis, momentum) == []
    assert len(room.round().asked) == 3


def test_the_scoreboard_follows_the_price(room):
    for number in range(30):
        price = 50_000 * (1 + 0.001 * number)
        room.market.bar(BTC=(price, price, price, price))
        operations.open_rounds(bar_at=room.market.bar_at, moment=room.moment())
        row = room.round("BTC/USDT")
        for agent, direction in ((room.agent("momentum"), 1.0), (room.agent("breakout"), -1.0)):
            message = room.message(row, direction, horizon_bars=2)
            operations.record_vote(agent_id=agent.pk, message=message, moment=room.moment())
        room.close(later=5)
    assert operations.score_agents(moment=room.moment()) == 2
    good, bad = room.agent("momentum"), room.agent("breakout")
    score = AgentScore.objects.get(agent=good)
    assert (score.opinions, score.hits, score.hit_rate) == (28, 28, 1.0)
    assert score.brier == pytest.approx(0.01)
    # One entry of 0.8 of a position at 10 bps, then 28 bars of about 10 bps each.
    assert score.pnl_bps == pytest.approx(sum(0.8 * (1e4 * 0.001 / (1 + 0.001 * n)) for n in range(28)) - 8.0)
    worse = AgentScore.objects.get(agent=bad)
    assert (worse.hits, worse.pnl_bps) == (0, 0.0)
    assert good.weight > 1.0 > bad.weight
    assert operations.score_agents(moment=room.moment()) == 0
    assert room.agent("arbitrage").weight == 1.0
