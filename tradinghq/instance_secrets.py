"""The instance's own secret key: made once at random, kept in ``HQ_HOME`` with mode 0600, never a default."""

import os
import secrets
from pathlib import Path

from tradinghq import environment as env

KEY_FILE = "secret-key"
SHORTEST = 32


def secret_key(home: Path) -> str:
    """``HQ_SECRET_KEY`` when set (at least 32 characters), else the key stored in ``home``, made at first use."""
    given = env.text("HQ_SECRET_KEY")
    if given:
        if len(given) < SHORTEST:
            raise env.EnvironmentRefused(f"HQ_SECRET_KEY is {len(given)} characters long; use at least {SHORTEST}.")
        return given
    return stored_secret(home / KEY_FILE)


def stored_secret(path: Path) -> str:
    """The random text in ``path``, which is made at first use and readable by this user only."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise env.EnvironmentRefused(
                f"HQ_HOME is {path.parent}, which can't be written ({error.strerror}). Make it writable or set HQ_HOME."
            ) from error
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # atomic and refuses to overwrite: two processes that start together agree
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
