"""Loads single ccxt classes with asynchronous REST and streams. ``import ccxt.pro`` loads every exchange there is:
several times the memory and the time.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from types import ModuleType
from typing import Any

_PACKAGES = ("ccxt", "ccxt.async_support", "ccxt.pro")
_one_at_a_time = Lock()  # a stand-in must not be taken away under a loading thread


def streaming_class(name: str) -> Any:
    """The class of one exchange with streams, or the one without where ccxt has no streams for it.

    Raises ``LookupError`` for a name that ccxt doesn't know.
    """
    with _stand_ins():
        return _loaded(name)


def library_errors() -> Any:
    """The module of the library's exceptions."""
    with _stand_ins():
        return importlib.import_module("ccxt.base.errors")


@contextmanager
def _stand_ins() -> Iterator[None]:
    with _one_at_a_time:
        added = [package for package in _PACKAGES if _stand_in(package)]
        try:
            yield
        finally:
            for package in added:  # whoever imports one later gets it whole, built on the same submodules
                sys.modules.pop(package, None)


def _loaded(name: str) -> Any:
    try:
        plain = getattr(importlib.import_module(f"ccxt.async_support.{name}"), name)
    except (ModuleNotFoundError, AttributeError):
        raise LookupError(f"ccxt knows no exchange {name!r}.") from None
    setattr(sys.modules["ccxt.async_support"], name, plain)
    if importlib.util.find_spec(f"ccxt.pro.{name}") is None:
        return plain
    return getattr(importlib.import_module(f"ccxt.pro.{name}"), name)


def _stand_in(package: str) -> bool:
    """Put a package that is not loaded in place with its folder, but not what its ``__init__`` imports."""
    if package in sys.modules:
        return False
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise LookupError(f"{package} is not installed.")
    module = ModuleType(package)
    module.__path__ = list(spec.submodule_search_locations)
    module.__spec__ = spec
    sys.modules[package] = module
    if package == "ccxt":  # its own modules take these from the package
        errors = importlib.import_module("ccxt.base.errors")
        vars(module).update({name: value for name, value in vars(errors).items() if not name.startswith("_")})
        vars(module)["Exchange"] = importlib.import_module("ccxt.base.exchange").Exchange
    else:
        above, _, last = package.rpartition(".")
        setattr(sys.modules[above], last, module)
    return True
