"""A candidate's way from research to live: gates as they were seen, sign-offs, the canary's share, and falls."""

import json
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from apps.agents import operations, queries
from apps.agents.models import (
    Agent,
    BacktestRun,
    Decision,
    DecisionRound,
    NeuralModel,
    Promotion,
    PromotionGate,
    PromotionJudgement,
    SearchRun,
    Vote,
)
from apps.foundation.clock import Moment
from apps.foundation.errors import Conflict, Refused
from apps.foundation.identifiers import new_id
from apps.foundation.models import AuditEntry
from apps.market.models import MarketClock
from tests.support.agents_room import open_agents_room

pytestmark = pytest.mark.django_db
DAYS = 3


@pytest.fixture
def room(clean_redis):
    return open_agents_room()


def later(room, *, days: float = 0.0) -> Moment:
    now = room.moment()
    return Moment(wall=now.wall + timedelta(days=days), firm=now.firm + timedelta(days=days))


def begin(room, strategy="momentum", **given):
    agent = room.agent(strategy)
    view = operations.open_promotion(
        agent=agent.pk, actor="ada", reason="Worth a try.", moment=room.moment(), paper_days=DAYS, **given
    )
    return agent, Promotion.objects.get(pk=view["id"])


def sign(promotion, moment, reason="It has shown enough."):
    return operations.advance_promotion(promotion_id=promotion.pk, actor="admin", reason=reason, moment=moment)


def backtest_of(agent, moment, **figures):
    equity = {"total_return": 0.1, "cagr": 0.2, "sharpe": 1.0, "max_drawdown": 0.05, "excess_return": 0.02} | figures
    return BacktestRun.objects.create(
        pk=new_id(),
        wish={
            "strategies": [{"name": agent.strategy, "parameters": agent.parameters, "timeframe": None}],
            "timeframe": agent.timeframe,
        },
        requested_by="ada",
        requested_at=moment.wall,
        queued_at=moment.wall,
        ended_at=moment.wall,
        state="DONE",
        mode="firm",
        digest="d" * 64,
        metrics={
            "equity": equity,
            "trades": {"trades": 40, "win_rate": 0.6},
            "luck": {"days": {"luck_probability": 0.02}},
        },
    )


def search_of(agent, moment):
    return SearchRun.objects.create(
        pk=new_id(),
        wish={"strategy": agent.strategy, "timeframe": agent.timeframe},
        requested_by="ada",
        requested_at=moment.wall,
        ended_at=moment.wall,
        state="DONE",
        report={
            "out_of_sample": {"total_return": 0.04, "sharpe": 0.8},
            "buy_and_hold": {"total_return": 0.01},
            "efficiency": 0.7,
            "recommended": {"in_sample": {"total_return": 0.1}, "overfit_probability": 0.2, "parameters": {}},
        },
    )


def voted(agent, moment, *, right: bool, count: int = 120, after: int = 0, abstain: bool = False):
    """Votes since ``moment`` (``after`` minutes later) whose outcome is known: one a minute, each with a move of 40 bps
    after it.
    """
    move = 40.0 if right else -40.0
    rounds = [
        DecisionRound(
            id=new_id(),
            symbol="BTC/USDT",
            timeframe="1m",
            closed_at=moment.firm + timedelta(minutes=after + number),
            opened_wall=moment.wall,
            deadline_wall=moment.wall,
            closed_wall=moment.wall,
            state="closed",
            fee_bps=12.0,
            correlation_id="x",
        )
        for number in range(1, count + 1)
    ]
    DecisionRound.objects.bulk_create(rounds)
    Vote.objects.bulk_create(
        Vote(
            round=row,
            agent=agent,
            direction=0.0 if abstain else 1.0,
            confidence=0.0 if abstain else 0.6,
            abstain=abstain,
            horizon_bars=1,
            expires_at=row.closed_at,
            data_as_of=row.closed_at,
            digest="one",
            received_wall=moment.wall,
            next_bar_bps=move,
            horizon_bps=move,
            scored_at=row.closed_at,
        )
        for row in rounds
    )


