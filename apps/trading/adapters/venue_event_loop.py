"""The one event loop of this process on which asynchronous venue clients live, called from synchronous code."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

import structlog

from apps.trading.adapters.ccxt_classes import library_errors
from apps.trading.adapters.ccxt_errors import short

Answer = TypeVar("Answer")
log = structlog.get_logger(__name__)
_errors = library_errors()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(_tell)
    started = threading.Event()

    def live() -> None:
        asyncio.set_event_loop(loop)
        loop.call_soon(started.set)
        loop.run_forever()

    threading.Thread(target=live, name="venue-clients", daemon=True).start()
    started.wait()
    return loop


def _tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The library ends all that waits on a broken connection, and nobody waits for some of it: no failure of ours, and
    whoever listened was told. All else is told as ever.
    """
    error = context.get("exception")
    if isinstance(error, _errors.BaseError):
        log.info("venue_connection_dropped", reason=short(error))
    else:
        loop.default_exception_handler(context)


_starting = threading.Lock()


def venue_loop() -> asyncio.AbstractEventLoop:
    """The running loop; the first call starts its thread."""
    with _starting:
        return _loop()


def wait_for(work: Callable[[], Coroutine[Any, Any, Answer]], *, seconds: float) -> Answer:
    """Run ``work`` on the loop and answer its result. Raises ``TimeoutError`` after ``seconds`` and cancels it then."""
    future = asyncio.run_coroutine_threadsafe(work(), venue_loop())
    try:
        return future.result(timeout=seconds)
    except TimeoutError:
        future.cancel()
        raise


def start(work: Callable[[], Coroutine[Any, Any, Answer]]) -> Future[Answer]:
    """Run ``work`` on the loop without waiting for it."""
    return asyncio.run_coroutine_threadsafe(work(), venue_loop())
