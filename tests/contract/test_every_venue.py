"""What every venue must do, whatever it is. A new venue joins by adding a stage to ``HERE`` or ``OUTSIDE``."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from apps.foundation.clock import Moment, wall_now
from apps.market.queries import bars_of
from apps.trading.adapters.alpaca_venue import AlpacaVenue
from apps.trading.adapters.ccxt_venue import CcxtVenue
from apps.trading.adapters.paper_venue import PaperVenue
from apps.trading.ports import Venue, VenueOrder, VenueOrderExists, VenueRefused
from tests.support.other_exchange import OtherExchange, other_venue
from tests.support.recorded_broker import KEY, SECRET, RecordedBroker
from tests.support.running_exchange import UNMETERED, RunningExchange, test_account
from tests.support.staged_market import RULES, stage_market

D = Decimal
pytestmark = pytest.mark.django_db(transaction=True)


class PaperStage:
    """The paper exchange on a market that the test writes."""

    symbol, quantity, fee_asset, free_of_fees, at_once, through = (
        "BTC/USDT",
        D("0.01"),
        "USDT",
        False,
        False,
        "48999.99",
    )
    off_rules = {
        "below the step": {"quantity": D("0.000001")},
        "off the step": {"quantity": D("0.000015")},
        "below the least notional": {"quantity": D("0.00005")},
    }

    def __init__(self):
        self.market = stage_market()
        self.venue = PaperVenue()

    @property
    def moment(self):
        return self.market.moment

    def trade(self, **bars):
        """Let the market trade: one bar, matched."""
        before = self.market.bar_at
        until = self.market.bar(**bars).firm
        shown = bars_of(symbols=RULES, after=before, until=until, base="1m")
        self.venue.match_bars(closed_at=until, bars=shown)


class AlpacaStage:
    """The stock broker's client against a server that answers as the broker does; its share costs as much as a coin."""

    symbol, quantity, fee_asset, free_of_fees, at_once, through = "DEAR/USD", D(1), "USD", True, False, "48999.99"
    off_rules = {
        "below the step": {"quantity": D("0.0000000001")},
        "off the step": {"quantity": D("1.0000000001")},
        "below the least notional": {"quantity": D("0.00001")},
    }

    def __init__(self, closing):
        self.broker = RecordedBroker(cash="10000000")
        self.broker.list_asset("DEAR")
        self.broker.quotes["DEAR"] = (D("49995"), D("50005"), wall_now())
        address = closing.enter_context(self.broker.serving())
        self.venue = AlpacaVenue(account="stocks", key=KEY, secret=SECRET, paper=True, address=address)

    @property
    def moment(self):
        wall = wall_now()
        return Moment(wall=wall, firm=wall)

    def trade(self, **bars):
        opening, high, low, _ = bars.get("BTC", (50_000, 50_100, 49_900, 50_000))
        self.broker.trade("DEAR", opening=str(opening), high=str(high), low=str(low), at=wall_now())


class CcxtStage:
    """The real ccxt against the exchange simulator, with an account of its own; what can trade trades at once."""

    symbol, quantity, fee_asset, free_of_fees, at_once, through = "BTC/USDT", D("0.01"), "BTC", False, True, "48990"
    off_rules = PaperStage.off_rules
    exchange = "binance"

    def __init__(self, closing, running):
        self.running = running
        account = test_account(uuid4().hex[:12], balances={"USDT": "1000000", "BTC": "10"})
        running.control("POST", "accounts", account)
        running.price(self.symbol, "50000")
        keys = {"apiKey": account["key"], "secret": account["secret"]}
        urls = running.ccxt_urls(self.exchange)
        self.venue = CcxtVenue(account=account["name"], exchange=self.exchange, keys=keys, urls=urls, pace_ms=1)
        closing.callback(self.venue.close)

    @property
    def moment(self):
        wall = wall_now()
        return Moment(wall=wall, firm=wall)

    def trade(self, **bars):
        for price in bars.get("BTC", (50_000, 50_100, 49_900, 50_000))[:4]:
            self.running.price(self.symbol, str(price))