def waived(judgement) -> list[str]:
    return list(PromotionGate.objects.filter(judgement=judgement, waived=True).values_list("name", flat=True))


def gates(judgement) -> dict[str, bool]:
    return dict(PromotionGate.objects.filter(judgement=judgement).values_list("name", "passed"))


def climb(room, agent, promotion) -> Moment:
    """Up to canary; the moment of its sign-off."""
    backtest_of(agent, room.moment())
    search_of(agent, room.moment())
    for _ in range(2):
        sign(promotion, room.moment())
    voted(agent, room.moment(), right=True)
    moment = later(room, days=DAYS)
    sign(promotion, moment)
    return moment


def test_it_climbs_past_its_gates_with_a_sign_off_for_each_stage(room):
    agent, promotion = begin(room)
    with pytest.raises(Conflict, match="backtest_is_stored") as refused:
        sign(promotion, room.moment())
    assert refused.value.code == "gates_failed"
    backtest_of(agent, room.moment(), total_return=-0.1)
    with pytest.raises(Conflict, match=r"profit_after_costs \(required: a return above 0 .*; seen: -10.00%\)"):
        sign(promotion, room.moment())
    moment = climb(room, agent, promotion)
    promotion.refresh_from_db()
    assert (promotion.stage, promotion.since_firm) == ("canary", moment.firm)

    voted(agent, moment, right=True)
    with pytest.raises(Conflict, match="long_enough"):
        sign(promotion, Moment(moment.wall, moment.firm + timedelta(days=6)))
    view = sign(promotion, Moment(moment.wall, moment.firm + timedelta(days=7)))
    assert (view["stage"], view["next_stage"], view["unheard"]) == ("live", None, None)
    with pytest.raises(Conflict, match="no next one"):
        sign(promotion, moment)

    history = list(PromotionJudgement.objects.filter(promotion=promotion).order_by("pk"))
    assert [row.outcome for row in history] == [
        *("opened", "refused", "refused", "advanced", "advanced", "advanced", "refused", "advanced")
    ]
    assert {row.actor for row in history[1:]} == {"admin"}
    assert gates(history[1]) == {"backtest_is_stored": False}
    assert gates(history[2])["profit_after_costs"] is False
    assert all(gates(history[-1]).values())
    acts = AuditEntry.objects.filter(action__startswith="promotion.").order_by("seq").values_list("action", flat=True)
    assert [act.removeprefix("promotion.") for act in acts] == [row.outcome for row in history]
    with pytest.raises(DatabaseError), transaction.atomic():
        PromotionGate.objects.update(passed=True)
    with pytest.raises(DatabaseError), transaction.atomic():
        Promotion.objects.update(stage="research", agent=room.agent("breakout"))


def test_its_votes_count_as_its_stage_says(room):
    agent, promotion = begin(room)

    def decided(direction):
        room.ask()
        row = room.round()
        for entry in row.asked:
            own = entry["agent_id"] == str(agent.pk)
            message = room.message(row, direction if own else 0.5, 1.0)
            assert operations.record_vote(agent_id=entry["agent_id"], message=message, moment=room.moment())
        room.close(later=5)
        decision = Decision.objects.get(round=row)
        parts = {part["agent_id"]: part for part in decision.contributions}
        return decision, parts[str(agent.pk)], row

    decision, own, row = decided(-1.0)
    assert own["counted"] is False
    assert decision.score == pytest.approx(0.5)
    told = next(entry for entry in row.asked if entry["agent_id"] == str(agent.pk))
    assert told["benched_reason"] == "it is a candidate on stage research"

    Promotion.objects.filter(pk=promotion.pk).update(stage="walk_forward")
    Promotion.objects.filter(pk=promotion.pk).update(stage="paper")
    assert decided(-1.0)[1]["counted"] is False
    Promotion.objects.filter(pk=promotion.pk).update(stage="canary")
    Agent.objects.filter(pk=agent.pk).update(weight=4.0, may_veto=True)
    decision, own, _ = decided(-1.0)
    assert own["counted"] is True
    assert own["weight"] == pytest.approx(3 * 0.1 / 0.9)
    assert decision.score == pytest.approx(0.9 * 0.5 - 0.1)
    assert decision.code != "veto"
    Promotion.objects.filter(pk=promotion.pk).update(stage="live")
    assert decided(-1.0)[1]["weight"] == 4.0

    operations.change_policy(changes={"method": "majority"}, actor="me", reason="Heads.", moment=room.moment())
    Promotion.objects.filter(pk=promotion.pk).update(stage="paper")
    Promotion.objects.filter(pk=promotion.pk).update(stage="canary")
    assert decided(-1.0)[1]["counted"] is False  # a head would be a quarter of the say


