"""Accounts over REST: several of them, their lists, sealed keys only, and what live trading needs first."""

import json

import pytest

from apps.foundation.firm_key import FirmKey
from apps.foundation.models import AuditEntry
from apps.trading.domain.venues.venue_keys import VenueKeys
from apps.trading.models import Account, AccountReconciliation
from apps.trading.operations import change_limits, open_portfolio
from tests.delivery.conftest import PASSWORD
from tests.delivery.trading.test_trading_api import problem
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db
ACCOUNTS = "/api/v1/trading/accounts/"
PASSPHRASE = "a passphrase of the test"
KEYS = VenueKeys("binance", "key-of-the-test", "secret-of-the-test")
LIVE = {"name": "main", "venue": "binance", "mode": "live", "currency": "USDT", "capital": "500"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return FirmKey(tmp_path_factory.mktemp("firm") / "gnupg", PASSPHRASE)


@pytest.fixture
def desk(clean_redis):
    return open_desk()


@pytest.fixture
def admin(desk, person, pair, settings):
    settings.HQ_HOME, settings.HQ_PGP_PASSPHRASE = pair.home.parent, PASSPHRASE
    return person("admin")


@pytest.fixture
def live(admin, pair):
    answer = admin.post(ACCOUNTS, LIVE | {"sealed_keys": pair.seal(KEYS.as_text())})
    assert answer.status_code == 201, answer.content
    return answer.json()


def confirm(who, password=PASSWORD):
    return who.post("/api/v1/auth/confirm/", {"password": password})


def test_the_first_account_is_paper_and_the_house_trades_it(desk, person):
    (row,) = person("viewer").get(ACCOUNTS).json()["results"]
    assert (row["name"], row["venue"], row["mode"], row["enabled"], row["house"]) == (
        "paper",
        "paper",
        "paper",
        True,
        True,
    )
    assert row["live_needs"] == []


def test_orders_positions_and_books_are_told_apart_by_account(desk, person):
    trader = person("trader")
    open_portfolio(currency="USDT", capital="400", moment=desk.moment(), account="second")
    order = {"instrument": "BTC/USDT", "side": "buy", "quantity": "0.001"}
    for account in ("paper", "second"):
        placed = trader.post("/api/v1/trading/orders/", order | {"account": account})
        assert (placed.status_code, placed.json()["account"]) == (201, account), placed.content
        desk.send(placed.json()["id"]) if account == "paper" else None
    desk.bar()
    for path in ("orders", "fills", "ledger", "equity"):
        seen = trader.get(f"/api/v1/trading/{path}/", {"account": "second"}).json()["results"]
        assert all(row.get("account", "second") == "second" for row in seen), path
    assert len(trader.get("/api/v1/trading/fills/", {"account": "paper"}).json()["results"]) == 1
    assert trader.get("/api/v1/trading/positions/", {"account": "second"}).json()["results"] == []
    assert [row["account"] for row in trader.get("/api/v1/trading/positions/").json()["results"]] == ["paper"]
    second = trader.get("/api/v1/trading/portfolio/", {"account": "second"}).json()
    assert (second["account"], second["starting_capital"], second["equity"]) == ("second", "400", "400")
    assert trader.get("/api/v1/trading/portfolio/").json()["account"] == "paper"


def test_an_account_that_is_not_there_is_named(desk, person):
    trader = person("trader")
    order = {"instrument": "BTC/USDT", "side": "buy", "quantity": "0.004", "account": "nobody"}
    assert (
        problem(trader.post("/api/v1/trading/orders/", order), 400, "unknown_account")["errors"][0]["field"]
        == "account"
    )
    problem(trader.get("/api/v1/trading/portfolio/", {"account": "nobody"}), 404, "unknown_account")
    problem(trader.get(f"{ACCOUNTS}nobody/"), 404, "unknown_account")


def test_another_currency_needs_an_account_in_it(desk, person):
    open_portfolio(currency="USD", capital="400", moment=desk.moment(), account="dollars")
    order = {"instrument": "BTC/USDT", "side": "buy", "quantity": "0.004", "account": "dollars"}
    problem(person("trader").post("/api/v1/trading/orders/", order), 400, "no_portfolio")


def test_a_paper_account_is_opened_and_trades_at_once(desk, admin):
    answer = admin.post(ACCOUNTS, {"name": "more", "venue": "paper", "currency": "USDT", "capital": "250"})
    assert (answer.status_code, answer.json()["enabled"]) == (201, True), answer.content
    problem(
        admin.post(ACCOUNTS, {"name": "more", "venue": "paper", "currency": "USDT", "capital": "250"}),
        409,
        "account_exists",
    )
    order = {"instrument": "BTC/USDT", "side": "buy", "quantity": "0.001", "account": "more"}
    assert admin.post("/api/v1/trading/orders/", order).json()["state"] == "APPROVED"


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"api_key": "abc", "secret": "def"}, 400, "plain_keys"),
        ({"sealed_keys": '{"api_key": "abc"}'}, 400, "not_sealed"),
        ({"sealed_keys": ""}, 400, "not_sealed"),
        ({"venue": "kraken", "mode": "paper"}, 400, "no_practice_account"),
        ({"venue": "paper"}, 400, "not_applicable"),
        ({"venue": "nowhere"}, 400, "validation_failed"),
        ({"capital": "0"}, 400, "validation_failed"),
        ({"name": "no such name"}, 400, "validation_failed"),
    ],
)
def test_what_no_account_can_be_made_of(desk, admin, changed, status, code):
    answer = admin.post(ACCOUNTS, LIVE | changed)
    assert answer.status_code == status, answer.content
    assert answer.json()["code"] == code, answer.content
    assert not Account.objects.filter(pk="main").exists()


