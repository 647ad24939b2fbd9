"""The executor opens an account's keys, or the account says why nothing is traded on it; the house runs on."""

import json
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from apps.foundation.errors import Refused
from apps.foundation.firm_key import FirmKey
from apps.foundation.models import AuditEntry, OutboxEvent
from apps.trading import wiring
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.domain.venues.venue_keys import VenueKeys
from apps.trading.models import Account
from apps.trading.operations import open_account, open_portfolio
from apps.trading.operations.accounts.account_state import record_account_trouble
from apps.trading.operations.orders.propose_order import propose_order
from tests.support.scripted_exchange import ScriptedExchange, ccxt_urls
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)
PASSPHRASE = "a passphrase of the test"
KEYS = VenueKeys("binance", "key-of-the-test", "secret-of-the-test")
RIGHTS = "GET /sapi/v1/account/apiRestrictions"


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return FirmKey(tmp_path_factory.mktemp("firm") / "gnupg", PASSPHRASE)


@pytest.fixture
def desk(clean_redis):
    return open_desk()


@pytest.fixture
def exchange(settings, pair, monkeypatch):
    settings.HQ_HOME, settings.HQ_PGP_PASSPHRASE = pair.home.parent, PASSPHRASE
    settings.HQ_PROCESS, settings.MARKET, settings.HQ_SINGLE_INSTANCE = "execution", "live", True
    world = ScriptedExchange()
    world.answers[RIGHTS] = [{"ipRestrict": True, "enableWithdrawals": False}]
    monkeypatch.setattr(wiring, "_remotes", {})
    monkeypatch.setattr(wiring, "_failures", {})
    monkeypatch.setattr(wiring, "_unchecked", {})
    with world.serving() as address:
        settings.HQ_CCXT_URLS = {"binance": ccxt_urls(address, "binance")}
        yield world


@pytest.fixture
def live(desk, exchange, pair):
    open_account(
        name="main",
        venue="binance",
        mode="live",
        currency="USDT",
        capital="500",
        sealed_keys=pair.seal(KEYS.as_text()),
        actor="ann",
        moment=desk.moment(),
    )
    # Enabled by hand here: what enabling asks for has tests of its own.
    Account.objects.filter(pk="main").update(enabled=True, enabled_wall=desk.moment().wall)
    return desk


def trouble():
    return Account.objects.values_list("trouble_code", flat=True).get(pk="main")


def test_a_key_without_withdrawal_rights_is_taken_and_opened_once(live, exchange):
    assert list(wiring.venues()) == ["paper", "main"]
    assert wiring.venue_of("main").account == "main"
    account = Account.objects.get(pk="main")
    assert (account.trouble_code, account.checked_wall is not None, exchange.count(RIGHTS)) == ("", True, 1)
    entry = AuditEntry.objects.get(action="account.checked")
    assert json.loads(entry.payload)["withdrawal"] == "no"


def test_a_key_that_may_withdraw_is_refused(live, exchange):
    exchange.answers[RIGHTS] = [{"ipRestrict": True, "enableWithdrawals": True}]
    assert list(wiring.venues()) == ["paper"]
    assert trouble() == "key_may_withdraw"
    with pytest.raises(wiring.AccountNotTradable) as refused:
        wiring.venue_of("main")
    assert refused.value.code == "key_may_withdraw"
    with pytest.raises(Refused) as order:
        propose_order(
            intent=OrderIntent(symbol="BTC/USDT", side="buy", quantity=Decimal("0.001"), account="main"),
            moment=live.moment(),
        )
    assert order.value.code == "key_may_withdraw"


