"""What a person does: order, stop, resume, and all of it from the keyboard."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def _order(desk, amount, unit="notional"):
    page = desk.open("/orders?ticket=open")
    ticket = page.get_by_role("form", name="Order ticket")
    expect(ticket.locator("select[name=instrument]")).to_have_value("BTC/USDT")
    expect(ticket.locator(".price .figure").first).to_have_text(re.compile(r"[\d,]+\.\d"))
    ticket.locator("select[name=unit]").select_option(unit)
    ticket.get_by_label("Amount", exact=True).fill(amount)
    ticket.get_by_role("button", name="Buy BTC").click()
    return ticket


def _answered_order(answer):
    """The id of the order that the ticket's answer is about."""
    return answer.get_by_role("link", name="Open the order").get_attribute("href").split("/")[-1].split("?")[0]


def test_an_order_shows_its_verdicts_and_its_life(desk):
    _order(desk, "10")
    answer = desk.part("ticket-answer")
    expect(answer).to_be_visible()
    order_id = _answered_order(answer)
    told = desk.firm.get(f"trading/orders/{order_id}/")
    assert (told["origin"], told["instrument"], told["side"]) == ("manual", "BTC/USDT", "buy")
    passed = sum(verdict["allowed"] for verdict in told["verdicts"])
    expect(answer).to_contain_text(f"{passed} of {len(told['verdicts'])} rules passed.")
    expect(desk.part("verdicts").locator("li")).to_have_count(len(told["verdicts"]))
    answer.get_by_role("link", name="Open the order").click()
    drawer = desk.page.get_by_role("complementary")
    expect(drawer).to_contain_text(order_id)
    ended = {"FILLED": "Filled", "DENIED": "Denied"}
    desk.firm.wait_for(lambda: desk.firm.get(f"trading/orders/{order_id}/")["state"] in ended, 90, "the order to end")
    state = desk.firm.get(f"trading/orders/{order_id}/")["state"]
    expect(drawer.locator(".chip").first).to_have_text(ended[state])
    if state == "FILLED":
        desk.open("/?now=acted")
        told = desk.part("now").locator(f"a[href$='/orders/{order_id}']")
        expect(told).to_contain_text("BTC/USDT: admin bought")


def test_a_denied_order_says_which_rule_and_why(desk):
    _order(desk, "255")  # the largest order is 250
    answer = desk.part("ticket-answer")
    expect(answer).to_contain_text("Denied")
    refusal = answer.get_by_role("button").filter(has_text="refused:").filter(has_text="Largest order")
    expect(refusal).to_contain_text("250")
    refusal.click()
    expect(answer.locator("dl")).to_contain_text("order_too_large")
    told = desk.firm.get(f"trading/orders/{_answered_order(answer)}/")
    assert (told["state"], told["reserved_amount"], told["reserved_left"]) == ("DENIED", "0", "0")


def test_a_ticket_is_checked_in_words_before_it_is_sent(desk):
    count = len(desk.firm.get("trading/orders/?origin=manual&limit=500")["results"])
    ticket = _order(desk, "1")
    expect(ticket.locator(".complaint")).to_contain_text("the smallest order is")
    ticket.get_by_label("Amount", exact=True).fill("a lot")
    expect(ticket.locator(".complaint")).to_contain_text("is not a number")
    assert len(desk.firm.get("trading/orders/?origin=manual&limit=500")["results"]) == count


def test_stop_is_held_and_resume_needs_a_reason(desk):
    page = desk.page
    button = desk.part("stop")
    desk.expect_state("Active")
    button.click()  # a mere click does nothing
    expect(button).to_contain_text("nothing was done")
    assert desk.firm.get("trading/risk/state/")["state"] == "ACTIVE"

    button.hover()
    page.mouse.down()
    expect(button).to_contain_text("Keep holding")
    desk.expect_state("Halted")
    page.mouse.up()
    expect(desk.part("state-banner")).to_contain_text("Trading is halted")
    told = desk.firm.get("trading/risk/state/")
    assert told["state"] == "HALTED"
    assert any(cause["author"] == "admin" and cause["latched"] for cause in told["causes"])

    page.get_by_role("banner").get_by_role("link", name="Resume").click()
    resume = page.get_by_role("button", name="Resume trading")
    expect(resume).to_be_disabled()
    page.get_by_label("Why may trading go on?").fill("Rehearsed the stop button")
    resume.click()
    desk.expect_state("Active")
    expect(desk.part("state-banner")).to_have_count(0)
    assert desk.firm.get("trading/risk/state/")["state"] == "ACTIVE"
    expect(page.get_by_text("Rehearsed the stop button").first).to_be_visible()


