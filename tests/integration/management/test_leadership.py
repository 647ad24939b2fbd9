"""Who leads and who stands by: first start, takeover, loss, hand-over, and what is refused at the start."""

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest

from apps.foundation import audit, beats, lease
from apps.foundation.disk_room import SHORT, DiskRoom
from apps.foundation.errors import Conflict, Refused
from apps.foundation.lease import House
from apps.foundation.lease_memory import LeaseMemory
from apps.foundation.models import AuditEntry, Lease
from apps.management import operations
from apps.management.models import Incident, Instance
from apps.management.queries import instance_views, process_views
from apps.trading import queries as trading
from apps.trading.models import Account, Order
from apps.trading.operations.accounts.open_portfolio import open_portfolio
from apps.trading.operations.reconciliation.reconcile_account import reconcile_account
from tests.support.leading import HOUSE
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db
NOTHING_RUNS = SimpleNamespace(image="", name="none", observe=list)


class Instanced:
    """One instance of the firm as far as its leadership goes."""

    def __init__(self, desk, name, role):
        self.desk, self.role = desk, role
        self.house = House(f"house of {name}", name)
        self.memory = LeaseMemory()

    def look(self, *, later=0) -> bool:
        return operations.keep_leadership(
            house=self.house,
            role=self.role,
            lives=dict.fromkeys(Account.objects.values_list("pk", flat=True), timedelta(0)),
            memory=self.memory,
            alone=True,
            moment=self.desk.moment(later=later),
        )

    @property
    def leads(self) -> bool:
        return self.memory.leads()


@pytest.fixture
def desk(clean_redis):
    made = open_desk()
    lease.release(house=HOUSE)
    return made


@pytest.fixture
def a(desk):
    return Instanced(desk, "hq-a", "primary")


@pytest.fixture
def b(desk):
    return Instanced(desk, "hq-b", "backup")


def its_time_passes():
    """Nobody renews any more, and the last renewal is long ago."""
    lease_row = Lease.objects.first()
    Lease.objects.update(expires_at=lease_row.renewed_at)


def acts():
    rows = AuditEntry.objects.filter(chain=audit.OPERATIONS, action__startswith="leadership.").order_by("seq")
    return [(row.action.removeprefix("leadership."), row.actor) for row in rows]


def test_one_leads_and_the_other_stands_by_until_the_lease_ends(a, b, desk):
    assert [a.look(), b.look()] == [False, True]  # a took over from the desk's own house: that is pending
    assert (a.leads, b.leads) == (True, False)
    for _ in range(3):
        a.look()
        b.look()
    assert (a.leads, b.leads) == (True, False)
    its_time_passes()
    b.look()
    assert (b.leads, lease.observe()[0].holder) == (True, "hq-b")
    a.look()
    assert (a.leads, b.leads) == (False, True)
    assert acts() == [("taken", "hq-a"), ("taken", "hq-b"), ("lost", "hq-a")]
    assert audit.verify().ok


def test_a_takeover_compares_and_resolves_before_risk_is_added(a, b, desk):
    a.look()
    reconcile_account(venue=desk.venue, moment=desk.moment())
    assert a.look()
    assert trading.trading_state("paper").state == "ACTIVE"
    order_id = desk.propose()
    Order.objects.filter(pk=order_id).update(
        state="SUBMITTING", epoch=a.memory.belief.epoch, submitted_wall=desk.moment().wall
    )
    its_time_passes()
    assert not b.look()
    assert trading.trading_state("paper").state == "REDUCING"
    assert not trading.reconciled("paper")
    assert Incident.objects.get(kind="leadership_taken_over").subject == "hq-b"
    reconcile_account(venue=desk.venue, moment=desk.moment(later=1))
    assert trading.reconciled("paper")
    assert not b.look(), "an order of the earlier leader has an unknown outcome"
    Order.objects.filter(pk=order_id).update(state="UNKNOWN")
    assert not b.look()
    desk.sweep(later=10)
    desk.sweep(later=20)
    assert desk.order(order_id).state == "NOT_PLACED"
    assert b.look()
    assert trading.trading_state("paper").state == "ACTIVE"


def test_a_house_that_lost_its_lease_to_nobody_leads_again_under_the_next_epoch(a, desk):
    a.look()
    before = a.memory.belief.epoch
    its_time_passes()
    a.look()
    assert a.leads
    assert a.memory.belief.epoch == before + 1


def test_a_new_account_is_led_with_the_others(a, desk):
    a.look()
    open_portfolio(currency="USD", capital="1000", moment=desk.moment(), account="paper-usd")
    a.look()
    assert {(one.scope, one.holder, one.alive) for one in lease.observe()} == {
        ("paper", "hq-a", True),
        ("paper-usd", "hq-a", True),
    }


