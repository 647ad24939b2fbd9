"""Becomes another program: writes down its own process id and start time, then executes what its file says.

The supervisor starts every program through this file, by path and without imports of ours. So each program has exactly
the environment that was written for it, no secret stands in the supervisor's configuration or on a command line, and
the leftovers of a killed supervisor can be told from other processes that got their numbers.
"""

import json
import os
import sys
from pathlib import Path

import psutil


def main(file: str) -> None:
    """Execute the program described by the JSON ``file``: argv, directory, environment, record."""
    program = json.loads(Path(file).read_text())
    record = Path(program["record"])
    draft = record.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({"pid": os.getpid(), "started": psutil.Process().create_time()}))
    draft.replace(record)
    os.chdir(program["directory"])
    os.execvpe(program["argv"][0], program["argv"], program["environment"])  # noqa: S606 - without a shell


if __name__ == "__main__":
    main(sys.argv[1])
