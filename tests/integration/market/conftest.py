import pytest

from apps.foundation.clock import Moment, wall_now
from apps.market import operations, queries, wiring
from apps.market.ports import adapters, install


@pytest.fixture(autouse=True)
def own_market(clean_redis):
    """The real adapters, built anew for each test's settings."""
    before = adapters()
    for built in (wiring._recorded, wiring._simulated, wiring._live):
        built.cache_clear()
    yield
    install(before)
    for built in (wiring._recorded, wiring._simulated, wiring._live):
        built.cache_clear()


@pytest.fixture
def simulated(settings):
    settings.MARKET, settings.SIMULATED_SEED, settings.SPEED = "simulated", 7, 0.0
    settings.INSTRUMENTS = ["BTC/USDT", "ETH/USDT"]
    return settings


@pytest.fixture
def recorded(settings, tmp_path):
    settings.MARKET, settings.SPEED, settings.RECORDED_DIR = "recorded", 0.0, str(tmp_path)
    settings.INSTRUMENTS, settings.PROVIDERS = ["BTC/USDT", "ETH/USDT"], ["binance", "kraken"]
    return settings


def start():
    return operations.start_market(moment=Moment(wall=wall_now(), firm=wall_now()))


def release(bars=1):
    """Release that many bars; how many there were."""
    return sum(operations.release_next_bar(moment=queries.current_moment()) for _ in range(bars))