def test_keys_sealed_to_another_firm_are_refused(admin, tmp_path):
    foreign = FirmKey(tmp_path / "gnupg", PASSPHRASE).seal(KEYS.as_text())
    problem(admin.post(ACCOUNTS, LIVE | {"sealed_keys": foreign}), 400, "foreign_key")


def test_the_public_key_is_shown_and_the_sealed_message_never(desk, admin, live):
    key = admin.get(f"{ACCOUNTS}public-key/").json()
    assert key["armored"].startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    message = Account.objects.get(pk="main").sealed_keys
    shown = admin.get(ACCOUNTS).content.decode() + admin.get(f"{ACCOUNTS}main/").content.decode()
    audited = str(list(AuditEntry.objects.values_list("payload", flat=True)))
    for secret in (message.splitlines()[3], KEYS.secret, KEYS.api_key):
        assert secret not in shown
        assert secret not in audited
    assert (live["enabled"], live["has_keys"]) == (False, True)


def test_a_disabled_account_takes_no_order(desk, admin, live):
    order = {"instrument": "BTC/USDT", "side": "buy", "quantity": "0.004", "account": "main"}
    problem(admin.post("/api/v1/trading/orders/", order), 400, "account_disabled")


def test_enabling_needs_the_password_again_and_every_live_need(desk, admin, live, settings):
    settings.MARKET, settings.DATABASE_EMBEDDED, settings.HQ_SINGLE_INSTANCE = "recorded", True, False
    enable = f"{ACCOUNTS}main/enable/"
    problem(admin.post(enable, {"reason": "go"}), 403, "password_needed")
    problem(confirm(admin, "not the password"), 400, "wrong_password")
    problem(admin.post(enable, {"reason": "go"}), 403, "password_needed")
    assert confirm(admin).status_code == 204
    missing = problem(admin.post(enable, {"reason": "go"}), 409, "live_needs_missing")["facts"]["missing"]
    assert {need["code"] for need in missing} == {"keys_checked", "limits_set", "reconciled", "database", "live_market"}
    assert all(need["detail"] for need in missing)
    assert not Account.objects.get(pk="main").enabled


def test_a_live_account_with_all_needs_is_enabled_and_audited(desk, admin, live, settings):
    settings.MARKET, settings.DATABASE_EMBEDDED = "live", False
    change_limits(changes={"max_order_notional": "100"}, actor="ann", reason="My own.", moment=desk.moment())
    moment = desk.moment()
    Account.objects.filter(pk="main").update(checked_wall=moment.wall)
    passed = {"required_wall": moment.wall, "passed_wall": moment.wall}
    AccountReconciliation.objects.update_or_create(pk="main", defaults=passed)
    confirm(admin)
    answer = admin.post(f"{ACCOUNTS}main/enable/", {"reason": "After a week on paper."})
    assert (answer.status_code, answer.json()["enabled"]) == (200, True), answer.content
    entry = AuditEntry.objects.get(action="account.enabled")
    assert (entry.actor, json.loads(entry.payload)["reason"]) == (admin.username, "After a week on paper.")


def test_other_keys_disable_a_live_account(desk, admin, live, pair):
    Account.objects.filter(pk="main").update(enabled=True, enabled_wall=desk.moment().wall)
    confirm(admin)
    answer = admin.post(f"{ACCOUNTS}main/keys/", {"sealed_keys": pair.seal(KEYS.as_text())})
    assert (answer.status_code, answer.json()["enabled"], answer.json()["checked_at"]) == (200, False, None)


def test_an_account_in_use_is_not_disabled(desk, admin):
    desk.buy()
    problem(admin.post(f"{ACCOUNTS}paper/disable/", {"reason": "off"}), 409, "account_in_use")
    problem(admin.post(f"{ACCOUNTS}paper/disable/", {"reason": " "}), 400, "validation_failed")
