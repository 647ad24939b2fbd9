"""Loads single ccxt exchange classes. ``import ccxt`` loads every exchange there is: twice the memory and three times
the time.
"""

import importlib
import importlib.util
import sys
from threading import Lock
from types import ModuleType
from typing import Any

_one_at_a_time = Lock()  # providers are asked side by side, and the stand-in must not be taken away under a loading one


def exchange_class(name: str) -> Any:
    """The ccxt class of one exchange (synchronous REST). Raises ``LookupError`` for a name that ccxt doesn't know."""
    with _one_at_a_time:
        return _loaded(name)


def _loaded(name: str) -> Any:
    added = "ccxt" not in sys.modules
    if added:
        sys.modules["ccxt"] = _package()
    try:
        return getattr(importlib.import_module(f"ccxt.{name}"), name)
    except (ModuleNotFoundError, AttributeError):
        raise LookupError(f"ccxt knows no exchange {name!r}.") from None
    finally:
        if added:  # whoever imports ccxt itself later gets the whole package, built on the same submodules
            del sys.modules["ccxt"]


def _package() -> ModuleType:
    """A stand-in for the package that has its folder, but not what its ``__init__`` imports."""
    spec = importlib.util.find_spec("ccxt")
    if spec is None or spec.submodule_search_locations is None:
        raise LookupError("ccxt is not installed.")
    package = ModuleType("ccxt")
    package.__path__ = list(spec.submodule_search_locations)
    package.__spec__ = spec
    return package
