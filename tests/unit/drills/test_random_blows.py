"""The blows of a soak: the same seed draws the same ones, and a short soak knows every kind."""

from itertools import islice
from random import Random

from workers.drills.random_blows import FROZEN, KILLED, LINES, drawn_blows

A_ROUND = len(KILLED) + 1 + len(LINES)


def drawn(seed, count=A_ROUND):
    return list(islice(drawn_blows(Random(seed)), count))


def test_a_seed_draws_the_same_blows():
    assert drawn(7, 60) == drawn(7, 60)
    assert drawn(7) != drawn(8)


def test_each_round_kills_every_program_freezes_one_and_storms_on_every_line():
    both = drawn(7, 2 * A_ROUND)
    first, second = both[:A_ROUND], both[A_ROUND:]
    for blows in (first, second):
        assert sorted(blow.target for blow in blows if not blow.seconds) == sorted(KILLED)
        assert [blow.target in FROZEN for blow in blows if blow.seconds and blow.weather is None] == [True]
        assert sorted(blow.target for blow in blows if blow.weather) == sorted(LINES)
    assert [blow.target for blow in first] != [blow.target for blow in second]
