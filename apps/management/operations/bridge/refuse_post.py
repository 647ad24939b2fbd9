"""A refused envelope: counted, and an incident that names the peer, the rule and what to do."""

from prometheus_client import Counter

from apps.foundation.clock import Moment
from apps.management.domain.bridge_admission import Answer
from apps.management.models import Severity
from apps.management.operations.keep_incidents import open_incident

ATTACKS = frozenset({"bad_signature", "replayed", "epoch_fell", "epoch_disproved", "research_leads", "not_for_us"})
REFUSED = Counter("hq_bridge_refused_total", "Envelopes that were refused, by the rule that refused them.", ["code"])


def refuse(sender: str, answer: Answer, moment: Moment) -> Answer:
    """Open the incident ``bridge_<code>`` of this sender, or count it again; ``answer``."""
    REFUSED.labels(code=answer.code).inc()
    open_incident(
        kind=f"bridge_{answer.code}",
        subject=sender,
        detail=f"An envelope from {sender} was refused ({answer.code}). {answer.reason}",
        severity=Severity.CRITICAL if answer.code in ATTACKS else Severity.WARNING,
        moment=moment,
    )
    return answer
