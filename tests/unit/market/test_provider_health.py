from datetime import UTC, datetime, timedelta

from apps.market.domain.provider_health import Health, choose_primary

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def health(name, priority, *, failures=0, silent=0, healthy_for=600):
    since = None if healthy_for is None else NOW - timedelta(seconds=healthy_for)
    return Health(name, priority, failures, NOW - timedelta(seconds=silent), since)


def test_the_best_priority_leads_at_the_start():
    assert choose_primary(None, [health("kraken", 1), health("binance", 0)], NOW) == "binance"


def test_a_leader_that_fails_three_times_loses_the_lead():
    assert choose_primary("binance", [health("binance", 0, failures=2), health("kraken", 1)], NOW) == "binance"
    assert choose_primary("binance", [health("binance", 0, failures=3), health("kraken", 1)], NOW) == "kraken"


def test_a_silent_leader_loses_the_lead():
    assert choose_primary("binance", [health("binance", 0, silent=21), health("kraken", 1)], NOW) == "kraken"


def test_a_provider_that_came_back_waits_a_minute_for_the_lead():
    back = health("binance", 0, healthy_for=59)
    assert choose_primary("kraken", [back, health("kraken", 1)], NOW) == "kraken"
    assert choose_primary("kraken", [health("binance", 0, healthy_for=60), health("kraken", 1)], NOW) == "binance"


def test_nobody_leads_when_nobody_answers():
    never = Health("binance", 0, 1, None, None)
    assert choose_primary("binance", [never, health("kraken", 1, silent=120)], NOW) is None
