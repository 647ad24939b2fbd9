"""The instance's own secret key: made once at random, kept in ``HQ_HOME`` with mode 0600, never a default."""

import os
import secrets
from pathlib import Path

from tradinghq import environment as env

KEY_FILE = "secret-key"
SHORTEST = 32
_kept = True


def keep_none() -> None:
    """From here on a secret that is missing is made for this process alone, and no file with it."""
    global _kept  # noqa: PLW0603 - of the process, as its environment is
    _kept = False


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
        fresh = secrets.token_urlsafe(48)
        if not _kept:
            return fresh
        _store(path, fresh)
    return path.read_text().strip()


def _store(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise env.EnvironmentRefused(
            f"HQ_HOME is {path.parent}, which can't be written ({error.strerror}). Make it writable or set HQ_HOME."
        ) from error
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    try:
        os.link(draft, path)  # atomic and refuses to overwrite: two processes that start together agree
    except FileExistsError:
        pass
    finally:
        draft.unlink()
