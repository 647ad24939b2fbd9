"""The bridge with real keys and a real Redis: what is taken, what is refused, and that nothing is done by halves."""

import json
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction

from apps.agents.models import Agent
from apps.foundation import audit, lease, record_epoch
from apps.foundation.errors import Conflict, HQError, NotFound
from apps.foundation.models import AuditEntry
from apps.management import operations
from apps.management.adapters.redis_bridge import RedisBridge
from apps.management.domain.bridge_envelope import Kind
from apps.management.models import (
    AgentProposal,
    BridgeLink,
    BridgePeerKey,
    Incident,
    Instance,
    OutgoingEnvelope,
    TakenEnvelope,
)
from apps.management.operations.bridge import act_on_post
from apps.management.ports import BridgeRoute
from apps.management.queries import OwnClaim
from apps.trading.queries import trading_state
from tests.support.agents_room import AgentsRoom
from tests.support.bridge_sides import HERE, THERE, Side, know, make_key, now
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return {name: make_key(tmp_path_factory.mktemp(name)) for name in ("here", "there", "other")}


@pytest.fixture
def line(clean_redis):
    return RedisBridge(settings.REDIS_URL)


@pytest.fixture
def here(keys, line):
    know(HERE, keys["here"].public(), may_halt=True, may_propose=True)
    return Side(OwnClaim(HERE, "primary", leads=False, epoch=3), keys["here"], line, THERE)


@pytest.fixture
def there(here, keys, line):
    know(THERE, keys["there"].public(), may_halt=True, may_propose=True)
    return Side(OwnClaim(THERE, "research", leads=False, epoch=0), keys["there"], line, HERE)


def incidents():
    return {(row.kind, row.subject): row for row in Incident.objects.filter(closed_at__isnull=True)}


def outcomes():
    return list(TakenEnvelope.objects.order_by("pk").values_list("sequence", "outcome"))


def refused(here, code, *, severity="critical"):
    """The one open incident; nothing of the envelope was taken."""
    here.take()
    (row,) = incidents().values()
    assert (row.kind, row.subject, row.severity) == (f"bridge_{code}", THERE, severity)
    assert outcomes() == []
    assert not BridgeLink.objects.filter(own=HERE, in_sequence__gt=0).exists()


HALT = {"cause_id": "c-1", "author": "ada", "reason": "smoke", "opened_at": "2026-11-28T12:00:00Z"}


class TestRefused:
    @pytest.mark.parametrize(
        ("was", "becomes"),
        [('"leads":false', '"leads":true '), ('"sequence":1', '"sequence":2'), ('"version":1}', '"version":1} ')],
    )
    def test_a_changed_byte(self, here, there, was, becomes):
        envelope = there.envelope()
        assert was in envelope.text()
        there.put(envelope, text=envelope.text().replace(was, becomes))
        refused(here, "bad_signature")

    def test_a_signature_of_somebody_else(self, here, there, keys):
        there.put(there.envelope(), key=keys["other"])
        refused(here, "bad_signature")

    def test_a_signature_of_another_peer_that_we_know(self, here, there, keys):
        know("hq-9", keys["other"].public())
        there.put(there.envelope(), key=keys["other"])
        refused(here, "bad_signature")

    def test_a_signature_that_is_none(self, here, there):
        there.put(there.envelope(), signature="-----BEGIN PGP SIGNATURE-----\n\nnonsense\n-----END PGP SIGNATURE-----")
        refused(here, "bad_signature")

    def test_text_that_is_no_envelope(self, here, there):
        there.put(there.envelope(), text="hello")
        refused(here, "malformed", severity="warning")

    def test_an_envelope_for_somebody_else(self, here, there):
        there.put(there.envelope(recipient="hq-9"))
        refused(here, "not_for_us")

    def test_an_envelope_of_another_sender_in_this_stream(self, here, there):
        there.put(there.envelope(sender="hq-9"))
        refused(here, "wrong_stream", severity="warning")

    def test_an_expired_one(self, here, there):
        there.put(there.envelope(issued_at=now(-3600).wall))
        refused(here, "expired", severity="warning")

    def test_one_from_the_future(self, here, there):
        there.put(there.envelope(issued_at=now(3600).wall))
        refused(here, "from_the_future", severity="warning")

    def test_one_of_a_peer_whose_keys_ended(self, here, there, keys):
        fingerprint = keys["there"].public().fingerprint
        operations.end_peer_key(name=THERE, fingerprint=fingerprint, actor="test", reason="stolen", moment=now(-5))
        there.put(there.envelope())
        refused(here, "peer_without_key", severity="warning")

    def test_strangers_are_not_read_and_an_incident_names_them(self, here, there):
        there.put(there.envelope())
        here.watch(peers=[])
        assert set(incidents()) == {("bridge_peer_unknown", THERE)}
        sender = operations.Sender(here.claim, here.key, here.line)
        operations.exchange_post(sender=sender, peers=[], moment=now())
        assert outcomes() == []


