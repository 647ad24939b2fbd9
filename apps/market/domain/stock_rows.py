"""One bar of a stock as a vendor sends it, with what happened to the share that day."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class StockRow:
    """Prices carried back over splits (the vendor claims), ``adjusted``: the close carried back over dividends too.

    ``dividend`` a share, ``split``: new shares for one old one (7 for 7:1, 0.1 for 1:10), both 0 on other days. A value
    that the vendor left out is NaN.
    """

    open_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    adjusted: Decimal | None = None
    dividend: Decimal = ZERO
    split: Decimal = ZERO

    @property
    def prices(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Open, high, low and close."""
        return self.open, self.high, self.low, self.close


@dataclass(frozen=True, slots=True)
class RowNotice:
    """What was wrong with the row that opens at ``open_at``. Not ``repaired``: the row was refused."""

    open_at: datetime
    kind: str
    repaired: bool
    detail: str


@dataclass(frozen=True, slots=True)
class CleanedRows:
    """The rows that may be traded on, oldest first, and what was found."""

    rows: tuple[StockRow, ...]
    notices: tuple[RowNotice, ...]
