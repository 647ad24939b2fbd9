"""Rounds: asked once, answered soundly, closed in one order, decided once even when the process dies."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from apps.agents import operations, queries
from apps.agents.models import (
    Agent,
    Decision,
    DecisionRound,
    Vote,
    VoteCursor,
    VoteRefusal,
)
from apps.agents.operations import close_rounds
from apps.foundation.models import AuditEntry, OutboxEvent
from apps.market import operations as market
from apps.market.models import StoredCandle
from apps.trading.models import Order
from tests.support.agents_room import open_agents_room
from tests.support.trading_desk import Killed

pytestmark = pytest.mark.django_db


@pytest.fixture
def room(clean_redis):
    return open_agents_room()


def test_a_bar_is_asked_about_once(room):
    first = room.ask()
    assert len(first) == 3
    again = operations.open_rounds(bar_at=room.market.bar_at, moment=room.moment())
    assert again == []
    assert DecisionRound.objects.filter(closed_at=room.market.bar_at).count() == 3
    row = room.round()
    assert [entry["name"] for entry in row.asked] == [
        name for _, name in sorted((str(a.pk), a.name) for a in Agent.objects.all())
    ]
    assert row.deadline_wall - row.opened_wall == timedelta(seconds=4)
    assert queries.rounds_opened(room.market.bar_at)
    assert not queries.rounds_settled(room.market.bar_at)


def test_only_agents_whose_bar_has_closed_are_asked(room):
    Agent.objects.exclude(strategy="momentum").update(timeframe="5m")
    while room.market.bar_at.minute % 5 != 3:
        room.market.bar()
    room.ask()
    assert {(row.timeframe, row.symbol) for row in DecisionRound.objects.all()} == {
        ("1m", "BTC/USDT"),
        ("1m", "ETH/USDT"),
        ("1m", "SOL/USDT"),
    }
    assert [entry["name"] for entry in room.round().asked] == ["momentum-1"]


def test_a_warming_agent_is_recorded_and_not_asked(room):
    StoredCandle.objects.filter(open_at__lt=room.market.bar_at - timedelta(minutes=36)).delete()
    room.ask()
    row = room.round()
    assert {entry["name"]: entry["reason"] for entry in row.absent} == {
        "breakout-1": "warming 37/60",
        "mean-reversion-1": "warming 37/70",
        "momentum-1": "warming 37/78",
    }
    assert [entry["name"] for entry in row.asked] == ["arbitrage-1"]
    assert queries.agent_card(room.agent("momentum").pk)["warming"] == "warming 37/78"


def test_a_paused_instrument_asks_nobody_and_says_why(room):
    market.pause_instrument(symbol="BTC/USDT", actor="risk", reason="Maintenance.", moment=room.moment())
    room.ask()
    assert room.round().asked == []
    room.close()
    decision = Decision.objects.get(round=room.round())
    assert (decision.outcome, decision.code) == ("SKIPPED", "nobody_asked")
    assert "BTC/USDT is paused: Maintenance." in decision.headline


def test_a_missing_bar_asks_nobody(room):
    room.market.bar()
    StoredCandle.objects.filter(instrument_id="BTC/USDT", open_at=room.market.bar_at - timedelta(minutes=1)).delete()
    operations.open_rounds(bar_at=room.market.bar_at, moment=room.moment())
    assert room.round().asked == []
    assert "no candle of BTC/USDT closed at" in room.round().absent[0]["reason"]


def test_an_agent_whose_strategy_is_gone_does_not_stop_the_others(room):
    Agent.objects.filter(strategy="breakout").update(strategy="gone")
    room.ask()
    assert len(room.round().asked) == 3
    assert "strategy gone is not installed" in room.round().absent[0]["reason"]


def test_votes_lead_to_an_order_and_every_step_is_kept(room):
    decision = room.decide()["BTC/USDT"]
    assert (decision.outcome, decision.code) == ("ORDER", "ordered")
    order = Order.objects.get(pk=decision.order_id)
    assert (order.side, order.origin, order.decision_id) == ("buy", "consensus", decision.pk)
    assert order.correlation_id == decision.correlation_id == str(decision.round_id)
    view = queries.decision_view(decision.pk)
    assert view["score"] == pytest.approx(0.8)
    assert view["target"] == 1.0
    assert view["expected_edge_bps"] > 22
    assert [(v["agent"], v["counted"], v["share"]) for v in view["votes"]] == [
        (f"{name}-1", True, pytest.approx(0.2)) for name in ("arbitrage", "breakout", "mean-reversion", "momentum")
    ]
    assert view["headline"].startswith("buying 0.00")
    assert "4 of 4 agents, arbitrage-1 led (0.80). Risk:" in view["headline"]
    assert view["verdicts"]
    assert all(verdict["allowed"] for verdict in view["verdicts"])
    assert OutboxEvent.objects.filter(kind="decision.made", payload={"decision_id": str(decision.pk)}).count() == 1
    assert queries.rounds_settled(room.market.bar_at)


def test_the_headline_follows_the_order_to_its_fill(room):
    decision = room.decide()["BTC/USDT"]
    room.desk.send(decision.order_id)
    room.desk.bar(BTC=(50_000, 50_100, 49_900, 50_000))
    filled = Order.objects.get(pk=decision.order_id)
    assert filled.state == "FILLED"
    headline = queries.decision_view(decision.pk)["headline"]
    assert headline.startswith(f"bought {filled.filled_quantity.normalize():f} at 50,0")


def test_the_third_position_is_denied_and_not_asked_again_at_once(room):
    first = room.decide()
    outcomes = [first[symbol].outcome for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT")]
    assert outcomes == ["ORDER", "ORDER", "DENIED"]
    denied = first["SOL/USDT"]
    assert denied.headline.startswith("denied buying ")
    assert Order.objects.get(pk=denied.order_id).state == "DENIED"
    again = room.decide()["SOL/USDT"]
    assert (again.outcome, again.code) == ("NO_TRADE", "denied_recently")
    assert again.reason.startswith("Denied 1 bar ago (")
    for _ in range(5):
        last = room.decide()["SOL/USDT"]
    assert last.code != "denied_recently"


def test_a_small_edge_is_no_trade_and_says_so(room):
    for _ in range(100):
        room.market.bar()
    room.desk.guard()
    decision = room.decide()["BTC/USDT"]
    assert (decision.outcome, decision.code) == ("NO_TRADE", "edge_below_costs")
    assert "does not pay" in decision.headline
    assert decision.order_id is None


def test_a_negative_score_sells_what_is_held(room):
    bought = room.decide()
    for symbol in ("BTC/USDT", "ETH/USDT"):
        room.desk.send(bought[symbol].order_id)
    held = room.decide(direction=0.05, BTC=(50_000, 50_100, 49_900, 50_000))["BTC/USDT"]
    assert (held.outcome, held.code) == ("NO_TRADE", "hold")
    assert held.held == pytest.approx(1.0, abs=0.05)
    sold = room.decide(direction=-1.0)["BTC/USDT"]
    assert (sold.outcome, sold.target) == ("ORDER", 0.0)
    order = Order.objects.get(pk=sold.order_id)
    assert (order.side, order.reduce_only) == ("sell", True)


def test_rounds_close_in_one_order_and_stop_at_the_first_that_waits(room):
    room.ask()
    room.answer("SOL/USDT")
    room.answer("ETH/USDT")
    assert room.close() == 0
    room.answer("BTC/USDT", silent=("momentum",))
    assert room.close() == 0
    room.answer("BTC/USDT")
    assert room.close() == 3
    made = Decision.objects.order_by("decided_wall", "pk").values_list("symbol", flat=True)
    events = [e.payload["decision_id"] for e in OutboxEvent.objects.filter(kind="decision.made").order_by("id")]
    assert [Decision.objects.get(pk=i).symbol for i in events] == ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    assert len(made) == 3


def test_a_deadline_closes_without_the_silent_ones(room):
    room.ask()
    row = room.answer("BTC/USDT", silent=("momentum", "breakout", "arbitrage"))
    assert room.close(later=3.5) == 0
    assert room.close(later=4.5) == 3
    decision = Decision.objects.get(round=row)
    assert (decision.outcome, decision.code) == ("NO_TRADE", "no_quorum")
    assert decision.reason == (
        "1 of 4 agents have an opinion; 2 are needed. No answer in time from arbitrage-1, breakout-1, momentum-1."
    )
    lines = {v["agent"]: v["note"] for v in queries.decision_view(decision.pk)["votes"]}
    assert lines["momentum-1"] == "no answer in time"


def test_a_round_left_for_too_long_is_closed_without_trading(room):
    room.ask()
    for symbol in room.market.last:
        room.answer(symbol)
    assert room.close(later=4 + 61) == 3
    assert set(Decision.objects.values_list("outcome", "code")) == {("SKIPPED", "too_late")}
    assert not Order.objects.exists()


def test_votes_that_expired_before_the_close_do_not_count(room):
    row = None
    room.ask()
    row = room.answer()
    room.market.bar()
    room.close(later=5)
    decision = Decision.objects.get(round=row)
    assert decision.code == "no_quorum"
    assert {part["note"] for part in decision.contributions} == {"expired"}


def test_nonsense_is_refused_counted_and_changes_nothing(room):
    room.ask()
    row, agent = room.round(), room.agent("momentum")
    sound = room.message(row)
    nonsense = [
        (None, "not_an_object"),
        ({}, "unknown_round"),
        (sound | {"round_id": str(uuid4())}, "unknown_round"),
        (sound | {"direction": float("nan")}, "not_a_number"),
        (sound | {"direction": 1e308}, "out_of_range"),
        (sound | {"symbol": "ETH/USDT"}, "wrong_symbol"),
        (sound | {"data_as_of": (row.closed_at + timedelta(minutes=1)).isoformat()}, "future_data"),
        (sound | {"expires_at": row.closed_at.isoformat()}, "expired"),
    ]
    for message, code in nonsense:
        before = sum(VoteRefusal.objects.filter(code=code).values_list("count", flat=True))
        assert not operations.record_vote(agent_id=agent.pk, message=message, moment=room.moment())
        assert sum(VoteRefusal.objects.filter(code=code).values_list("count", flat=True)) == before + 1
    assert room.votes(row) == []
    assert queries.agent_card(agent.pk)["refused_votes"] == len(nonsense)
    assert operations.record_vote(agent_id=agent.pk, message=sound, moment=room.moment())
    assert len(room.votes(row)) == 1


def test_a_flood_of_nonsense_stays_one_row(room):
    agent = room.agent("momentum")
    moment = room.moment()
    for _ in range(50):
        operations.record_vote(agent_id=agent.pk, message=None, moment=moment)
    assert list(VoteRefusal.objects.values_list("code", "count")) == [("not_an_object", 50)]


def test_only_asked_agents_may_vote_and_only_once(room):
    room.ask()
    row = room.answer("BTC/USDT", direction=1.0)
    stranger = room.agent("momentum")
    DecisionRound.objects.filter(pk=row.pk).update(asked=[e for e in row.asked if e["name"] != stranger.name])
    Vote.objects.filter(agent=stranger).delete()
    moment = room.moment()
    assert not operations.record_vote(agent_id=stranger.pk, message=room.message(row), moment=moment)
    voter = room.agent("breakout")
    assert operations.record_vote(agent_id=voter.pk, message=room.message(row, direction=-1.0), moment=moment)
    assert Vote.objects.get(agent=voter, round=row).direction == 1.0
    assert list(VoteRefusal.objects.values_list("code", "count")) == [("not_asked", 1)]


def test_a_late_vote_is_refused(room):
    room.ask()
    row = room.round()
    room.close(later=5)
    message = room.message(row)
    assert not operations.record_vote(agent_id=room.agent("momentum").pk, message=message, moment=room.moment())
    assert VoteRefusal.objects.get().code == "late"


def test_an_entry_of_the_stream_is_taken_once(room):
    room.ask()
    agent, moment = room.agent("momentum"), room.moment()

    def read(entry_id):
        operations.record_votes(entries=[operations.StreamEntry(agent.pk, entry_id, None)], moment=moment)

    read("5-1")
    read("5-1")
    read("4-9")
    assert VoteRefusal.objects.get().count == 1
    assert VoteCursor.objects.get(agent=agent).entry_id == "5-1"
    read("5-10")
    assert VoteRefusal.objects.get().count == 2


def test_a_crash_before_the_commit_leaves_nothing_and_the_rerun_makes_one_order(room, monkeypatch):
    room.ask()
    row = room.answer()
    real = close_rounds.outbox.record_events

    def die(_):
        raise Killed

    monkeypatch.setattr(close_rounds.outbox, "record_events", die)
    with pytest.raises(Killed), transaction.atomic():
        room.close()
    assert not Order.objects.exists()
    assert not Decision.objects.exists()
    monkeypatch.setattr(close_rounds.outbox, "record_events", real)
    assert room.close() == 1
    decision = Decision.objects.get(round=row)
    assert Order.objects.get().decision_id == decision.pk


def test_an_order_that_was_already_proposed_is_found_again(room):
    """Should the order have been committed without its decision, the decision's id leads back to it."""
    room.ask()
    row = room.answer()
    from apps.agents.operations.decide_round import decision_id_of
    from apps.trading import operations as trading
    from apps.trading.domain.orders.position_sizing import TargetExposure

    earlier = trading.propose_target(
        target=TargetExposure("BTC/USDT", 1.0, 80.0, decision_id_of(row), "before the crash"), moment=room.moment()
    )
    room.close()
    decision = Decision.objects.get(round=row)
    assert decision.order_id == earlier.order_id
    assert Order.objects.count() == 1