class TestReplayed:
    def test_an_old_envelope_does_nothing_and_is_told(self, here, there):
        envelope = there.envelope(kind=Kind.HALT, body=HALT)
        there.put(envelope)
        here.take()
        assert trading_state().state == "HALTED"
        operations.resume(actor="ada", reason="it was steam", moment=now())
        there.put(envelope)
        here.take()
        assert trading_state().state == "ACTIVE"
        assert set(incidents()) == {("bridge_replayed", THERE)}
        assert outcomes() == [(1, "taken")]

    def test_a_copy_that_the_sender_made_is_acknowledged_and_no_replay(self, here, there):
        there.put(there.envelope())
        here.take()
        there.put(there.envelope(attempt=2))
        here.take()
        assert incidents() == {}
        assert outcomes() == [(1, "taken")]
        there.put(there.envelope(attempt=2))
        here.take()
        assert set(incidents()) == {("bridge_replayed", THERE)}

    def test_an_old_heartbeat(self, here, there):
        there.turn()
        (old,) = here.line.read(BridgeRoute(THERE, HERE, "beats"), limit=2)
        here.turn()
        there.turn(later=20)
        here.turn(later=20)
        assert incidents() == {}
        here.line.put(BridgeRoute(THERE, HERE, "beats"), text=old.text, signature=old.signature)
        here.turn(later=21)
        assert set(incidents()) == {("bridge_replayed", THERE)}

    def test_the_database_takes_a_number_once_and_none_back(self, here, there):
        there.put(there.envelope())
        here.take()
        row = TakenEnvelope.objects.get()
        row.pk = None
        with pytest.raises(IntegrityError, match="bridge_taken_once"), transaction.atomic():
            row.save()
        for change in ({"in_sequence": 0}, {"in_beat_series": -1}, {"peer_epoch": -1}):
            with pytest.raises(DatabaseError), transaction.atomic():
                BridgeLink.objects.filter(own=HERE).update(**change)
        for rows in (TakenEnvelope, BridgeLink, BridgePeerKey):  # a message of less than a month is kept, too
            with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic():
                rows.objects.all().delete()
        with pytest.raises(DatabaseError), transaction.atomic():
            TakenEnvelope.objects.update(outcome="other")


