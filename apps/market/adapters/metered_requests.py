"""Keeps requests for prices to the rate that all processes share: each waits for its turn."""

from collections.abc import Callable, Mapping
from typing import Any

from apps.foundation.request_rate import RequestRate
from apps.market.domain.request_quotas import RequestQuotas

LONGEST_WAIT_SECONDS = 3.0
QuotasOf = Callable[[Any], RequestQuotas]  # of a built client


class RequestTurns:
    """The turns of a source whose requests all count the same."""

    def __init__(self, quotas: RequestQuotas) -> None:
        self._quotas, self._rate = quotas, RequestRate(quotas.exchange)

    def wait(self) -> None:
        """Before a request. Raises ``RetryableFailure`` (``rate_limited``) when its turn does not come soon."""
        self._rate.wait(self._quotas.of_one(), seconds=LONGEST_WAIT_SECONDS)

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """After an answer: one that asks for silence is obeyed by all processes."""
        silence = self._quotas.asked_for_silence(status=status, headers=headers, body="")
        if silence is not None:
            self._rate.pause(*silence)


def metered(exchange: Any) -> Any:
    """The class with metered requests; ``meter`` has to be called before the first one."""
    return type(f"Metered_{exchange.__name__}", (_Metered, exchange), {})


class _Metered:
    _quotas: RequestQuotas
    _rate: RequestRate

    def meter(self, quotas: RequestQuotas) -> None:
        """Keep to these quotas."""
        self._quotas, self._rate = quotas, RequestRate(quotas.exchange)

    def fetch2(
        self, path: str, api: Any = "public", method: str = "GET", params: Any = None, config: Any = None
    ) -> Any:
        params, config = params or {}, config or {}
        cost = self.calculate_rate_limiter_cost(api, method, path, params, config)  # type: ignore[attr-defined]
        charges = self._quotas.of_request(
            path=path,
            method=method,
            private="private" in api,
            cost=float(cost),
            symbols=len(str(params.get("symbols") or "").split(",")) if params.get("symbols") else 0,
        )
        self._rate.wait(charges, seconds=LONGEST_WAIT_SECONDS)
        return super().fetch2(path, api, method, params, config)  # type: ignore[misc]

    def on_rest_response(  # noqa: PLR0917 - the library's hook
        self,
        code: int,
        reason: str,
        url: str,
        method: str,
        headers: Mapping[str, str],
        body: str,
        request_headers: Any,
        request_body: Any,
    ) -> str:
        silence = self._quotas.asked_for_silence(status=code, headers=headers, body=body)
        if silence is not None:
            self._rate.pause(*silence)
        answer: str = super().on_rest_response(  # type: ignore[misc]
            code, reason, url, method, headers, body, request_headers, request_body
        )
        return answer
