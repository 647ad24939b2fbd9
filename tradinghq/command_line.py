"""What a person types: research on candle files without the house around it, everything else by Django."""

import logging
import sys
from collections.abc import Sequence

from django.conf import settings
from django.core.management import execute_from_command_line
from django.db import OperationalError

from tradinghq import environment as env
from tradinghq import file_commands
from tradinghq.command_homes import refuse_a_home_that_is_none


def run(typed: Sequence[str]) -> None:
    """Run the command ``typed[1]``. Ends the process with a sentence where its home is none, and where no database
    answers; ``--traceback`` shows where that was asked.
    """
    refuse_a_home_that_is_none(typed, env.home())
    # The pool logs each of its tries; what they come to is told below, once.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    try:
        if len(typed) > 1 and typed[1] in file_commands.NAMES:
            file_commands.run(typed)
        else:
            execute_from_command_line(list(typed))
    except OperationalError as error:
        from psycopg_pool import PoolTimeout  # a tenth of a second, which candle files need not wait for

        if "--traceback" in typed or not isinstance(error.__cause__, PoolTimeout):
            raise
        sys.exit(f"CommandError: {database_is_silent()}")


def database_is_silent() -> str:
    """Which database gives no answer, and what to do about it."""
    if not settings.DATABASE_EMBEDDED:
        return "The database that DATABASE_URL names does not answer. Start it, or correct the address."
    return (
        f"No firm runs in the home {settings.HQ_HOME}, so its database does not answer. Start it with `make run`, or "
        "name the home of the firm that runs: HQ_HOME=FOLDER before the command."
    )
