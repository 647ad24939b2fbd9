"""The lifecycle table against the one the design states, written out here a second time by hand."""

from itertools import product

import pytest

from apps.trading.domain.orders.order_lifecycle import (
    BIRTH_PATHS,
    OPEN,
    TERMINAL,
    TRANSITIONS,
    IllegalTransitionError,
    OrderState,
    may_move,
    path_is_legal,
    require_move,
)

# APPROVED and ARMED to UNKNOWN: docs/decisions/0016-what-a-lost-record-sent.md
DESIGN = """
PROPOSED: DENIED APPROVED
APPROVED: ARMED SUBMITTING UNKNOWN CANCELED EXPIRED
ARMED: SUBMITTING UNKNOWN DENIED CANCELED EXPIRED
SUBMITTING: ACCEPTED PARTIALLY_FILLED FILLED REJECTED UNKNOWN CANCELED EXPIRED
UNKNOWN: ACCEPTED PARTIALLY_FILLED FILLED REJECTED CANCELED EXPIRED NOT_PLACED
ACCEPTED: PARTIALLY_FILLED FILLED PENDING_CANCEL CANCELED EXPIRED REJECTED
PARTIALLY_FILLED: FILLED PENDING_CANCEL CANCELED EXPIRED
PENDING_CANCEL: CANCELED FILLED PARTIALLY_FILLED ACCEPTED EXPIRED
"""
STATED = {
    (line.split(": ")[0], after) for line in DESIGN.strip().splitlines() for after in line.split(": ")[1].split(" ")
}


@pytest.mark.parametrize(("before", "after"), list(product(OrderState, OrderState)))
def test_every_pair_is_as_the_design_states(before, after):
    assert may_move(before, after) is ((before, after) in STATED)


def test_terminal_states_are_those_without_a_way_out():
    assert {state.value for state in TERMINAL} == {"DENIED", "FILLED", "CANCELED", "EXPIRED", "REJECTED", "NOT_PLACED"}
    assert set(OrderState) == TERMINAL | OPEN
    assert not TERMINAL & OPEN


def test_an_unknown_order_never_becomes_unsent_by_a_shorter_way():
    assert [before for before in OrderState if may_move(before, OrderState.NOT_PLACED)] == [OrderState.UNKNOWN]


def test_an_illegal_move_names_both_states():
    with pytest.raises(IllegalTransitionError, match="FILLED can't become CANCELED"):
        require_move("FILLED", "CANCELED")


def test_every_birth_path_is_legal_and_ends_where_the_row_is_born():
    for state, path in BIRTH_PATHS.items():
        assert path_is_legal(path)
        assert path[-1] == state


@pytest.mark.parametrize(
    "path",
    [
        [],
        ["APPROVED"],
        ["PROPOSED", "SUBMITTING"],
        ["PROPOSED", "APPROVED", "APPROVED"],
        ["PROPOSED", "DENIED", "APPROVED"],
    ],
)
def test_paths_that_skip_or_repeat_are_illegal(path):
    assert not path_is_legal(path)


def test_every_state_can_be_reached():
    reached, grows = {OrderState.PROPOSED}, True
    while grows:
        after = reached | {state for before in reached for state in TRANSITIONS[before]}
        grows, reached = after != reached, after
    assert reached == set(OrderState)