class KrakenStage(CcxtStage):
    fee_asset, exchange = "USDT", "kraken"


class OtherStage(CcxtStage):
    """The real ccxt with a class that our dialects know nothing special of, against a server of another make."""

    fee_asset = "USDT"

    def __init__(self, closing):
        self.world = OtherExchange({"USDT": "1000000", "BTC": "10"})
        address = closing.enter_context(self.world.serving())
        self.venue = other_venue(address)
        closing.callback(self.venue.close)

    def trade(self, **bars):
        for price in bars.get("BTC", (50_000, 50_100, 49_900, 50_000))[:4]:
            self.world.move(str(price))


HERE = {"paper": lambda _: PaperStage(), "alpaca": AlpacaStage, "ccxt-other": OtherStage}
OUTSIDE = {"ccxt-binance": CcxtStage, "ccxt-kraken": KrakenStage}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with RunningExchange(tmp_path_factory.mktemp("exchange"), level_value=5_000_000, **UNMETERED) as exchange:
        yield exchange


@pytest.fixture(params=sorted(HERE | OUTSIDE))
def stage(request, clean_redis):
    with ExitStack() as closing:
        if request.param in HERE:
            yield HERE[request.param](closing)
        else:
            yield OUTSIDE[request.param](closing, request.getfixturevalue("running"))


def order(stage, **changes):
    values = {
        "client_order_id": uuid4().hex,
        "symbol": stage.symbol,
        "side": "buy",
        "type": "market",
        "quantity": stage.quantity,
        "limit_price": None,
        "funds": None,
        "time_in_force": "GTC",
        "post_only": False,
        "reduce_only": False,
        "valid_until": wall_now() + timedelta(seconds=30),
    }
    return VenueOrder(**{**values, **changes})


def limit(stage, price, **changes):
    return order(stage, type="limit", limit_price=D(price), **changes)


def cancel(stage, sent):
    return stage.venue.cancel(client_order_id=sent.client_order_id, symbol=sent.symbol, moment=stage.moment)


def fills(stage):
    return list(stage.venue.fills_since(watermark="", symbols=[stage.symbol], limit=100).fills)


def owner(stage, fill):
    """The client order id behind a fill; a venue may name only its own id of the order."""
    if fill.client_order_id:
        return fill.client_order_id
    found = stage.venue.find(client_order_id="", symbol=fill.symbol, venue_order_id=fill.venue_order_id)
    return found.client_order_id


FALL = {"BTC": (50_000, 50_000, 49_000, 49_500)}


def test_it_has_the_whole_port(stage):
    wanted = {name for name in vars(Venue) if not name.startswith("_")} | set(Venue.__annotations__)
    assert wanted - set(dir(stage.venue)) == set()


def test_an_accepted_order_is_found_by_its_client_id_and_stands_open(stage):
    sent = limit(stage, "40000")
    report = stage.venue.submit(order=sent, moment=stage.moment)
    assert (report.state, report.client_order_id, report.filled_quantity) == ("OPEN", sent.client_order_id, 0)
    found = stage.venue.find(client_order_id=sent.client_order_id, symbol=sent.symbol)
    assert replace(found, accepted_firm=report.accepted_firm) == report
    assert [each.client_order_id for each in stage.venue.open_orders()] == [sent.client_order_id]


def test_an_unknown_client_id_is_answered_with_none_not_with_an_error(stage):
    assert stage.venue.find(client_order_id=uuid4().hex, symbol=stage.symbol) is None


def test_the_same_client_id_is_never_taken_twice(stage):
    sent = limit(stage, "40000")
    stage.venue.submit(order=sent, moment=stage.moment)
    with pytest.raises(VenueOrderExists):
        stage.venue.submit(order=sent, moment=stage.moment)
    assert len(stage.venue.open_orders()) == 1


