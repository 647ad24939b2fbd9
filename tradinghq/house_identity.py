"""Which house this is, whatever it is called: two houses may bear one name, and one folder may be copied."""

import hashlib
import socket
from pathlib import Path

from tradinghq.instance_secrets import stored_secret

TOKEN_FILE = "house-token"  # noqa: S105 - a random number, no secret


def house_key(home: Path) -> str:
    """The key of the house that lives in ``home``: made at first use, another one where the folder was copied to.

    A restart keeps it, so that a house finds its own lease again; the start sees to it that nothing earlier runs.
    """
    file = home / TOKEN_FILE
    token = stored_secret(file)
    copied = str(file.stat().st_ino) if file.exists() else ""
    facts = (token, socket.gethostname(), str(home), copied)
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]
