"""Which commands may set a house up, which need one, and which get along without.

A folder that was mistyped must not turn into a home: secrets in it would look like a house that lost its books, and
what is sealed or signed with them is worth nothing to the firm that was meant.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import django
from django.core.management import get_commands

from tradinghq import environment as env
from tradinghq.file_commands import NAMES as FILE_COMMANDS
from tradinghq.house_identity import TOKEN_FILE
from tradinghq.instance_secrets import KEY_FILE, keep_none

SETTING_UP: Final = frozenset({"up", "prepare", "restore"})
# Of these the last two ask the house for stored candles only, and say themselves where none answers.
WITHOUT_HOME: Final = FILE_COMMANDS | {
    *("check", "help", "makemigrations", "spectacular", "version"),
    *("download_candles", "drill", "new_strategy", "simulate_exchange", "search", "train"),
}


def refuse_a_home_that_is_none(typed: Sequence[str], home: Path) -> None:
    """Before the settings are read: nothing but what sets a house up writes secrets. Raises ``EnvironmentRefused``
    where the command ``typed[1]`` needs a house and none was ever set up in ``home``. A word that is no command is
    left to Django, which tells what was meant.
    """
    command = typed[1] if len(typed) > 1 else "help"
    if command in SETTING_UP:
        return
    keep_none()
    asks_for_help = command.startswith("-") or "--help" in typed or "-h" in typed
    if command in WITHOUT_HOME or asks_for_help or _is_home(home) or not _is_known(command):
        return
    raise env.EnvironmentRefused(
        f"CommandError: HQ_HOME is {home}, where no firm was ever set up, so {command} has nothing to work on. Nothing "
        "was written. Name the firm's own home: HQ_HOME=FOLDER before the command; or set a firm up there: make run."
    )


def _is_known(command: str) -> bool:
    """Whether there is such a command. Looked at last: the settings are read for it."""
    django.setup()
    return command in get_commands()


def _is_home(home: Path) -> bool:
    """Whether there is all that a house is known by, in the environment or in its home."""
    return all(
        env.text(name) or (home / file).is_file()
        for name, file in (("HQ_SECRET_KEY", KEY_FILE), ("HQ_HOUSE", TOKEN_FILE))
    )
