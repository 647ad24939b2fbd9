"""Backup and restore with the real pg_dump, pg_restore and GnuPG: whole or refused, and halted afterwards."""

import os
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from apps.foundation import audit
from apps.foundation.clock import wall_now
from apps.foundation.errors import HQError
from apps.foundation.firm_key import FirmKey
from apps.trading.models import Order
from tests.support.cloned_database import database_url
from tests.support.running_supervisor import until
from tests.support.trading_desk import open_desk
from tradinghq.backup.make_backup import make_backup
from tradinghq.backup.sealed_file import opened_backup
from tradinghq.embedded import postgres_server
from tradinghq.embedded.addresses import stored_servers
from tradinghq.environment import EnvironmentRefused

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]
PASSPHRASE = "a passphrase of the test"


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    pair = FirmKey(tmp_path_factory.mktemp("firm") / "gnupg", PASSPHRASE)
    pair.public()
    return pair


@pytest.fixture
def home():
    path = Path(tempfile.mkdtemp(prefix="hq-restored-"))
    path.chmod(0o755)  # under root PostgreSQL is another user
    yield path
    shutil.rmtree(path)


@pytest.fixture
def bought(clean_redis):
    desk = open_desk()
    return desk.buy()


def backup(key, folder):
    return make_backup(
        url=database_url(), key=key, folder=folder, instance="hq-1", made_at=wall_now(), say=lambda _: None
    )


def manage(home, *words):
    gone = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
    environment = {name: value for name, value in os.environ.items() if name not in gone}
    environment |= {"HQ_HOME": str(home), "HQ_PGP_PASSPHRASE": PASSPHRASE, "MARKET": "simulated"}
    command = [sys.executable, "manage.py", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180, check=False)


def test_a_backup_is_sealed_read_back_and_says_where_the_audit_ends(key, tmp_path, bought):
    made = backup(key, tmp_path)
    assert list(tmp_path.iterdir()) == [made.path]
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert b"hq_audit_append" not in made.path.read_bytes()
    ends = {(one.chain, one.rows, one.head) for one in audit.verify().chains}
    assert {(head.chain, head.seq, head.hash) for head in made.manifest.heads} == ends
    assert made.entries > 100
    with opened_backup(made.path, key=key, folder=tmp_path) as opened:
        assert opened.manifest == made.manifest
    assert list(tmp_path.iterdir()) == [made.path]


@contextmanager
def no_file_longer_than(size):
    """For this process and those that it starts: what a full disk says to who writes, without filling one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("more_than_the_dump", "words"),
    [
        (-10_000, "pg_dump failed: it said nothing and ended with -25"),  # of a full disk it says more
        (1_500, "could not be written in .*File too large.* Make room"),
        (100_000, ""),
    ],
)
def test_where_the_disk_is_full_nothing_of_a_backup_is_kept(key, tmp_path, bought, more_than_the_dump, words):
    with opened_backup(backup(key, tmp_path / "first").path, key=key, folder=tmp_path) as opened:
        size = opened.manifest.dump_bytes
    with no_file_longer_than(size + more_than_the_dump):
        if words:
            with pytest.raises(EnvironmentRefused, match=words):
                backup(key, tmp_path / "second")
        else:
            backup(key, tmp_path / "second")
    assert len(list((tmp_path / "second").iterdir())) == (0 if words else 1)


def test_a_damaged_or_foreign_backup_is_refused(key, tmp_path, bought):
    made = backup(key, tmp_path / "kept")
    raw = bytearray(made.path.read_bytes())
    raw[len(raw) // 2] ^= 1
    damaged = tmp_path / "damaged.backup.gpg"
    damaged.write_bytes(raw)
    other = FirmKey(tmp_path / "other", PASSPHRASE)
    other.public()
    for file, opener in ((damaged, key), (made.path, other)):
        with pytest.raises((HQError, EnvironmentRefused)), opened_backup(file, key=opener, folder=tmp_path):
            pytest.fail("it was opened")


def test_without_the_passphrase_nothing_is_written(key, tmp_path):
    with pytest.raises(EnvironmentRefused, match="HQ_PGP_PASSPHRASE_FILE"):
        backup(replace(key, passphrase=""), tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_firm_is_restored_into_an_empty_home_and_is_halted(key, tmp_path, home, bought):
    order = Order.objects.get(pk=bought)
    made = backup(key, tmp_path)
    assert "HQ_HOME/gnupg" in manage(home, "restore", made.path).stderr
    shutil.copytree(key.home, home / "gnupg", dirs_exist_ok=True, ignore=shutil.ignore_patterns("S.*"))

    done = manage(home, "restore", made.path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Trading is halted" in done.stdout
    servers = stored_servers(home)
    server = subprocess.Popen(postgres_server.command(home, servers), stderr=subprocess.DEVNULL)
    try:
        until(lambda: postgres_server.is_ready(servers), "the restored database")
        with psycopg.connect(servers.database_url()) as link:
            rows = link.execute("SELECT id, state, filled_cost FROM trading_order WHERE id = %s", [order.pk])
            assert rows.fetchall() == [(order.pk, "FILLED", order.filled_cost)]
            causes = link.execute("SELECT kind, state FROM trading_statecause WHERE closed_wall IS NULL")
            assert causes.fetchall() == [("restored", "HALTED")]
            told = link.execute("SELECT chain, seq - 1 FROM foundation_audit_entry WHERE action = 'record.restored'")
            ends = {"operations": 0, **{head.chain: head.seq for head in made.manifest.heads}}
            assert dict(told.fetchall()) == ends
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                link.execute("DELETE FROM foundation_audit_entry")
        verified = manage(home, "verify_audit")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        for chain, seq in ends.items():
            assert f"{chain}: a gap before entry {seq + 1}:" in verified.stdout
    finally:
        server.terminate()
        server.wait(30)

    again = manage(home, "restore", made.path)
    assert (again.returncode, "--replace" in again.stderr) == (1, True)
    assert "Traceback" not in again.stderr
