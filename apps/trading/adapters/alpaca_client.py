"""alpaca-py's trading client, held to one try. Imported on first use: the library brings pandas along."""

from alpaca.trading.client import TradingClient

from apps.foundation.bounded_http import bound

SECONDS = 10.0


class OneTryClient(TradingClient):
    """Each call is one HTTP request, and every answer the plain JSON.

    The library repeats 429 and 504 up to three times, a create too, and takes no zero for that; it sets no time limit.
    """

    def __init__(self, *, key: str, secret: str, paper: bool, address: str = "") -> None:
        """``paper``: the broker's practice endpoint. ``address`` replaces the endpoint altogether."""
        super().__init__(api_key=key, secret_key=secret, paper=paper, raw_data=True, url_override=address or None)
        self._retry = 0
        self._retry_codes = []
        bound(self._session, seconds=SECONDS)
