"""A loss limit that ended a run's trading before the run's end: when, why and what that means."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.foundation.time_text import utc_text
from apps.trading.domain.risk.trading_state import OpenCause

DAY = timedelta(days=1)
FEW_DAYS = 10  # below it, parts of a day are told


@dataclass(frozen=True, slots=True)
class TradingStop:
    """``kind`` of its cause. ``after_days`` of ``days`` were traded when the limit was reached; nobody resumed."""

    kind: str
    at: datetime
    after_days: float
    days: float
    reason: str

    def as_json(self) -> dict[str, Any]:
        """The moment, the days and the reason, with the sentence that tells them."""
        return {
            "kind": self.kind,
            "at": utc_text(self.at),
            "after_days": self.after_days,
            "days": self.days,
            "reason": self.reason,
            "told": self.sentence(),
        }

    def sentence(self) -> str:
        """For a reader who would else take the quiet rest of the run for a part of the test."""
        places = 0 if self.days >= FEW_DAYS else 1
        return (
            f"Trading stopped at {self.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, after {self.after_days:,.{places}f} of "
            f"{self.days:,.{places}f} days: {self.reason} From then on no purchase was allowed: what follows shows at "
            "most the sale of what was held."
        )


def trading_stop(
    causes: Mapping[str, OpenCause], latched_at: Mapping[str, datetime], *, began: datetime, ended: datetime
) -> TradingStop | None:
    """The first of the limits that stand at the end, None where none does. ``latched_at``: when each was reached."""
    if not latched_at:
        return None
    kind = min(latched_at, key=latched_at.__getitem__)
    at = latched_at[kind]
    return TradingStop(kind, at, (at - began) / DAY, (ended - began) / DAY, causes[kind].reason)


def other_restrictions(restrictions: Iterable[str], report: Mapping[str, Any]) -> list[str]:
    """What restricted trading at the end beside the stop that ``report`` tells of already."""
    told = report["stopped"]["reason"] if "stopped" in report else None
    return [reason for reason in restrictions if reason != told]
