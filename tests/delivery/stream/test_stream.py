"""Tickets, snapshots, resume, gaps, malformed frames and revocation on the stream."""

import asyncio
import json
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import Group, User

from apps.foundation import live_updates
from apps.foundation.clock import wall_now
from apps.foundation.models import AuthSession
from tests.delivery.stream.conftest import Socket, new_ticket, publish, until
from tradinghq.websocket import hub as hub_module


async def refusal(ticket):
    socket = await Socket(ticket).open()
    error, closed = await socket.hear(), await socket.closed()
    return error["code"], closed["code"]


async def test_a_ticket_opens_one_socket(connect, viewer):
    ticket = await new_ticket(viewer)
    await connect(ticket)
    assert await refusal(ticket) == ("ticket_not_valid", 4401)


@pytest.mark.parametrize("ticket", ["", "nonsense", "x" * 10_000, "%00"])
async def test_no_ticket_no_entry(viewer, ticket):
    assert await refusal(ticket) == ("ticket_not_valid", 4401)


async def test_a_ticket_of_an_ended_session_is_refused(viewer):
    ticket = await new_ticket(viewer)
    await database_sync_to_async(viewer.post)("/api/v1/auth/token/revoke/")
    assert await refusal(ticket) == ("ticket_not_valid", 4401)


async def test_a_ticket_expires(viewer, clean_redis):
    ticket = await new_ticket(viewer)
    clean_redis.pexpire(f"auth:ticket:{ticket}", 1)
    await until(lambda: not clean_redis.exists(f"auth:ticket:{ticket}"))
    assert await refusal(ticket) == ("ticket_not_valid", 4401)


async def test_without_a_slash_and_elsewhere(viewer):
    await (await Socket(await new_ticket(viewer), "/ws/v1/stream").open()).close()
    assert (await Socket("x", "/ws/v1/other/").answer())["type"] == "websocket.close"


async def test_first_a_snapshot_then_what_changes(connect):
    socket = await connect()
    await socket.subscribe("orders")
    first = await socket.hear()
    assert (first["type"], first["channel"], first["data"]) == ("snapshot", "orders", [{"id": "o1"}])
    position = await publish("orders", {"id": "o2"})
    fresh = await socket.hear_until(lambda frame: frame["stream_id"] == position.stream_id)
    assert fresh[-1]["type"] == "snapshot"  # the channel's first frame ever gives it a stream
    await publish("orders", {"id": "o3"})
    change = await socket.hear()
    assert (change["type"], change["data"], change["seq"], change["prev_seq"]) == ("delta", {"id": "o3"}, 2, 1)


async def test_a_snapshot_stands_for_its_position(connect):
    for number in range(3):
        position = await publish("orders", {"id": number})
    socket = await connect()
    await socket.subscribe("orders")
    first = await socket.hear()
    assert (first["type"], first["stream_id"], first["seq"]) == ("snapshot", position.stream_id, 3)
    await publish("orders", {"id": 4})
    assert (await socket.hear())["prev_seq"] == 3


async def test_what_happens_while_the_snapshot_is_made_follows_it(connect, stored, monkeypatch):
    await publish("orders", {"id": 1})
    seen = []
    real = live_updates.current_position

    def position(channel):
        found = real(channel)
        seen.append(found)
        if len(seen) == 1:  # the snapshot is begun: three orders change before it is made
            for number in (2, 3, 4):
                live_updates.publish(channel="orders", kind="delta", data={"id": number}, as_of=wall_now())
        return found

    monkeypatch.setattr("tradinghq.websocket.snapshots.current_position", position)
    socket = await connect()
    await socket.subscribe("orders")
    heard = [await socket.hear() for _ in range(4)]
    assert [(frame["type"], frame["seq"]) for frame in heard] == [
        ("snapshot", 1),
        ("delta", 2),
        ("delta", 3),
        ("delta", 4),
    ]
    assert [frame["prev_seq"] for frame in heard[1:]] == [1, 2, 3]


async def test_a_client_that_comes_back_gets_what_it_missed(connect, stored):
    first = await publish("orders", {"id": 1})
    for number in (2, 3, 4):
        await publish("orders", {"id": number})
    stored["asked"].clear()
    socket = await connect()
    await socket.subscribe("orders", since={"orders": {"stream_id": first.stream_id, "seq": 2}})
    heard = [await socket.hear() for _ in range(2)]
    assert [(frame["type"], frame["seq"], frame["prev_seq"]) for frame in heard] == [("delta", 3, 2), ("delta", 4, 3)]
    await publish("orders", {"id": 5})
    assert (await socket.hear())["prev_seq"] == 4
    assert stored["asked"] == []


@pytest.mark.parametrize("since", [{"stream_id": "another", "seq": 1}, {"stream_id": None, "seq": 99}])
async def test_a_place_that_is_not_known_gets_a_snapshot(connect, since):
    position = await publish("orders", {"id": 1})
    socket = await connect()
    await socket.subscribe("orders", since={"orders": {**since, "stream_id": since["stream_id"] or position.stream_id}})
    assert (await socket.hear())["type"] == "snapshot"


