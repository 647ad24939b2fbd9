"""T17: two instances start together, again and again: one leads each time, and epochs rise. At the level of the lease,
with real processes and a connection each.
"""

import os
import signal
import time

import pytest

from apps.foundation import lease
from tests.support.cloned_database import database_url
from tests.support.lease_racer import SCOPES, Racer

pytestmark = pytest.mark.faults
ROUNDS = 200


def until(question):
    """The first true answer; a term of a second is waited out, a machine under load has longer."""
    deadline = time.monotonic() + 30
    while not (answer := question()):
        assert time.monotonic() < deadline, "the term did not end"
        time.sleep(0.05)
    return answer


@pytest.fixture
def racers(transactional_db):
    pair = [Racer(name, database_url()) for name in ("a", "b")]
    yield pair
    for racer in pair:
        racer.close()


def test_two_houses_race_and_one_leads(racers):
    epochs = []
    for _ in range(ROUNDS):
        for racer in racers:
            racer.say("take 60 0")
        answers = [racer.answer() for racer in racers]
        won = [(racer, answer) for racer, answer in zip(racers, answers, strict=True) if answer is not None]
        assert len(won) == 1, answers
        holders = {(one.house, one.epoch) for one in lease.observe() if one.alive}
        assert {epoch for _, epoch in holders} == {won[0][1]["epoch"]}
        assert len(holders) == 1
        epochs.append(won[0][1]["epoch"])
        assert won[0][0].ask("release") == len(SCOPES)
    assert epochs == sorted(set(epochs))


def test_a_frozen_holder_wakes_to_find_its_term_over(racers):
    a, b = racers
    first = a.ask("take 1 0")
    os.kill(a.process.pid, signal.SIGSTOP)
    a.say(f"renew {first['epoch']} 60")  # it is on its way when the process freezes
    taken = until(lambda: b.ask("take 60 0"))
    assert taken["epoch"] == first["epoch"] + 1
    os.kill(a.process.pid, signal.SIGCONT)
    assert a.answer() == []
    assert a.ask("take 60 0") is None
    assert b.ask(f"renew {taken['epoch']} 60") == sorted(SCOPES)
