"""Why a process ended, by the end of its log."""

import json

import pytest

from apps.management.domain.last_words import LONGEST, last_words

TRACEBACK = (
    'Traceback (most recent call last):\n  File "x.py", line 1\n    def vote(self\n            ^\nSyntaxError: bad\n'
)


def line(**facts):
    return json.dumps({"event": "voted", "level": "info"} | facts)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", ""),
        ("\n\n", ""),
        (TRACEBACK, "SyntaxError: bad"),
        (f"{line()}\nAGENT_ID must be a UUID.\n\n", "AGENT_ID must be a UUID."),
        (f"an older sentence\n{line()}", ""),
        (line(level="error", event="vote_failed", exception=TRACEBACK), "SyntaxError: bad"),
        (line(level="critical", event="no_way_on"), "no_way_on"),
        (line(level="warning", event="redis_away"), ""),
        ('cut off in the middle": 7}', 'cut off in the middle": 7}'),
        ("{ no json", "{ no json"),
        ("x" * 900, "x" * LONGEST),
    ],
)
def test_only_a_fault_is_told(log, words):
    assert last_words(log) == words
