"""``manage.py seal_key``: reads keys from a file, prints or stores the sealed message, tells no secret."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.foundation.firm_key import FirmKey
from apps.trading.domain.venues.venue_keys import read_keys
from apps.trading.models import Account
from apps.trading.operations import open_account
from tests.support.trading_desk import open_desk

PASSPHRASE = "a passphrase of the test"
KEYS = {"venue": "binance", "api_key": "key-of-the-test", "secret": "secret-of-the-test"}


@pytest.fixture
def pair(tmp_path, settings):
    settings.HQ_HOME, settings.HQ_PGP_PASSPHRASE = tmp_path, PASSPHRASE
    return FirmKey(tmp_path / "gnupg", PASSPHRASE)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(KEYS))
    return path


def test_the_printed_message_opens_to_the_keys(pair, file):
    said = StringIO()
    call_command("seal_key", file=file, stdout=said)
    assert KEYS["secret"] not in said.getvalue()
    keys = read_keys(pair.open(said.getvalue()), venue="binance")
    assert (keys.api_key, keys.secret) == (KEYS["api_key"], KEYS["secret"])


@pytest.mark.parametrize(
    ("text", "venue", "says"),
    [
        ("no json", None, "must name the venue"),
        ('{"venue": "nowhere", "api_key": "k", "secret": "s"}', None, "must name the venue"),
        ('{"venue": "binance", "api_key": "k"}', None, "secret is missing"),
        (json.dumps(KEYS), "kraken", "keys_of_another_venue"),
    ],
)
def test_what_is_no_set_of_keys_is_refused_without_repeating_it(pair, tmp_path, text, venue, says):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(CommandError, match=says) as refused:
        call_command("seal_key", file=path, venue=venue)
    assert KEYS["secret"] not in str(refused.value)


def test_without_a_passphrase_no_pair_is_made(pair, file, settings):
    settings.HQ_PGP_PASSPHRASE = ""
    with pytest.raises(CommandError, match="passphrase_missing"):
        call_command("seal_key", file=file)


@pytest.mark.django_db
def test_it_stores_the_message_on_an_account(pair, file, clean_redis):
    desk = open_desk()
    open_account(
        name="main",
        venue="binance",
        mode="live",
        currency="USDT",
        capital="10",
        sealed_keys=pair.seal("{}"),
        actor="ann",
        moment=desk.moment(),
    )
    call_command("seal_key", file=file, account="main", stdout=StringIO())
    assert read_keys(pair.open(Account.objects.get(pk="main").sealed_keys), venue="binance").secret == KEYS["secret"]
    with pytest.raises(CommandError, match="no_keys_here"):
        call_command("seal_key", file=file, account="paper")
