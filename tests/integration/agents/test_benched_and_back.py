"""A run on recorded candles in which an agent is wrong, is benched, learns, and counts again. All of it can be
recomputed from the database, and what was tampered with is named.
"""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

import tradinghq.celery  # noqa: F401 - the application whose broker the questions go to
from apps.agents import operations, queries
from apps.agents.domain.strategies.registry import build_strategy
from apps.agents.models import Agent, AgentScore, Decision, Vote
from apps.foundation.models import AuditEntry
from apps.market import queries as market
from apps.market.models import StoredCandle
from apps.trading.operations import guard_cycle, match_paper_orders
from tests.integration.agents.test_vote_collector import questions
from tests.support.candle_files import START, write_rows
from tests.support.trading_desk import Desk
from workers import vote_collector
from workers.agent_process.answer_round import answer_round
from workers.market_clock import MarketClockDriver

pytestmark = pytest.mark.django_db(transaction=True)

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
HISTORY, WRONG, RIGHT = 500, 40, 12
BAR_MS = 300_000
BAR = timedelta(milliseconds=BAR_MS)


@pytest.fixture
def recorded(settings, tmp_path):
    """Prices that turn back with every bar, for as long as is remembered and 40 bars more; then they only rise."""
    settings.MARKET, settings.SPEED, settings.RECORDED_DIR = "recorded", 0.0, str(tmp_path)
    settings.INSTRUMENTS, settings.PROVIDERS = list(SYMBOLS), ["binance"]
    first_ms = int(START.timestamp() * 1000)
    for place, symbol in enumerate(SYMBOLS):
        price, rows = 100.0 * (place + 1), []
        for bar in range(HISTORY + WRONG + RIGHT + 4):
            opened = price
            turned_back = bar < HISTORY + WRONG
            price *= 1.01 if not turned_back else 1.001 if bar % 2 else 1 / 1.001
            high, low = max(opened, price), min(opened, price)
            rows.append((first_ms + bar * BAR_MS, *(f"{one:.4f}" for one in (opened, high, low, price)), 1000))
        write_rows(tmp_path / f"binance_{symbol.replace('/', '')}_5m.csv.gz", rows)
    return settings


class RecordedRun:
    """The market clock's own loop; agent, executor and guard do their steps when their turn comes."""

    def __init__(self, client):
        self.client = client
        self.driver = MarketClockDriver()
        self.driver.together = True  # the loops that it would wait for are the steps below
        self.driver.step()
        self.desk = Desk(_Clock())
        operations.seed_agents(moment=self.moment)
        Agent.objects.update(desired_state="stopped")
        numbers = {"fast": 1, "slow": 2, "horizon": 1}  # "it goes on as it went with the last bar"
        card = operations.create_agent(strategy="sma_cross", parameters=numbers, actor="tester", moment=self.moment)
        self.agent = Agent.objects.get(pk=UUID(card["id"]))
        self.strategy = build_strategy("sma_cross", numbers)

    @property
    def moment(self):
        return market.current_moment()

    def configure(self, **changed):
        """Other parameters; the process votes with them from the next bar on."""
        numbers = {**self.agent.parameters, **changed}
        operations.configure_agent(
            agent_id=self.agent.pk, changes={"parameters": numbers}, actor="tester", moment=self.moment
        )
        self.strategy = build_strategy("sma_cross", numbers)
        self.agent.refresh_from_db()

    def bars(self, count):
        for _ in range(count):
            self._bar()

    def _bar(self):
        at = self.moment.firm
        match_paper_orders(venues=[self.desk.venue], moment=self.moment)
        guard_cycle(moment=self.moment)
        operations.open_rounds(bar_at=at, moment=self.moment)
        for question in questions(self.client, self.agent):
            vote = answer_round(self.strategy, question, "digest")
            self.client.xadd(f"votes.{self.agent.pk}", {"vote": json.dumps(vote)})
        self.client.delete(f"agent.{self.agent.pk}")
        vote_collector.VoteCollector().step()
        self.desk.sweep()
        assert self.driver.step(), f"the bar {at} did not settle"
        self.agent.refresh_from_db()


class _Clock:
    """What a desk asks of its market, answered by the market clock."""

    @property
    def moment(self):
        return market.current_moment()


