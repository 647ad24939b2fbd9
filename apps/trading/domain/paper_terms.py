"""The terms on which the paper venue trades, stated once: for its fills, the fee rule and the limits view. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from apps.foundation.money import plain

BASIS_POINTS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class PaperTerms:
    """Fees and frictions in basis points; ``volume_share`` of a bar may be ours; latency in seconds (live quotes only).

    On replayed bars the latency is the wait for the next bar's open. ``spread_bps`` is the whole spread, assumed where
    candles carry none. A taker slips by ``slippage_bps`` plus ``impact_bps`` times its share of what it may take.
    """

    taker_fee_bps: Decimal = Decimal(10)
    maker_fee_bps: Decimal = Decimal(10)
    spread_bps: Decimal = Decimal(2)
    slippage_bps: Decimal = Decimal(1)
    impact_bps: Decimal = Decimal(5)
    volume_share: Decimal = Decimal("0.1")
    latency_seconds: Decimal = Decimal("0.25")

    def stated(self) -> dict[str, str | None]:
        """The terms as the API shows them."""
        return {name: plain(getattr(self, name)) for name in self.__slots__}


PAPER_TERMS = PaperTerms()
