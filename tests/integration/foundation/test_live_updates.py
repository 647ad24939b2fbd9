import asyncio
import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import redis
from channels.layers import channel_layers
from prometheus_client import REGISTRY

from apps.foundation import live_updates, redis_pool

AT = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.fixture
def channel(clean_redis):
    return f"orders:{uuid4().hex}"  # publish and subscribe know no database numbers: others share the layer's channel


def publish(channel, n=0):
    return live_updates.publish(channel=channel, kind="delta", data={"n": n}, as_of=AT)


def since(channel, position, seq):
    frames = live_updates.frames_since(channel=channel, stream_id=position.stream_id, seq=seq)
    return None if frames is None else [json.loads(frame) for frame in frames]


def test_frames_are_numbered_and_chained(channel):
    for n in range(3):
        last = publish(channel, n)
    first, second, third = since(channel, last, 0)
    assert first == {
        "channel": channel, "stream_id": last.stream_id, "seq": 1, "prev_seq": 0,
        "type": "delta", "as_of": "2026-11-22T12:00:00.250Z", "data": {"n": 0},
    }  # fmt: skip
    assert [(f["seq"], f["prev_seq"]) for f in (second, third)] == [(2, 1), (3, 2)]
    assert live_updates.current_position(channel) == last


def test_many_told_at_once_are_numbered_as_if_each_had_been_told_alone(channel):
    other = f"{channel}:other"
    told = [(channel, 0), (other, 1), (channel, 2)]
    live_updates.publish_all(live_updates.Update(name, "delta", {"n": n}, AT) for name, n in told)
    last = publish(channel, 3)
    assert [(frame["seq"], frame["prev_seq"], frame["data"]["n"]) for frame in since(channel, last, 0)] == [
        (1, 0, 0),
        (2, 1, 2),
        (3, 2, 3),
    ]
    (alone,) = since(other, live_updates.current_position(other), 0)
    assert (alone["channel"], alone["data"]) == (other, {"n": 1})
    live_updates.publish_all([])


def test_a_client_resumes_where_it_was(channel):
    for n in range(5):
        last = publish(channel, n)
    assert [frame["seq"] for frame in since(channel, last, 3)] == [4, 5]
    assert since(channel, last, 5) == []


def test_who_missed_more_than_is_kept_needs_a_snapshot(channel, monkeypatch):
    monkeypatch.setattr(live_updates, "FRAMES_KEPT", 10)
    for n in range(15):
        last = publish(channel, n)
    assert [frame["seq"] for frame in since(channel, last, 5)] == list(range(6, 16))
    assert since(channel, last, 4) is None


def test_a_number_from_the_future_or_another_stream_needs_a_snapshot(channel):
    last = publish(channel)
    assert since(channel, last, 2) is None
    assert since(channel, live_updates.Position("another", 1), 1) is None
    assert since(f"{channel}-unknown", last, 1) is None
    assert live_updates.current_position(f"{channel}-unknown") is None


def test_a_flushed_redis_starts_a_new_stream(channel, clean_redis):
    before = publish(channel)
    clean_redis.flushdb()
    after = publish(channel)
    assert after.stream_id != before.stream_id
    assert after.seq == 1
    assert since(channel, before, 0) is None


def test_a_lost_position_forgets_the_old_frames(channel, clean_redis):
    publish(channel, 1)
    clean_redis.delete(f"live:{channel}:position")
    last = publish(channel, 2)
    assert [frame["data"] for frame in since(channel, last, 0)] == [{"n": 2}]


def test_channels_are_numbered_apart(channel):
    publish(channel)
    assert publish(f"{channel}:1m").seq == 1
    assert publish(channel).seq == 2


def test_a_snapshot_starts_at_its_position(channel):
    place = publish(channel)
    frame = json.loads(live_updates.snapshot_frame(channel=channel, position=place, data=[1], as_of=AT))
    assert (frame["stream_id"], frame["seq"], frame["prev_seq"], frame["type"]) == (place.stream_id, 1, 1, "snapshot")
    empty = json.loads(live_updates.snapshot_frame(channel=channel, position=None, data=[], as_of=AT))
    assert (empty["stream_id"], empty["seq"]) == ("", 0)


@pytest.mark.parametrize("text", ["x", "Zürich “☂” \x7f", "y" * 300, "z" * 70_000])
async def test_the_channel_layer_delivers_the_frame_as_bytes(channel, text):
    layer = channel_layers.make_backend("default")
    mine = await layer.new_channel()
    await layer.group_add(live_updates.GROUP, mine)
    place = await asyncio.to_thread(
        live_updates.publish, channel=channel, kind="snapshot", data={"text": text}, as_of=AT
    )
    async with asyncio.timeout(10):
        while (message := await layer.receive(mine))["channel"] != channel:
            pass
    assert message.keys() == {"type", "channel", "stream_id", "seq", "frame"}
    assert (message["type"], message["stream_id"], message["seq"]) == ("hub.frame", place.stream_id, 1)
    assert isinstance(message["frame"], bytes)
    assert json.loads(message["frame"])["data"] == {"text": text}
    await layer.flush()


def test_redis_away_is_counted_and_not_raised(monkeypatch, unused_tcp_port):
    away = redis.Redis(port=unused_tcp_port, decode_responses=True, retry=None)
    monkeypatch.setattr(redis_pool, "quick_client", lambda: away)
    live_updates._scripts.cache_clear()
    try:
        before = REGISTRY.get_sample_value("hq_live_frames_lost_total", {"channel": "quotes"}) or 0
        assert live_updates.publish(channel="quotes:BTC/USDT", kind="delta", data={}, as_of=AT) is None
        assert REGISTRY.get_sample_value("hq_live_frames_lost_total", {"channel": "quotes"}) == before + 1
        live_updates.publish_all([live_updates.Update(f"quotes:{n}", "delta", {}, AT) for n in range(3)])
        assert REGISTRY.get_sample_value("hq_live_frames_lost_total", {"channel": "quotes"}) == before + 4
    finally:
        live_updates._scripts.cache_clear()


@pytest.mark.parametrize("data", [object(), {"price": 10**30}])
def test_what_is_not_json_is_refused_before_it_is_numbered(channel, data):
    with pytest.raises(TypeError):
        live_updates.publish(channel=channel, kind="delta", data=data, as_of=AT)
    assert live_updates.current_position(channel) is None