def test_votes_of_before_other_parameters_bench_nobody(recorded, clean_redis):
    run = RecordedRun(clean_redis)
    run.bars(WRONG - 12)
    assert AgentScore.objects.latest("at").brier == pytest.approx(0.64)
    run.configure(horizon=3)
    run.bars(13)
    newest = AgentScore.objects.latest("at")
    changed = run.agent.record_since
    counted = Vote.objects.filter(scored_at__isnull=False, round__closed_at__gt=changed).count()
    assert Vote.objects.filter(scored_at__isnull=False).count() > 100 > newest.opinions
    assert (newest.since, newest.votes, newest.brier > 0.5) == (changed, counted, True)
    assert run.agent.benched_reason == ""
    report = operations.verify_scores()
    assert (report.problems, report.unproven) == ((), {})


def test_a_benched_agent_with_other_parameters_is_heard_from_the_next_scoring(recorded, clean_redis):
    run = RecordedRun(clean_redis)
    run.bars(WRONG + 1)
    assert run.agent.benched_reason.startswith("Brier score 0.640 over 1")
    run.configure(horizon=3)
    assert run.agent.benched_reason, "the scoreboard lets it return, as ever"
    assert [one.brier for one in queries.fleet_members() if one.id == run.agent.pk] == [None]
    run.bars(12)
    newest = AgentScore.objects.latest("at")
    assert (run.agent.benched_reason, newest.was_benched, newest.since) == ("", True, run.agent.record_since)
    assert operations.verify_scores().problems == ()


@pytest.mark.parametrize(("change", "begins_anew"), [({"may_veto": True}, False), ({"timeframe": "15m"}, True)])
def test_only_settings_that_votes_follow_from_begin_the_record_anew(recorded, clean_redis, change, begins_anew):
    run = RecordedRun(clean_redis)
    operations.configure_agent(agent_id=run.agent.pk, changes=change, actor="tester", moment=run.moment)
    run.agent.refresh_from_db()
    assert run.agent.record_since == (run.moment.firm if begins_anew else None)


def test_a_bad_agent_is_benched_and_comes_back_after_it_improved(recorded, clean_redis, capsys):
    run = RecordedRun(clean_redis)
    run.bars(WRONG + 1)
    assert run.agent.benched_reason.startswith("Brier score 0.640 over 1")
    assert run.agent.weight == 0.25

    run.bars(RIGHT)
    benched = Decision.objects.filter(closed_at__lt=run.moment.firm - BAR).latest("closed_at")
    assert benched.round.asked[0]["benched_reason"].startswith("Brier score 0.640 over 1")
    assert not any(part["counted"] for part in benched.contributions)
    assert benched.score == 0.0
    run.bars(1)
    assert run.agent.benched_reason == ""
    acts = AuditEntry.objects.filter(subject=f"agent:{run.agent.pk}").order_by("seq").values_list("action", flat=True)
    assert list(acts) == ["agent.created", "agent.benched", "agent.returned"]
    history = list(AgentScore.objects.order_by("at"))
    assert [score.at.minute for score in history] == [0] * len(history)  # in lock-step once an hour of the firm clock
    assert history[-1].brier < max(score.brier for score in history)
    counted = Decision.objects.latest("closed_at")
    assert [part["counted"] for part in counted.contributions] == [True]

    report = operations.verify_scores()
    assert (report.problems, report.unproven) == ((), {})
    scored = Vote.objects.filter(scored_at__isnull=False)
    assert report.checked == {
        "returns after votes": scored.count(),
        "scores": len(history),
        "weights in force": Agent.objects.count(),
    }
    call_command("verify_scores")
    assert "The scoreboard agrees." in capsys.readouterr().out

    forged = scored.order_by("pk").last()
    Vote.objects.filter(pk=forged.pk).update(horizon_bps=-forged.horizon_bps)
    Agent.objects.filter(pk=run.agent.pk).update(weight=2.0)
    StoredCandle.objects.filter(open_at__lt=scored.earliest("round__closed_at").round.closed_at).delete()
    with pytest.raises(CommandError, match="does not follow from votes and candles") as told:
        call_command("verify_scores")
    first, second, third = str(told.value).splitlines()[1:]
    assert f"{run.agent} on {forged.round}: stored returns" in first
    assert "hits" in second
    assert third.strip().startswith(f"{run.agent}: its weight is 2.000000; its newest score gave")
    assert "not recomputed: returns whose candles are stored no more" in capsys.readouterr().out
