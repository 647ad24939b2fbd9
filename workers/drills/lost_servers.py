"""Drills of what the firm stands on: the network, Redis, a database that can't be written."""

import time
from http import HTTPStatus

import redis

from workers.drills.invariants import requests_there
from workers.drills.lost_processes import own
from workers.drills.scenario import Scenario, Stage
from workers.drills.tcp_proxy import Weather

UNDER_WAY_SECONDS = 3  # what was recorded before the line died may still be on its way to the exchange


def never_received(stage: Stage) -> None:
    firm = own(stage)
    with firm.storm("exchange", Weather.BLACKHOLE):
        stage.step("The line to the exchange is dead; nothing arrives, nothing comes back.")
        order = stage.rest()
        stage.until(order, "UNKNOWN", seconds=40)
    stage.check(stage.reserved(order) > 0, "An unknown order holds no funds.")
    stage.until(order, "NOT_PLACED", seconds=150)
    stage.sent_once(order, times=0)


def redis_emptied(stage: Stage) -> None:
    firm = own(stage)
    orders = [stage.rest(symbol=symbol) for symbol in ("BTC/USDT", "ETH/USDT")]
    with redis.Redis.from_url(firm.redis()) as link:
        link.flushall()
    stage.step("Redis was emptied.")
    orders += [stage.rest(symbol=symbol) for symbol in ("SOL/USDT", "BTC/USDT")]
    killed = firm.kill("redis")
    stage.step("Redis was killed; it comes back empty.")
    stage.back("redis", killed)
    orders += [stage.rest(symbol="ETH/USDT")]
    for order in orders:
        stage.until(order, "ACCEPTED", seconds=60)
        stage.sent_once(order)
    for order in orders:
        stage.cancel(order)


def redis_away(stage: Stage) -> None:
    firm = own(stage)
    order = stage.rest()
    half = 150 if stage.full else 10
    with firm.storm("redis", Weather.BLACKHOLE):
        stage.step("The line to Redis is dead: nothing comes back.")
        unheard = stage.rest(symbol="SOL/USDT")
        for each in (order, unheard):
            stage.until(each, "ACCEPTED", seconds=60)
        time.sleep(half)
    firm.program("stopProcess", "redis")
    stage.step("Redis is stopped.")
    try:
        meanwhile = stage.rest(symbol="ETH/USDT")
        stage.until(meanwhile, "ACCEPTED", seconds=60)
        missing = firm.not_ready()
        stage.check("redis" in missing.lower(), f"Redis is away and /readyz says {missing or 'that all is there'}.")
        time.sleep(half)
    finally:
        firm.program("startProcess", "redis")
    stage.step("Redis is back.")
    stage.wait(lambda: not firm.not_ready(), 120, "the house to say that it is ready")
    for each in (order, unheard, meanwhile):
        stage.cancel(each, seconds=120)


def read_only_database(stage: Stage) -> None:
    firm = own(stage)
    order = stage.rest()
    stage.until(order, "ACCEPTED")
    firm.sign_in()  # who signs in is written down
    with firm.storm("database", Weather.BLACKHOLE):
        stage.step("The line to PostgreSQL is dead: nothing comes back.")
        time.sleep(UNDER_WAY_SECONDS)
        sent = _changes(stage)
        time.sleep(60 if stage.full else 5)
    firm.write("ALTER DATABASE tradinghq SET default_transaction_read_only = on", owner=True)
    firm.database_line.cut()
    stage.step("The line is back, and the database can't be written.")

    def read() -> bool:
        return firm.call("GET", "trading/orders/")[0] == HTTPStatus.OK

    try:
        time.sleep(90 if stage.full else 15)
        stage.wait(read, 30, "the API to answer a read")
        new = _changes(stage) - sent
    finally:
        firm.write("ALTER DATABASE tradinghq RESET default_transaction_read_only", owner=True)
        firm.database_line.cut()
    stage.step("The database can be written again.")
    stage.check(new == 0, f"The exchange took {new} changes of orders while nothing could be recorded.")
    stage.wait(lambda: stage.price() > 0 and stage.trading_state() == "ACTIVE", 120, "trading to go on")
    stage.wait(read, 30, "the web to find its way back to the database")
    stage.cancel(order, seconds=120)


def _changes(stage: Stage) -> int:
    """How many requests that change orders the exchange has received so far."""
    return sum(line["operation"] in {"create", "cancel", "replace"} for line in requests_there(stage.firm))


SCENARIOS = (
    Scenario(
        "T02",
        "The exchange never receives an order",
        "It is given up only when it can't take effect any more; its funds come back once.",
        never_received,
    ),
    Scenario("T19", "Redis is emptied, then killed", "No order is lost or sent twice.", redis_emptied, bounded=True),
    Scenario("T20", "Redis is not heard, then away", "Orders are sent all the same; the rest catches up.", redis_away),
    Scenario(
        "T22",
        "The database is not heard, then can't be written",
        "Nothing is sent that can't be recorded; it recovers by itself.",
        read_only_database,
    ),
)
