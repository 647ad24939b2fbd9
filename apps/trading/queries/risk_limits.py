"""The risk limits that hold now."""

from typing import Any

from django.db.models import QuerySet

from apps.foundation.time_text import utc_text
from apps.trading.domain.risk.risk_limits import DEFAULT_LIMITS, LIMITS, LimitValues
from apps.trading.domain.venues.paper_terms import PAPER_TERMS, STOCK_TERMS
from apps.trading.models import RiskLimits


def all_limits() -> QuerySet[RiskLimits]:
    """Every version, for lists."""
    return RiskLimits.objects.all()


def limits_version_view(row: RiskLimits) -> dict[str, Any]:
    """One version: who, when, why, and what changed from which value to which."""
    return {
        "version": row.version,
        "author": row.author,
        "reason": row.reason,
        "at": utc_text(row.at),
        "changes": row.changes,
    }


def current_limits() -> LimitValues:
    """The newest version; the published defaults before the first one is stored."""
    row = RiskLimits.objects.order_by("-version").first()
    return LimitValues.restored(row.values) if row else DEFAULT_LIMITS


def limits_view() -> dict[str, Any]:
    """Each limit under its name; their meaning, bounds and defaults; who set them and why; the venue's stated terms."""
    row = RiskLimits.objects.order_by("-version").first()
    values = (LimitValues.restored(row.values) if row else DEFAULT_LIMITS).stored()
    defaults = DEFAULT_LIMITS.stored()
    return {
        "version": row.version if row else 0,
        "author": row.author if row else "system",
        "reason": row.reason if row else "Published defaults.",
        "changed_at": utc_text(row.at) if row else None,
        **values,
        "limits": [
            {
                "name": name,
                "value": values[name],
                "default": defaults[name],
                "lowest": format(lowest, "f"),
                "highest": format(highest, "f"),
                "meaning": meaning,
            }
            for name, (lowest, highest, meaning) in LIMITS.items()
        ],
        "fees": PAPER_TERMS.stated(),
        "stock_fees": STOCK_TERMS.stated(),
    }
