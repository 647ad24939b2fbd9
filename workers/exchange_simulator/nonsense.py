"""Answers as no exchange should give them: fields gone, types swapped, fills below zero, strange orders."""

from collections.abc import Callable
from random import Random
from typing import Any

_AMOUNTS = ("executedQty", "cummulativeQuoteQty", "qty", "quoteQty", "vol", "vol_exec", "cost", "l", "z", "price")
_NEEDED = ("orderId", "status", "symbol", "executedQty", "price", "id", "free", "vol_exec", "ordertxid", "X", "i", "t")


def apply(shape: str, answer: Any, draw: Random) -> Any:
    """The same answer, wrong in one way. Raises ``KeyError`` for an unknown shape."""
    return SHAPES[shape](answer, draw)


def _each(change: Callable[[dict[str, Any], Random], dict[str, Any]]) -> Callable[[Any, Random], Any]:
    """Apply ``change`` to every object inside lists and objects."""

    def walk(answer: Any, draw: Random) -> Any:
        if isinstance(answer, list):
            return [walk(part, draw) for part in answer]
        if isinstance(answer, dict):
            return {name: walk(part, draw) for name, part in change(answer, draw).items()}
        return answer

    return walk


def _missing(row: dict[str, Any], draw: Random) -> dict[str, Any]:
    gone = {name for name in _NEEDED if name in row and draw.random() < 0.7}  # noqa: PLR2004 - most, not all
    return {name: value for name, value in row.items() if name not in gone}


def _nulls(row: dict[str, Any], _: Random) -> dict[str, Any]:
    return {name: None if name in _NEEDED else value for name, value in row.items()}


def _text(row: dict[str, Any], _: Random) -> dict[str, Any]:
    return {name: "not a number" if name in _AMOUNTS else value for name, value in row.items()}


def _numbers(row: dict[str, Any], _: Random) -> dict[str, Any]:
    return {name: _number(value) for name, value in row.items()}


def _number(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _negative(row: dict[str, Any], _: Random) -> dict[str, Any]:
    return {
        name: f"-{value}" if name in _AMOUNTS and name != "price" and isinstance(value, str) else value
        for name, value in row.items()
    }


def _overfilled(row: dict[str, Any], _: Random) -> dict[str, Any]:
    return {
        name: f"9{value}" if name in {"executedQty", "vol_exec", "z"} and isinstance(value, str) else value
        for name, value in row.items()
    }


def _status(row: dict[str, Any], _: Random) -> dict[str, Any]:
    return {name: "QUANTUM" if name in {"status", "X"} else value for name, value in row.items()}


def _symbol(row: dict[str, Any], _: Random) -> dict[str, Any]:
    return {name: "XXXYYY" if name in {"symbol", "pair", "s"} else value for name, value in row.items()}


def _stranger(row: dict[str, Any], _: Random) -> dict[str, Any]:
    names = {"orderId": 999_999_999, "ordertxid": "OSTRAN-GEORD-ERERER", "clientOrderId": "stranger", "i": 999_999_999}
    return {name: names.get(name, value) for name, value in row.items()}


SHAPES: dict[str, Callable[[Any, Random], Any]] = {
    "missing_fields": _each(_missing),
    "null_fields": _each(_nulls),
    "text_for_numbers": _each(_text),
    "numbers_for_text": _each(_numbers),
    "negative_fill": _each(_negative),
    "overfilled": _each(_overfilled),
    "unknown_status": _each(_status),
    "unknown_symbol": _each(_symbol),
    "unknown_order": _each(_stranger),
    "empty_object": lambda _answer, _draw: {},
    "empty_list": lambda _answer, _draw: [],
    "null": lambda _answer, _draw: None,
    "wrong_type": lambda answer, _draw: [answer] if isinstance(answer, dict) else {"0": answer},
}
