"""alpaca-py's data client, held to one try and exact numbers. Imported on first use: it brings pandas along."""

from alpaca.data.historical.stock import StockHistoricalDataClient

from apps.foundation.bounded_http import bound

SECONDS = 4.0


class OneTryDataClient(StockHistoricalDataClient):
    """Plain JSON answers, one HTTP request a call: repeating a read is the guard's business."""

    def __init__(self, *, key: str, secret: str, address: str = "") -> None:
        super().__init__(api_key=key, secret_key=secret, raw_data=True, url_override=address or None)
        self._retry = 0
        self._retry_codes = []
        bound(self._session, seconds=SECONDS)
