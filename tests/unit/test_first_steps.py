"""The first start migrates as the database's owner, however the app's address is given."""

from tradinghq import environment as env
from tradinghq.supervision.first_steps import as_owner

OWNER = "postgresql://hq_owner:word@db/tradinghq"


def test_a_file_with_the_apps_address_does_not_win_over_the_owner(monkeypatch, tmp_path):
    file = tmp_path / "database_url"
    file.write_text("postgresql://hq_app:word@db/tradinghq\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(file))
    monkeypatch.setenv("HQ_INSTANCE", "hq-7")
    given = as_owner(OWNER)
    monkeypatch.delenv("DATABASE_URL_FILE")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert env.text("DATABASE_URL") == OWNER
    assert env.text("HQ_INSTANCE") == "hq-7"
    assert "DATABASE_URL_FILE" not in given