def test_a_stage_is_left_upwards_by_all_of_its_votes_not_by_the_last_hours(room):
    """Who seldom has an opinion comes to a hundred all the same, and what was lost at first still counts at the end."""
    agent, promotion = begin(room)
    backtest_of(agent, room.moment())
    search_of(agent, room.moment())
    for _ in range(2):
        sign(promotion, room.moment())
    voted(agent, room.moment(), right=False, count=250)
    voted(agent, room.moment(), right=True, count=200, after=250)
    voted(agent, room.moment(), right=True, count=500, after=450, abstain=True)
    view = queries.promotion_view(promotion.pk, later(room, days=DAYS))
    seen = {gate["name"]: (gate["seen"], gate["passed"]) for gate in view["gates"]}
    assert seen["enough_opinions"] == ("450", True)
    assert seen["profit_after_fees"][1] is False
    assert seen["better_than_a_coin"][1] is True  # the newest opinions weigh most


def test_a_canary_falls_by_its_record_without_a_person(room):
    agent, promotion = begin(room)
    moment = climb(room, agent, promotion)
    voted(agent, moment, right=False)
    after = Moment(moment.wall + timedelta(days=1), moment.firm + timedelta(days=1))
    assert operations.follow_promotions(moment=after) == 1
    promotion.refresh_from_db()
    assert (promotion.stage, promotion.since_firm) == ("paper", after.firm)
    fall = PromotionJudgement.objects.latest("pk")
    assert (fall.outcome, fall.before, fall.after, fall.actor) == ("demoted", "canary", "paper", "scoreboard")
    assert fall.reason.startswith("Since it came to this stage its Brier score is 0.640 over 120 votes")
    assert gates(fall)["better_than_a_coin"] is False
    assert operations.follow_promotions(moment=after) == 0
    with pytest.raises(Conflict, match="long_enough"):
        sign(promotion, after)  # its days begin anew


def test_other_settings_have_shown_nothing_yet(room):
    agent, promotion = begin(room)
    climb(room, agent, promotion)
    operations.configure_agent(agent_id=agent.pk, changes={"may_veto": True}, actor="me", moment=room.moment())
    promotion.refresh_from_db()
    assert promotion.stage == "canary"
    operations.configure_agent(agent_id=agent.pk, changes={"parameters": {"fast": 5}}, actor="me", moment=room.moment())
    promotion.refresh_from_db()
    assert promotion.stage == "research"
    view = queries.promotion_view(promotion.pk, room.moment())
    assert view["judgements"][0]["reason"] == "Its settings changed (parameters): it has to show again what it can."
    assert [gate["passed"] for gate in view["gates"]] == [False]  # the stored run tested other parameters


def test_a_destroyed_agents_candidacy_ends_with_it(room):
    agent, promotion = begin(room)
    operations.destroy_agent(agent_id=agent.pk, actor="ada", moment=room.moment())
    promotion.refresh_from_db()
    assert (promotion.stage, promotion.ended_reason) == ("ended", f"{agent.name} was destroyed.")
    with pytest.raises(Conflict) as refused:
        sign(promotion, room.moment())
    assert refused.value.code == "no_next_stage"