class TestLies:
    def test_an_epoch_that_falls_is_refused_for_good_and_the_next_truth_is_taken(self, here, there):
        there.put(there.envelope(epoch=9))
        there.put(there.envelope(epoch=8, sequence=2))
        there.put(there.envelope(epoch=9, sequence=3))
        here.take()
        assert outcomes() == [(1, "taken"), (2, "epoch_fell"), (3, "taken")]
        (row,) = incidents().values()
        assert (row.kind, row.severity) == ("bridge_epoch_fell", "critical")
        assert "8 after 9" in row.detail
        assert here.link.peer_epoch == 9

    def test_research_that_says_it_leads(self, here, there):
        there.put(there.envelope(body={"role": "research", "leads": True}))
        here.take()
        assert outcomes() == [(1, "research_leads")]
        assert not here.link.peer_leads

    def test_a_backup_that_says_it_leads_while_the_lease_is_ours(self, here, there):
        facts = {"host": "h", "runtime": "process", "version": "0", "started_at": now().wall, "seen_at": now().wall}
        Instance.objects.create(name=THERE, house="house there", role="backup", **facts)
        taken = lease.take(house=lease.House("house here", HERE), lives={"paper": timedelta(0)}, first=True)
        there.put(there.envelope(epoch=taken.epoch, body={"role": "backup", "leads": True}))
        there.put(there.envelope(epoch=taken.epoch + 1, sequence=2, body={"role": "backup", "leads": False}))
        here.take()
        assert outcomes() == [(1, "epoch_disproved"), (2, "epoch_disproved")]
        assert incidents()["bridge_epoch_disproved", THERE].occurrences == 2
        assert here.link.peer_epoch == 0

    def test_a_primary_that_said_so_before_it_let_go_told_the_truth(self, here, there):
        facts = {"host": "h", "runtime": "process", "version": "0", "started_at": now().wall, "seen_at": now().wall}
        Instance.objects.create(name=THERE, house="house there", role="primary", **facts)
        house = lease.House("house there", THERE)
        taken = lease.take(house=house, lives={"paper": timedelta(0)}, first=True)
        there.put(there.envelope(epoch=taken.epoch, body={"role": "primary", "leads": True}))
        lease.release(house=house)
        here.take()
        assert outcomes() == [(1, "taken")]
        assert (here.link.peer_leads, here.link.peer_epoch) == (True, taken.epoch)

    def test_a_receipt_for_what_we_never_wrote(self, here, there):
        body = {"role": "research", "leads": False, "trading_state": "ACTIVE", "version": "0", "waiting": 0}
        body |= {"taken_series": 0, "taken_sequence": 5, "refused": []}
        here.write("waits")
        there.put(there.envelope(kind=Kind.HEARTBEAT, body=body))
        here.take()
        assert set(incidents()) == {("bridge_receipt_disproved", THERE)}
        assert OutgoingEnvelope.objects.get().taken_at is None


class TestRights:
    def test_without_the_right_a_halt_halts_nothing_and_its_sender_learns_of_it(self, here, there):
        rights = {"may_halt": False, "may_propose": False}
        operations.change_peer_rights(name=THERE, **rights, actor="test", reason="a test", moment=now())
        there.write("stop", Kind.HALT, HALT)
        there.turn()
        here.turn()
        there.turn()
        assert trading_state().state == "ACTIVE"
        assert ("bridge_kind_not_allowed", THERE) in incidents()
        told = OutgoingEnvelope.objects.get(link__own=THERE, cause="stop")
        assert (told.refused_code, told.taken_at is not None) == ("kind_not_allowed", True)

    def test_a_stop_is_told_once_and_never_told_back(self, here, there):
        operations.emergency_stop(actor="ada", reason="smoke", flatten=False, moment=now())
        for _ in range(3):
            here.turn()
            there.turn()
        (told,) = OutgoingEnvelope.objects.filter(kind="halt", link__own=HERE)
        assert told.body["reason"] == "smoke"
        operations.resume(actor="ada", reason="over", moment=now())
        there.write("theirs", Kind.HALT, HALT)
        there.turn()
        here.turn()
        assert [cause.reason.startswith("hq-lab was stopped") for cause in trading_state().causes] == [True]
        here.turn()
        assert OutgoingEnvelope.objects.filter(kind="halt", link__own=HERE).count() == 1


DAY = 86_400.0


