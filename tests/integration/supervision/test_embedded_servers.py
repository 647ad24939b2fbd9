"""PostgreSQL and Redis from packages: passwords, roles, loopback only, nothing secret on a command line."""

import shutil
import socket
import stat
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis

from tests.support.running_supervisor import until
from tradinghq.embedded import postgres_server, redis_server
from tradinghq.embedded.addresses import ensure_servers, folder, stored_servers


@pytest.fixture(scope="module")
def home():
    path = Path(tempfile.mkdtemp(prefix="hq-embedded-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def servers(home):
    servers, _ = ensure_servers(home)
    postgres_server.create_cluster(home, servers, durable=False)
    commands = [postgres_server.command(home, servers, durable=False), redis_server.command(home, servers)]
    for command in commands:
        assert not [part for part in command if servers.app_password in part or servers.redis_password in part]
    running = [subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for command in commands]
    until(lambda: postgres_server.is_ready(servers) and redis_server.is_ready(servers), "both servers")
    yield servers
    for one in running:
        one.terminate()
        one.wait(20)


def test_both_roles_log_in_with_their_passwords_only(servers):
    for owner, role in ((True, "hq_owner"), (False, "hq_app")):
        with psycopg.connect(servers.database_url(owner=owner)) as link:
            row = link.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
            assert row == (role, False)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(replace(servers, app_password="wrong").database_url())
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{servers.postgres_port}/postgres")


def test_the_app_owns_nothing(servers):
    with psycopg.connect(servers.database_url()) as link, pytest.raises(psycopg.errors.InsufficientPrivilege):
        link.execute("CREATE TABLE mine (id int)")


def test_postgres_keeps_what_it_confirmed(home, servers):
    values = dict(part.split("=", 1) for part in postgres_server.command(home, servers) if "=" in part)
    assert (values["fsync"], values["synchronous_commit"], values["full_page_writes"]) == ("on", "on", "on")
    assert (values["listen_addresses"], values["unix_socket_directories"]) == ("127.0.0.1", "")


def test_redis_wants_its_password_and_never_drops_a_key(servers):
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=servers.redis_port).ping()
    link = redis.Redis.from_url(servers.redis_url())
    assert link.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
    assert link.config_get("save")["save"] == ""
    assert link.config_get("bind")["bind"] == "127.0.0.1"


def test_every_file_with_a_password_is_private(home, servers):
    for file in (folder(home) / "servers.json", folder(home) / "redis" / "redis.conf"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_addresses_are_remembered_and_a_taken_port_is_exchanged(tmp_path):
    first, changed = ensure_servers(tmp_path)
    assert changed
    assert ensure_servers(tmp_path) == (first, False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first.postgres_port))
        taken.listen()
        second, changed = ensure_servers(tmp_path)
    assert changed
    assert second.postgres_port != first.postgres_port
    assert replace(second, postgres_port=first.postgres_port) == first
    assert stored_servers(tmp_path) == second


def test_a_half_made_cluster_is_made_again(tmp_path):
    data = postgres_server.data_folder(tmp_path)
    tmp_path.chmod(0o755)
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("half")
    servers, _ = ensure_servers(tmp_path)
    postgres_server.create_cluster(tmp_path, servers, durable=False)
    assert (data / "tradinghq.made").exists()
    assert (data / "PG_VERSION").read_text().strip() == "18"
