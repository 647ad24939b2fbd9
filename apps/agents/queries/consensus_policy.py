"""The policy that holds."""

from apps.agents.models import ConsensusPolicy
from apps.foundation.errors import NotReady


def current_policy() -> ConsensusPolicy:
    """The newest policy; ``NotReady`` before the firm was seeded."""
    policy = ConsensusPolicy.objects.order_by("-version").first()
    if policy is None:
        raise NotReady("The firm has no consensus policy yet; its first start writes one.", code="not_seeded")
    return policy
