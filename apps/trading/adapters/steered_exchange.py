"""Lead the exchange simulator through market time, so that it shows the bar that the house is at."""

import json
import urllib.error
import urllib.request
from datetime import datetime

from apps.foundation.errors import RetryableFailure

SECONDS = 10.0


class SteeredExchange:
    """The control interface of one simulator at ``address``."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def advance(self, *, to: datetime) -> None:
        """Let its market time pass up to ``to``; what it holds is matched on the way. Raises ``RetryableFailure``."""
        body = json.dumps({"to_ms": round(to.timestamp() * 1000)}).encode()
        request = urllib.request.Request(  # noqa: S310 - an http address of our own making
            f"{self.address}/control/advance", data=body, headers={"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                answer.read()
        except OSError as error:
            raise RetryableFailure(
                f"The exchange simulator at {self.address} can't be led on: {error}.", code="simulator_away"
            ) from error
