"""Live paper trading and the backtest of the same bars: the same orders, fills, decisions and equity, to the digit."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from uuid import UUID

import numpy as np
import pytest

from apps.agents import operations
from apps.agents.domain.backtest.firm_backtest import FirmSetting, run_firm
from apps.agents.domain.backtest.firm_policy import Policy
from apps.agents.domain.backtest.firm_rounds import BacktestAgent
from apps.agents.domain.strategies.registry import build_strategy
from apps.agents.models import Agent, Decision
from apps.agents.queries import current_policy
from apps.foundation.clock import wall_now
from apps.market import queries as market_queries
from apps.market.domain import timeframes
from apps.market.domain.candle_columns import PRICES, CandleColumns
from apps.market.domain.instruments import InstrumentRules
from apps.market.models import MarketClock, StoredCandle
from apps.market.operations.store_candles import complete_coarser
from apps.trading.models import EquitySnapshot, Order, StateCause
from tests.support.agents_room import AgentsRoom
from tests.support.candle_columns import random_columns
from tests.support.staged_market import PRICES as FIRST_PRICES
from tests.support.staged_market import SOURCE, _candle, stage_market
from tests.support.trading_desk import Desk
from workers.agent_process.answer_round import answer_round

pytestmark = pytest.mark.django_db

HISTORY, BARS = 130, 34
SILENT, LOST = "ETH/USDT", range(8, 13)  # held then, and long enough for its price to grow stale
VOLUMES = {"BTC": 0.05, "ETH": 1.0, "SOL": 25.0}  # a tenth of these is about what an order wants


class LivingFirm:
    """The house on a staged market, with its real strategies answering what it really asks."""

    def __init__(self, monkeypatch):
        self.asked, self.kept = [], []
        asking = import_module("apps.agents.operations.open_rounds")
        monkeypatch.setattr(asking, "ask_agents", self.ask_agents)
        monkeypatch.setattr(asking, "LOCK_STEP_SECONDS", 300)  # a busy machine leaves no agent out
        self.random = np.random.default_rng(20261128)
        self.market = stage_market(history=2)
        self.desk = Desk(self.market)
        self.room = AgentsRoom(self.desk)
        Agent.objects.filter(strategy="momentum").update(timeframe="5m", parameters={"fast": 3, "slow": 8})
        Agent.objects.filter(strategy="arbitrage").update(desired_state="stopped")  # one source is nothing to compare
        policy = {"quorum": 0.3, "denied_pause_bars": 3}
        operations.change_policy(changes=policy, actor="tester", reason="More rounds.", moment=self.desk.moment())
        self._remember(HISTORY)
        self.first = self.market.bar_at + timedelta(minutes=1)

    def ask_agents(self, questions):
        """What would go to the agents' queues."""
        self.asked += [(agent_id, question) for agent_id, asked in questions.items() for question in asked]

    def live(self, bars):
        """Bar after bar as in the running firm: matched, guarded, asked, answered, decided, sent."""
        for number in range(bars):
            self.market.bar(**self._prices())
            if number in LOST:
                opened = self.market.bar_at - timedelta(minutes=1)
                StoredCandle.objects.filter(instrument_id=SILENT, open_at=opened).delete()
            self._coarser()
            self.desk.match()
            self.desk.guard()
            self._send()
            operations.open_rounds(bar_at=self.market.bar_at, moment=self.desk.moment())
            self._answer()
            operations.close_ready_rounds(moment=self.desk.moment())
            self._send()

    def _prices(self, *, calm=False):
        """A walk with regimes and crashes in steps of a cent, and volume that is at times too little for an order."""
        bars = {}
        minute = int(self.market.bar_at.timestamp() // 60)
        for symbol, before in self.market.last.items():
            base = symbol.split("/")[0]
            drift = 0.004 if (minute // 17 + len(base) + ord(base[0])) % 3 else -0.006
            close = float(before) * float(np.exp(self.random.normal(0.0 if calm else drift, 0.004)))
            if not calm and self.random.random() < 0.05:
                close *= 0.93
            opened = float(before) * float(np.exp(self.random.normal(0.0, 0.0005)))
            high, low = max(opened, close) * 1.001, min(opened, close) * 0.999
            volume = VOLUMES[base] * float(self.random.choice([0.0, 0.5, 3.0, 40.0], p=[0.1, 0.3, 0.3, 0.3]))
            prices = (Decimal(f"{price:.2f}") for price in (opened, high, low, close))
            bars[base] = (*prices, Decimal(f"{volume:.5f}"))
        return bars

    def _remember(self, bars):
        """Candles behind the clock, written at once."""
        begin = self.market.bar_at
        for _ in range(bars):
            self.market.bar_at += timedelta(minutes=1)
            for base, values in self._prices(calm=True).items():
                self.kept.append(_candle(f"{base}/USDT", self.market.bar_at, values))
                self.market.last[f"{base}/USDT"] = values[3]
        StoredCandle.objects.bulk_create(self.kept)
        MarketClock.objects.update(bar_at=self.market.bar_at, released_at=wall_now())
        self._coarser(since=begin)

    def _coarser(self, since=None):
        at = self.market.bar_at
        complete_coarser(base="1m", after=since or at - timedelta(minutes=1), until=at, symbols=self.market.last)

    def _answer(self):
        for agent_id, question in self.asked:
            agent = Agent.objects.get(pk=agent_id)
            strategy = build_strategy(agent.strategy, agent.parameters)
            message = answer_round(strategy, question, "golden")
            assert operations.record_vote(agent_id=agent.pk, message=message, moment=self.desk.moment())
        self.asked.clear()

    def _send(self):
        for _ in range(3):  # what a cancel frees is sold in the same bar
            for order in Order.objects.filter(state="APPROVED").order_by("proposed_wall", "pk"):
                self.desk.send(order.pk)
            if not self.desk.sweep():
                return
            self.desk.guard()


def series_of(symbol):
    rows = StoredCandle.objects.filter(instrument_id=symbol, timeframe="1m").order_by("open_at")
    candles = list(rows.values_list("open_at", *PRICES))
    columns = np.array([[float(value) for value in row[1:]] for row in candles]).T
    times = np.array([timeframes.to_milliseconds(row[0]) for row in candles])
    return CandleColumns(symbol, SOURCE, "1m", times, *columns)


def replay(firm):
    agents = [
        BacktestAgent(
            id=agent.pk,
            name=agent.name,
            strategy=build_strategy(agent.strategy, agent.parameters),
            timeframe=agent.timeframe,
            symbols=tuple(sorted(FIRST_PRICES)),
            weight=agent.weight,
            may_veto=agent.may_veto,
        )
        for agent in Agent.objects.filter(desired_state="running")
    ]
    rules = {symbol: market_queries.instrument_rules(symbol) for symbol in FIRST_PRICES}
    row = current_policy()
    policy = Policy(row.consensus_rules(), row.stance_rules(), row.denied_pause_bars)
    first_ms = timeframes.to_milliseconds(firm.first)
    setting = FirmSetting(agents=agents, rules=rules, policy=policy, first_ms=first_ms, keeps_digests=True)
    return run_firm([series_of(symbol) for symbol in FIRST_PRICES], setting)


def compile_kernels():
    """Before the living firm begins: a transaction that claims orders may not stand still for as long as this takes."""
    symbol, step = "BTC/USDT", Decimal("0.00001")
    agents = [
        BacktestAgent(UUID(int=place + 1), name, build_strategy(name, {}), "1m", (symbol,))
        for place, name in enumerate(("momentum", "breakout", "mean_reversion"))
    ]
    rules = {symbol: InstrumentRules(symbol, "BTC", "USDT", Decimal("0.01"), step, step, Decimal(5))}
    run_firm([random_columns(600, seed=1, symbol=symbol)], FirmSetting(agents=agents, rules=rules))


def told(order, fills):
    return {
        "id": order.id.hex,
        "what": (order.symbol, order.side, order.quantity, order.stop_price),
        "state": str(order.state),
        "judged on": "" if order.side == "sell" and order.stop_price else order.gate_digest,
        "fills": [(fill.quantity, fill.price, fill.fee, at) for fill, at in fills],
    }


def test_the_backtest_makes_the_orders_and_fills_of_the_living_firm(clean_redis, monkeypatch):
    compile_kernels()
    firm = LivingFirm(monkeypatch)
    firm.live(BARS)
    run = replay(firm)

    rows = Order.objects.prefetch_related("fills").all()
    live = {
        row.pk.hex: told(row, [(fill, fill.traded_firm) for fill in row.fills.order_by("traded_firm")]) for row in rows
    }
    simulated = {order.id.hex: told(order, [(fill, fill.at) for fill in order.fills]) for order in run.orders}
    assert simulated == live

    outcomes = Counter(Decision.objects.filter(closed_at__gte=firm.first).values_list("outcome", "code"))
    assert dict(run.outcomes) == dict(outcomes)
    worth = dict(EquitySnapshot.objects.filter(at_firm__gte=firm.first).values_list("at_firm", "equity"))
    curve = run.performance.curve
    assert [float(worth[timeframes.from_milliseconds(int(at))]) for at in curve.times[1:]] == curve.values[1:].tolist()

    # The run must have been worth comparing: entries, exits by decision and by stop, partial fills, refusals.
    states = Counter(order["state"] for order in live.values())
    stops = [order for order in run.orders if order.protective and order.fills]
    sales = [order for order in run.orders if order.side == "sell" and not order.protective and order.fills]
    assert states["FILLED"] >= 7
    assert states["DENIED"] >= 1
    assert stops
    assert sales
    assert any(len(order.fills) > 1 for order in run.orders)
    assert StateCause.objects.filter(kind="stale_data", closed_wall__isnull=False).exists()
    firm.desk.assert_books_balance()
