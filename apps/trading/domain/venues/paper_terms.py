"""The terms on which the paper venue trades, stated once: for its fills, the fee rule and the limits view. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from apps.foundation.money import ZERO, plain
from apps.market.domain.instruments import STOCK_CURRENCY, split_symbol
from apps.trading.domain.books.decimal_math import times
from apps.trading.domain.books.fees import fee_of

BASIS_POINTS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class PaperTerms:
    """Fees and frictions in basis points; ``volume_share`` of a bar may be ours; latency in seconds (live quotes only).

    On replayed bars the latency is the wait for the next bar's open. ``spread_bps`` is the whole spread, assumed where
    candles carry none. A taker slips by ``slippage_bps`` plus ``impact_bps`` times its share of what it may take.
    Regulators take of each sale ``sale_fee_per_million`` of its worth, and ``sale_fee_per_unit`` up to
    ``sale_fee_per_unit_most``.
    """

    taker_fee_bps: Decimal = Decimal(10)
    maker_fee_bps: Decimal = Decimal(10)
    spread_bps: Decimal = Decimal(2)
    slippage_bps: Decimal = Decimal(1)
    impact_bps: Decimal = Decimal(5)
    volume_share: Decimal = Decimal("0.1")
    latency_seconds: Decimal = Decimal("0.25")
    sale_fee_per_million: Decimal = ZERO
    sale_fee_per_unit: Decimal = ZERO
    sale_fee_per_unit_most: Decimal = ZERO

    def stated(self) -> dict[str, str | None]:
        """The terms as the API shows them."""
        return {name: plain(getattr(self, name)) for name in self.__slots__}

    @property
    def side_fee_bps(self) -> Decimal:
        """What one side of a round trip costs in basis points, for rules and votes; the part per unit is left out (it
        needs a price, and is a hundredth of a basis point of a share of 200).
        """
        return self.taker_fee_bps + self.sale_fee_per_million / 100 / 2

    def fee(self, *, side: str, quantity: Decimal, price: Decimal, maker: bool) -> Decimal:
        """The fee of one fill in the quote currency."""
        worth = times(quantity, price)
        fee = fee_of(worth, self.maker_fee_bps if maker else self.taker_fee_bps)
        if side == "sell":
            by_unit = times(quantity, self.sale_fee_per_unit)
            fee += times(worth, self.sale_fee_per_million / _MILLION) + min(by_unit, self.sale_fee_per_unit_most)
        return fee


_MILLION = Decimal(1_000_000)
PAPER_TERMS = PaperTerms()
STOCK_TERMS = PaperTerms(
    taker_fee_bps=ZERO,
    maker_fee_bps=ZERO,
    sale_fee_per_million=Decimal("27.80"),
    sale_fee_per_unit=Decimal("0.000166"),
    sale_fee_per_unit_most=Decimal("8.30"),
)


def terms_of(symbol: str) -> PaperTerms:
    """The terms for an instrument of its class: what is paid in dollars is a stock, all else is a coin.

    Stocks trade without commission, as at most US brokers; regulators take of sales. The SEC's fee under Section 31 of
    the Exchange Act is set anew each year: 27.80 dollars a million from 22 May 2024 (SEC fee rate advisory 2 for fiscal
    2024), later at times zero; the higher one is assumed. FINRA's trading activity fee is 0.000166 dollars a share,
    8.30 at most (FINRA By-Laws, Schedule A, Section 1, as of 2024). Brokers round both up to a cent; here both are
    exact.
    """
    return STOCK_TERMS if split_symbol(symbol)[1] == STOCK_CURRENCY else PAPER_TERMS
