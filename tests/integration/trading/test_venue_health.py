"""What a venue's answers lead to: its rung, the cause that follows, what the gate lets through, the way back."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from apps.foundation.clock import Moment
from apps.foundation.errors import OutcomeUnknown, RetryableFailure
from apps.foundation.models import AuditEntry
from apps.trading import queries
from apps.trading.adapters.watched_venue import watched
from apps.trading.models import Account, StateCause, VenueHealth
from apps.trading.operations.execution.check_venue import check_venue
from apps.trading.operations.execution.record_venue_answer import record_clock_offset, record_venue_answer
from apps.trading.ports import VenueRefused
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def later(desk, seconds=0.0) -> Moment:
    return desk.moment(later=seconds)


def answer(desk, kind="timeout", times=1, *, account="kraken-1", at=0.0, every=1.0):
    rung = None
    for place in range(times):
        moment = later(desk, at + place * every)
        ok = kind in {"ok", "refused"}
        rung = record_venue_answer(account=account, ok=ok, kind=kind, latency_ms=30.0, moment=moment)
    return rung


def open_causes():
    return list(StateCause.objects.filter(closed_wall=None).values_list("kind", "account", "state"))


def test_failures_restrict_only_their_account_and_clear_by_themselves(desk):
    assert answer(desk, times=3) == "no_entries"
    assert open_causes() == [("venue_health", "kraken-1", "REDUCING")]
    assert queries.trading_state("kraken-1").state == "REDUCING"
    assert queries.trading_state("paper").state == "ACTIVE"
    assert queries.trading_state().state == "REDUCING"
    assert desk.propose(), "the paper account is not touched"
    assert answer(desk, "ok", times=30, at=10) == "normal"
    assert open_causes() == []
    closed = StateCause.objects.get()
    assert (closed.closed_by, closed.latched) == ("venue watch", False)
    actions = AuditEntry.objects.filter(action__startswith="trading.").order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["trading.restricted", "trading.cause_closed"]


def test_each_rung_has_one_cause_and_the_ladder_outlives_a_restart(desk):
    answer(desk, times=7)
    assert open_causes() == [("venue_health", "kraken-1", "REDUCING")]
    answer(desk, times=5, at=10)
    assert open_causes() == [("venue_health", "kraken-1", "HALTED")]
    assert StateCause.objects.count() == 3
    # Nothing of it lives in memory: the next answer is judged on the row alone.
    row = VenueHealth.objects.get()
    assert (row.rung, row.failures, row.last_failure_kind) == ("frozen", 12, "timeout")
    assert queries.venue_ladder("kraken-1") == "frozen"
    assert queries.venue_ladder("nobody") is None


def test_the_way_up_takes_one_rung_at_a_time(desk):
    answer(desk, times=12)
    seen = [answer(desk, "ok", at=20 + second) for second in range(0, 100, 2)]
    assert list(dict.fromkeys(seen)) == ["frozen", "exits_only", "no_entries", "normal"]
    assert open_causes() == []


def real_account(desk, **health):
    """The desk's account as if it were at a real venue."""
    with connection.cursor() as cursor:  # an account never changes its venue; only the tables' owner can do this
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE trading_account DISABLE TRIGGER USER")
        Account.objects.filter(pk="paper").update(venue="kraken")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE trading_account ENABLE TRIGGER USER")
    if health:
        VenueHealth.objects.create(account="paper", rung_since=desk.moment().wall, **health)


def denials(desk, **intent):
    from apps.trading.domain.orders.order_intent import OrderIntent
    from apps.trading.operations.orders.propose_order import propose_order

    wanted = {"symbol": "BTC/USDT", "side": "buy", "quantity": D("0.004"), "actor": "tester"} | intent
    view = propose_order(intent=OrderIntent(**wanted), moment=desk.moment())
    return {verdict["rule"]: verdict["code"] for verdict in view["verdicts"] if not verdict["allowed"]}


def test_a_real_venue_of_which_nothing_is_known_takes_no_new_risk(desk):
    real_account(desk)
    assert denials(desk) == {"venue_health": "missing_input", "clock_skew": "missing_input"}


def test_a_well_venue_with_a_fresh_clock_takes_it(desk):
    real_account(desk, clock_offset_ms=20, clock_wall=desk.moment().wall)
    assert denials(desk) == {}


