"""What waits for one socket: order, honesty about what was skipped, and a bound on every channel."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradinghq.websocket.channel_registry import Channel
from tradinghq.websocket.frames import Frame, LaneState
from tradinghq.websocket.socket_queue import LANE_LIMIT, NOTICE_LIMIT, SocketQueue

ORDERS = Channel("orders", lambda _: None)
PORTFOLIO = Channel("portfolio", lambda _: None, latest_wins=True)


def frame(channel, seq, stream="s"):
    text = f'{{"channel":"{channel.name}","stream_id":"{stream}","seq":{seq},"prev_seq":{seq - 1},"data":{seq}}}'
    return Frame(channel.name, stream, seq, text)


def snapshot(channel, seq, stream="s"):
    text = json.dumps({"channel": channel.name, "stream_id": stream, "seq": seq, "prev_seq": seq, "data": "all"})
    return Frame(channel.name, stream, seq, text, first=True)


def live(queue, channel, seq=0):
    lane = queue.add_lane(channel)
    lane.start_priming()
    queue.start(lane, [snapshot(channel, seq)])
    return lane


def taken(queue):
    texts = []
    while (text := queue.take()) is not None:
        texts.append(json.loads(text))
    return texts


def places(queue):
    return [(text["seq"], text["prev_seq"]) for text in taken(queue)]


def test_frames_keep_their_order_over_channels():
    queue = SocketQueue()
    live(queue, ORDERS)
    live(queue, PORTFOLIO)
    taken(queue)
    queue.offer(frame(ORDERS, 1))
    queue.offer(frame(PORTFOLIO, 1))
    queue.offer(frame(ORDERS, 2))
    assert [(text["channel"], text["seq"]) for text in taken(queue)] == [("orders", 1), ("portfolio", 1), ("orders", 2)]


def test_where_the_latest_wins_one_frame_waits_and_says_what_was_skipped():
    queue = SocketQueue()
    live(queue, PORTFOLIO)
    for seq in (1, 2, 3):
        queue.offer(frame(PORTFOLIO, seq))
    assert places(queue) == [(0, 0), (3, 0)]
    queue.offer(frame(PORTFOLIO, 4))
    assert places(queue) == [(4, 3)]


def test_a_known_frame_is_skipped():
    queue = SocketQueue()
    live(queue, ORDERS, 5)
    for seq in (4, 5, 6, 6):
        queue.offer(frame(ORDERS, seq))
    assert places(queue) == [(5, 5), (6, 5)]


@pytest.mark.parametrize("wrong", [frame(ORDERS, 7), frame(ORDERS, 6, "another")])
def test_a_gap_or_another_stream_stops_the_lane(wrong):
    queue = SocketQueue()
    lane = live(queue, ORDERS, 5)
    queue.offer(wrong)
    assert queue.gaps() == [lane]
    queue.offer(frame(ORDERS, 6))
    assert places(queue) == [(5, 5)]


def test_frames_that_come_while_priming_follow_the_snapshot():
    queue = SocketQueue()
    lane = queue.add_lane(ORDERS)
    lane.start_priming()
    for seq in (3, 4, 5, 6):
        queue.offer(frame(ORDERS, seq))
    queue.start(lane, [snapshot(ORDERS, 4)])
    assert places(queue) == [(4, 4), (5, 4), (6, 5)]


def test_a_slow_client_loses_a_channel_and_nothing_else():
    queue = SocketQueue()
    orders, portfolio = live(queue, ORDERS), live(queue, PORTFOLIO)
    taken(queue)
    queue.offer(frame(PORTFOLIO, 1))
    for seq in range(1, LANE_LIMIT + 2):
        queue.offer(frame(ORDERS, seq))
    assert queue.gaps() == [orders]
    assert portfolio.state is LaneState.LIVE
    assert [text["channel"] for text in taken(queue)] == ["portfolio"]
    orders.start_priming()
    queue.start(orders, [snapshot(ORDERS, LANE_LIMIT + 1)])
    queue.offer(frame(ORDERS, LANE_LIMIT + 2))
    assert places(queue) == [(LANE_LIMIT + 1, LANE_LIMIT + 1), (LANE_LIMIT + 2, LANE_LIMIT + 1)]


def test_notices_are_bounded():
    queue = SocketQueue()
    for _ in range(NOTICE_LIMIT + 1):
        queue.note("{}")
    assert queue.overrun
    assert len(taken(queue)) == NOTICE_LIMIT


def test_a_channel_left_behind_sends_no_more():
    queue = SocketQueue()
    lane = live(queue, ORDERS)
    priming = lane.primings
    queue.offer(frame(ORDERS, 1))
    queue.remove_lane("orders")
    assert taken(queue) == []
    assert lane.primings != priming  # a snapshot still in the making is not sent


def test_the_next_frame_of_an_idle_socket_goes_straight_out():
    straight = []
    queue = SocketQueue(straight.append)
    live(queue, ORDERS)
    queue.offer(frame(ORDERS, 1))
    assert straight == []  # the snapshot waits before it
    taken(queue)
    queue.offer(frame(ORDERS, 2))
    assert [json.loads(message["text"])["seq"] for message in straight] == [2]
    queue.busy = True
    queue.offer(frame(ORDERS, 3))
    queue.busy = False
    queue.offer(frame(ORDERS, 4))
    assert len(straight) == 1
    assert places(queue) == [(3, 2), (4, 3)]


def test_a_closed_socket_gets_nothing():
    straight = []
    queue = SocketQueue(straight.append)
    live(queue, ORDERS)
    taken(queue)
    queue.closed = True
    queue.offer(frame(ORDERS, 1))
    assert (straight, queue.take()) == ([], None)


STEPS = st.lists(st.sampled_from(["orders", "portfolio", "lost", "take", "prime", "busy"]), max_size=200)


@given(STEPS)
def test_a_client_can_always_trust_prev_seq(steps):
    """Whatever is lost or skipped: each frame's prev_seq is the seq of the frame before it, or it is a snapshot."""
    straight = []
    queue = SocketQueue(lambda message: straight.append(json.loads(message["text"])))
    seqs, heard = {"orders": 0, "portfolio": 0}, {"orders": None, "portfolio": None}
    lanes = {channel.name: live(queue, channel) for channel in (ORDERS, PORTFOLIO)}

    def hear(texts):
        for text in texts:
            name = text["channel"]
            assert text["data"] == "all" or text["prev_seq"] == heard[name]
            heard[name] = text["seq"]

    for step in [*steps, "take", "prime", "take"]:
        if step in seqs:
            seqs[step] += 1
            queue.offer(frame(lanes[step].channel, seqs[step]))
        elif step == "lost":
            seqs["orders"] += 1
        elif step == "prime":
            for lane in queue.gaps():
                lane.start_priming()
                queue.start(lane, [snapshot(lane.channel, seqs[lane.channel.name])])
        elif step == "busy":
            queue.busy = True
        else:
            queue.busy = False
            hear(taken(queue))
        hear(straight)
        straight.clear()
    assert heard["portfolio"] == seqs["portfolio"]
    if lanes["orders"].state is LaneState.LIVE:
        assert heard["orders"] == lanes["orders"].queued
