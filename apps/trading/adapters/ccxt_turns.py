"""The turn of each request to an exchange, by the rate that all processes of the house share."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from apps.foundation.clock import wall_now
from apps.foundation.errors import RetryableFailure
from apps.foundation.request_rate import WAITS, RequestRate
from apps.market.domain.request_quotas import RequestQuotas
from apps.trading.adapters.urgent_calls import HELD_BACK

LONGEST_WAIT_SECONDS = 3.0  # of a request without a time to leave by
QuotasOf = Callable[[Any], RequestQuotas]  # of a built client


class VenueTurns:
    """Shared by the clients of one account."""

    def __init__(self, quotas: RequestQuotas) -> None:
        self._quotas, self._rate = quotas, RequestRate(quotas.exchange)

    async def wait(
        self, path: str, api: Any, method: str, cost: float, *, urgent: bool, leave_by: datetime | None
    ) -> None:
        """Return when it is the request's turn. Raises ``RetryableFailure`` when that does not come in time; then
        nothing was asked. ``urgent``: it cancels or reduces risk. ``leave_by``: it is of no use later.
        """
        charges = self._quotas.of_request(path=path, method=method, private="private" in api, cost=cost)
        seconds = LONGEST_WAIT_SECONDS if leave_by is None else (leave_by - wall_now()).total_seconds()
        began = time.monotonic()
        while (left := await asyncio.to_thread(self._rate.turn, charges, urgent=urgent)) > 0:
            if time.monotonic() + left > began + seconds:
                late = self._rate.no_turn(seconds)
                raise RetryableFailure(late.message, code=HELD_BACK) from late
            await asyncio.sleep(left)
        WAITS.labels(self._quotas.exchange).observe(time.monotonic() - began)

    def heard(self, status: int, headers: Mapping[str, str], body: str) -> None:
        """An answer came: one that asks for silence is obeyed by all processes."""
        silence = self._quotas.asked_for_silence(status=status, headers=headers, body=body)
        if silence is not None:
            self._rate.pause(*silence)
