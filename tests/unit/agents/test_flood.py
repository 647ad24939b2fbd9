"""Of a crowd of messages by one agent, those are looked at that may be votes."""

from apps.agents.domain.flood import CROWD, TRIES, worth_a_look

OPEN = {"a", "b"}


def test_a_few_messages_are_all_looked_at_whatever_they_are():
    assert worth_a_look([None] * CROWD, OPEN) == [True] * CROWD


def test_of_a_crowd_only_the_first_about_each_open_round():
    nonsense = [None, {}, {"round_id": 7}, {"round_id": ["a"]}, {"round_id": "closed"}] * 4
    votes = [{"round_id": "a"}] * (TRIES + 2) + [{"round_id": "b"}]
    assert worth_a_look([*nonsense, *votes], OPEN) == [False] * 20 + [True] * TRIES + [False] * 2 + [True]


def test_an_agent_asked_about_many_instruments_is_no_flood():
    rounds = {str(number) for number in range(100)}
    assert all(worth_a_look([{"round_id": name} for name in sorted(rounds)], rounds))
