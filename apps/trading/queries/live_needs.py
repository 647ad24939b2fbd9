"""What an account still needs before real money may move on it, each named with its remedy."""

import shutil
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.trading.models import Account, AccountMode, RiskLimits
from apps.trading.queries.reconciliation import reconciled

PUBLISHED_BY = "system"


@dataclass(frozen=True, slots=True)
class LiveNeed:
    """One condition. ``standing``: must hold while the account trades, not only when it is enabled."""

    code: str
    met: bool
    detail: str
    standing: bool = False

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "met": self.met, "detail": self.detail}


def live_needs(account: Account) -> list[LiveNeed]:
    """Every condition of a live account, met or not; empty for an account that moves no real money.

    Role admin and the password given again are asked of the person, when enabling.
    """
    if account.mode != AccountMode.LIVE:
        return []
    limits = RiskLimits.objects.order_by("-version").values_list("author", flat=True).first()
    checked = account.checked_wall is not None and not account.trouble_code
    own_server = not settings.DATABASE_EMBEDDED
    return [
        LiveNeed(
            "gpg",
            shutil.which("gpg") is not None,
            "GnuPG is installed, so that keys stay sealed. Otherwise install gpg.",
            standing=True,
        ),
        LiveNeed("sealed_keys", bool(account.sealed_keys), "Keys are stored, sealed to the firm's key."),
        LiveNeed("keys_checked", checked, account.trouble or "The executor opened the keys and the venue took them."),
        LiveNeed(
            "limits_set",
            limits not in {None, PUBLISHED_BY},
            "A person has set the risk limits. Otherwise change them once, with a reason (risk limits).",
        ),
        LiveNeed(
            "reconciled",
            reconciled(account.name),
            "The last reconciliation with the venue passed. Otherwise see the open breaks.",
        ),
        LiveNeed(
            "database",
            own_server or settings.HQ_SINGLE_INSTANCE,
            "PostgreSQL is a server of your own (DATABASE_URL), or HQ_SINGLE_INSTANCE=1 declares that this is the only"
            " instance there will be.",
            standing=True,
        ),
        LiveNeed(
            "live_market",
            settings.MARKET == "live",
            "MARKET=live: recorded and simulated prices never lead to a live order.",
            standing=True,
        ),
    ]


def missing_for_live(account: Account, *, standing_only: bool = False) -> list[LiveNeed]:
    """The conditions that are not met."""
    return [need for need in live_needs(account) if not need.met and (need.standing or not standing_only)]
