"""Prometheus metrics that more than one room counts. A room's own metrics stand beside the code that counts them."""

from prometheus_client import Counter, Histogram

WAKE_UPS_LOST = Counter(
    "hq_wake_ups_lost_total",
    "Tasks, questions and windows that could not be sent; sweeps and deadlines catch up.",
    ["task"],
)
LOOP_ERRORS = Counter("hq_loop_errors_total", "Failed steps of a long-lived loop.", ["loop"])
LOOP_STEP_SECONDS = Histogram("hq_loop_step_seconds", "Duration of one step of a long-lived loop.", ["loop"])
