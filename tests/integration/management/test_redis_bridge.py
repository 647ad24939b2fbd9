"""The line with a Redis user for each peer, as the guide gives it: it may do what it must, and disturb nobody else."""

import re
from pathlib import Path

import pytest

from apps.foundation.errors import NotReady
from apps.management.adapters.redis_bridge import RedisBridge
from apps.management.ports import BridgeRoute
from tests.support.own_redis import OwnRedis

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "bridge.md"
PASSWORD = "a-password-of-the-test"


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    server = OwnRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def lab(redis):
    """hq-lab's end of the line, with the rights that the guide gives it."""
    (rule,) = re.findall(r"^ {4}user hq-lab (.+)$", GUIDE.read_text(), re.MULTILINE)
    redis.client.flushall()
    redis.client.execute_command("ACL", "SETUSER", "hq-lab", "reset", *rule.replace("PASSWORD", PASSWORD).split())
    return RedisBridge(f"redis://hq-lab:{PASSWORD}@127.0.0.1:{redis.port}/0")


@pytest.mark.parametrize("lane", ["post", "beats"])
def test_a_peer_writes_under_its_own_name_and_reads_what_is_for_it(lab, redis, lane):
    to_us, to_it = BridgeRoute("hq-lab", "hq-1", lane), BridgeRoute("hq-1", "hq-lab", lane)
    firm = RedisBridge(redis.url)
    lab.put(to_us, text="{}", signature="s")
    (entry,) = firm.read(to_us, limit=5)
    assert (entry.text, entry.signature) == ("{}", "s")
    firm.put(to_it, text="[]", signature="t")
    (entry,) = lab.read(to_it, limit=5)
    assert lab.holds(to_it, entry.id)
    assert lab.senders_to("hq-lab") == {"hq-1"}
    lab.remove(to_it, [entry.id])
    assert not lab.holds(to_it, entry.id)


def test_it_reaches_nothing_of_others(lab, redis):
    mine, others = BridgeRoute("hq-lab", "hq-1", "post"), BridgeRoute("hq-2", "hq-1", "post")
    entry = RedisBridge(redis.url).put(others, text="{}", signature="s")
    for step in (
        lambda: lab.put(others, text="{}", signature="s"),
        lambda: lab.read(others, limit=1),
        lambda: lab.remove(others, [entry]),
        lambda: lab._redis.delete("bridge:hq-1:post:hq-lab"),
        lambda: lab._redis.set("bridge:hq-lab:post:x", "1"),
        lab._redis.flushdb,
    ):
        with pytest.raises(Exception, match=r"NoPermission|permissions|no permission") as refused:
            step()
        assert isinstance(refused.value, NotReady) or "NoPermission" in type(refused.value).__name__
    lab.put(mine, text="{}", signature="s")
    assert redis.client.xlen("bridge:hq-1:post:hq-2") == 1


def test_of_heartbeats_only_the_newest_stays_and_of_post_all(redis):
    line = RedisBridge(redis.url)
    redis.client.flushall()
    for number in range(3):
        for lane in ("beats", "post"):
            line.put(BridgeRoute("hq-1", "hq-2", lane), text=str(number), signature="s")
    beats = [entry.text for entry in line.read(BridgeRoute("hq-1", "hq-2", "beats"), limit=9)]
    post = [entry.text for entry in line.read(BridgeRoute("hq-1", "hq-2", "post"), limit=9)]
    assert (beats, post) == (["2"], ["0", "1", "2"])
    assert [entry.text for entry in line.read(BridgeRoute("hq-1", "hq-2", "post"), limit=2)] == ["0", "1"]


def test_a_line_that_is_away_says_so():
    with pytest.raises(NotReady) as away:
        RedisBridge("redis://127.0.0.1:1/0").read(BridgeRoute("a", "b", "post"), limit=1)
    assert away.value.code == "bridge_away"
