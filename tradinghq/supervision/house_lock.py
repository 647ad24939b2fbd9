"""One running house a folder."""

import fcntl
import os
from pathlib import Path

from tradinghq.environment import EnvironmentRefused

FILE = "house.lock"


def take_lock(home: Path) -> int:
    """Lock ``home`` for this process, also across its ``exec``; the file descriptor to keep open.

    Raises ``EnvironmentRefused`` while another house runs in ``home``, or when ``home`` can't be written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(home / FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise EnvironmentRefused(
            f"HQ_HOME is {home}, which can't be written ({error.strerror}). Make it writable or set HQ_HOME."
        ) from error
    os.set_inheritable(descriptor, True)
    try:
        # A POSIX lock belongs to the process: exec keeps it, children don't get it, the kernel drops it at a kill -9.
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = os.pread(descriptor, 20, 0).decode().strip() or "unknown"
        os.close(descriptor)
        raise EnvironmentRefused(
            f"TradingHQ runs in {home} already (process {pid}). Stop it, or set another HQ_HOME and HQ_PORT."
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor
