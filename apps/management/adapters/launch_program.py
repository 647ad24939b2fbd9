"""Becomes another program: writes down its own process id and start time, then executes what its file says.

The supervisor starts every program through this file, by path and without imports of ours. So each program has exactly
the environment that was written for it, no secret stands in the supervisor's configuration or on a command line, and
the leftovers of a killed supervisor can be told from other processes that got their numbers.
"""

import contextlib
import json
import os
import sys
from pathlib import Path

import psutil


def main(file: str) -> None:
    """Execute the program described by the JSON ``file``: argv, directory, environment, record."""
    program = json.loads(Path(file).read_text())
    _write_down(Path(program["record"]))
    os.chdir(program["directory"])
    os.execvpe(program["argv"][0], program["argv"], program["environment"])  # noqa: S606 - without a shell


def _write_down(record: Path) -> None:
    """Replace ``record`` by what tells this process from others. Where a full disk has no room for a new file, over the
    one of the last start; without any the program starts all the same.
    """
    text = json.dumps({"pid": os.getpid(), "started": psutil.Process().create_time()})
    draft = record.with_suffix(f".{os.getpid()}")
    try:
        draft.write_text(text)
        draft.replace(record)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        print(f"The disk takes no new file ({error}).", file=sys.stderr)  # noqa: T201 - the program's log
        with contextlib.suppress(OSError), record.open("r+") as stream:
            stream.write(text.ljust(record.stat().st_size))


if __name__ == "__main__":
    main(sys.argv[1])
