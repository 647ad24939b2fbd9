"""Two instances with their own databases, homes and keys speak over a real Redis, and the line is cut in between."""

from datetime import timedelta

import pytest
from django.db import connection

from apps.foundation import lease
from apps.foundation.clock import Moment, wall_now
from apps.foundation.errors import NotReady
from apps.foundation.signing_key import SigningKey
from apps.management import operations
from apps.management.adapters.redis_bridge import RedisBridge
from apps.management.domain.bridge_envelope import Kind
from apps.management.models import Incident, OutgoingEnvelope, TakenEnvelope
from apps.management.operations.bridge.write_post import write_post
from apps.management.queries import own_claim, peer_views
from apps.trading.queries import trading_state
from tests.support.bridge_instance import PASSPHRASE, BridgeInstance
from tests.support.cloned_database import database_url, disconnect
from tests.support.own_redis import OwnRedis
from tests.support.quick_keys import use_quick_keys
from workers.drills.tcp_proxy import TcpProxy, Weather

HERE, THERE = "hq-1", "hq-lab"


def now(later: float = 0) -> Moment:
    wall = wall_now() + timedelta(seconds=later)
    return Moment(wall=wall, firm=wall)


@pytest.fixture
def redis(short_path):
    server = OwnRedis(short_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def line(redis):
    with TcpProxy(("127.0.0.1", redis.port)) as proxy:
        yield proxy


@pytest.fixture
def other_database(transactional_db):
    """The address of a second database like ours, as empty."""
    own = connection.settings_dict["NAME"]
    name = f"{own}_other"
    disconnect()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{own}" STRATEGY FILE_COPY')
    yield database_url(name=name)
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def there(other_database, line, short_path):
    instance = BridgeInstance(
        THERE,
        role="research",
        home=short_path / "there",
        database_url=other_database,
        bridge_url=f"redis://127.0.0.1:{line.port}/0",
        peers=HERE,
    )
    yield instance
    instance.close()


class Here:
    """Our side, in this process."""

    def __init__(self, key, line):
        self.key, self.line = key, line

    def turn(self, later=0):
        sender = operations.Sender(own_claim(lease.House("house", HERE), "primary"), self.key, self.line)
        return operations.exchange_post(sender=sender, peers=[THERE], moment=now(later))

    def write(self, number):
        body = {"role": "primary", "leads": False}
        return write_post(own=HERE, peer=THERE, kind=Kind.ROLE, body=body, cause=f"test {number}", moment=now())


@pytest.fixture
def here(there, line, short_path):
    use_quick_keys()
    key = SigningKey(short_path / "here" / "bridge", PASSPHRASE)
    ours = key.public()
    theirs = there.ask("key")
    operations.add_peer(name=THERE, **theirs, may_halt=True, actor="test", reason="a test", moment=now())
    there.ask("add", {"name": HERE, "fingerprint": ours.fingerprint, "public_key": ours.armored, "may_halt": True})
    return Here(key, RedisBridge(f"redis://127.0.0.1:{line.port}/0"))


def test_a_stop_there_halts_here_and_what_a_cut_held_up_comes_in_order_once(here, there, line):
    there.ask("stop", "the lab burns")
    there.ask("turn")
    here.turn()
    assert trading_state().state == "HALTED"
    (cause,) = trading_state().causes
    assert "the lab burns" in cause.reason
    (heard,) = peer_views(now().wall)
    assert (heard["role"], heard["leads"], heard["heard"], heard["trading_state"]) == (
        "research",
        False,
        True,
        "HALTED",
    )

    line.weather = Weather.REFUSE
    for number in range(4):
        assert here.write(number)
    with pytest.raises(ExceptionGroup) as failed:
        here.turn()
    assert failed.group_contains(NotReady)
    assert there.ask("turn") == "away"
    assert OutgoingEnvelope.objects.filter(taken_at__isnull=True).count() >= 4

    line.clear()
    here.turn()
    there.ask("turn")
    here.turn()
    assert not OutgoingEnvelope.objects.filter(taken_at__isnull=True).exists()
    (seen,) = there.ask("peers")
    assert seen["taken"] == OutgoingEnvelope.objects.count()
    # What we were told is not told back, and a person who resumes here is not stopped again by it.
    assert not OutgoingEnvelope.objects.filter(kind="halt").exists()
    operations.resume(actor="test", reason="looked at it", moment=now())
    there.ask("turn")
    here.turn()
    assert trading_state().state == "ACTIVE"
    assert list(TakenEnvelope.objects.order_by("pk").values_list("kind", "outcome")) == [
        ("role", "taken"),
        ("halt", "taken"),
    ]
    assert not Incident.objects.exists()
