"""Books from a backup: the gap is declared, trading halts, and only a comparison with every venue lets it go on."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model

from apps.foundation import audit
from apps.foundation.identifiers import new_id
from apps.foundation.models import AuditEntry, AuthSession
from apps.foundation.record_epoch import current_epoch
from apps.management import operations
from apps.management import queries as queries_of_management
from apps.management.models import Incident
from apps.management.operations import BackupHead, declare_restore
from apps.trading import operations as trading
from apps.trading import queries
from apps.trading.models import Account
from apps.trading.operations.reconciliation.reconcile_account import reconcile_account
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def heads():
    return tuple(BackupHead(one.chain, one.rows, one.head) for one in audit.verify().chains)


def declare(desk):
    made = desk.moment().wall - timedelta(minutes=10)
    return declare_restore(made_at=made, source="hq-1.backup.gpg", heads=heads(), moment=desk.moment())


def compare(desk):
    for later in (0, 10):
        reconcile_account(venue=desk.venue, moment=desk.moment(later=later))


def test_every_chain_says_where_the_backup_ends(desk):
    before = {"operations": BackupHead("operations", 0, ""), **{head.chain: head for head in heads()}}
    epoch = declare(desk)
    assert (epoch, audit.verify().ok) == (current_epoch(), True)
    told = {row.chain: row for row in AuditEntry.objects.filter(action="record.restored")}
    assert told.keys() == before.keys()
    for chain, row in told.items():
        said = json.loads(row.payload)
        assert (row.seq, row.epoch) == (before[chain].seq + 1, epoch)
        assert (said["last_seq"], said["last_hash"]) == (before[chain].seq, before[chain].hash)
        assert "not in this record" in said["gap"]
    gaps = {
        one["chain"]: one["gaps_before"] for one in queries_of_management.audit_report_view(audit.verify())["chains"]
    }
    assert gaps == {chain: [head.seq + 1] for chain, head in before.items()}


def test_it_halts_until_every_enabled_account_was_compared_and_a_person_resumes(desk):
    declare(desk)
    state = queries.trading_state()
    assert (state.state, [cause.kind for cause in state.causes]) == ("HALTED", ["restored"])
    with pytest.raises(Exception, match="paper has not been compared") as refused:
        operations.resume(actor="risk-1", reason="Too early.", moment=desk.moment())
    assert refused.value.code == "not_reconciled"
    compare(desk)
    assert queries.trading_state().state == "HALTED"
    operations.resume(actor="risk-1", reason="Compared.", moment=desk.moment(later=20))
    assert queries.trading_state().state == "ACTIVE"


def test_an_account_that_nobody_can_reach_any_more_is_disabled_first(desk):
    declare(desk)
    Account.objects.update(enabled=False)
    assert trading.resume_trading(actor="risk-1", reason="Its venue is gone.", moment=desk.moment())["closed"]


def test_sessions_end_since_one_that_was_ended_would_live_again(desk):
    user = get_user_model().objects.create_user("anna")
    now = desk.moment().wall
    session = AuthSession.objects.create(pk=new_id(), user=user, created_at=now, last_used_at=now, last_refresh_jti="x")
    declare(desk)
    session.refresh_from_db()
    assert session.revoked_at is not None
    assert Incident.objects.get().kind == "restored_from_backup"
