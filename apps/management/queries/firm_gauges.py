"""What ``/metrics`` says of the firm as a whole, read from the database at each scrape."""

from collections.abc import Iterable

from django.conf import settings
from django.db.models import Count, Sum
from prometheus_client.core import GaugeMetricFamily, Metric

from apps.foundation.clock import Moment
from apps.foundation.disk_room import disk_room
from apps.management.models import Container, Incident, Severity
from apps.management.queries.instance_views import lease_view
from apps.management.queries.system_view import data_age_seconds
from apps.market import queries as market
from apps.trading import queries as trading

STATES = {"ACTIVE": 0, "REDUCING": 1, "HALTED": 2}


def firm_gauges() -> Iterable[Metric]:
    """Trading, lease, money, prices, incidents, containers, disk. Raises ``django.db.Error``."""
    moment = market.current_moment()
    yield from _trading(moment)
    yield from _lease()
    age = data_age_seconds(market.market_clock(), moment.wall)
    if age is not None:
        yield GaugeMetricFamily("hq_market_data_age_seconds", "Since the newest price arrived.", value=age)
    yield from _fleet()
    free = disk_room(settings.HQ_HOME).free
    yield GaugeMetricFamily("hq_disk_free_bytes", "Room on the disk where the house keeps its records.", value=free)


def _trading(moment: Moment) -> Iterable[Metric]:
    state = STATES[trading.trading_state().state]
    yield GaugeMetricFamily("hq_trading_state", "0 active, 1 reducing, 2 halted; the worst account.", value=state)
    count, age = trading.unknown_orders(moment.wall)
    yield GaugeMetricFamily("hq_orders_unknown", "Orders whose outcome at the venue is not known.", value=count)
    yield GaugeMetricFamily("hq_order_unknown_age_seconds", "How long the oldest of them has been so.", value=age)
    equity = GaugeMetricFamily("hq_equity", "Worth of an account in its own currency.", labels=["account"])
    for account in trading.account_views():
        worth = trading.portfolio_view(moment, account["name"])["equity"]
        if worth is not None:
            equity.add_metric([account["name"]], float(worth))
    yield equity


def _lease() -> Iterable[Metric]:
    held = lease_view()
    yield GaugeMetricFamily("hq_lease_held", "Whether an instance may trade.", value=int(held["leader"] is not None))
    yield GaugeMetricFamily("hq_lease_epoch", "The newest term of leadership.", value=held["epoch"])
    if held["age_seconds"] is not None:
        yield GaugeMetricFamily("hq_lease_age_seconds", "Since it was renewed.", value=held["age_seconds"])


def _fleet() -> Iterable[Metric]:
    incidents = GaugeMetricFamily("hq_incidents_open", "Open incidents.", labels=["severity"])
    counted = dict(
        Incident.objects.filter(closed_at=None).values_list("severity").annotate(Count("pk")).order_by("severity")
    )
    for severity in Severity.values:
        incidents.add_metric([severity], counted.get(severity, 0))
    yield incidents
    containers = GaugeMetricFamily("hq_containers", "Agents' containers.", labels=["health"])
    for health, count in Container.objects.values_list("health").annotate(Count("pk")).order_by("health"):
        containers.add_metric([health], count)
    yield containers
    restarts = Container.objects.aggregate(sum=Sum("restarts"))["sum"] or 0
    yield GaugeMetricFamily("hq_container_restarts", "Ends of containers that nobody asked for.", value=restarts)
