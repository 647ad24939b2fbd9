"""Within which bounds the costs of a run are believed, whoever asks for it."""

from decimal import Decimal

from apps.foundation.errors import Refused
from apps.foundation.money import plain

HIGHEST_FEE, HIGHEST_SLIPPAGE = Decimal("0.1"), Decimal(1_000)


def check_costs(*, fee: Decimal | None, slippage_bps: Decimal | None) -> None:
    """Raise ``Refused`` naming the field that lies outside. ``fee``: a share of each side; None is the venue's own."""
    for name, value, highest in (("fee", fee, HIGHEST_FEE), ("slippage_bps", slippage_bps, HIGHEST_SLIPPAGE)):
        if value is not None and not 0 <= value <= highest:
            told = f"{name} was {plain(value)}; it must lie between 0 and {plain(highest)}."
            raise Refused(told, code="invalid", field=name)
