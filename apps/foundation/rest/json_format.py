"""JSON as the API speaks it. Reading is strict: one object a name, no NaN, nothing PostgreSQL can't store."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer

from apps.foundation.money import plain

LARGEST_INTEGER = 2**63


class StrictJSONParser(JSONParser):
    """Refuses NaN, infinities, repeated names, broken or unstorable text and too large bodies, each in words."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:  # noqa: ARG002
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise RequestDataTooBig(f"The body is over {limit} bytes.")
        try:
            data = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_once_each)
        except UnicodeDecodeError:
            raise ParseError("The body is not UTF-8.") from None
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}") from None
        if b"\\u" in raw:
            _refuse_unstorable(data)
        return data


class HouseJSONRenderer(JSONRenderer):
    """Writes with orjson; decimals leave as strings without exponent."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:  # noqa: ARG002
        return b"" if data is None else written(data)


def written(data: Any) -> bytes:
    """JSON of ``data``. PostgreSQL gives a stored 2e22 back as a whole number, which orjson writes up to 64 bits."""
    try:
        return orjson.dumps(data, default=as_json)
    except TypeError:
        return orjson.dumps(_small_integers(data), default=as_json)


def _small_integers(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {name: _small_integers(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_small_integers(value) for value in data]
    return float(data) if isinstance(data, int) and abs(data) >= LARGEST_INTEGER else data


def as_json(value: Any) -> Any:
    """What orjson does not know: decimals become plain strings, lazily built text becomes text."""
    return plain(value) if isinstance(value, Decimal) else str(value)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number here.")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:40]!r} stands twice in one object.")
    return result


def _refuse_unstorable(data: Any) -> None:
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value):
            raise ParseError("The body holds a NUL or half a surrogate pair, which can't be stored.")
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
