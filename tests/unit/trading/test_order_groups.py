"""What one order of a group means for the others, and which stop covers what."""

from decimal import Decimal
from itertools import count
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from apps.trading.domain.orders.order_groups import BRACKET, ENTRY, OCO, STOP_LOSS, TAKE_PROFIT, Group, Member, ends
from apps.trading.domain.orders.order_lifecycle import OPEN, TERMINAL, OrderState
from apps.trading.domain.stops.stop_coverage import GroupStop, guards_share, shares_of_groups

D = Decimal
S = OrderState
_ids = count(1)


def member(role, state, *, quantity=1, filled=0, released=None):
    released = state != S.ARMED if released is None else released
    return Member(UUID(int=next(_ids)), role, state, D(str(quantity)), D(str(filled)), released)


def ended(group):
    wanted = {end.order_id for end in ends(group)}
    return [each.role for each in group.members if each.order_id in wanted]


def oco(take_profit, stop_loss):
    return Group(OCO, D(1), [take_profit, stop_loss])


def bracket(*members):
    return Group(BRACKET, None, members)


def test_a_partly_filled_take_profit_lessens_what_the_stop_may_sell():
    group = oco(member(TAKE_PROFIT, S.PARTIALLY_FILLED, filled="0.4"), member(STOP_LOSS, S.ARMED))
    assert group.left == D("0.6")
    assert ended(group) == []


def test_a_filled_exit_ends_the_other():
    assert ended(oco(member(TAKE_PROFIT, S.FILLED, filled=1), member(STOP_LOSS, S.ARMED))) == [STOP_LOSS]
    assert ended(oco(member(TAKE_PROFIT, S.ACCEPTED), member(STOP_LOSS, S.FILLED, filled=1))) == [TAKE_PROFIT]


def test_a_refused_take_profit_leaves_the_stop_at_work():
    assert ended(oco(member(TAKE_PROFIT, S.REJECTED), member(STOP_LOSS, S.ARMED))) == []


def test_the_exits_of_a_bracket_grow_with_its_fills():
    entry = member(ENTRY, S.PARTIALLY_FILLED, quantity=2, filled="0.5")
    group = bracket(entry, member(TAKE_PROFIT, S.ARMED), member(STOP_LOSS, S.ARMED))
    assert (group.left, group.may_grow, ended(group)) == (D("0.5"), True, [])


def test_a_fired_exit_takes_the_rest_of_the_entry_back():
    for state in (S.SUBMITTING, S.ACCEPTED, S.FILLED):
        fired = member(STOP_LOSS, state, quantity="0.5", filled="0.5" if state == S.FILLED else 0)
        entry = member(ENTRY, S.PARTIALLY_FILLED, quantity=2, filled="0.5")
        assert ENTRY in ended(bracket(entry, fired, member(TAKE_PROFIT, S.ARMED)))


def test_a_fill_that_comes_after_the_take_profit_is_left_to_the_stop():
    entry = member(ENTRY, S.CANCELED, quantity=2, filled="0.8")
    group = bracket(entry, member(TAKE_PROFIT, S.FILLED, quantity="0.5", filled="0.5"), member(STOP_LOSS, S.ARMED))
    assert (group.left, ended(group)) == (D("0.3"), [])


def test_an_entry_that_never_filled_leaves_nothing():
    group = bracket(member(ENTRY, S.CANCELED))
    assert (group.left, group.over, ends(group)) == (0, True, [])


states = st.sampled_from(sorted(S))
amounts = st.integers(0, 5).map(D)


@st.composite
def groups(draw):
    members = []
    for role in (ENTRY, TAKE_PROFIT, STOP_LOSS):
        if role == ENTRY or draw(st.booleans()):
            quantity = draw(st.integers(1, 5))
            members.append(member(role, draw(states), quantity=quantity, filled=draw(st.integers(0, quantity))))
    return Group(BRACKET, None, members)


@given(groups())
def test_only_living_orders_are_ended_each_once_and_never_while_more_may_be_sold_and_come_in(group):
    wanted = [end.order_id for end in ends(group)]
    by_id = {each.order_id: each for each in group.members}
    assert len(wanted) == len(set(wanted))
    assert all(by_id[order_id].state in OPEN for order_id in wanted)
    if group.left:
        assert all(by_id[order_id].role == ENTRY for order_id in wanted)
    if all(each.state in TERMINAL for each in group.members):
        assert wanted == []


@given(amounts, st.lists(st.tuples(amounts, amounts), max_size=4))
def test_stops_together_cover_the_position_exactly_and_never_sell_more(held, wishes):
    stops = [GroupStop(UUID(int=i), left, min(left, sending)) for i, (left, sending) in enumerate(wishes, 1)]
    sending = sum((stop.sending for stop in stops), D(0))
    if sending > held:
        return  # cannot be: what is being sold is reserved out of what is held
    shares = shares_of_groups(held, stops)
    assert sum(shares.values(), D(0)) + guards_share(held, shares, D(0)) == held
    assert all(stop.sending <= shares[stop.group_id] <= max(stop.left, stop.sending) for stop in stops)


def test_selling_by_hand_takes_from_the_newest_group_first():
    stops = [GroupStop(UUID(int=1), D(2), D(0)), GroupStop(UUID(int=2), D(3), D(0))]
    assert shares_of_groups(D(4), stops) == {UUID(int=1): 2, UUID(int=2): 2}
    assert shares_of_groups(D(1), stops) == {UUID(int=1): 1, UUID(int=2): 0}
