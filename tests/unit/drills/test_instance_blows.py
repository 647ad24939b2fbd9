"""The blows at three instances: the same seed draws the same ones, and who leads is struck in every way."""

from itertools import islice
from random import Random

from workers.drills.instance_blows import LABORATORY, LEADER, OTHER, drawn_blows
from workers.drills.one_trader import falling

SECONDS = (5.0, 40.0)
KINDS = 15


def drawn(seed, count):
    return list(islice(drawn_blows(Random(seed), SECONDS), count))


def test_a_seed_draws_the_same_blows():
    assert drawn(7, 40) == drawn(7, 40)
    assert drawn(7, 40) != drawn(8, 40)


def test_two_at_once_strike_different_houses_and_each_lasts_as_long_as_was_asked():
    at_once = drawn(7, 60)
    assert {len(blows) for blows in at_once} == {1, 2}
    for blows in at_once:
        assert len({blow.target for blow in blows}) == len(blows)
        for blow in blows:
            assert blow.kind == "killed" or SECONDS[0] <= blow.seconds <= SECONDS[1]


def test_in_a_round_each_house_dies_freezes_and_is_cut_off():
    blows = [blow for at_once in drawn(7, KINDS) for blow in at_once][:KINDS]
    kinds = {(blow.target, blow.kind, blow.part if blow.kind == "cut off" else "") for blow in blows}
    for house in (LEADER, OTHER, LABORATORY):
        assert {(house, "dead", ""), (house, "frozen", "")} <= kinds
    assert {(LEADER, "cut off", line) for line in ("database", "exchange", "redis")} <= kinds
    assert (LABORATORY, "cut off", "bridge") in kinds


def test_an_order_of_an_older_epoch_after_a_newer_one_is_found():
    assert falling("order {} was sent", [("a", 1), ("b", 1), ("c", 3)]) == []
    found = falling("order {} was sent", [("a", 1), ("b", 3), ("c", 1), ("d", 3)])
    assert found == ["order c was sent in epoch 1 after one of 3."]