@pytest.mark.parametrize(
    "bad",
    [
        "below the step",
        "off the step",
        "below the least notional",
        {"type": "limit", "limit_price": D("40000.001")},
        {"valid_until": wall_now() - timedelta(seconds=1)},
    ],
    ids=["below the step", "off the step", "below the least notional", "off the tick", "too late"],
)
def test_an_order_off_the_rules_is_refused_and_leaves_nothing(stage, bad):
    sent = order(stage, **(stage.off_rules[bad] if isinstance(bad, str) else bad))
    with pytest.raises(VenueRefused) as refusal:
        stage.venue.submit(order=sent, moment=stage.moment)
    assert refusal.value.code.startswith("venue_")
    assert stage.venue.find(client_order_id=sent.client_order_id, symbol=sent.symbol) is None


def test_a_market_order_fills_once_with_a_fee_and_stays_found(stage):
    sent = order(stage)
    stage.venue.submit(order=sent, moment=stage.moment)
    stage.trade()
    (fill,) = fills(stage)
    assert (owner(stage, fill), fill.quantity, fill.side) == (sent.client_order_id, stage.quantity, "buy")
    assert fill.price > 50_000
    assert (fill.fee == 0) if stage.free_of_fees else (fill.fee > 0)
    assert fill.fee_asset == stage.fee_asset
    found = stage.venue.find(client_order_id=sent.client_order_id, symbol=sent.symbol)
    assert (found.state, found.filled_quantity) == ("FILLED", stage.quantity)
    assert stage.venue.open_orders() == []


def test_fills_come_behind_a_watermark_in_pages_and_none_is_left_out(stage):
    for _ in range(3):
        stage.venue.submit(order=order(stage), moment=stage.moment)
        stage.trade()
    everything = fills(stage)
    assert len({fill.venue_trade_id for fill in everything}) == len(everything) == 3
    seen, watermark = {}, ""
    for _ in range(10):
        page = stage.venue.fills_since(watermark=watermark, symbols=[stage.symbol], limit=1)
        seen |= {fill.venue_trade_id: fill for fill in page.fills}
        watermark = page.watermark
        if page.complete:
            break
    assert seen == {fill.venue_trade_id: fill for fill in everything}


def test_a_canceled_order_fills_no_more(stage):
    sent = limit(stage, "49500")
    stage.venue.submit(order=sent, moment=stage.moment)
    assert cancel(stage, sent).state == "CANCELED"
    stage.trade(**FALL)
    assert fills(stage) == []


def test_cancelling_a_filled_order_answers_filled_and_repeating_is_harmless(stage):
    sent = order(stage)
    stage.venue.submit(order=sent, moment=stage.moment)
    stage.trade()
    for _ in range(2):
        assert cancel(stage, sent).state == "FILLED"


def test_cancelling_an_unknown_order_is_refused(stage):
    with pytest.raises(VenueRefused):
        stage.venue.cancel(client_order_id=uuid4().hex, symbol=stage.symbol, moment=stage.moment)


def test_a_resting_limit_waits_until_the_market_trades_through_it(stage):
    sent = limit(stage, "49000")
    stage.venue.submit(order=sent, moment=stage.moment)
    stage.trade(**FALL)
    assert fills(stage) == []
    stage.trade(BTC=(49_500, 49_500, stage.through, 49_200))
    (fill,) = fills(stage)
    assert fill.price == 49_000


def test_an_order_never_fills_in_a_bar_that_opened_before_it_was_accepted(stage):
    late = stage.moment
    stage.trade()
    stage.venue.submit(order=order(stage), moment=stage.moment)
    assert late.firm < stage.moment.firm
    assert stage.at_once or fills(stage) == []
    stage.trade()
    (fill,) = fills(stage)
    assert fill.executed_firm >= late.firm