def test_decisions_can_not_be_rewritten(room):
    room.ask()
    room.close(later=5)
    with pytest.raises(Exception, match=r"(?i)cannot (update|delete)"), transaction.atomic():
        Decision.objects.update(outcome="ORDER")
    with pytest.raises(IntegrityError), transaction.atomic():
        Vote.objects.create(
            round=room.round(),
            agent=room.agent("momentum"),
            direction=float("nan"),
            confidence=0.5,
            horizon_bars=1,
            expires_at=room.market.bar_at,
            data_as_of=room.market.bar_at,
            received_wall=room.market.bar_at,
        )


def test_the_same_votes_decide_the_same_whoever_answers_first(room):
    room.ask()
    row = room.round()
    entries = list(reversed(row.asked))
    for number, entry in enumerate(entries):
        direction = 1.0 if number % 2 else 0.3
        message = room.message(row, direction)
        operations.record_vote(agent_id=entry["agent_id"], message=message, moment=room.moment())
    room.close()
    decision = Decision.objects.get(round=row)
    assert decision.score == pytest.approx(0.8 * (1.0 + 1.0 + 0.3 + 0.3) / 4)
    assert sum(part["share"] for part in decision.contributions) == pytest.approx(decision.score)


def test_explain_tells_the_bar_of_that_minute(room):
    decision = room.decide()["BTC/USDT"]
    at = decision.closed_at + timedelta(seconds=30)
    now = room.moment().firm
    told = queries.explain(symbol="BTC/USDT", at=at, now=now)
    assert [d["id"] for d in told["decisions"]] == [str(decision.pk)]
    assert told["note"] == ""
    nothing = queries.explain(symbol="BTC/USDT", at=decision.closed_at - timedelta(hours=1), now=now)
    assert nothing["decisions"] == []
    assert "The first decision was at" in nothing["note"]


