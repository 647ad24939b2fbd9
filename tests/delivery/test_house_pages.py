"""Health, readiness, metrics, the dashboard's page and what a failing page says."""

from datetime import timedelta

import pytest

from apps.foundation import redis_pool
from apps.foundation.clock import wall_now
from apps.foundation.models import ProcessBeat
from tradinghq import dashboard_page

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/healthz", "/healthz/"])
def test_alive(client, path, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def ready(client):
    answer = client.get("/readyz")
    return answer.status_code, {part["part"]: part["detail"] for part in answer.json()["parts"] if not part["ok"]}


def test_a_house_without_market_and_workers_is_not_ready_and_says_so(client):
    status, waiting = ready(client)
    assert status == 503
    assert waiting == {
        "market data": "The market has not started yet.",
        "workers": "No loop of any worker has beaten lately.",
    }


def test_a_loop_that_fell_silent_is_named(client):
    now = wall_now()
    for name, age in (("guard/stop guard", 1), ("core/market clock", 100)):
        at = now - timedelta(seconds=age)
        ProcessBeat.objects.create(name=name, process="x", host="h", pid=1, started_at=at, beat_at=at)
    _, waiting = ready(client)
    assert "core/market clock" in waiting
    assert "100 s" in waiting["core/market clock"]
    assert "guard/stop guard" not in waiting


def test_redis_away_is_named(client, settings):
    there = settings.REDIS_URL
    redis_pool.client.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    status, waiting = ready(client)
    settings.REDIS_URL = there
    redis_pool.client.cache_clear()
    assert status == 503
    assert "Redis does not answer" in waiting["redis"]


@pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
def test_metrics_of_requests_are_counted_by_route(client, path):
    client.get("/healthz")
    text = client.get(path).content.decode()
    assert 'hq_http_request_seconds_count{method="GET",route="healthz",status="200"}' in text
    assert "hq_outbox_waiting" in text


@pytest.fixture
def built(tmp_path, monkeypatch):
    monkeypatch.setattr(dashboard_page, "INDEX", tmp_path / "index.html")
    (tmp_path / "index.html").write_text("<!doctype html><title>desk</title>")


@pytest.mark.parametrize("path", ["/", "/orders", "/markets/BTC-USDT", "/risk/", "/agents?x=1.2"])
def test_the_dashboard_answers_at_its_pages(client, built, path):
    answer = client.get(path)
    assert (answer.status_code, answer.content) == (200, b"<!doctype html><title>desk</title>")
    assert answer["Cache-Control"] == "no-cache"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/favicon.ico", "/wp-login.php", "/static/none.js", "/assets/x.js"])
def test_a_missing_file_is_not_the_dashboard(client, built, path):
    assert client.get(path).status_code == 404


def test_an_unbuilt_dashboard_says_what_to_do(client, tmp_path, monkeypatch):
    monkeypatch.setattr(dashboard_page, "INDEX", tmp_path / "none.html")
    answer = client.get("/")
    assert answer.status_code == 503
    assert b"make dashboard" in answer.content


def test_the_dashboards_page_takes_no_post(client, built):
    assert client.post("/orders").status_code == 405
