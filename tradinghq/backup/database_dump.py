"""PostgreSQL's own programs: ``pg_dump`` writes a database to a file, ``pg_restore`` reads it back."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tradinghq.embedded import postgres_server
from tradinghq.environment import EnvironmentRefused

OWN_RIGHTS = ("--no-owner", "--no-privileges")  # roles and rights are those of the house that restores


def dump_database(url: str, *, snapshot: str, target: Path) -> None:
    """Write all of the database, as the exported ``snapshot`` sees it, in PostgreSQL's compressed custom format."""
    _run(url, "pg_dump", "--format=custom", *OWN_RIGHTS, f"--snapshot={snapshot}", f"--file={target}")


def check_dump(url: str, dump: Path) -> int:
    """Read the whole dump back; how many things it would create. Raises ``EnvironmentRefused`` for a damaged one."""
    program = _program("pg_restore", _server_major(url))
    _finish([program, f"--file={os.devnull}", *OWN_RIGHTS, str(dump)], {})
    listed = _finish([program, "--list", str(dump)], {})
    return sum(1 for line in listed.splitlines() if line and not line.startswith(";"))


def load_dump(url: str, dump: Path) -> None:
    """Fill the empty database with what the dump holds: all of it or nothing."""
    _run(url, "pg_restore", "--single-transaction", "--exit-on-error", *OWN_RIGHTS, str(dump))


def is_empty(url: str) -> bool:
    """Whether the database holds no table of anybody's."""
    with psycopg.connect(url) as link:
        row = link.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    return row == (0,)


def _run(url: str, name: str, *words: str) -> str:
    """The password goes by the environment: a command line can be read by everybody on the machine."""
    parts = conninfo_to_dict(url)
    password = str(parts.pop("password", ""))
    target = f"--dbname={make_conninfo('', **parts)}"
    return _finish([_program(name, _server_major(url)), target, *words], {"PGPASSWORD": password} if password else {})


def _finish(arguments: list[str], secret: dict[str, str]) -> str:
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, env={**os.environ, **secret})
    if done.returncode != 0:
        words = done.stderr.strip()[-1500:] or f"it said nothing and ended with {done.returncode}."
        raise EnvironmentRefused(f"{Path(arguments[0]).name} failed: {words}")
    return done.stdout


def _server_major(url: str) -> int:
    with psycopg.connect(url) as link:
        return link.info.server_version // 10_000


def _program(name: str, server: int) -> str:
    """The program of the server's own version where there is one, else the next newer one: older ones refuse."""
    found = sorted((major != server, major, path) for path in _candidates(name) if (major := _major(path)) >= server)
    if not found:
        raise EnvironmentRefused(
            f"There is no {name} of PostgreSQL {server} or newer here. Install PostgreSQL's client programs"
            f" (postgresql-client-{server}) and run the command again."
        )
    return found[0][2]


def _candidates(name: str) -> list[str]:
    found = [shutil.which(name)]
    try:
        packaged = postgres_server.binaries() / name
    except EnvironmentRefused:  # no embedded server for this machine: those of the path are all there is
        packaged = None
    if packaged is not None and packaged.is_file():
        found.append(str(packaged))
    return [path for path in found if path]


def _major(path: str) -> int:
    told = subprocess.run([path, "--version"], check=False, capture_output=True, text=True).stdout
    number = re.search(r"(\d+)(\.\d+)*", told)
    return int(number[1]) if number else 0