async def test_too_much_missed_gets_a_snapshot(connect):
    first = await publish("orders", {"id": 0})
    for number in range(1_001):
        live_updates.publish(channel="orders", kind="delta", data={"id": number}, as_of=wall_now())
    socket = await connect()
    await socket.subscribe("orders", since={"orders": {"stream_id": first.stream_id, "seq": 1}})
    frame = await socket.hear()
    assert (frame["type"], frame["seq"]) == ("snapshot", 1_002)


async def test_where_the_latest_wins_the_last_missed_one_is_enough(connect):
    first = await publish("portfolio", {"equity": "1"})
    for equity in ("2", "3"):
        await publish("portfolio", {"equity": equity})
    socket = await connect()
    await socket.subscribe("portfolio", since={"portfolio": {"stream_id": first.stream_id, "seq": 1}})
    frame = await socket.hear()
    assert (frame["seq"], frame["prev_seq"], frame["data"]) == (3, 1, {"equity": "3"})


async def test_a_message_that_passed_the_hub_by_is_fetched(connect, monkeypatch):
    monkeypatch.setattr(hub_module, "CHECK_SECONDS", 0.1)
    await publish("orders", {"id": 1})
    socket = await connect()
    await socket.subscribe("orders")
    assert (await socket.hear())["seq"] == 1
    with monkeypatch.context() as lost:
        lost.setattr(live_updates, "_layer_channel", lambda: "nobody-listens")
        await publish("orders", {"id": 2})
    frame = await socket.hear()
    assert (frame["type"], frame["seq"], frame["prev_seq"], frame["data"]) == ("delta", 2, 1, {"id": 2})


async def test_a_gap_before_the_next_message_is_filled_in_order(connect, monkeypatch):
    await publish("orders", {"id": 1})
    socket = await connect()
    await socket.subscribe("orders")
    await socket.hear()
    with monkeypatch.context() as lost:
        lost.setattr(live_updates, "_layer_channel", lambda: "nobody-listens")
        await publish("orders", {"id": 2})
    await publish("orders", {"id": 3})
    heard = [await socket.hear() for _ in range(2)]
    assert [(frame["seq"], frame["prev_seq"]) for frame in heard] == [(2, 1), (3, 2)]
    assert await socket.silent()


async def test_a_redis_that_lost_everything_starts_a_new_stream_with_a_snapshot(connect, clean_redis, stored):
    old = await publish("orders", {"id": 1})
    socket = await connect()
    await socket.subscribe("orders")
    await socket.hear()
    clean_redis.flushdb()
    stored["orders"] = [{"id": "after"}]
    new = await publish("orders", {"id": 2})
    assert new.stream_id != old.stream_id
    frame = await socket.hear()
    assert (frame["type"], frame["stream_id"], frame["data"]) == ("snapshot", new.stream_id, [{"id": "after"}])


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("{", "malformed_frame"),
        ("", "malformed_frame"),
        ("[]", "malformed_frame"),
        ("null", "malformed_frame"),
        ('{"op": "subscribe"}', "malformed_frame"),
        ('{"op": "subscribe", "channels": []}', "malformed_frame"),
        ('{"op": "subscribe", "channels": "orders"}', "malformed_frame"),
        ('{"op": "subscribe", "channels": [1]}', "malformed_frame"),
        ('{"op": "subscribe", "channels": [{"a": 1}]}', "malformed_frame"),
        ('{"op": "shout"}', "unknown_op"),
        ('{"op": ["subscribe"]}', "unknown_op"),
        ('{"no": "op"}', "unknown_op"),
        ('{"op": "subscribe", "channels": ["everything"]}', "unknown_channel"),
        ('{"op": "subscribe", "channels": ["orders:BTC/USDT"]}', "unknown_channel"),
        ('{"op": "subscribe", "channels": ["quotes"]}', "unknown_channel"),
        ('{"op": "subscribe", "channels": ["quotes:"]}', "unknown_instrument"),
        ('{"op": "subscribe", "channels": ["quotes:NO/SUCH"]}', "unknown_instrument"),
        ('{"op": "subscribe", "channels": ["candles:BTC/USDT:7m"]}', "unknown_channel"),
        ('{"op": "subscribe", "channels": ["candles:NO/SUCH:1m"]}', "unknown_instrument"),
        ('{"op": "subscribe", "channels": ["orders"], "since": 1}', "bad_since"),
        ('{"op": "subscribe", "channels": ["orders"], "since": {"orders": 1}}', "bad_since"),
        ('{"op": "subscribe", "channels": ["orders"], "since": {"orders": {"stream_id": 1, "seq": 1}}}', "bad_since"),
        (
            '{"op": "subscribe", "channels": ["orders"], "since": {"orders": {"stream_id": "a", "seq": -1}}}',
            "bad_since",
        ),
        (
            '{"op": "subscribe", "channels": ["orders"], "since": {"orders": {"stream_id": "a", "seq": true}}}',
            "bad_since",
        ),
        (
            '{"op": "subscribe", "channels": ["orders"], "since": {"orders": {"stream_id": "a", "seq": 1e3}}}',
            "bad_since",
        ),
        (json.dumps({"op": "subscribe", "channels": [f"c{n}" for n in range(101)]}), "too_many_channels"),
        (json.dumps({"op": "x" * 20_000}), "frame_too_long"),
        ("[" * 10_000, "malformed_frame"),
        ('{"op": "ping", "x": NaN}', "malformed_frame"),
        ('{"op": "ping", "x": "\\ud800"}', "malformed_frame"),
    ],
)
async def test_a_malformed_frame_is_answered_and_the_socket_goes_on(connect, said, code):
    socket = await connect()
    await socket.say(said)
    error = await socket.hear()
    assert (error["type"], error["code"]) == ("error", code)
    assert error["detail"]
    await socket.say({"op": "ping"})
    assert await socket.hear() == {"type": "pong"}


