import subprocess
import sys

import pytest
import redis
from prometheus_client.core import GaugeMetricFamily

from apps.foundation import health, metrics_folder, process_metrics, redis_pool

pytestmark = pytest.mark.django_db


def test_all_parts_answer():
    assert [(part.part, part.ok, part.detail) for part in health.check_parts()] == [
        ("postgres", True, ""),
        ("redis", True, ""),
        ("disk", True, ""),
    ]


def test_redis_away_is_said_in_words(monkeypatch, unused_tcp_port):
    monkeypatch.setattr(redis_pool, "quick_client", lambda: redis.Redis(port=unused_tcp_port, retry=None))
    found = health.check_redis()
    assert not found.ok
    assert "Redis does not answer" in found.detail


COUNTING = """
from prometheus_client import Gauge
from apps.foundation.metrics import LOOP_ERRORS
LOOP_ERRORS.labels(loop="elsewhere").inc(3)
Gauge("hq_sockets_elsewhere", "Sockets.", multiprocess_mode="livesum").set(5)
"""


def test_counters_of_other_processes_are_added_up(tmp_path, monkeypatch):
    folder = metrics_folder.prepare_folder(tmp_path)
    environment = {metrics_folder.DIRECTORY_VARIABLE: str(folder), "PYTHONPATH": ":".join(sys.path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", COUNTING], env=environment, check=True)
    monkeypatch.setenv(metrics_folder.DIRECTORY_VARIABLE, str(folder))
    text, kind = process_metrics.render()
    assert b'hq_loop_errors_total{loop="elsewhere"} 6.0' in text
    assert b"hq_sockets_elsewhere" not in text  # the processes that had them are gone
    assert kind.startswith("text/plain")
    assert metrics_folder.prepare_folder(tmp_path) == folder
    assert list(folder.iterdir()) == []
    metrics_folder.remove_folder(tmp_path)


def test_what_the_database_knows_is_shown_beside_a_rooms_own(monkeypatch):
    monkeypatch.setattr(process_metrics, "_sources", [])
    process_metrics.add_source(lambda: [GaugeMetricFamily("hq_open_orders", "Orders.", value=4)])
    text, _ = process_metrics.render()
    assert b"hq_open_orders 4.0" in text
    assert b"hq_outbox_waiting 0.0" in text