def test_an_old_reading_of_the_clock_is_none(desk):
    real_account(desk, clock_offset_ms=20, clock_wall=desk.moment().wall - timedelta(minutes=11))
    assert denials(desk) == {"clock_skew": "missing_input"}


def test_the_rung_binds_entries_and_lets_exits_pass(desk):
    desk.buy()
    real_account(desk, rung="exits_only", clock_offset_ms=20, clock_wall=desk.moment().wall)
    assert denials(desk, quantity=D("0.0005")) == {"venue_health": "venue_degraded"}
    assert denials(desk, side="sell") == {"venue_health": "venue_degraded"}
    assert denials(desk, side="sell", reduce_only=True) == {}


def test_a_skewed_clock_restricts_until_it_is_half_as_bad(desk):
    for offset, expected in ((1001, 1), (900, 1), (-501, 1), (500, 0)):
        record_clock_offset(account="kraken-1", offset=timedelta(milliseconds=offset), moment=desk.moment())
        assert len(open_causes()) == expected, offset


class FakeLine:
    """A venue's own answers are real elsewhere; here only that a call ends one way or the other matters."""

    account, name, request_life = "kraken-1", "kraken", timedelta(seconds=5)

    def __init__(self):
        self.error = None
        self.offset = timedelta(milliseconds=80)

    def healthy(self):
        if self.error:
            raise self.error

    def clock_offset(self):
        return self.offset

    def find(self, *, client_order_id):
        return client_order_id

    def submit(self, *, order):
        raise self.error


def wired(desk, line):
    def tell(**told):
        record_venue_answer(moment=desk.moment(), **told)

    def tell_clock(**told):
        record_clock_offset(moment=desk.moment(), **told)

    return watched(line, tell=tell, tell_clock=tell_clock)


def test_a_watched_venue_changes_no_answer_and_tells_each_failure(desk):
    line = FakeLine()
    venue = wired(desk, line)
    assert (venue.account, venue.request_life) == ("kraken-1", timedelta(seconds=5))
    assert venue.find(client_order_id="x") == "x"
    for error in (VenueRefused("no"), OutcomeUnknown("gone"), RetryableFailure("away"), ValueError("odd")):
        line.error = error
        with pytest.raises(type(error)) as raised:
            venue.submit(order=None)
        assert raised.value is error
    row = VenueHealth.objects.get()
    assert (row.failures, row.failures_in_row, row.last_failure_kind) == (3, 3, "unmapped")
    assert row.rung == "no_entries"


def test_good_answers_in_a_row_are_told_once_a_second(desk):
    venue = wired(desk, FakeLine())
    for _ in range(50):
        venue.find(client_order_id="x")
    assert 1 <= VenueHealth.objects.get().answers <= 3


def test_a_venue_is_asked_when_it_is_due_and_more_often_while_it_is_down(desk):
    line = FakeLine()
    venue = wired(desk, line)
    assert check_venue(venue=venue, moment=desk.moment())
    assert VenueHealth.objects.get().clock_offset_ms == 80
    assert not check_venue(venue=venue, moment=later(desk, 30)), "not due yet"
    line.error = RetryableFailure("away")
    for _ in range(3):
        assert not check_venue(venue=venue, moment=later(desk, 90))
        VenueHealth.objects.update(clock_wall=desk.moment().wall - timedelta(seconds=60))
        VenueHealth.objects.update(last_failure_wall=desk.moment().wall - timedelta(seconds=60))
    assert VenueHealth.objects.get().rung == "no_entries"
    line.error = None
    assert check_venue(venue=venue, moment=later(desk, 6))


def test_the_views_say_what_each_rung_means_and_what_clears_the_cause(desk):
    answer(desk, times=3, account="paper")
    (view,) = queries.venue_views()
    assert (view["account"], view["rung"], view["state"]) == ("paper", "no_entries", "REDUCING")
    assert view["reason"] == "3 failures in a row, the last was timeout."
    (cause,) = queries.state_view()["causes"]
    assert (cause["account"], cause["clears"]) == (
        "paper",
        "The venue answers well again: rung by rung, each after 20 s of good answers.",
    )
