"""What an entry of a vote stream holds: one message or a few, and never more than was written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.agents.domain.vote_checks import LONGEST_DIGEST, LONGEST_REASON
from apps.agents.domain.vote_entry import LONGEST_ENTRY, MOST_VOTES, votes_in

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))
names = st.text(max_size=5).filter(lambda name: name not in {"votes", "rounds"})
objects = st.dictionaries(names, scalars, max_size=4)


@given(objects)
def test_an_object_is_one_vote(message):
    assert votes_in(json.dumps(message)) == [message]


@given(common=objects, votes=st.lists(st.one_of(objects, scalars), min_size=1, max_size=MOST_VOTES))
def test_votes_have_what_stands_beside_them_and_their_own_word_counts(common, votes):
    wanted = [{**common, **vote} if isinstance(vote, dict) else None for vote in votes]
    assert votes_in(json.dumps({**common, "votes": votes})) == wanted


@given(common=objects, pairs=st.lists(st.tuples(objects, objects), min_size=1, max_size=MOST_VOTES))
def test_each_vote_answers_the_round_in_its_place(common, pairs):
    written = {**common, "rounds": [asked for asked, _ in pairs], "votes": [vote for _, vote in pairs]}
    assert votes_in(json.dumps(written)) == [{**common, **asked, **vote} for asked, vote in pairs]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "no json",
        "[" * 5_000,
        "[]",
        '[{"round_id": "a"}]',
        "7",
        '{"votes": []}',
        '{"votes": {"round_id": "a"}}',
        json.dumps({"votes": [{}] * (MOST_VOTES + 1)}),
        '{"votes": [{"direction": 1}], "rounds": [{}, {}]}',
        '{"votes": [{"direction": 1}], "rounds": {"round_id": "a"}}',
        '{"votes": [{"direction": 1}], "rounds": 7}',
        '{"votes": [{"direction": 1}], "rounds": null}',
        json.dumps({"reason": "x" * LONGEST_ENTRY}),
    ],
)
def test_anything_else_is_one_bad_message(text):
    assert votes_in(text) == [None]


def test_a_vote_on_what_is_no_round_is_bad_alone():
    assert votes_in('{"votes": [{"a": 1}, {"b": 2}], "rounds": [{"r": 0}, 7]}') == [{"r": 0, "a": 1}, None]


def test_as_many_votes_as_an_entry_may_hold_fit_with_the_longest_texts():
    vote = {
        "round_id": "r" * 36,
        "symbol": "s" * 32,
        "correlation_id": "c" * 64,
        "direction": -0.12345678901234567,
        "confidence": 0.12345678901234567,
        "abstain": False,
        "horizon_bars": 500,
        "reason": "x" * LONGEST_REASON,
    }
    common = {"expires_at": "e" * 32, "data_as_of": "d" * 32, "digest": "d" * LONGEST_DIGEST}
    assert len(votes_in(json.dumps({**common, "votes": [vote] * MOST_VOTES}))) == MOST_VOTES
