"""Starts a program in a container with its secrets as files: they come by standard input, never by its environment.

Run as ``python -m workers.secret_files -m workers.agent_process``: one line of JSON, name to value, comes in. Each
value becomes a file that only this user may read, on the container's memory disk; ``NAME_FILE`` tells where. Then this
process becomes Python with the arguments given. So ``docker inspect`` shows no secret, and no disk ever holds one.
"""

import json
import os
import select
import sys
from pathlib import Path

FOLDER = Path("/run/secrets")
LONGEST_LINE = 64 * 1024
PATIENCE_SECONDS = 30.0
NO_SECRETS_STATUS = 78  # EX_CONFIG


def read_secrets() -> dict[str, str]:
    """The secrets on standard input; ends the process with a sentence when none come or the line is none of ours."""
    if not select.select([sys.stdin], [], [], PATIENCE_SECONDS)[0]:
        _give_up(
            f"No secrets came within {PATIENCE_SECONDS:.0f} s. The fleet sends them to a container that it starts."
        )
    line = sys.stdin.buffer.readline(LONGEST_LINE)
    try:
        secrets = json.loads(line)
    except ValueError:
        secrets = None
    if not isinstance(secrets, dict) or not all(_is_secret(name, value) for name, value in secrets.items()):
        _give_up("What came on standard input is no JSON object of names and texts.")
    return dict(secrets)


def write_secrets(secrets: dict[str, str], folder: Path) -> dict[str, str]:
    """Write each into ``folder``, readable by this user only; the variables that name the files."""
    for name, value in secrets.items():
        path = folder / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w") as file:
            file.write(value)
    return {f"{name}_FILE": str(folder / name) for name in secrets}


def _is_secret(name: object, value: object) -> bool:
    return isinstance(name, str) and name.isidentifier() and isinstance(value, str)


def _give_up(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - before there are logs
    sys.exit(NO_SECRETS_STATUS)


if __name__ == "__main__":
    variables = write_secrets(read_secrets(), FOLDER)
    os.execve(sys.executable, [sys.executable, *sys.argv[1:]], {**os.environ, **variables})  # noqa: S606 - no shell
