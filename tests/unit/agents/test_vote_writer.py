"""What an agent's votes look like in its stream: quick ones together, slow ones at once, none lost and none twice."""

import pytest

from apps.agents.domain.vote_entry import LONGEST_ENTRY, MOST_VOTES, votes_in
from workers.agent_process.agent_settings import AgentSettings
from workers.agent_process.vote_writer import QUICK_SECONDS, VoteWriter

QUICK, SLOW = QUICK_SECONDS / 2, QUICK_SECONDS * 2


class Stream:
    def __init__(self):
        self.entries = []

    def xadd(self, name, fields, **_):
        assert name == "votes.a"
        self.entries.append(fields["vote"])


@pytest.fixture
def writer():
    settings = AgentSettings(
        agent_id="a", strategy="momentum", parameters={}, redis_url="redis://nowhere/0", beat_file=None
    )
    writer = VoteWriter(settings, needs_bars=1)
    writer._redis = Stream()
    return writer


def write(writer, *numbers, seconds=QUICK, **more):
    for number in numbers:
        writer.write_vote({"round_id": str(number), **more}, bars=5, seconds=seconds)


def told(writer):
    return [[vote["round_id"] for vote in votes_in(entry)] for entry in writer._redis.entries]


def test_quick_votes_are_written_together(writer):
    write(writer, *range(MOST_VOTES + 3))
    assert told(writer) == [[str(number) for number in range(MOST_VOTES)]]
    assert writer.votes == MOST_VOTES
    writer.flush()
    assert told(writer)[1:] == [["8", "9", "10"]]
    assert writer.votes == MOST_VOTES + 3
    writer.flush()
    assert len(told(writer)) == 2


def test_a_vote_that_took_long_is_written_at_once_with_those_before(writer):
    write(writer, 1)
    write(writer, 2, seconds=SLOW)
    write(writer, 3, seconds=SLOW)
    assert told(writer) == [["1", "2"], ["3"]]


def test_features_wait_for_nothing(writer):
    write(writer, 1, features="x")
    assert told(writer) == [["1"]]


def test_votes_too_long_for_one_entry_get_one_each(writer):
    write(writer, 1, 2, 3, reason="\u00e9" * 500)
    writer.flush()
    assert told(writer) == [["1", "2", "3"]]
    write(writer, 4, 5, 6, reason="\u00e9" * 800)
    writer.flush()
    assert told(writer)[-3:] == [["4"], ["5"], ["6"]]
    assert max(len(entry) for entry in writer._redis.entries) <= LONGEST_ENTRY


def test_what_could_not_be_written_is_not_written_with_the_next(writer, monkeypatch):
    def fails(*_, **__):
        raise ConnectionError

    write(writer, 1)
    with monkeypatch.context() as away:
        away.setattr(Stream, "xadd", fails)
        with pytest.raises(ConnectionError):
            writer.flush()
    assert writer.votes == 0
    write(writer, 2, seconds=SLOW)
    assert told(writer) == [["2"]]