def test_everything_can_be_reached_from_the_keyboard(desk):
    page = desk.page
    keys = page.keyboard
    page.locator("body").click(position={"x": 2, "y": 2})
    keys.press("g")
    keys.press("o")
    expect(page).to_have_url(re.compile(r"/orders$"))
    keys.press("/")
    search = page.get_by_role("combobox", name=re.compile("^Search"))
    expect(search).to_be_focused()
    keys.type("ethusdt")
    expect(page.get_by_role("option").filter(has_text="ETH/USDT")).to_be_visible()
    keys.press("Enter")
    expect(page).to_have_url(re.compile(r"/markets/ETH-USDT"))
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    page.reload()
    expect(page.get_by_role("heading", name="ETH/USDT")).to_be_visible()
    keys.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_stop_button_is_held_from_the_keyboard_too(desk):
    desk.part("stop").focus()
    desk.page.keyboard.down("Enter")
    desk.expect_state("Halted")
    desk.page.keyboard.up("Enter")
    desk.firm.call("POST", "trading/resume/", {"reason": "Test is over"})
    desk.expect_state("Active")


def test_an_agent_is_created_stopped_and_destroyed(desk):
    page = desk.open("/agents")
    page.get_by_role("button", name="New agent").click()
    form = page.get_by_role("dialog", name="New agent")
    form.get_by_label(re.compile("^Strategy")).select_option("momentum")
    form.get_by_label("BTC/USDT").check()
    expect(form.get_by_label("Memory")).to_have_value("256M")
    expect(form.get_by_label("CPU")).to_have_value("0.5")
    expect(form.get_by_text("torch")).to_have_count(0)  # another strategy's need
    form.get_by_role("button", name="Create and start").click()
    drawer = page.get_by_role("complementary")
    expect(drawer).to_contain_text("BTC/USDT")
    expect(page).to_have_url(re.compile(r"/agents/[0-9a-f-]{36}"))
    agent_id = page.url.split("/")[-1].split("?")[0]
    drawer.get_by_role("button", name="Stop").click()
    expect(drawer.get_by_role("button", name="Start")).to_be_visible()
    assert desk.firm.get(f"agents/{agent_id}/")["desired_state"] == "stopped"
    drawer.get_by_role("button", name="Destroy").click()
    page.get_by_role("dialog", name="Destroy").get_by_role("button", name="Destroy").click()
    desk.firm.wait_for(
        lambda: desk.firm.get(f"agents/{agent_id}/")["desired_state"] == "destroyed", 30, "the agent to be destroyed"
    )


