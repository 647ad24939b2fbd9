"""What is held as a decision sees it, and a purchase that was refused not long ago. Pure; backtests share it."""

from datetime import datetime
from decimal import Decimal

from apps.market.domain import timeframes

DUST = 0.02  # of the largest position; what is left below a step counts as flat
DENIED_RECENTLY = "denied_recently"


def share_held(*, exposure: float, max_position_share: Decimal) -> float:
    """The position as a share of the largest allowed one; what is too small to sell counts as none."""
    share = exposure / float(max_position_share)
    return share if share > DUST else 0.0


def denial_that_holds(
    *, denied_at: datetime, code: str, closed_at: datetime, timeframe: str, pause_bars: int
) -> str | None:
    """Why a purchase denied at the close of an earlier bar is not asked again yet; None once ``pause_bars`` are over.

    Each try is an order, a verdict and a line on screen, so the gate is not asked again at once.
    """
    ago = round((closed_at - denied_at) / timeframes.span(timeframe))
    if not 0 < ago < pause_bars:
        return None
    why = code.replace("_", " ")
    return f"Denied {ago} bar{'s' if ago > 1 else ''} ago ({why}); asked again in {pause_bars - ago}."
