"""The bare parts of a bar of many instruments, one after the other: what a program without our rules, records and
screens would still do until half of the bar's orders are on a screen.

Two hops over a Redis stream (a window an instrument to each strategy, a vote from each), the votes of the four rule
strategies one after another, the rows of rounds, votes and decisions in one transaction, and half of the orders at six
statements each. The frame is added by who measures it.
"""

import itertools
import os
import uuid

import numpy as np
import orjson
import psycopg
import redis

from apps.agents.domain.backtest.strategy_views import view_at, vote_on
from apps.agents.domain.strategies.registry import build_strategy
from tests.benchmarks import bare_order
from tests.benchmarks.measure import milliseconds, p50
from tests.support.candle_columns import random_columns

RULES = ("momentum", "mean_reversion", "breakout", "arbitrage")
STREAM = "bench:bar"
ROUNDS = 10
VOTE = {"direction": 0.5, "confidence": 0.5, "abstain": False, "horizon_bars": 3, "reason": "x" * 120}
_SCHEMA = """
DROP SCHEMA IF EXISTS bare_bar CASCADE;
CREATE SCHEMA bare_bar;
CREATE TABLE bare_bar.round (id uuid PRIMARY KEY, symbol text NOT NULL, closed_at timestamptz NOT NULL, asked jsonb);
CREATE TABLE bare_bar.vote (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, round_id uuid NOT NULL REFERENCES bare_bar.round,
    agent text NOT NULL, said jsonb NOT NULL, UNIQUE (round_id, agent));
CREATE TABLE bare_bar.decision (
    id uuid PRIMARY KEY, round_id uuid NOT NULL UNIQUE REFERENCES bare_bar.round, outcome text NOT NULL,
    reason text NOT NULL, contributions jsonb NOT NULL);
"""


def parts(instruments: int, orders: float) -> dict[str, float]:
    """Milliseconds of each part for a bar of so many instruments that led to ``orders`` orders, each a p50."""
    strategies = [build_strategy(name, {}) for name in RULES]
    columns = random_columns(600, seed=1)
    longest = max(strategy.needs_bars for strategy in strategies)
    window = {"symbol": "BTC/USDT", "bars": np.column_stack([columns.times, columns.close])[-longest:].tolist()}

    def vote() -> None:
        for strategy, _ in itertools.product(strategies, range(instruments)):
            vote_on(strategy, view_at(columns, 599, strategy.needs_bars, fee_bps=10.0))

    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
        connection.execute(_SCHEMA)
        portfolio = bare_order.make_tables(connection)[0]
        one_order = _p50(lambda: bare_order.place(connection, portfolio), 100)
        return {
            "windows out": _p50(lambda: _carry([window] * instruments * len(RULES))),
            "votes": _p50(vote),
            "votes back": _p50(lambda: _carry([VOTE] * instruments * len(RULES))),
            "rows": _p50(lambda: _record(connection, instruments)),
            "orders": one_order * max(1.0, orders / 2),
        }


def _p50(call, times: int = ROUNDS) -> float:
    return p50([milliseconds(call) for _ in range(times)])


def _carry(messages: list[dict[str, object]]) -> None:
    """All messages in one go into a stream and out of it, read as objects again."""
    with redis.from_url(os.environ["REDIS_URL"]) as client:
        client.delete(STREAM)
        pipeline = client.pipeline(transaction=False)
        for message in messages:
            pipeline.xadd(STREAM, {"it": orjson.dumps(message)})
        pipeline.execute()
        ((_, entries),) = client.xread({STREAM: "0"})
        for _, fields in entries:
            orjson.loads(fields[b"it"])


def _record(connection: psycopg.Connection, instruments: int) -> None:
    rounds = [uuid.uuid4() for _ in range(instruments)]
    said = orjson.dumps(VOTE).decode()
    contributions = orjson.dumps([VOTE] * len(RULES)).decode()
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO bare_bar.round VALUES (%s, 'BTC/USDT', now(), %s)", [(row, contributions) for row in rounds]
        )
        cursor.executemany(
            "INSERT INTO bare_bar.vote (round_id, agent, said) VALUES (%s, %s, %s)",
            [(row, agent, said) for row, agent in itertools.product(rounds, RULES)],
        )
        cursor.executemany(
            "INSERT INTO bare_bar.decision VALUES (%s, %s, 'NO_TRADE', 'because', %s)",
            [(uuid.uuid4(), row, contributions) for row in rounds],
        )
    connection.commit()
