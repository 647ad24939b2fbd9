"""Combinations of settings that the house refuses to start with."""

import pytest

from tradinghq.environment import EnvironmentRefused
from tradinghq.unsafe_settings import refuse_to_start, refuse_unsafe

DOCKER = {
    "HQ_RUNTIME": "docker",
    "HQ_AGENT_IMAGE": f"sha256:{'0' * 64}",
    "REDIS_URL": "redis://:secret@127.0.0.1:6379/0",
    "AGENT_REDIS_URL": "redis://172.28.0.1:6379/0",
}


@pytest.fixture(autouse=True)
def safe(settings, tmp_path, monkeypatch):
    settings.HQ_HOME = tmp_path
    settings.MARKET, settings.VENUE, settings.HQ_ROLE, settings.HQ_HOST = "live", "paper", "primary", "127.0.0.1"
    settings.DATABASE_URL = "postgresql://hq@127.0.0.1:5432/hq"
    settings.REDIS_URL = "redis://127.0.0.1:6379/0"
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    monkeypatch.delenv("HQ_ADMIN_PASSWORD", raising=False)


def found():
    return [message.id for message in refuse_unsafe()]


def test_the_defaults_are_safe():
    assert found() == []
    refuse_to_start()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"VENUE": "my-kraken", "MARKET": "simulated"}, "hq.E001"),
        ({"VENUE": "my-kraken", "MARKET": "recorded", "RECORDED_DIR": "/"}, "hq.E001"),
        ({"VENUE": "my-kraken", "HQ_ROLE": "research"}, "hq.E002"),
        ({"MARKET": "recorded", "RECORDED_DIR": ""}, "hq.E004"),
        ({"MARKET": "recorded", "RECORDED_DIR": "/no/such/folder"}, "hq.E004"),
        ({"DEBUG": True}, "hq.E005"),
        ({"ALLOWED_HOSTS": ["*"]}, "hq.E006"),
        ({"DATABASE_URL": "postgresql://hq@db.example/hq"}, "hq.E007"),
        ({"REDIS_URL": "redis://10.0.0.7:6379/0"}, "hq.E008"),
        (DOCKER | {"HQ_AGENT_IMAGE": ""}, "hq.E011"),
        (DOCKER | {"HQ_AGENT_IMAGE": "tradinghq-agent:0.1.0"}, "hq.E011"),
        (DOCKER | {"HQ_AGENT_IMAGE": "sha256:123"}, "hq.E011"),
        (DOCKER | {"AGENT_REDIS_URL": "redis://localhost:6379/0"}, "hq.E012"),
        (DOCKER | {"REDIS_URL": "redis://127.0.0.1:6379/0"}, "hq.E013"),
    ],
)
def test_an_unsafe_combination_is_refused_with_a_remedy(settings, changes, code):
    for name, value in changes.items():
        setattr(settings, name, value)
    (message,) = refuse_unsafe()
    assert message.id == code
    assert message.hint
    with pytest.raises(EnvironmentRefused, match=r"\."):
        refuse_to_start()


@pytest.mark.parametrize(
    "changes",
    [
        {"DATABASE_URL": "postgresql://hq:secret@db.example/hq"},
        {"DATABASE_URL": "postgresql:///hq?host=/run/postgresql"},
        {"REDIS_URL": "redis://:secret@10.0.0.7/0"},
        {"HQ_HOST": "::1"},
        {"VENUE": "simulated", "MARKET": "simulated"},
        {"VENUE": "my-kraken"},
        DOCKER,
        DOCKER | {"HQ_AGENT_IMAGE": f"registry.example:5000/hq/agent@sha256:{'a' * 64}"},
    ],
)
def test_what_is_fine_is_taken(settings, changes):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert found() == []


def test_an_open_address_is_warned_of_until_tls_stands_before_it(settings):
    settings.HQ_HOST = "192.0.2.7"
    assert found() == ["hq.W001"]
    refuse_to_start()
    settings.SESSION_COOKIE_SECURE = True
    assert found() == []


def test_a_backup_needs_its_primarys_database(settings, monkeypatch):
    settings.HQ_ROLE = "backup"
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert found() == ["hq.E003"]
    monkeypatch.setenv("DATABASE_URL", settings.DATABASE_URL)
    assert found() == []
    settings.VENUE = settings.MARKET = "simulated"
    assert found() == ["hq.E011"]
    settings.HQ_CCXT_URLS = {"simulated": {"private": "http://127.0.0.1:1/api/v3"}}
    assert found() == []


@pytest.mark.parametrize(("password", "codes"), [("short", ["hq.E009"]), ("long enough to keep", [])])
def test_a_short_admin_password_is_refused(monkeypatch, password, codes):
    monkeypatch.setenv("HQ_ADMIN_PASSWORD", password)
    assert found() == codes


@pytest.mark.parametrize(("mode", "codes"), [(0o600, []), (0o640, ["hq.E010"]), (0o604, ["hq.E010"])])
def test_a_key_that_others_can_read_is_refused(tmp_path, mode, codes):
    key = tmp_path / "secret-key"
    key.write_text("x" * 64)
    key.chmod(mode)
    assert found() == codes
