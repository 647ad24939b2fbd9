"""What nobody waits for on the loop of the venues' clients."""

import asyncio
import gc
import logging

import pytest

from apps.trading.adapters.ccxt_classes import library_errors
from apps.trading.adapters.venue_event_loop import wait_for


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (library_errors().NetworkError("503, url='ws://exchange/ws'"), []),
        (ValueError("ours"), [logging.ERROR]),
    ],
)
def test_a_connection_that_the_library_dropped_is_no_error_of_ours(caplog, error, told):
    async def drop():
        asyncio.get_running_loop().create_future().set_exception(error)
        gc.collect()

    with caplog.at_level(logging.INFO):
        wait_for(drop, seconds=10)
    assert [record.levelno for record in caplog.records if record.name == "asyncio"] == told