def test_an_agents_settings_are_changed_and_its_process_follows(desk):
    _, agent = desk.firm.call("POST", "agents/", {"strategy": "momentum", "instruments": ["BTC/USDT"]})
    path = f"agents/{agent['id']}/"

    def built_of():
        """The digest of what its process was started with; empty before."""
        return (desk.firm.get(f"{path}status/")["container"] or {}).get("digest", "")

    before = desk.firm.wait_for(built_of, 60, "the agent's process")
    page = desk.open(f"/{path}")
    drawer = page.get_by_role("complementary")
    form = page.get_by_role("dialog", name=f"Settings of {agent['name']}")
    drawer.get_by_role("button", name="Change settings").click()
    expect(form).to_be_visible()
    page.keyboard.press("Escape")
    expect(form).to_be_hidden()
    drawer.get_by_role("button", name="Change settings").click()  # the drawer stayed
    fast, memory = form.locator("input[name=momentum-fast]"), form.get_by_label("Memory")
    save = form.get_by_role("button", name="Save")
    expect(fast).to_have_value("12")
    expect(form.get_by_text("2 to 200, by default 12.")).to_be_visible()
    expect(desk.part("effect")).to_have_text("Nothing is changed yet.")
    fast.fill("1")
    expect(form.get_by_text("Between 2 and 200.")).to_be_visible()
    expect(save).to_be_disabled()
    fast.fill("8")
    memory.fill("lots")

    desk.firm.call("PATCH", path, {"timeframe": "15m"})  # somebody else's change
    expect(desk.part("moved-on")).to_contain_text("What you have not touched shows what it has now.")
    expect(form.get_by_label("Timeframe")).to_have_value("15m")
    assert (fast.input_value(), memory.input_value()) == ("8", "lots")

    expect(form.locator(".complaint")).to_have_text("Write it like 256M or 1G.")
    expect(save).to_be_disabled()
    memory.fill("300M")
    expect(form.locator(".complaint")).to_have_count(0)
    expect(desk.part("effect")).to_contain_text("another one starts with these settings")
    save.click()
    expect(form).to_be_hidden()
    expect(drawer).to_contain_text("fast 8")
    expect(desk.part("restart")).to_have_text(re.compile("new process was started|runs with its new settings"))
    assert built_of() != before
    told = desk.firm.get(path)
    assert (told["parameters"], told["resources"], told["timeframe"]) == (
        {"fast": 8},
        {"memory": "300M", "cpu": 0.5},
        "15m",
    )
    desk.firm.call("DELETE", path)


def test_the_fleet_is_scaled_by_its_form_and_drained_again(desk):
    _scale(desk, "5", "Creates 1 agent and keeps 4.")
    decision = desk.part("scaling-decision").first
    expect(decision).to_contain_text("Scaled by request")
    expect(decision).to_contain_text("More momentum.")
    _healthy(desk, 5)
    added = [one for one in desk.firm.get("agents/")["results"] if one["origin"] == "scaling"]
    assert [one["strategy"] for one in added] == ["momentum"]
    expect(desk.page.get_by_role("table", name="Containers")).to_contain_text(added[0]["name"])
    _scale(desk, "4", "Drains 1 and keeps 4.")
    _healthy(desk, 4)
    ended = [one for one in desk.firm.get("agents/")["results"] if one["drain_reason"]]
    assert [(one["strategy"], one["desired_state"]) for one in ended] == [("momentum", "stopped")]
    assert desk.complaints == []


def _scale(desk, target, plan):
    page = desk.open("/fleet")
    form = desk.part("scale-form")
    form.get_by_label("Agents", exact=True).fill(target)
    for name in ("Momentum", "Mean reversion", "Breakout", "Arbitrage"):
        form.get_by_label(name, exact=True).check()
    form.get_by_role("button", name="Show the plan").click()
    expect(desk.part("scale-plan")).to_contain_text(plan)
    form.get_by_role("button", name="Scale…").click()
    asked = page.get_by_role("dialog", name="Scale the fleet")
    asked.get_by_label("Reason").fill("More momentum.")
    asked.get_by_role("button", name="Scale", exact=True).click()
    expect(asked).to_be_hidden()


def _healthy(desk, count):
    """Wait until so many containers run, all of them wanted and well."""

    def words():
        rows = desk.firm.get("management/containers/")["results"]
        return sorted(row["health"] for row in rows if row["wanted"] or row["handle"])

    desk.firm.wait_for(lambda: words() == ["healthy"] * count, 240, f"{count} healthy containers")