def test_accounts_that_are_led_in_part_are_told_of_and_led_whole_again(a, desk):
    open_portfolio(currency="USD", capital="1000", moment=desk.moment(), account="paper-usd")
    a.look()
    before = a.memory.belief.epoch
    ended = Lease.objects.get(scope="paper")
    Lease.objects.filter(scope="paper").update(expires_at=ended.renewed_at)

    def told():
        operations.watch_health(runtime=NOTHING_RUNS, moment=desk.moment())
        return Incident.objects.filter(kind="leadership_in_part", closed_at__isnull=True).values_list(
            "detail", flat=True
        )

    assert "paper by nobody, paper-usd by hq-a" in told().get()
    a.look()
    assert {(one.epoch, one.alive) for one in lease.observe()} == {(before + 1, True)}
    assert a.memory.leads(before + 1)
    assert not told().exists()


def test_a_planned_switch_lets_the_old_leader_go_first(a, b, desk):
    a.look()
    b.look()
    operations.promote_instance(name="hq-b", actor="ann", reason="New machine.", moment=desk.moment())
    b.look()
    assert (a.leads, b.leads) == (True, False)
    a.look()
    assert (a.leads, [one.alive for one in lease.observe()]) == (False, [False])
    b.look()
    a.look()
    assert (a.leads, b.leads) == (False, True)
    assert acts() == [("taken", "hq-a"), ("promotion_wanted", "ann"), ("handed_over", "hq-a"), ("taken", "hq-b")]
    assert not Incident.objects.filter(kind="leadership_taken_over", subject="hq-b").exists()
    rows = {row["name"]: row for row in instance_views(desk.moment().wall)}
    assert [(rows[name]["leader"], rows[name]["promotion_wanted"]) for name in ("hq-a", "hq-b")] == [
        (False, False),
        (True, False),
    ]


def test_a_promotion_that_nobody_follows_is_over_after_a_minute(a, b, desk):
    a.look()
    b.look()
    operations.promote_instance(name="hq-b", actor="ann", reason="New machine.", moment=desk.moment())
    a.look()
    a.look(later=30)
    assert not a.leads
    a.look(later=61)
    assert a.leads


def test_who_can_not_lead_is_not_promoted(a, b, desk):
    a.look()
    b.look()
    research = Instanced(desk, "hq-r", "research")
    research.look()
    assert not research.leads

    def code(name, error, **given):
        wanted = {"actor": "ann", "reason": "r", "moment": desk.moment(), **given}
        with pytest.raises(error) as caught:
            operations.promote_instance(name=name, **wanted)
        return caught.value.code

    assert code("hq-a", Conflict) == "leads_already"
    assert code("hq-r", Conflict) == "research_never_leads"
    assert code("hq-b", Conflict, moment=desk.moment(later=60)) == "instance_away"
    assert code("hq-x", Refused) == "unknown_instance"
    assert code("hq-b", Refused, reason=" ") == "required"


def test_a_second_primary_a_name_taken_and_the_wrong_database_are_refused(a, b, desk):
    def admit(house, role, **timing):
        operations.admit_instance(house=house, role=role, moment=desk.moment(**timing))

    admit(a.house, "primary")
    admit(a.house, "primary")
    with pytest.raises(Refused, match="HQ_ROLE=backup"):
        admit(House("h2", "hq-2"), "primary")
    with pytest.raises(Refused, match=r"Set HQ_INSTANCE .* wait 20 s"):
        admit(House("h2", "hq-a"), "backup")
    with pytest.raises(Refused, match="has its own"):
        admit(House("h2", "hq-2"), "research")
    admit(House("h2", "hq-2"), "backup")
    admit(House("h3", "hq-3"), "primary", later=60)
    assert Instance.objects.count() == 3


def test_the_leader_tells_of_an_instance_that_fell_silent_once_and_of_its_own_loops_only(a, b, desk, settings):
    b.look()
    beats.beat(beats.Pulse("hq-b:execution/order_sweep", "execution", desk.moment().wall), wall=desk.moment().wall)

    def watched(*, later):
        operations.watch_health(runtime=NOTHING_RUNS, moment=desk.moment(later=later))
        rows = Incident.objects.filter(closed_at__isnull=True, kind__in=["instance_silent", "loop_silent"])
        return [(row.kind, row.subject) for row in rows]

    assert watched(later=5) == []
    assert watched(later=60) == [("instance_silent", "hq-b")]
    settings.HQ_ROLE, settings.HQ_INSTANCE = "backup", "hq-b"
    assert [row["name"] for row in process_views(desk.moment().wall)] == ["hq-b:execution/order_sweep"]
    settings.HQ_ROLE = "primary"
    assert process_views(desk.moment().wall) == []


def test_a_disk_that_runs_short_is_told_of_while_it_can_be_and_forgotten_once_there_is_room(a, desk, monkeypatch):
    watching = import_module("apps.management.operations.watch_health")

    def watched(free):
        monkeypatch.setattr(watching, "disk_room", lambda folder, *, records: DiskRoom(folder, free, records))
        operations.watch_health(runtime=NOTHING_RUNS, moment=desk.moment())
        return [(row.subject, row.detail) for row in Incident.objects.filter(closed_at=None, kind="disk_short")]

    assert watched(SHORT) == []
    ((subject, detail),) = watched(SHORT - 1)
    assert subject == lease.this_house().name
    assert detail.startswith("511 MiB are free")
    assert watched(SHORT) == []
