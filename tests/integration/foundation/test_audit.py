import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from apps.foundation import audit
from apps.foundation.clock import Moment
from apps.foundation.models import AuditEntry, AuditHead

pytestmark = pytest.mark.django_db
real_commits = pytest.mark.django_db(transaction=True)
MOMENT = Moment(datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))


def append(chain="operations", action="halt", **payload):
    with transaction.atomic():
        return audit.append(chain=chain, action=action, actor="anna", subject="firm ☂", payload=payload, moment=MOMENT)


def tamper(sql, *arguments):
    """What somebody with the owner's rights can do: switch the triggers off and change rows."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE foundation_audit_entry DISABLE TRIGGER USER")
        cursor.execute(sql, arguments)
        assert cursor.rowcount >= 1
        cursor.execute("ALTER TABLE foundation_audit_entry ENABLE TRIGGER USER")


@pytest.fixture
def five_entries():
    for n in range(5):
        append(n=n, reason="Zürich, “quoted”\n\x01")


@real_commits
def test_an_entry_needs_a_transaction():
    with pytest.raises(RuntimeError, match=r"transaction\.atomic"):
        audit.append(chain="operations", action="halt", actor="a", subject="b", payload={}, moment=MOMENT)


def test_what_sql_chained_python_verifies(five_entries):
    report = audit.verify()
    assert (report.ok, report.rows, report.first_bad) == (True, 5, None)
    assert report.chains[0].head == bytes(AuditHead.objects.get().hash).hex()


def test_an_empty_record_is_sound():
    assert audit.verify() == audit.AuditReport(ok=True, rows=0, chains=[], first_bad=None)


def test_several_entries_of_several_chains_in_one_call():
    acts = [audit.NewEntry("operations", f"act-{n}", "a", "b") for n in range(3)]
    account = audit.account_chain("42")
    with transaction.atomic():
        numbers = audit.append_entries([acts[0], audit.NewEntry(account, "fill", "a", "b"), *acts[1:]], moment=MOMENT)
    assert numbers == [1, 1, 2, 3]
    stored = AuditEntry.objects.filter(chain="operations").order_by("seq").values_list("action", flat=True)
    assert list(stored) == ["act-0", "act-1", "act-2"]
    assert audit.verify(account).rows == 1
    assert audit.verify().rows == 4


@real_commits
def test_twenty_writers_of_whom_one_rolls_back_make_one_line_without_a_gap():
    start = threading.Barrier(20)

    def write(number):
        try:
            start.wait(20)
            with transaction.atomic():
                audit.append(chain="operations", action="x", actor="a", subject=str(number), payload={}, moment=MOMENT)
                transaction.set_rollback(number == 11)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(write, range(20)))
    entries = AuditEntry.objects.order_by("seq")
    assert [entry.seq for entry in entries] == list(range(1, 20))
    assert "11" not in {entry.subject for entry in entries}
    assert audit.verify().ok


FIELDS = [
    ("action", "'resume'"), ("actor", "'eve'"), ("subject", "'other'"), ("payload", "'{}'"), ("epoch", "9"),
    ("wall", "wall + interval '1 microsecond'"), ("firm", "firm - interval '1 day'"), ("hash", "sha256('x')"),
]  # fmt: skip


@pytest.mark.parametrize(("column", "value"), FIELDS)
def test_an_edited_field_is_named(five_entries, column, value):
    tamper(f"UPDATE foundation_audit_entry SET {column} = {value} WHERE seq = 3")
    report = audit.verify()
    assert not report.ok
    assert report.rows == 2
    assert "operations entry 3 (row " in report.first_bad
    assert "edited" in report.first_bad


def test_an_edit_with_a_recomputed_hash_shows_at_the_next_row(five_entries):
    from apps.foundation.audit_chain import ChainRow, entry_hash

    row = ChainRow(*AuditEntry.objects.filter(seq=3).values_list(*ChainRow._fields).get())
    forged = entry_hash(row._replace(action="resume"), bytes(row.previous_hash))
    tamper("UPDATE foundation_audit_entry SET action = 'resume', hash = %s WHERE seq = 3", forged)
    assert "operations entry 4 " in audit.verify().first_bad


def test_a_missing_row_is_named(five_entries):
    tamper("DELETE FROM foundation_audit_entry WHERE seq = 2")
    assert "entry 2 is missing before it" in audit.verify().first_bad


def test_the_first_row_missing_is_named(five_entries):
    tamper("DELETE FROM foundation_audit_entry WHERE seq = 1")
    assert "entry 1 is missing before it" in audit.verify().first_bad


def test_a_cut_tail_is_named(five_entries):
    tamper("DELETE FROM foundation_audit_entry WHERE seq > 3")
    bad = audit.verify().first_bad
    assert "operations entry 4: missing" in bad
    assert "tail was cut" in bad


def test_a_whole_chain_gone_is_named(five_entries):
    tamper("DELETE FROM foundation_audit_entry")
    assert "operations entry 1: missing" in audit.verify().first_bad


def test_reordered_rows_are_named(five_entries):
    tamper(
        "UPDATE foundation_audit_entry SET action = other.action, payload = other.payload, hash = other.hash"
        " FROM (SELECT * FROM foundation_audit_entry WHERE seq = 3) AS other WHERE foundation_audit_entry.seq = 2"
    )
    assert "operations entry 2 " in audit.verify().first_bad


def test_swapped_numbers_are_named(five_entries):
    for before, after in [(2, 100), (3, 2), (100, 3)]:
        tamper("UPDATE foundation_audit_entry SET seq = %s WHERE seq = %s", after, before)
    assert "operations entry 2 " in audit.verify().first_bad


def test_a_fork_is_refused_by_the_database_and_named_without_its_constraints(five_entries):
    fork = (
        "INSERT INTO foundation_audit_entry (chain, seq, action, actor, subject, payload, wall, firm, epoch,"
        " previous_hash, hash) SELECT chain, seq, 'other', actor, subject, payload, wall, firm, epoch, previous_hash,"
        " sha256('f') FROM foundation_audit_entry WHERE seq = 4"
    )
    with pytest.raises(DatabaseError):
        tamper(fork)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE foundation_audit_entry DROP CONSTRAINT audit_one_entry_a_place")
        cursor.execute("ALTER TABLE foundation_audit_entry DROP CONSTRAINT audit_no_fork")
    tamper(fork)
    bad = audit.verify().first_bad
    assert "operations entry 4 " in bad
    assert "forked" in bad


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE foundation_audit_head SET hash = sha256('x')",
        "UPDATE foundation_audit_head SET seq = 4",
        "DELETE FROM foundation_audit_head",
    ],
)
def test_a_head_that_does_not_match_is_named(five_entries, sql):
    tamper(sql)
    assert "head" in audit.verify().first_bad


def test_another_chain_stays_sound(five_entries):
    append(chain="account:1")
    tamper("UPDATE foundation_audit_entry SET actor = 'eve' WHERE chain = 'operations' AND seq = 1")
    assert audit.verify("account:1").ok
    assert not audit.verify().ok


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE foundation_audit_entry SET actor = 'eve'",
        "DELETE FROM foundation_audit_entry WHERE seq = 1",
        "TRUNCATE foundation_audit_entry",
    ],
)
def test_the_database_refuses_every_change(five_entries, sql):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert audit.verify().rows == 5


def test_the_orm_refuses_as_well(five_entries):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.update(actor="eve")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.first().delete()


def test_the_command_says_what_it_found(five_entries):
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert "operations: 5 entries, head " in out.getvalue()
    assert "sound" in out.getvalue()
    tamper("UPDATE foundation_audit_entry SET actor = 'eve' WHERE seq = 2")
    with pytest.raises(CommandError, match=r"operations entry 2 \(row") as refused:
        call_command("verify_audit", stdout=StringIO())
    assert refused.value.returncode == 1


@real_commits
def test_verifying_while_others_write_is_one_snapshot(five_entries):
    stop = threading.Event()

    def write():
        try:
            while not stop.is_set():
                append(action="tick")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        try:
            reports = [audit.verify() for _ in range(20)]
        finally:
            stop.set()
        writing.result(10)
    assert [report.first_bad for report in reports] == [None] * 20
    assert reports[-1].rows > reports[0].rows
