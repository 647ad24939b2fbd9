"""The turn of each request to a broker whose requests all count the same, by the rate that all processes share."""

from collections.abc import Mapping
from typing import Any

from apps.foundation.errors import RetryableFailure
from apps.foundation.request_rate import RequestRate
from apps.market.domain.request_quotas import RequestQuotas
from apps.trading.adapters.urgent_calls import HELD_BACK, is_urgent

LONGEST_WAIT_SECONDS = 3.0


class BrokerTurns:
    """Safe for threads."""

    def __init__(self, quotas: RequestQuotas) -> None:
        self._quotas, self._rate = quotas, RequestRate(quotas.exchange)

    def wait(self) -> None:
        """Before a request. Raises ``RetryableFailure`` when its turn does not come soon; then nothing was asked."""
        try:
            self._rate.wait(self._quotas.of_one(), seconds=LONGEST_WAIT_SECONDS, urgent=is_urgent())
        except RetryableFailure as late:
            raise RetryableFailure(late.message, code=HELD_BACK) from late

    def heard(self, error: Any) -> None:
        """After an error of the vendor's library: one that asks for silence is obeyed by all processes."""
        headers: Mapping[str, str] = getattr(error.response, "headers", None) or {}
        silence = self._quotas.asked_for_silence(status=error.status_code or 0, headers=headers, body="")
        if silence is not None:
            self._rate.pause(*silence)