def test_explain_without_a_time_tells_the_newest_bar_that_was_decided(room):
    now = room.moment().firm
    assert queries.explain(symbol="BTC/USDT", at=None, now=now)["decisions"] == []
    decision = room.decide()["BTC/USDT"]
    room.ask()  # about the next bar, which nobody has decided on yet
    told = queries.explain(symbol="BTC/USDT", at=None, now=room.moment().firm)
    assert [d["id"] for d in told["decisions"]] == [str(decision.pk)]


def test_seeding_twice_and_after_a_destruction_adds_nobody(room):
    assert operations.seed_agents(moment=room.moment()) == 0
    operations.destroy_agent(agent_id=room.agent("arbitrage").pk, actor="me", moment=room.moment())
    assert operations.seed_agents(moment=room.moment()) == 0
    assert Agent.objects.count() == 4
    assert [agent.name for agent in queries.desired_agents()] == ["breakout-1", "mean-reversion-1", "momentum-1"]
    assert AuditEntry.objects.filter(action="agent.created").count() == 4
    assert AuditEntry.objects.filter(action="agent.destroyed", actor="me").count() == 1


def test_an_agent_without_a_sign_of_life_is_waited_for_a_while_then_left_out(room, clean_redis):
    room.ask()
    for symbol in room.market.last:
        assert len(room.answer(symbol, silent=("momentum",)).asked) == 4
    started = room.round().opened_wall - timedelta(seconds=13)
    DecisionRound.objects.filter(state="open").update(opened_wall=started, deadline_wall=started)
    assert room.close() == 3
    silent = room.agent("momentum")
    assert VoteCursor.objects.get(silent_since__isnull=False).agent_id == silent.pk
    room.ask()
    row = room.round()
    assert len(row.asked) == 3
    assert row.absent[0]["name"] == "momentum-1"
    assert row.absent[0]["reason"].startswith("no sign of life since ")
    clean_redis.set(queries.heartbeat_key(silent.pk), '{"at": "2026-03-02T12:00:00Z"}')
    room.ask()
    assert len(room.round().asked) == 4
    room.close(later=5)
    room.ask()
    for symbol in room.market.last:
        room.answer(symbol)
    room.close(later=5)
    assert not VoteCursor.objects.filter(agent=silent, silent_since__isnull=False).exists()