class TestForgetting:
    def test_what_was_taken_long_ago_goes_and_its_number_stays_used_up(self, here, there, settings):
        old = there.envelope(issued_at=now(-100 * DAY).wall)
        there.put(old)
        here.take(later=-100 * DAY)
        there.put(there.envelope(sequence=2, issued_at=now(-60 * DAY).wall))
        here.take(later=-60 * DAY)
        settings.HQ_BRIDGE_KEEP_DAYS = 90
        assert operations.prune_records(moment=now())["bridge"] == 1
        assert outcomes() == [(2, "taken")]
        settings.HQ_BRIDGE_KEEP_DAYS = 31
        assert operations.prune_records(moment=now())["bridge"] == 1
        there.put(old)
        here.take()
        assert outcomes() == []
        assert set(incidents()) == {("bridge_replayed", THERE)}
        there.put(there.envelope(sequence=3))
        here.take()
        assert outcomes() == [(3, "taken")]

    def test_what_waits_and_the_telling_of_a_stop_in_force_are_kept(self, here, there):
        operations.emergency_stop(actor="ada", reason="smoke", flatten=False, moment=now())
        here.turn()
        there.take()
        there.turn()
        here.turn()
        here.write("not taken yet")
        kinds = lambda: sorted((row.kind, row.taken_at is None) for row in here.link.outgoing.all())  # noqa: E731
        assert kinds() == [("halt", False), ("role", False), ("role", True)]
        OutgoingEnvelope.objects.filter(taken_at__isnull=False).update(taken_at=now(-100 * DAY).wall)
        operations.prune_records(moment=now())
        assert kinds() == [("halt", False), ("role", True)]
        here.turn()
        assert OutgoingEnvelope.objects.filter(kind="halt", link__own=HERE).count() == 1
        operations.resume(actor="ada", reason="over", moment=now())
        operations.prune_records(moment=now())
        assert kinds() == [("role", True)]


class TestNothingHalfDone:
    def test_what_fails_in_the_middle_is_undone_and_taken_by_the_next_turn(self, here, there, monkeypatch):
        there.put(there.envelope())
        with monkeypatch.context() as broken:

            def fail(**_):
                raise OSError("the disk is full")

            broken.setattr(act_on_post.audit, "append", fail)
            with pytest.raises(OSError, match="disk"):
                here.take()
        assert outcomes() == []
        here.take()
        assert outcomes() == [(1, "taken")]
        assert incidents() == {}

    def test_an_entry_that_was_recorded_and_not_removed_is_known_by_its_place(self, here, there, monkeypatch):
        there.put(there.envelope())
        with monkeypatch.context() as cut:
            cut.setattr(RedisBridge, "remove", lambda *_: None)
            here.take()
        here.take()
        assert outcomes() == [(1, "taken")]
        assert incidents() == {}
        assert AuditEntry.objects.filter(action="bridge.role").count() == 1

    def test_the_chain_of_the_audit_holds(self, here, there):
        there.put(there.envelope())
        here.take()
        assert audit.verify().ok