async def test_a_binary_frame_is_answered(connect):
    socket = await connect()
    await socket.say_bytes(b"\x00\xff")
    assert (await socket.hear())["code"] == "malformed_frame"


async def test_one_bad_channel_does_not_spoil_the_others(connect):
    socket = await connect()
    await socket.subscribe("nonsense", "orders")
    heard = [await socket.hear() for _ in range(2)]
    assert {frame["type"] for frame in heard} == {"error", "snapshot"}


async def test_flooding_closes_the_socket(connect):
    socket = await connect()
    for _ in range(101):
        await socket.say({"op": "ping"})
    assert (await socket.closed())["code"] == 4429


async def test_unsubscribing_ends_the_frames(connect):
    await publish("orders", {"id": 1})
    socket = await connect()
    await socket.subscribe("orders", "portfolio")
    await socket.hear_until(lambda frame: frame["channel"] == "portfolio")
    await socket.say({"op": "unsubscribe", "channels": ["orders", "never-had"]})
    await socket.say({"op": "ping"})
    await socket.hear_until(lambda frame: frame == {"type": "pong"})
    await publish("orders", {"id": 2})
    assert await socket.silent()


async def test_a_role_too_low_is_told(connect, monkeypatch):
    from apps.foundation.permissions import Role
    from tradinghq.websocket import channel_registry, stream_consumer

    closed = channel_registry.Channel("secrets", lambda moment: {}, role=Role.RISK)
    monkeypatch.setattr(stream_consumer, "find_channel", lambda name: closed)
    socket = await connect()
    await socket.subscribe("secrets")
    assert (await socket.hear())["code"] == "role_too_low"


@pytest.mark.parametrize("how", ["sign-out", "role", "inactive", "deleted", "refresh-reused"])
async def test_what_ends_the_session_closes_its_sockets(connect, viewer, how):
    ours, user = await connect(), await User.objects.aget(username=viewer.username)

    def act():
        if how == "sign-out":
            viewer.post("/api/v1/auth/token/revoke/")
        elif how == "role":
            user.groups.set([Group.objects.get(name="trader")])
        elif how == "inactive":
            user.is_active = False
            user.save()
        elif how == "deleted":
            user.delete()
        else:
            viewer.post("/api/v1/auth/token/refresh/", {"refresh": viewer.refresh})
            AuthSession.objects.filter(pk=viewer.session_id).update(last_used_at=wall_now() - timedelta(minutes=1))
            viewer.post("/api/v1/auth/token/refresh/", {"refresh": viewer.refresh})

    await database_sync_to_async(act)()
    assert (await ours.closed())["code"] == 4401


async def test_a_lost_revocation_is_found_by_asking(connect, viewer, monkeypatch):
    monkeypatch.setattr(hub_module, "CHECK_SECONDS", 0.1)
    socket = await connect()
    ours = AuthSession.objects.filter(pk=viewer.session_id)
    await database_sync_to_async(ours.update)(revoked_at=wall_now())
    assert (await socket.closed())["code"] == 4401


async def test_another_session_of_the_user_goes_on(connect, viewer):
    from tests.delivery.conftest import sign_in

    other = await database_sync_to_async(sign_in)(viewer.username)
    theirs, ours = await connect(await new_ticket(other)), await connect()
    await database_sync_to_async(viewer.post)("/api/v1/auth/token/revoke/")
    await ours.closed()
    await theirs.say({"op": "ping"})
    assert await theirs.hear() == {"type": "pong"}


async def test_many_newcomers_share_one_snapshot(connect, stored):
    await publish("orders", {"id": 1})
    sockets = [await connect() for _ in range(12)]
    stored["asked"].clear()
    await asyncio.gather(*(socket.subscribe("orders") for socket in sockets))
    frames = await asyncio.gather(*(socket.hear() for socket in sockets))
    assert {frame["type"] for frame in frames} == {"snapshot"}
    assert len(stored["asked"]) <= 3
