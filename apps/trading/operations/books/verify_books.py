"""The standing verifier: recompute the books from postings, fills and histories and name everything that differs."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, transaction

from apps.trading.operations.books.books_checks import CHECKS, Check

SHOWN = 20  # problems a check; the rest is counted


@dataclass(frozen=True, slots=True)
class BooksReport:
    """``checked``: rows looked at by check; ``problems``: one sentence each, empty when ``ok``."""

    ok: bool
    checked: dict[str, int]
    problems: tuple[str, ...]


def verify_books(*, progress: Callable[[str, int, int], None] | None = None) -> BooksReport:
    """Check all books as of one moment, while trading goes on. Call it outside a transaction.

    ``progress(name, number, of)`` is called before each check.
    """
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            # One snapshot for all checks, else books that move while they are read would seem wrong.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return check_books(progress=progress)


def check_books(*, progress: Callable[[str, int, int], None] | None = None) -> BooksReport:
    """The same as the running transaction sees the books."""
    checked: dict[str, int] = {}
    problems: list[str] = []
    for number, check in enumerate(CHECKS, start=1):
        if progress is not None:
            progress(check.name, number, len(CHECKS))
        checked[check.name], found = _run(check)
        problems += found
    return BooksReport(ok=not problems, checked=checked, problems=tuple(problems))


def _run(check: Check) -> tuple[int, list[str]]:
    with connection.cursor() as cursor:
        cursor.execute(check.filled(check.counted))
        counted = int(cursor.fetchone()[0])
        cursor.execute(check.filled(check.wrong))
        found = [str(text) for (text,) in cursor.fetchmany(SHOWN)]
        more = len(cursor.fetchall())
    return counted, [*found, f"{check.name}: {more} more of these"] if more else found