def test_a_key_that_the_venue_does_not_know_is_named(live, exchange):
    exchange.answers[RIGHTS] = [(401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."})]
    assert list(wiring.venues()) == ["paper"]
    assert trouble() == "venue_key_refused"


def test_a_venue_that_is_away_is_no_lasting_trouble(live, exchange):
    exchange.answers[RIGHTS] = [(503, "away")]
    assert list(wiring.venues()) == ["paper"]
    assert (trouble(), Account.objects.get(pk="main").checked_wall) == ("", None)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"HQ_PGP_PASSPHRASE": "another passphrase"}, "wrong_passphrase"),
        ({"HQ_PGP_PASSPHRASE": ""}, "passphrase_missing"),
        ({"MARKET": "recorded"}, "live_needs_live_market"),
        ({"HQ_SINGLE_INSTANCE": False, "DATABASE_EMBEDDED": True}, "live_needs_database"),
    ],
)
def test_what_is_wrong_at_start_is_said_and_paper_trades_on(live, exchange, settings, change, code):
    for name, value in change.items():
        setattr(settings, name, value)
    with capture_logs() as logs:
        assert list(wiring.venues()) == ["paper"]
        assert list(wiring.venues()) == ["paper"]
    assert trouble() == code
    assert [entry["code"] for entry in logs if entry["event"] == "account_not_tradable"] == [code]
    assert exchange.asked == []
    assert OutboxEvent.objects.filter(kind="incident.wanted", aggregate__contains="account:main").count() == 1
    live.buy()


def test_trouble_that_is_over_is_taken_back(live, exchange, settings, monkeypatch):
    settings.HQ_PGP_PASSPHRASE = "another passphrase"
    assert "main" not in wiring.venues()
    settings.HQ_PGP_PASSPHRASE = PASSPHRASE
    assert "main" not in wiring.venues(), "it is not tried again at once"
    monkeypatch.setattr(wiring, "TRY_AGAIN_SECONDS", 0.0)
    assert "main" in wiring.venues()
    assert trouble() == ""


@pytest.mark.parametrize("process", ["", "web", "core", "guard", "executionist"])
def test_no_other_process_opens_keys(live, exchange, settings, process):
    settings.HQ_PROCESS = process
    with pytest.raises(wiring.AccountNotTradable) as refused:
        wiring.venue_of("main")
    assert refused.value.code == "keys_only_in_executor"
    assert (trouble(), exchange.asked) == ("", [])


def test_keys_of_another_venue_and_damaged_ones_are_refused(live, exchange, pair):
    for number, (text, code) in enumerate(
        [
            (VenueKeys("kraken", "k", "s").as_text(), "keys_of_another_venue"),
            ('{"venue": "binance", "api_key": "k"}', "keys_damaged"),
            ("no json", "keys_damaged"),
        ]
    ):
        Account.objects.filter(pk="main").update(sealed_keys=pair.seal(text))
        assert "main" not in wiring.venues(), number
        assert trouble() == code


def test_an_order_that_was_never_sent_ends_unsent_when_the_account_fails(desk):
    waiting = desk.propose(quantity="0.001")
    working = desk.propose(quantity="0.001", type="limit", limit_price=Decimal(40000))
    desk.send(working)
    trouble_now = {"account": "paper", "code": "wrong_passphrase", "detail": "Wrong.", "moment": desk.moment()}
    assert record_account_trouble(**trouble_now)
    assert not record_account_trouble(**trouble_now)
    assert (desk.order(waiting).state, desk.order(waiting).reserved_left) == ("CANCELED", 0)
    assert desk.order(working).state == "ACCEPTED"
    desk.assert_books_balance()


def test_neither_log_nor_event_nor_audit_holds_a_key(live, exchange, settings):
    exchange.answers[RIGHTS] = [(401, {"code": -2015, "msg": f"Invalid API-key {KEYS.api_key}."})]
    with capture_logs() as logs:
        wiring.venues()
    told = str(logs) + str(list(AuditEntry.objects.values_list("payload", flat=True)))
    told += str(list(OutboxEvent.objects.values_list("payload", flat=True)))
    told += Account.objects.get(pk="main").trouble + repr(KEYS)
    assert KEYS.secret not in told


def test_a_practice_account_asks_the_venue_and_needs_no_live_needs(desk, exchange, pair, settings):
    settings.MARKET = "recorded"
    exchange.answers["GET /api/v3/account"] = [{"balances": [], "canTrade": True}]
    open_account(
        name="testnet",
        venue="binance",
        mode="paper",
        currency="USDT",
        capital="500",
        sealed_keys=pair.seal(KEYS.as_text()),
        actor="ann",
        moment=desk.moment(),
    )
    assert "testnet" not in wiring.venues()
    assert "testnet" in wiring.all_venues()


def test_a_sweep_goes_over_all_accounts(desk):
    open_portfolio(currency="USDT", capital="400", moment=desk.moment(), account="second")
    assert list(wiring.venues()) == ["paper", "second"]
    assert {venue.account for venue in wiring.paper_venues()} == {"paper", "second"}