def test_what_has_ended_stays_unheard_until_it_climbs_again(room):
    agent, promotion = begin(room)
    with pytest.raises(Conflict, match="is being promoted already"):
        begin(room)
    view = operations.end_promotion(promotion_id=promotion.pk, actor="eve", reason="No.", moment=room.moment())
    assert (view["stage"], view["unheard"]) == ("ended", "its promotion ended: No.")
    room.ask()
    told = next(entry for entry in room.round().asked if entry["agent_id"] == str(agent.pk))
    assert told["benched_reason"] == "its promotion ended: No."
    for act in (sign, lambda row, at: operations.end_promotion(promotion_id=row.pk, actor="e", reason="x", moment=at)):
        with pytest.raises(Conflict):
            act(promotion, room.moment())
    _, again = begin(room)
    assert queries.agent_card(agent.pk)["promotion_stage"] == again.stage == "research"
    with pytest.raises(DatabaseError, match="stage_moves"), transaction.atomic():
        Promotion.objects.filter(pk=promotion.pk).update(stage="live")


def test_in_practice_the_whole_way_can_be_seen_with_a_strategy_that_loses(room):
    """What it is worth is stored as failed and stops nobody; what is to be learned is asked as ever."""
    agent = room.agent("momentum")
    wish = {"agent": agent.pk, "actor": "ada", "reason": "To see it.", "practice": True}
    view = operations.open_promotion(**wish, moment=room.moment())
    assert (view["practice"], view["paper_days"], view["canary_days"]) == (True, 1, 1)
    promotion = Promotion.objects.get(pk=view["id"])
    with pytest.raises(Conflict, match="backtest_is_stored"):
        sign(promotion, room.moment())
    backtest_of(agent, room.moment(), total_return=-0.5, max_drawdown=0.6)
    sign(promotion, room.moment())
    search_of(agent, room.moment())
    sign(promotion, room.moment())
    voted(agent, room.moment(), right=False)
    with pytest.raises(Conflict, match=r"A gate is not met yet: long_enough"):
        sign(promotion, room.moment())
    for days, stage in ((1, "canary"), (2, "live")):
        moment = later(room, days=days)
        assert sign(promotion, moment)["stage"] == stage
        voted(agent, moment, right=False)
        assert operations.follow_promotions(moment=moment) == 0  # a bad record is told, and takes nobody back
    operations.bench_agent(agent_id=agent.pk, reason="It guesses.", actor="autoscaler", moment=moment)
    room.ask()
    asked = next(entry for entry in room.round("ETH/USDT").asked if entry["agent_id"] == str(agent.pk))
    assert asked["benched_reason"] == ""  # nor does the bench silence what is to be seen at work
    assert queries.agent_card(agent.pk)["benched_reason"] == "It guesses."
    history = PromotionJudgement.objects.filter(promotion=promotion, outcome="advanced").order_by("pk")
    assert [waived(one) for one in history] == [
        ["profit_after_costs", "drawdown_is_bounded"],
        [],
        ["better_than_a_coin", "profit_after_fees"],
        ["better_than_a_coin", "profit_after_fees"],
    ]
    assert gates(history[0])["profit_after_costs"] is False
    assert queries.agent_card(agent.pk)["promotion_practice"] is True
    told = json.loads(AuditEntry.objects.filter(action="promotion.advanced").order_by("seq").first().payload)
    assert (told["practice"], told["waived"]) == (True, ["profit_after_costs", "drawdown_is_bounded"])