class TestBacklog:
    def test_what_redis_lost_is_sent_again_in_order_and_taken_once(self, here, there, line, clean_redis):
        here.write("a")
        here.write("b")
        here.turn()
        there.take()
        taken = list(TakenEnvelope.objects.filter(own=THERE).values_list("sequence", flat=True))
        clean_redis.flushdb()  # with it the receipt
        here.write("c")
        here.turn()
        there.take()
        here.turn(later=31)
        there.turn(later=31)
        here.turn(later=32)
        assert taken == [1, 2, 3]
        rows = OutgoingEnvelope.objects.filter(link__own=HERE).order_by("sequence")
        assert [row.cause.partition(":")[0] for row in rows] == ["a", "b", "role", "c"]
        assert all(row.taken_at for row in rows)
        assert list(TakenEnvelope.objects.filter(own=THERE).order_by("pk").values_list("sequence", "outcome")) == [
            (number, "taken") for number in range(1, len(rows) + 1)
        ]
        assert incidents() == {}

    def test_a_message_that_lay_too_long_is_signed_anew(self, here, there):
        here.write("a")
        here.turn()
        there.take(later=700)
        assert {kind for kind, _ in incidents()} == {"bridge_expired"}
        here.turn(later=701)
        there.take(later=701)
        assert list(TakenEnvelope.objects.filter(own=THERE).values_list("outcome", flat=True).distinct()) == ["taken"]

    def test_a_peer_that_falls_silent_is_an_incident_until_it_is_heard(self, here, there):
        there.turn()
        here.turn()
        here.watch(later=30)
        assert incidents() == {}
        here.watch(later=61)
        assert set(incidents()) == {("bridge_peer_silent", THERE)}
        there.turn(later=62)
        here.turn(later=62)
        assert incidents() == {}

    def test_after_a_restore_of_ours_the_numbers_begin_anew_and_are_taken(self, here, there):
        here.write("before")
        here.turn()
        there.turn()
        record_epoch.begin_epoch(reason="a restore", moment=now())
        here.write("after")
        here.turn()
        there.take()
        last = TakenEnvelope.objects.filter(own=THERE).latest("pk")
        assert (last.series, last.outcome) == (record_epoch.current_epoch(), "taken")
        assert incidents() == {}

    def test_a_peer_that_was_restored_gets_a_new_series(self, here, there):
        for cause in ("a", "b"):
            here.write(cause)
        here.turn()
        there.turn()
        here.turn()
        assert here.link.acked_sequence == here.link.out_sequence > 0
        forgot = {"role": "research", "leads": False, "trading_state": "ACTIVE", "version": "0", "waiting": 0}
        forgot |= {"taken_series": 0, "taken_sequence": 1, "refused": []}
        before = here.link.out_series
        there.put(there.envelope(kind=Kind.HEARTBEAT, series=7, body=forgot))
        here.take()
        assert here.link.out_series == before + 1
        here.write("c")
        assert OutgoingEnvelope.objects.filter(link__own=HERE).latest("pk").sequence == 1
        there.put(there.envelope(kind=Kind.HEARTBEAT, series=7, sequence=2, body=forgot))
        here.take()
        assert here.link.out_series == before + 1
        assert incidents() == {}


class TestKeys:
    def test_while_two_keys_hold_both_are_believed_and_afterwards_the_old_one_is_not(self, here, there, keys):
        following = keys["other"].public()
        operations.add_peer_key(
            name=THERE,
            public_key=following.armored,
            fingerprint=following.fingerprint,
            overlap_hours=1,
            actor="test",
            reason="rotation",
            moment=now(),
        )
        there.put(there.envelope())
        there.put(there.envelope(sequence=2), key=keys["other"])
        here.take()
        assert outcomes() == [(1, "taken"), (2, "taken")]
        late = now(3601).wall
        there.put(there.envelope(sequence=3, issued_at=late))
        here.take(later=3602)
        assert set(incidents()) == {("bridge_key_ended", THERE)}
        there.put(there.envelope(sequence=3, issued_at=late), key=keys["other"])
        here.take(later=3602)
        assert outcomes()[-1] == (3, "taken")

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"fingerprint": "0" * 40}, "fingerprint_differs"),
            ({"public_key": "hello"}, "no_public_key"),
            ({"name": "HQ 9"}, "bad_name"),
            ({"name": HERE}, "peer_known"),
            ({"reason": " "}, "required"),
        ],
    )
    def test_a_peer_is_not_added_by_bad_facts(self, here, keys, change, code):
        key = keys["other"].public()
        given = {"name": "hq-9", "public_key": key.armored, "fingerprint": key.fingerprint, "reason": "a test"}
        with pytest.raises(HQError) as refusal:
            operations.add_peer(**given | change, actor="test", moment=now())
        assert refusal.value.code == code

    def test_a_private_key_and_two_keys_at_once_are_refused(self, here, keys, short_path):
        both = keys["here"].public().armored + keys["other"].public().armored
        fingerprint = keys["other"].public().fingerprint
        with pytest.raises(HQError, match="exactly one"):
            operations.add_peer(
                name="hq-9", public_key=both, fingerprint=fingerprint, actor="test", reason="a test", moment=now()
            )

    def test_a_key_comes_once_and_at_most_two_hold(self, here, there, keys, short_path):
        def add(key):
            operations.add_peer_key(
                name=THERE,
                public_key=key.armored,
                fingerprint=key.fingerprint,
                actor="test",
                reason="a test",
                moment=now(),
            )

        with pytest.raises(Conflict, match="already"):
            add(keys["there"].public())
        add(keys["other"].public())
        with pytest.raises(Conflict, match="End one"):
            add(make_key(short_path).public())
        with pytest.raises(NotFound):
            operations.end_peer_key(name=THERE, fingerprint="0" * 40, actor="test", reason="a test", moment=now())


