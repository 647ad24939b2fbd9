"""Drills of sending: answers that get lost, come late, or say something else than what happened."""

import time

from workers.drills.scenario import Scenario, Stage

OUTAGE_SECONDS = 600
OUTAGE_GOES_ON_SECONDS = 5  # after trading was restricted, in the short profile


def lost_answer(stage: Stage) -> None:
    stage.fault("reset", on="create", symbol=stage.symbol)
    order = stage.rest()
    stage.until(order, "ACCEPTED", seconds=40)
    stage.check("UNKNOWN" in stage.history(order), "The order was never UNKNOWN, though its answer was lost.")
    stage.sent_once(order)
    stage.heal()
    stage.cancel(order)


def filled_and_timed_out(stage: Stage) -> None:
    stage.fault("fill_then_timeout", on="create", symbol=stage.symbol, seconds=4)
    order = stage.buy()
    stage.until(order, "FILLED", seconds=60)
    stage.sent_once(order)
    stage.heal()


def lagging_book(stage: Stage) -> None:
    stage.fault("lag", on="create", symbol=stage.symbol, seconds=8)
    stage.fault("reset", on="create", symbol=stage.symbol)
    order = stage.rest()
    stage.until(order, "ACCEPTED", seconds=60)
    stage.check("NOT_PLACED" not in stage.history(order), "An order that the venue showed late was given up.")
    stage.sent_once(order)
    stage.heal()
    stage.cancel(order)


def outage_of_queries(stage: Stage) -> None:
    order = stage.rest()
    stage.until(order, "ACCEPTED")
    stage.fault("outage", on="query", seconds=OUTAGE_SECONDS)
    stage.wait(lambda: stage.trading_state() != "ACTIVE", 90, "trading to be restricted by the venue's health")
    stage.step("Trading is restricted: the venue does not answer questions.")
    end = time.monotonic() + (OUTAGE_SECONDS if stage.full else OUTAGE_GOES_ON_SECONDS)
    while time.monotonic() < end:
        stage.check(stage.state(order) == "ACCEPTED", f"The order became {stage.state(order)} in an outage of queries.")
        time.sleep(1)
    stage.heal()
    stage.wait(lambda: stage.trading_state() == "ACTIVE", 150, "trading to be free again")
    stage.step("Trading is free again.")
    stage.cancel(order)


def error_statuses(stage: Stage) -> None:
    for status, executed in ((503, True), (504, False)):
        stage.fault("status", on="create", symbol="SOL/USDT", status=status, executed=executed)
        order = stage.rest(symbol="SOL/USDT")
        stage.until(order, "ACCEPTED" if executed else "NOT_PLACED", seconds=90)
        stage.sent_once(order)
        stage.check(("UNKNOWN" in stage.history(order)) or not executed, "A failed create was taken for an answer.")
        if executed:
            stage.cancel(order)
    stage.fault("status", on="create", symbol="SOL/USDT", status=429, executed=False, retry_after=2)
    order = stage.rest(symbol="SOL/USDT")
    stage.until(order, "REJECTED", "NOT_PLACED", seconds=90)
    stage.sent_once(order)
    stage.heal()


def cancel_times_out(stage: Stage) -> None:
    order = stage.rest()
    stage.until(order, "ACCEPTED")
    stage.fault("timeout", on="cancel", symbol=stage.symbol, executed=False, seconds=4)
    stage.firm.cancel(order)
    stage.until(order, "PENDING_CANCEL", seconds=20)
    client_id = stage.client_id(order)

    def ended() -> bool:
        """Our state first: what the exchange ended, it ended before we said so."""
        state = stage.state(order)
        (there,) = [x["status"] for x in stage.firm.exchange("GET", "books")["orders"] if x["client_id"] == client_id]
        stage.check(state == "PENDING_CANCEL" or there != "new", f"The order is {state} here and open there.")
        return state == "CANCELED"

    stage.wait(ended, 60, "the cancellation to be proven")
    stage.step("The exchange ended the order, then we did.")
    stage.heal()


def duplicate_id(stage: Stage) -> None:
    stage.fault("duplicate_client_id", on="create", symbol=stage.symbol)
    order = stage.rest()
    stage.until(order, "ACCEPTED", seconds=40)
    stage.sent_once(order)
    stage.heal()
    stage.cancel(order)


SCENARIOS = (
    Scenario(
        "T01",
        "The exchange takes an order, its answer is lost",
        "It is found by its id; sent once.",
        lost_answer,
        True,
        True,
    ),
    Scenario(
        "T03",
        "Filled at once, the answer never comes",
        "The fill is found; no second buy.",
        filled_and_timed_out,
        True,
        True,
    ),
    Scenario(
        "T04",
        "The exchange shows an order eight seconds late",
        "It is not given up meanwhile.",
        lagging_book,
        False,
        True,
    ),
    Scenario(
        "T05",
        "Questions about orders fail for a while",
        "No order ends without proof; no new risk.",
        outage_of_queries,
        True,
        True,
    ),
    Scenario("T06", "Creates answered 503, 504 and 429", "Whether it was done or not is found out.", error_statuses),
    Scenario(
        "T13",
        "A cancellation times out",
        "The order stays until the exchange proves its end.",
        cancel_times_out,
        False,
        True,
    ),
    Scenario(
        "T43",
        "The exchange says the id exists",
        "The order is looked up, none is sent anew.",
        duplicate_id,
        False,
        True,
    ),
)
