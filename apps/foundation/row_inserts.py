"""Many new rows in one statement: their values go as one text, which the database takes apart.

The ORM's ``bulk_create`` writes each value into the statement, which takes ten times as long; a bar of many instruments
waits for hundreds of rows.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import orjson
from django.db import models

from apps.foundation.database_calls import tell


def insert_rows(rows: Sequence[models.Model], *, ignore_conflicts: bool = False) -> None:
    """Insert unsaved ``rows`` of one model as they stand, in the running transaction.

    ``ignore_conflicts``: a row that breaks a unique constraint is left out. Keys that the database numbers are not read
    back, and nothing is filled in that the rows lack: no ``auto_now``, no signal. None is NULL, in a JSON field too; a
    NaN is null within JSON, and refused where a column must have a value.

    Raises ``TypeError`` for a value that JSON can't hold, Django's database errors otherwise.
    """
    if not rows:
        return
    statement, columns = _plan(type(rows[0]))
    values = [{column: prepare(known[name]) for name, column, prepare in columns} for known in map(vars, rows)]
    text = orjson.dumps(values, default=_decimal, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    tell(f"{statement} ON CONFLICT DO NOTHING" if ignore_conflicts else statement, [text])


@cache
def _plan(model: type[models.Model]) -> tuple[str, tuple[tuple[str, str, Callable[[Any], Any]], ...]]:
    """The statement, and for each column the attribute, its name and what makes the value storable."""
    options = model._meta  # noqa: SLF001 - Django's documented _meta
    fields = [field for field in options.concrete_fields if not isinstance(field, models.AutoField)]
    columns = tuple((field.attname, str(field.column), _preparation(field)) for field in fields)
    names = ", ".join(f'"{column}"' for _, column, _ in columns)
    table = f'"{options.db_table}"'
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM json_populate_recordset(NULL::{table}, %s)", columns  # noqa: S608


def _preparation(field: models.Field) -> Callable[[Any], Any]:
    """Money is checked and cut as everywhere; anything else is stored as it is."""
    return field.get_prep_value if isinstance(field, models.DecimalField) else _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _decimal(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} is no value of a column: {value!r}")
