"""A strategy that is worth something goes from research to live by what the house itself computed and saw of it.

Nothing is written by hand but the prices: the backtest and the search are requested and computed by a research worker's
try, the votes are the strategy's own, recorded, closed and scored by the operations that the loops call.
"""

import math
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest

from apps.agents import operations, queries
from apps.agents.domain.strategies.registry import build_strategy
from apps.agents.domain.strategy_kit import market_of
from apps.agents.models import Agent, DecisionRound, PromotionJudgement
from apps.foundation.errors import Conflict
from apps.market.queries import closed_candles
from tests.support.agents_room import AgentsRoom, open_agents_room
from tests.support.candle_columns import columns_of
from tests.support.staged_market import PRICES, SOURCE, store_columns
from workers.research_try import take_up_next

pytestmark = pytest.mark.django_db
NUMBERS = {"fast": 3, "slow": 10, "horizon": 6}
DAYS, EVERY_MINUTES = 22, 10  # a thin market: a bar every ten minutes, over the days that luck is told of
BARS_WATCHED = 50  # of three instruments, so that there are a hundred opinions whose outcome is known
PERIOD, SWING = 47, 0.03


def swung(place: int) -> float:
    """A market that a moving average understands: 3 % up and down, in 47 bars."""
    return 1.0 + SWING * math.sin(2.0 * math.pi * place / PERIOD)


@pytest.fixture
def room(clean_redis):
    """Past days of BTC, so that there is something to search on; they end where the room's own bars begin."""
    opened = open_agents_room()
    bars = DAYS * 24 * 60 // EVERY_MINUTES
    noise = np.random.default_rng(5).normal(0.0, 0.0004, bars)
    closes = np.round(50_000.0 * np.array([swung(place) for place in range(bars)]) * (1.0 + noise), 2)
    first = closed_candles(symbol="BTC/USDT", timeframe="1m", until=opened.market.bar_at, limit=1_000)[0].open_at
    times = int(first.timestamp() * 1_000) - EVERY_MINUTES * 60_000 * np.arange(bars, 0, -1)
    store_columns(replace(columns_of(closes), times=times, source=SOURCE))
    return opened


def researched(ask, **wish) -> UUID:
    work = UUID(ask(instruments=["BTC/USDT"], timeframe="1m", actor="ada", **wish)["id"])
    while take_up_next():
        pass
    return work


def watch(room: AgentsRoom, agent: Agent) -> None:
    """Bars on which only this agent says something, and then the scoreboard."""
    strategy = build_strategy("sma_cross", NUMBERS)
    for place in range(BARS_WATCHED):
        prices = {symbol: float(price) * swung(place) for symbol, price in PRICES.items()}
        room.ask(**{symbol[:3]: (f"{price:.2f}",) * 4 for symbol, price in prices.items()})
        for row in DecisionRound.objects.filter(closed_at=room.market.bar_at):
            seen = closed_candles(symbol=row.symbol, timeframe="1m", until=row.closed_at, limit=10)
            vote = strategy.vote(market_of([float(candle.close) for candle in seen]))
            told = {"horizon_bars": vote.horizon_bars, "reason": vote.reason}
            message = room.message(row, vote.direction, vote.confidence, **told)
            assert operations.record_vote(agent_id=agent.pk, message=message, moment=room.moment())
        room.close(later=6)
    assert operations.score_agents(moment=room.moment()) >= 1


def pass_a_day(room: AgentsRoom) -> None:
    room.market.bar_at += timedelta(days=1)
    room.desk.bar()


def test_research_walk_forward_paper_canary_and_live_by_real_evidence(room):
    settings = {"timeframe": "1m", "parameters": NUMBERS, "actor": "ada"}
    agent = Agent.objects.get(pk=operations.create_agent(strategy="sma_cross", moment=room.moment(), **settings)["id"])
    wish = {"agent": agent.pk, "actor": "ada", "reason": "It rides the swings.", "paper_days": 1, "canary_days": 1}
    promotion = UUID(operations.open_promotion(**wish, moment=room.moment())["id"])

    def sign() -> str:
        signed = {"promotion_id": promotion, "actor": "admin", "reason": "It has shown it."}
        return operations.advance_promotion(**signed, moment=room.moment())["stage"]

    with pytest.raises(Conflict, match="backtest_is_stored"):
        sign()
    own = [{"name": "sma_cross", "parameters": NUMBERS}]
    run = researched(operations.request_backtest, strategies=own, moment=room.moment())
    assert queries.backtest_line_of(run)["state"] == "DONE"
    assert sign() == "walk_forward"

    with pytest.raises(Conflict, match="walk_forward_is_stored"):
        sign()
    spans = {"space": {"fast": [2, 6], "slow": [8, 20]}, "fixed": {"horizon": 6}, "folds": 2, "trials": 3}
    search = researched(operations.request_search, strategy="sma_cross", moment=room.moment(), **spans)
    assert queries.search_line_of(search)["state"] == "DONE"
    assert sign() == "paper"

    for stage in ("canary", "live"):
        watch(room, agent)
        with pytest.raises(Conflict, match="A gate is not met yet: long_enough"):
            sign()
        pass_a_day(room)
        assert sign() == stage
    view = queries.promotion_view(promotion, room.moment())
    assert (view["stage"], view["practice"], view["unheard"]) == ("live", False, None)
    signed = PromotionJudgement.objects.filter(promotion_id=promotion, outcome="advanced").order_by("pk")
    assert [one.after for one in signed] == ["walk_forward", "paper", "canary", "live"]
    assert all(gate.passed and not gate.waived for one in signed for gate in one.gates.all())
    assert operations.check_scores().ok