def test_a_candidates_card_shows_the_stage_of_its_promotion_and_its_gates_what_is_missing(desk):
    _, agent = desk.firm.call("POST", "agents/", {"strategy": "sma_cross"})
    wish = {"agent": agent["id"], "practice": True, "reason": "To see its badge."}
    assert desk.firm.call("POST", "agents/promotions/", wish)[0] == 201
    page = desk.open("/agents")
    tile = page.get_by_role("link").filter(has_text=agent["name"])
    expect(tile.locator("[data-test=stage]")).to_have_text("Research, practice")
    tile.locator("[data-test=stage]").hover()
    expect(page.get_by_role("tooltip")).to_contain_text("A stored backtest must speak for it.")
    expect(page.locator("[data-test=stage]")).to_have_count(1)  # the others were never put on the way
    page.goto(f"{desk.firm.url}/agents?look=promotions")
    gates = page.get_by_label(f"Gates of {agent['name']}").get_by_role("listitem")
    expect(gates).to_have_count(1)
    expect(gates).to_contain_text("none (not yet; required: a finished backtest of sma_cross alone")
    expect(page.get_by_text("its gate is not met yet")).to_be_visible()
    sign_off = page.get_by_role("button", name="Sign off")
    expect(sign_off).to_be_disabled()
    sign_off.hover(force=True)
    expect(page.get_by_role("tooltip")).to_contain_text("Backtest is stored: none; required: a finished backtest")
    assert desk.firm.call("DELETE", f"agents/{agent['id']}/")[0] in {200, 204}


def test_a_candidate_leads_to_its_backtest_filled_in(desk):
    agent = next(row for row in desk.firm.get("agents/")["results"] if row["strategy"] == "breakout")
    page = desk.open(f"/research?for={agent['id']}")
    form = desk.part("backtest-form")
    expect(form.locator("select[name=strategy-0]")).to_have_value("breakout")
    expect(form.locator("select[name=timeframe]")).to_have_value(agent["timeframe"])
    expect(form.get_by_text("which is what this market has shown so far")).to_be_visible()
    expect(page.get_by_role("button", name="Fetch candles")).to_have_count(0)  # a generated market has none to fetch


def test_a_run_that_a_limit_stopped_says_so_above_its_figures(desk):
    wish = {"strategies": [{"name": "momentum"}], "mode": "firm", "instruments": ["BTC/USDT"]}
    status, asked = desk.firm.call("POST", "agents/backtests/", wish | {"limits": {"max_drawdown": "0.0005"}})
    assert status == 202, asked
    desk.open(f"/research/{asked['id']}")
    told = desk.part("run-stopped")
    expect(told).to_contain_text("Trading stopped at 20")  # once it is done
    view = desk.firm.get(f"agents/backtests/{asked['id']}/")
    expect(told).to_have_text(view["metrics"]["stopped"]["told"])
    expect(desk.part("backtest")).not_to_contain_text("At the end trading was restricted")


def test_a_backtest_is_asked_for_watched_and_read(desk):
    page = desk.open("/research")
    page.get_by_role("button", name="New backtest").click()
    form = desk.part("backtest-form")
    form.locator("select[name=strategy-0]").select_option("breakout")
    form.get_by_label("Entry").fill("4")
    expect(form.get_by_text("Between 5 and 500.")).to_be_visible()
    expect(form.get_by_role("button", name="Run it")).to_be_disabled()
    form.get_by_label("Entry").fill("12")
    form.get_by_role("button", name="Run it").click()
    expect(page).to_have_url(re.compile(r"/research/[0-9a-f-]{36}"))
    run_id = page.url.split("/")[-1].split("?")[0]
    shown = desk.part("backtest")
    expect(shown.get_by_role("heading", name="Breakout (entry 12)")).to_be_visible()
    expect(shown.get_by_role("button", name="Tear sheet")).to_be_visible()  # once it is done
    told = desk.firm.get(f"agents/backtests/{run_id}/")
    assert (told["state"], told["mode"], told["requested_by"]) == ("DONE", "firm", "admin")
    expect(shown).to_contain_text(f"Digest of all orders: {told['digest']}")
    expect(shown.get_by_label("Figures")).to_contain_text("Largest drawdown")
    with page.expect_download() as saved:
        shown.get_by_role("button", name="Tear sheet").click()
    assert saved.value.suggested_filename.endswith(".html")
