"""Any list as CSV by ``?format=csv``: nested objects become dotted columns, nested lists JSON."""

import csv
import io
import re
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer

from apps.foundation.rest.json_format import as_json

_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CsvRenderer(BaseRenderer):
    """Renders the rows of a page; the link to the next one is in the ``Link`` header."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:  # noqa: ARG002
        rows = data.get("results", [data]) if isinstance(data, dict) else data or []
        flat = [_flat(row) for row in rows]
        columns = list(dict.fromkeys(name for row in flat for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=columns, restval="")
        writer.writeheader()
        writer.writerows(flat)
        return text.getvalue().encode()


def _flat(row: Any, prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = _cell(value)
    return flat


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return orjson.dumps(value, default=as_json).decode()
    text = str(value)
    # A spreadsheet runs what looks like a formula; an apostrophe makes it text.
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text