def test_practice_never_passes_where_prices_move_money_nor_into_earnest(room, neural):
    by_model, model = neural
    wish = {"actor": "ada", "reason": "Quick.", "moment": room.moment(), "practice": True}
    with pytest.raises(Refused, match="Practise with rules") as refused:
        operations.open_promotion(**wish, agent=by_model.pk, model=model.pk)
    assert refused.value.code == "practice_with_a_model"
    _, earnest = begin(room)
    with pytest.raises(DatabaseError, match="facts_stay"), transaction.atomic():
        Promotion.objects.filter(pk=earnest.pk).update(practice=True)
    judgement = PromotionJudgement.objects.get(promotion=earnest)
    with pytest.raises(DatabaseError, match="waived in practice only"), transaction.atomic():
        PromotionGate.objects.create(
            judgement=judgement, place=0, name="x", required="y", seen="z", passed=False, waived=True
        )

    MarketClock.objects.update(kind="live")
    agent = room.agent("breakout")
    with pytest.raises(Refused, match="MARKET=simulated or recorded") as refused:
        operations.open_promotion(**wish, agent=agent.pk)
    assert (refused.value.code, refused.value.field) == ("practice_on_live_prices", "practice")
    view = operations.open_promotion(agent=agent.pk, actor="ada", reason="In earnest.", moment=room.moment())
    row = Promotion.objects.get(pk=view["id"])
    assert (row.practice, row.paper_days, row.canary_days) == (False, 14, 7)
    row.pk, row.agent, row.practice = new_id(), room.agent("arbitrage"), True
    with pytest.raises(DatabaseError, match="practice is for agents by rules"), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"paper_days": 0}, "paper_days"),
        ({"canary_days": 366}, "canary_days"),
        ({"model": new_id()}, "model"),
    ],
)
def test_what_can_not_be_opened_is_refused_by_field(room, given, field):
    wish = {"agent": room.agent("momentum").pk, "actor": "ada", "reason": "Try."} | given
    with pytest.raises(Refused) as refused:
        operations.open_promotion(**wish, moment=room.moment())
    assert refused.value.field == field
    assert not Promotion.objects.exists()


@pytest.fixture
def neural(room):
    """An agent by a model, and a candidate of the registry that passed all gates of its card."""
    card = operations.create_agent(strategy="neural", actor="ada", timeframe="5m", moment=room.moment())
    shipped = NeuralModel.objects.get()
    passed = {**shipped.card, "gates": [{**gate, "passed": True} for gate in shipped.card["gates"]]}
    model = NeuralModel.objects.create(
        id=new_id(),
        digest="ab" * 32,
        origin="trained",
        weights=bytes(shipped.weights),
        timeframe="5m",
        horizon_bars=12,
        facts=shipped.facts,
        card=passed,
        passed=True,
        created_at=room.moment().wall,
        created_by="ada",
    )
    return Agent.objects.get(pk=card["id"]), model


def test_a_model_is_tried_by_one_agent_and_put_in_force_when_it_goes_live(room, neural):
    agent, model = neural
    wish = {"agent": agent.pk, "actor": "ada", "reason": "A new one.", "moment": room.moment()}
    with pytest.raises(Refused, match="name the candidate"):
        operations.open_promotion(**wish)
    view = operations.open_promotion(**wish, model=model.pk, paper_days=DAYS, canary_days=1)
    promotion = Promotion.objects.get(pk=view["id"])
    assert queries.promotion_standings()[agent.pk].model == model.pk
    assert [gate["passed"] for gate in view["gates"]] == [True] * len(model.card["gates"])
    for _ in range(2):
        sign(promotion, room.moment())
    voted(agent, room.moment(), right=True)
    moment = later(room, days=DAYS)
    sign(promotion, moment)
    model.refresh_from_db()
    assert model.state == "candidate"
    voted(agent, moment, right=True)
    sign(promotion, Moment(moment.wall, moment.firm + timedelta(days=1)), reason="It was right for a day.")
    model.refresh_from_db()
    assert (model.state, model.promoted_by, model.promotion_reason) == ("promoted", "admin", "It was right for a day.")

    after = Moment(moment.wall, moment.firm + timedelta(days=2))
    voted(agent, Moment(moment.wall, moment.firm + timedelta(days=1, hours=3)), right=False)
    assert operations.follow_promotions(moment=after) == 1
    model.refresh_from_db()
    promotion.refresh_from_db()
    assert (model.state, promotion.stage) == ("retired", "ended")
    assert queries.promotion_standings()[agent.pk].model is None


def test_a_candidate_whose_model_was_retired_ends(room, neural):
    agent, model = neural
    view = operations.open_promotion(agent=agent.pk, model=model.pk, actor="ada", reason="x", moment=room.moment())
    operations.retire_model(model_id=model.pk, actor="ada", reason="A bug.", moment=room.moment())
    assert operations.follow_promotions(moment=room.moment()) == 1
    assert (
        queries.promotion_view(view["id"], room.moment())["ended_reason"] == "The model that it judges by was retired."
    )
