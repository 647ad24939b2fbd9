"""PostgreSQL refuses to run as root, so root starts it as somebody else.

That is a real user where the files allow it, else root itself seen from a user namespace where it has another number.
"""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from tradinghq.environment import EnvironmentRefused

ROOT = 0
NAMESPACE_UID = 1000
CANDIDATES = ("postgres", "nobody")
_NAMESPACE = ("unshare", "--user", f"--map-user={NAMESPACE_UID}", f"--map-group={NAMESPACE_UID}")


def command_prefix(data: Path, binaries: Path) -> list[str]:
    """What to put before a PostgreSQL command so that it may work on ``data``; empty unless we are root.

    Creates ``data`` and hands it over when it is missing. Raises ``EnvironmentRefused`` when there is no way.
    """
    if os.geteuid() != ROOT:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        return []
    if data.is_dir():
        owner = data.stat().st_uid
        return _namespace() if owner == ROOT else _as_user(owner)
    user = _usable_user()
    data.parent.mkdir(parents=True, exist_ok=True)
    if user is not None and _open_to_all(data.parent) and _open_to_all(binaries):
        data.mkdir(mode=0o700)
        os.chown(data, user.pw_uid, user.pw_gid)
        return _as_user(user.pw_uid)
    prefix = _namespace()
    data.mkdir(mode=0o700)
    return prefix


def _usable_user() -> pwd.struct_passwd | None:
    if shutil.which("setpriv") is None:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next((known[name] for name in CANDIDATES if name in known), None)


def _as_user(uid: int) -> list[str]:
    return ["setpriv", f"--reuid={uid}", f"--regid={pwd.getpwuid(uid).pw_gid}", "--clear-groups"]


def _namespace() -> list[str]:
    if (
        shutil.which(_NAMESPACE[0])
        and subprocess.run([*_NAMESPACE, "true"], check=False, capture_output=True).returncode == 0
    ):
        return list(_NAMESPACE)
    raise EnvironmentRefused(
        "PostgreSQL does not run as root, and this machine allows neither another user (HQ_HOME or the Python "
        "environment lies in a folder that only root may enter) nor a user namespace. Start TradingHQ as a normal "
        "user, move HQ_HOME and the project to a folder open to others, or set DATABASE_URL."
    )


def _open_to_all(path: Path) -> bool:
    """Whether any user may enter ``path`` and all that lies above it."""
    return all(part.stat().st_mode & 0o001 for part in (path.resolve(), *path.resolve().parents))
