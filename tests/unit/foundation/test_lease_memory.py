"""What a process may conclude from a renewal, and for how long."""

import pytest

from apps.foundation import lease_memory
from apps.foundation.lease_memory import RELY_SECONDS, LeaseMemory, Term


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

    monkeypatch.setattr(lease_memory, "steady", lambda: Clock.now)
    return Clock


def test_a_renewal_counts_from_before_it_was_asked_for(clock):
    known = LeaseMemory()
    known.learn(epoch=3, asked=clock.now - 4)  # the answer took four seconds
    assert known.leads()
    assert known.may_send(3)
    clock.now += RELY_SECONDS - 4
    assert not known.leads()
    assert not known.may_send(3)


def test_a_term_lives_as_long_as_its_house_goes_on_renewing(clock):
    known = LeaseMemory()
    known.learn(epoch=3, asked=clock.now)
    term = Term(3, known)
    clock.now += RELY_SECONDS - 1
    known.learn(epoch=3, asked=clock.now)
    clock.now += RELY_SECONDS - 1
    assert term.lives()


def test_a_lost_term_never_comes_back(clock):
    known = LeaseMemory()
    known.learn(epoch=3, asked=clock.now)
    term = Term(3, known)
    known.forget()
    assert not term.lives()
    known.learn(epoch=5, asked=clock.now)
    assert known.leads()
    assert not term.lives()
    assert Term(5, known).lives()


def test_nothing_leaves_while_another_houses_request_may_be_under_way(clock):
    known = LeaseMemory()
    known.learn(epoch=3, asked=clock.now, waits=6)
    assert known.leads()
    assert not known.may_send(3)
    clock.now += 4
    known.learn(epoch=3, asked=clock.now)  # a renewal makes the wait neither longer nor shorter
    assert not known.may_send(3)
    clock.now += 2
    assert known.may_send(3)
