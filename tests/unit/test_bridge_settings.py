"""What is unsafe about the bridge's settings is refused at the start, with its remedy."""

import pytest

from tradinghq.unsafe_settings import refuse_unsafe

REACHED = "redis://127.0.0.1:6379/0"


@pytest.fixture
def found(settings):
    def look(*, peers, url=REACHED, name="hq-1"):
        settings.HQ_PEERS, settings.HQ_BRIDGE_URL, settings.HQ_INSTANCE = peers, url, name
        return {message.id: f"{message.msg} {message.hint}" for message in refuse_unsafe()}

    return look


def test_without_peers_nothing_is_asked(found):
    assert "hq.E014" not in found(peers=[], url="", name="Head Office")


@pytest.mark.parametrize("url", [REACHED, "rediss://hq-1:secret@redis.example:6379/0"])
def test_a_line_with_a_password_or_on_this_machine_is_taken(found, url):
    assert {"hq.E014", "hq.E015", "hq.E016", "hq.E017"}.isdisjoint(found(peers=["hq-2"], url=url))


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"url": ""}, "hq.E014", ("hq-2", "unset HQ_PEERS")),
        ({"url": "https://example.org"}, "hq.E014", ("names no Redis",)),
        ({"url": "redis://10.0.0.9:6379/0"}, "hq.E015", ("10.0.0.9", "password")),
        ({"peers": ["hq-2", "hq-1"]}, "hq.E016", ("hq-1, which is this instance",)),
        ({"peers": ["Head Office"]}, "hq.E017", ("Head Office", "small letters")),
        ({"name": "HQ 1"}, "hq.E017", ("HQ 1",)),
    ],
)
def test_what_could_not_work_is_refused(found, given, code, words):
    refusal = found(**{"peers": ["hq-2"]} | given)[code]
    assert all(word in refusal for word in words), refusal
