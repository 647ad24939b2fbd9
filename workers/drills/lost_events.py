"""Drills of fills: events that come early, late, twice, in another order, or never."""

from decimal import Decimal

from workers.drills.scenario import Scenario, Stage


def early_and_late_fills(stage: Stage) -> None:
    stage.fault("latency", on="create", symbol=stage.symbol, seconds=2, when="after")
    order = stage.buy()
    stage.until(order, "FILLED", seconds=60)
    stage.step("The fill reached the firm before the answer to its order.")
    other = stage.symbols[1]
    resting = stage.rest(symbol=other)
    stage.until(resting, "ACCEPTED")
    stage.fault("late_fill", on="cancel", symbol=other, seconds=3)
    stage.firm.cancel(resting)
    stage.until(resting, "CANCELED", "FILLED", seconds=60)
    filled = "SELECT filled_quantity FROM trading_order WHERE id = %s"
    stage.wait(lambda: stage.firm.rows(filled, resting)[0][0] > 0, 60, "the late fill to be posted")
    stage.step("The fill that came after the cancellation is in the books.")
    if stage.state(resting) == "CANCELED":
        stage.wait(stage.incidents, 30, "an incident about the late fill")
    stage.heal()


def shuffled_fills(stage: Stage) -> None:
    for kind in ("duplicate_event", "reorder_events"):
        stage.fault(kind, on="stream", count=6)
    orders = [stage.buy("15", symbol=symbol) for symbol in stage.symbols]
    stage.wait(lambda: all(map(stage.creates, orders)), 60, "the orders to reach the exchange")
    killed = stage.firm.kill("execution")
    stage.step("The executor was killed among the fills, so that they are read again.")
    stage.back("execution", killed)
    for order in orders:
        stage.until(order, "FILLED", seconds=90)
    stage.heal()


def dropped_event(stage: Stage) -> None:
    order = stage.rest(below="0.01")
    stage.until(order, "ACCEPTED")
    stage.fault("drop_event", on="stream", event="trade", symbol="BTC/USDT")
    price = stage.price()
    target = (price * Decimal("0.985")).quantize(Decimal("0.1"))
    stage.firm.exchange("POST", "price", {"symbol": "BTC/USDT", "price": str(target), "hold": True})
    stage.step("The order is filled; the stream never says so.")
    try:
        stage.until(order, "FILLED", seconds=30)
    finally:
        stage.firm.exchange("POST", "price", {"symbol": "BTC/USDT", "price": str(price), "hold": True})
        stage.firm.exchange("POST", "price", {"symbol": "BTC/USDT"})
    stage.heal()


SCENARIOS = (
    Scenario(
        "T10",
        "Fills come twice, shuffled, and again after a restart",
        "Each trade is posted once.",
        shuffled_fills,
        safe=True,
    ),
    Scenario(
        "T11",
        "Fills come before the answer and after the cancellation",
        "Both are posted; the late one is an incident.",
        early_and_late_fills,
        bounded=True,
        safe=True,
    ),
    Scenario("T12", "The stream loses the one event that matters", "A poll finds the fill.", dropped_event),
)
