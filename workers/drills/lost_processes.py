"""Drills of processes: the executor, PostgreSQL and the relay are killed at the worst moments."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
from celery import Celery

from apps.foundation.identifiers import short_id
from workers.drills.drill_firm import DrillFirm
from workers.drills.scenario import Scenario, Stage
from workers.drills.tcp_proxy import Weather

REDELIVERIES = 20
BURST = 12
BACK_SECONDS = 180
INCIDENTS = "SELECT kind, subject, occurrences FROM management_incident ORDER BY 1, 2"
UNTOLD_INCIDENTS = (
    "SELECT DISTINCT payload->>'kind', payload->>'subject' FROM foundation_outbox_event "
    "WHERE published_at IS NULL AND kind = 'incident.wanted'"
)


def own(stage: Stage) -> DrillFirm:
    """The firm as one that may be broken."""
    assert isinstance(stage.firm, DrillFirm)
    return stage.firm


def killed_before_sending(stage: Stage) -> None:
    firm = own(stage)
    with firm.storm("exchange", Weather.BLACKHOLE):
        stage.step("Nothing that the executor sends arrives any more.")
        order = stage.rest()
        stage.until(order, "SUBMITTING", seconds=20)
        killed = firm.kill("execution")
    stage.step("The executor was killed between the commit of its intent and the sending.")
    stage.back("execution", killed)
    stage.until(order, "NOT_PLACED", seconds=120)
    stage.sent_once(order, times=0)
    released = firm.rows(
        "SELECT count(*) FROM trading_ledgertransfer WHERE order_id = %s AND cause_kind <> 'fill'", order
    )[0][0]
    stage.check(
        released == len(("reserved", "released")),
        f"The funds were moved {released} times, expected one reservation and one release.",
    )


def killed_after_the_answer(stage: Stage) -> None:
    firm = own(stage)
    stage.fault("latency", on="create", symbol="BTC/USDT", seconds=3, when="after")
    order = stage.rest()
    stage.until(order, "SUBMITTING", seconds=20)
    with psycopg.connect(firm.database()) as lock:
        lock.execute(
            "SELECT 1 FROM trading_portfolio p JOIN trading_order o ON o.portfolio_id = p.id "
            "WHERE o.id = %s FOR UPDATE",
            (order,),
        )
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'tradinghq'"
        stage.wait(lambda: firm.rows(waiting)[0][0] > 0, 20, "the executor to wait with the answer in its hand")
        time.sleep(3.5)
        stage.sent_once(order)
        killed = firm.kill("execution")
    stage.step("The executor was killed after the answer, before its commit.")
    stage.back("execution", killed)
    stage.until(order, "ACCEPTED", seconds=120)
    stage.sent_once(order)
    stage.cancel(order)


def redelivered_task(stage: Stage) -> None:
    firm = own(stage)
    stage.fault("latency", on="create", symbol="BTC/USDT", seconds=3)
    order = stage.rest()
    with Celery(broker=firm.redis(), set_as_current=False) as broker:
        for _ in range(REDELIVERIES):
            broker.send_task("workers.execution.submit_order", kwargs={"order_id": order}, queue="execution")
    stage.step(f"The same task was delivered {REDELIVERIES} times more.")
    killed = firm.kill("execution")
    stage.step("The executor was killed with tasks it had not acknowledged.")
    stage.back("execution", killed)
    if stage.full:
        time.sleep(70)  # until the broker delivers again what was not acknowledged
    stage.until(order, "ACCEPTED", "NOT_PLACED", seconds=120)
    found = len(stage.creates(order))
    stage.check(found <= 1, f"The exchange received {found} creates of one order.")
    if stage.state(order) == "ACCEPTED":
        stage.cancel(order)


def database_killed(stage: Stage) -> None:
    firm = own(stage)
    answered: list[str] = []
    ready = threading.Event()

    def propose(number: int) -> None:
        try:
            view = firm.place(
                {
                    "account": firm.account,
                    "instrument": ("BTC/USDT", "ETH/USDT", "SOL/USDT")[number % 3],
                    "side": "buy",
                    "notional": "12",
                    "reason": "drill",
                }
            )
        except OSError:
            return  # not answered: it may or may not have been committed
        if view["state"] == "APPROVED":
            answered.append(view["id"])
        if len(answered) >= BURST // 4:
            ready.set()

    with ThreadPoolExecutor(4) as pool:
        for number in range(BURST):
            pool.submit(propose, number)
        ready.wait(20)
        with firm.storm("database", Weather.REFUSE):
            killed = firm.kill("postgres")
            stage.step("PostgreSQL was killed in the middle of a burst of orders, and its line was cut.")
            stage.back("postgres", killed, BACK_SECONDS)
    stage.check(bool(answered), "No order was answered before the kill.")
    for order in answered:
        stage.wait(partial(stage.state, order), 60, f"order {short_id(order)}, which was answered, to be there")
    stage.step(f"All {len(answered)} orders that were answered are there.")


def relay_killed(stage: Stage) -> None:
    firm = own(stage)
    incidents = firm.rows(INCIDENTS)
    told = "SELECT count(*) FROM foundation_outbox_event WHERE published_at IS NOT NULL"
    stage.wait(lambda: firm.rows(told)[0][0] > 0, 30, "events that were told")
    with firm.frozen("redis"):
        order = stage.rest() if stage.full else None
        time.sleep(1)
        killed = firm.kill("execution")
    stage.step("The relay was killed while it told events.")
    # What a kill between telling and marking leaves behind, for the newest hundred events, whatever they did:
    again = firm.write(
        "UPDATE foundation_outbox_event SET published_at = NULL WHERE id IN (SELECT id FROM foundation_outbox_event "
        "WHERE published_at IS NOT NULL ORDER BY id DESC LIMIT 100)"
    )
    wanted = set(firm.rows(UNTOLD_INCIDENTS))  # what the house sees for itself meanwhile may well happen again
    stage.step(f"{again} events were told, and are not marked as told.")
    stage.back("execution", killed)
    stage.wait(
        lambda: firm.rows("SELECT count(*) FROM foundation_outbox_event WHERE published_at IS NULL")[0][0] == 0,
        60,
        "the events to be told again",
    )
    before = {row[:2]: row[2] for row in incidents if row[:2] in wanted}
    doubled = [row for row in firm.rows(INCIDENTS) if row[2] > before.get(row[:2], row[2])]
    stage.check(not doubled, f"Events told twice took effect twice: {doubled}")
    if order is not None:
        stage.until(order, "ACCEPTED", seconds=60)
        stage.cancel(order)


SCENARIOS = (
    Scenario(
        "T07",
        "The executor is killed between commit and sending",
        "The order is proven absent, never sent again; its funds come back once.",
        killed_before_sending,
        bounded=True,
    ),
    Scenario(
        "T08",
        "The executor is killed between the answer and its commit",
        "The order is found at the exchange; sent once.",
        killed_after_the_answer,
        bounded=True,
    ),
    Scenario(
        "T09",
        "One task is delivered many times, its worker killed",
        "Whoever loses the claim sends nothing.",
        redelivered_task,
        bounded=True,
    ),
    Scenario(
        "T21",
        "PostgreSQL is killed in a burst of orders",
        "What was answered is there; what was not committed was never sent.",
        database_killed,
        bounded=True,
    ),
    Scenario(
        "T24",
        "The relay is killed between telling and marking",
        "Events are told again and take effect once.",
        relay_killed,
        bounded=True,
    ),
)