class TestProposals:
    @pytest.fixture
    def agent(self, here, clean_redis):
        return AgentsRoom(open_desk()).agent("momentum")

    def propose(self, there, agent):
        facts = {"own": THERE, "peers": [HERE], "peer": HERE, "agent_id": agent.pk}
        return operations.propose_agent(**facts, actor="ada", reason="it holds out of sample", moment=now())

    def test_it_travels_sealed_and_trades_only_when_a_person_adopted_it(self, here, there, agent):
        before = Agent.objects.count()
        self.propose(there, agent)
        there.turn()
        lying = here.line.read(BridgeRoute(THERE, HERE, "post"), limit=9)
        (sealed,) = [json.loads(one.text) for one in lying if json.loads(one.text)["kind"] == "proposal"]
        assert sealed["body"].startswith("-----BEGIN PGP MESSAGE-----")
        assert "momentum" not in "".join(one.text for one in lying)
        here.take()
        (proposal,) = AgentProposal.objects.all()
        assert (proposal.state, proposal.strategy, proposal.author) == ("waiting", "momentum", "ada")
        assert Agent.objects.count() == before
        assert ("bridge_proposal_waits", str(proposal.pk)) in incidents()
        assert not AuditEntry.objects.filter(action__startswith="bridge.", payload__contains="momentum").exists()
        adopted = operations.adopt_proposal(proposal_id=proposal.pk, actor="bob", reason="I read it", moment=now())
        assert Agent.objects.get(pk=adopted["agent_id"]).strategy == "momentum"
        assert incidents() == {}
        for decide in (operations.adopt_proposal, operations.decline_proposal):
            with pytest.raises(Conflict, match="adopted by bob"):
                decide(proposal_id=proposal.pk, actor="eve", reason="again", moment=now())
        with pytest.raises(DatabaseError), transaction.atomic():
            AgentProposal.objects.update(state="waiting", agent_id=None)

    def test_what_this_firm_cannot_run_is_refused_whole(self, here, there, agent):
        self.propose(there, agent)
        there.turn()
        here.take()
        (proposal,) = AgentProposal.objects.all()
        body = {"strategy": "no_such_strategy", "timeframe": "1m", "instruments": [], "parameters": {}}
        body |= {"proposal_id": "0192f0c1-0000-7000-8000-000000000000", "author": "ada", "reason": "try this"}
        there.write("odd", Kind.PROPOSAL, body)
        there.turn()
        here.take()
        odd = AgentProposal.objects.exclude(pk=proposal.pk).get()
        with pytest.raises(HQError) as refusal:
            operations.adopt_proposal(proposal_id=odd.pk, actor="bob", reason="I read it", moment=now())
        assert refusal.value.code == "unknown_strategy"
        odd.refresh_from_db()
        assert odd.state == "waiting"

    def test_one_sealed_to_another_key_is_refused(self, here, there, keys):
        body = there.sealed({"strategy": "momentum"}, keys["other"].public())
        there.put(there.envelope(kind=Kind.PROPOSAL, body=body))
        refused(here, "not_opened", severity="warning")
