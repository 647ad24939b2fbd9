"""Plain functions of the house, compiled for backtests: one source, the same bits.

Compiled code is kept until the file of the kernel changes, whatever else it was made of. So a file of kernels names the
rules that it borrows by their digest, and whoever changes a rule changes that line.
"""

import hashlib
import inspect
from collections.abc import Callable
from typing import Any

from numba import njit


def compiled_rules(digest: str, *rules: Callable[..., Any]) -> list[Callable[..., Any]]:
    """The rules, compiled. Raises ``ImportError`` with their digest where it is not ``digest``."""
    found = hashlib.sha256("".join(map(_told, rules)).encode()).hexdigest()[:16]
    if found != digest:
        names = ", ".join(rule.__qualname__ for rule in rules)
        raise ImportError(f"One of the rules {names} has changed: write their digest {found} beside the kernels.")
    return [njit(cache=True)(rule) for rule in rules]


def _told(rule: Callable[..., Any]) -> str:
    """Its source and the constants that it reads."""
    names = sorted(set(rule.__code__.co_names) & set(rule.__globals__))
    constants = {name: rule.__globals__[name] for name in names if isinstance(rule.__globals__[name], int | float)}
    return f"{inspect.getsource(rule)}{constants}"
