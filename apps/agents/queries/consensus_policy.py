"""The policy that holds."""

from typing import Any

from apps.agents.models import ConsensusPolicy
from apps.foundation.errors import NotReady
from apps.foundation.time_text import utc_text

POLICY_FIELDS = ("method", "quorum", "veto_confidence", "enter", "leave", "full", "band", "denied_pause_bars")


def current_policy() -> ConsensusPolicy:
    """The newest policy; ``NotReady`` before the firm was seeded."""
    policy = ConsensusPolicy.objects.order_by("-version").first()
    if policy is None:
        raise NotReady("The firm has no consensus policy yet; its first start writes one.", code="not_seeded")
    return policy


def policy_view() -> dict[str, Any]:
    """The policy that holds, who set it and why."""
    policy = current_policy()
    return {
        **{name: getattr(policy, name) for name in ("version", *POLICY_FIELDS, "author", "reason")},
        "at": utc_text(policy.at),
    }
