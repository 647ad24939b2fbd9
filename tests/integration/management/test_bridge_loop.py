"""The loop of the bridge: one incident while it can't work, which says why, and none any more when it can."""

import pytest

from apps.foundation.foreign_keys import signer_of
from apps.foundation.signing_key import SigningKey
from apps.management.adapters.redis_bridge import RedisBridge
from apps.management.models import BridgeLink, Incident
from apps.management.ports import BridgeRoute
from tests.support.bridge_sides import HERE, PASSPHRASE, THERE, know, make_key
from tests.support.staged_market import stage_market
from workers import bridge

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper(clean_redis, settings, short_path, monkeypatch):
    stage_market()
    key = make_key(short_path)
    know(THERE, key.public())
    settings.HQ_INSTANCE, settings.HQ_ROLE, settings.HQ_PEERS = HERE, "primary", [THERE]
    settings.HQ_HOME, settings.HQ_PGP_PASSPHRASE = short_path, PASSPHRASE
    monkeypatch.setattr(bridge, "bridge_line", lambda: RedisBridge(settings.HQ_BRIDGE_URL))
    monkeypatch.setattr(bridge, "LOOK_SECONDS", 3600.0)
    settings.HQ_BRIDGE_URL = settings.REDIS_URL
    return bridge.BridgeKeeper()


def away():
    return Incident.objects.filter(kind="bridge_away", closed_at__isnull=True).first()


def test_while_redis_is_away_one_incident_says_so_and_what_is_written_waits(keeper, settings):
    settings.HQ_BRIDGE_URL = "redis://127.0.0.1:1/0"
    assert [keeper.step() for _ in range(3)] == [False] * 3
    assert away().occurrences == 1
    assert "Redis does not answer as it should" in away().detail
    settings.HQ_BRIDGE_URL = settings.REDIS_URL
    assert keeper.step()
    assert away() is None
    link = BridgeLink.objects.get()
    assert (link.own, link.out_sequence, link.outgoing.get().sent_at is not None) == (HERE, 1, True)


@pytest.mark.parametrize("passphrase", ["", "another passphrase"])
def test_without_the_passphrase_the_incident_names_it(keeper, settings, passphrase):
    settings.HQ_PGP_PASSPHRASE = passphrase
    assert not keeper.step()
    assert "HQ_PGP_PASSPHRASE" in away().detail
    settings.HQ_PGP_PASSPHRASE = PASSPHRASE
    assert keeper.step()
    assert away() is None


def test_a_key_that_changes_is_used_at_the_next_turn(keeper, short_path):
    key = SigningKey(short_path / "bridge", PASSPHRASE)
    first = key.public()
    keeper.step()
    key.prepare_next()
    following = key.switch()
    BridgeLink.objects.update(told_role="")  # so that it is told again
    keeper.step()
    lying = bridge.bridge_line().read(BridgeRoute(HERE, THERE, "post"), limit=9)
    keys = [first.armored, following.armored]
    signed = [signer_of(entry.text, entry.signature, keys) for entry in lying]
    assert signed == [first.fingerprint, following.fingerprint]
