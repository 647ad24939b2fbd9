"""Drills of limits: losses and budgets that are reached while orders are under way, rules that change."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from workers.drills.drill_firm import WIDE_LIMITS, DrillFirm
from workers.drills.lost_processes import own
from workers.drills.scenario import Scenario, Stage

RACERS = 40
OLD_RULES_SECONDS, TRY_AGAIN_SECONDS = 90, 5


def daily_loss(stage: Stage) -> None:
    firm = own(stage)
    stage.fault("latency", on="create", count=5, seconds=2)
    orders = [stage.buy("40", symbol=symbol) for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT", "BTC/USDT", "ETH/USDT")]
    _limit(firm, max_daily_loss="0.01")
    # Marks are the recorded bars and can't be moved; the other end of the measure can.
    firm.write(
        "UPDATE trading_portfolio p SET day_start_equity = day_start_equity * 1.02 FROM trading_account a "
        "WHERE a.portfolio_id = p.id AND a.name = %s",
        firm.account,
        owner=True,
    )
    stage.step("Five orders are in flight; the day has now lost two percent, its limit is one.")
    try:
        stage.wait(lambda: stage.trading_state() != "ACTIVE", 60, "the loss limit to latch")
        stage.step(f"Trading is {stage.trading_state()}.")
        seen = firm.place({"account": firm.account, "instrument": "BTC/USDT", "side": "buy", "notional": "15"})
        stage.check(seen["state"] == "DENIED", f"A buy was {seen['state']} after the limit was reached.")
        killed = firm.kill("execution")
        stage.back("execution", killed)
        stage.check(stage.trading_state() != "ACTIVE", "The latch did not survive the executor's restart.")
    finally:
        _limit(firm, max_daily_loss=WIDE_LIMITS["max_daily_loss"])
        resumed, answer = firm.call("POST", "trading/resume/", {"reason": "The drill is done."})
    stage.check(resumed == 200, f"Resuming was answered {resumed}: {answer}")  # noqa: PLR2004 - ok
    for order in orders:
        stage.until(order, "FILLED", "CANCELED", "NOT_PLACED", "REJECTED", seconds=120)


def race_for_a_budget(stage: Stage) -> None:
    firm = own(stage)
    racers = 100 if stage.full else RACERS
    firm.sell_all()  # a stop that fires meanwhile would bring more money
    free = Decimal(
        firm.rows(
            "SELECT sum(balance) FROM trading_ledgeraccount l JOIN trading_account a USING (portfolio_id) "
            "WHERE a.name = %s AND kind = 'available' AND asset = 'USDT'",
            firm.account,
        )[0][0]
    )
    share = str((free / 5).quantize(Decimal(1)))
    prices = {symbol: stage.price(symbol) for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT")}

    def race(number: int) -> dict[str, str]:
        symbol = list(prices)[number % 3]
        limit = str((prices[symbol] * Decimal("0.95")).quantize(Decimal("0.1")))
        wish = {"instrument": symbol, "side": "buy", "type": "limit", "limit_price": limit, "notional": share}
        return firm.place({"account": firm.account, "reason": "drill", **wish})

    with ThreadPoolExecutor(16) as pool:
        views = list(pool.map(race, range(racers)))
    passed = [view["id"] for view in views if view["state"] == "APPROVED"]
    stage.step(f"{racers} orders of a fifth of all free money each: {len(passed)} passed the gate.")
    stage.check(0 < len(passed) <= 5, f"{len(passed)} orders of a fifth of the money each passed.")  # noqa: PLR2004
    held = sum((stage.reserved(order) for order in passed), Decimal(0))
    stage.check(held <= free, f"{held} is reserved of {free}.")
    for order in passed:
        stage.until(order, "ACCEPTED", seconds=60)
        stage.cancel(order)


def changed_rules(stage: Stage) -> None:
    stage.firm.exchange(
        "POST", "faults", {"kind": "filter_change", "symbol": "SOL/USDT", "min_notional": "60", "step_size": "0.1"}
    )
    stage.step("The exchange now takes no order of SOL/USDT under 60 and only tenths.")
    sent = 0
    try:
        for _ in range(4):
            sent += len(stage.creates(_small_order(stage)[0]))
        stage.check(sent <= 2, f"{sent} orders were sent that the exchange's new rules refuse.")  # noqa: PLR2004
        stage.step(f"{sent} of 4 orders reached the exchange; the others were refused here.")
    finally:
        stage.firm.exchange(
            "POST",
            "faults",
            {"kind": "filter_change", "symbol": "SOL/USDT", "min_notional": "5", "step_size": "0.001"},
        )
    stage.step("The exchange has its old rules again.")
    deadline = time.monotonic() + OLD_RULES_SECONDS
    order, state = _small_order(stage)
    while state != "ACCEPTED":
        stage.check(time.monotonic() < deadline, f"Orders by the old rules are still {state}.")
        time.sleep(TRY_AGAIN_SECONDS)
        order, state = _small_order(stage)
    stage.cancel(order)


def _small_order(stage: Stage) -> tuple[str, str]:
    """An order of SOL/USDT that the new rules refuse, whatever the gate says; its id and what became of it."""
    price = str((stage.price("SOL/USDT") * Decimal("0.97")).quantize(Decimal("0.1")))
    wish = {"instrument": "SOL/USDT", "side": "buy", "type": "limit", "limit_price": price, "notional": "15"}
    order = str(stage.firm.place({"account": stage.firm.account, "reason": "drill", **wish})["id"])
    return order, stage.until(order, "REJECTED", "DENIED", "CANCELED", "NOT_PLACED", "ACCEPTED", seconds=60)


def _limit(firm: DrillFirm, **changes: object) -> None:
    status, answer = firm.call("PATCH", "trading/risk/limits/", {"reason": "drill", **changes})
    if status != 200:  # noqa: PLR2004 - ok
        raise OSError(f"The limits were answered {status}: {answer}")


SCENARIOS = (
    Scenario(
        "T35",
        "The daily loss limit is reached with orders in flight",
        "Trading is restricted before the next approval, also after a restart.",
        daily_loss,
        bounded=True,
    ),
    Scenario(
        "T36",
        "A hundred threads race for the last money",
        "No more is reserved than there is.",
        race_for_a_budget,
        bounded=True,
    ),
    Scenario(
        "T42", "The exchange changes its rules", "Orders are refused here, not sent again and again.", changed_rules
    ),
)
