"""How fields read in the admin: amounts without idle zeros and in columns, times named by their clock."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.options import Options
from django.utils.html import format_html

from apps.foundation.fields import MoneyField
from apps.foundation.money import plain
from apps.foundation.time_text import utc_text

CLOCKS = {"_wall": "", "_firm": " (firm time)"}

Column = str | Callable[[Any], Any]


def readable(table: "Options[Any]", column: Column) -> Column:
    """The column of the table as a person reads it; what is no amount and no time stays as it is."""
    if not isinstance(column, str):
        return column
    try:
        field = table.get_field(column)
    except FieldDoesNotExist:
        return column
    if isinstance(field, MoneyField | models.DateTimeField):
        return _told(field)
    return column


@cache
def _told(field: "models.Field[Any, Any]") -> Callable[[Any], Any]:
    def told(row: Any) -> Any:
        value = getattr(row, field.name)
        if value is None:
            return None
        if isinstance(field, MoneyField):
            return format_html('<span class="hq-amount">{}</span>', plain(value))
        text = f"{value:%Y-%m-%d %H:%M:%S}"
        return format_html('<time class="hq-time" datetime="{}">{}</time>', utc_text(value), text)

    told.__name__ = field.name
    told.short_description = _heading(field)  # type: ignore[attr-defined]
    told.admin_order_field = field.name  # type: ignore[attr-defined]
    return told


def _heading(field: "models.Field[Any, Any]") -> str:
    for ending, clock in CLOCKS.items():
        if field.name.endswith(ending):
            return field.name.removesuffix(ending).replace("_", " ").capitalize() + clock
    return str(field.verbose_name).capitalize()
