"""Two processes of the house at one exchange from one address: the exchange counts, and never has to refuse."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tests.support.own_redis import OwnRedis
from tests.support.running_exchange import RunningExchange

ROOT = Path(__file__).resolve().parents[3]
WEIGHTS = {"exchange_info": 20, "time": 1, "candles": 2, "open_orders": 80, "cancel": 1, "create": 1, "fetch_order": 4}

# Each process asks as fast as it may until it was refused a turn a few times, and prints how often it was sent.
ASK = """
import json, sys
import django
import structlog
django.setup()
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
from datetime import timedelta
from functools import partial
from decimal import Decimal
from apps.foundation.clock import Moment, wall_now
from apps.foundation.errors import HQError
from apps.market.adapters.ccxt_provider import CcxtProvider
from apps.market.wiring import _exchange_quotas
from apps.trading.adapters import remote_venues
from apps.trading.adapters.ccxt_venue import CcxtVenue
from apps.trading.ports import VenueOrder

given = json.loads(sys.argv[1])
venue = CcxtVenue(
    account="one", exchange="binance", keys=given["keys"], urls=given["urls"], pace_ms=1,
    quotas_of=partial(remote_venues._quotas, key=given["keys"]["apiKey"], name="binance"),
)
prices = CcxtProvider("binance", urls=given["urls"], symbols=["BTC/USDT"], quotas_of=_exchange_quotas)

def order(number, side="buy"):
    return VenueOrder(
        client_order_id=f"{given['number']:08d}{number:024d}", symbol="BTC/USDT", side=side, type="limit",
        quantity=Decimal("0.001"), limit_price=Decimal(45000) if side == "buy" else Decimal(55000), funds=None,
        time_in_force="GTC", post_only=False, reduce_only=side == "sell",
        valid_until=wall_now() + timedelta(seconds=2 if side == "buy" else 20),
    )

done, held = {"orders": 0, "candles": 0}, []
def tried(name, act):
    try:
        act()
    except HQError as error:
        held.append(error.code)
    else:
        done[name] += 1
        return True

now = Moment(wall=wall_now(), firm=wall_now())
venue.clock_offset()
print("ready", flush=True)
sys.stdin.readline()
for number in range(given["orders"]):
    if not tried("orders", lambda: venue.submit(order=order(number), moment=now)):
        break
for _ in range(given["candles"]):
    if not tried("candles", lambda: prices.candles("BTC/USDT", "1m", since=now.wall - timedelta(hours=1), limit=5)):
        break
exit_done = 0
try:
    venue.submit(order=order(9_000 + given["number"], "sell"), moment=now)
    exit_done = 1
except HQError as error:
    held.append(f"exit {error.code}")
print(json.dumps({"done": done, "held": held, "exit": exit_done}), flush=True)
venue.close()
"""


@pytest.fixture
def own_redis(tmp_path):
    own = OwnRedis(tmp_path)
    own.start()
    yield own
    own.stop()


@pytest.fixture
def exchange(tmp_path, request):
    weight, orders = request.param
    with RunningExchange(tmp_path / "exchange", weight_limit=weight, order_limit=orders) as running:
        yield running


def allows(weight, orders):
    """The exchange counts so much weight a minute and so many orders in ten seconds."""
    return pytest.mark.parametrize("exchange", [(weight, orders)], indirect=True)


def known_for_a_while(own, *scopes):
    """Redis has been there longer than any window of a quota."""
    for scope in scopes:
        own.client.set(f"hq-rate:born:{scope}", "1000.0")


def start(own, exchange, number, **how_many):
    given = {"keys": exchange.credentials(), "urls": exchange.ccxt_urls(), "number": number, **how_many}
    environment = {
        **os.environ,
        "REDIS_URL": own.url,
        "HQ_WORKERS": "2",
        "HQ_REQUEST_QUOTAS": json.dumps(
            {"binance": {"weight": exchange.options["weight_limit"], "orders": exchange.options["order_limit"]}}
        ),
        "DJANGO_SETTINGS_MODULE": "tradinghq.settings",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", ASK, json.dumps(given)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().strip() == "ready"
    return process


def together(own, exchange, **how_many):
    """Both begin at once; what each did."""
    processes = [start(own, exchange, number, **how_many) for number in (1, 2)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    found = [process.communicate(timeout=120)[0] for process in processes]
    return [json.loads(text.strip().splitlines()[-1]) for text in found]


def scopes(exchange):
    from hashlib import sha256

    who = sha256(exchange.credentials()["apiKey"].encode()).hexdigest()[:16]
    place = f"binance@127.0.0.1:{exchange.port}"
    return f"{place}:weight:address", f"{place}:orders:{who}"


def requests(exchange):
    return [line for line in exchange.truth("request") if line["dialect"] == "binance"]


def most_within(seconds, lines, weights=None):
    """The largest sum of weights (or count) in any such span, by the exchange's own clock."""
    told = [(line["at"], weights[line["operation"]] if weights else 1) for line in lines]
    return max(sum(weight for at, weight in told if start <= at < start + seconds * 1_000) for start, _ in told)


@allows(300, 24)
def test_two_processes_stay_below_what_the_exchange_counts_and_each_gets_its_exit_out(own_redis, exchange):
    known_for_a_while(own_redis, *scopes(exchange))
    told = together(own_redis, exchange, orders=40, candles=400)
    seen = requests(exchange)
    assert {line["answered"] for line in seen} == {"200"}  # never 429, never 418
    creates = [line for line in seen if line["operation"] == "create"]
    assert len(creates) == sum(each["done"]["orders"] + each["exit"] for each in told)
    assert most_within(10, creates) <= 24 * 2 // 3
    assert [each["exit"] for each in told] == [1, 1]  # though others had used up what is not kept
    assert 0 < sum(each["done"]["orders"] for each in told) < 80
    codes = {code for each in told for code in each["held"]}
    assert "rate_limited" in codes
    assert codes <= {"house_rate_limited", "rate_limited"}
    assert most_within(60, seen, WEIGHTS) <= 300 * 2 // 3
    assert sum(each["done"]["candles"] for each in told) > 20


@allows(300, 12)
def test_a_ban_that_one_process_is_told_is_kept_by_the_other(own_redis, exchange):
    known_for_a_while(own_redis, *scopes(exchange))
    exchange.fault("status", on="candles", status=418, retry_after=60)
    told = together(own_redis, exchange, orders=0, candles=3)
    statuses = [line["answered"] for line in requests(exchange)]
    assert statuses.count("418") == 1
    after = requests(exchange)[statuses.index("418") + 1 :]
    assert len(after) <= 2  # what the other had on its way at that moment
    assert [each["exit"] for each in told] == [0, 0]
    assert own_redis.client.ttl(f"hq-rate:pause:{scopes(exchange)[0]}") > 30


@allows(1_200, 48)
def test_without_redis_both_together_still_stay_below_and_exits_leave(own_redis, exchange):
    processes = [start(own_redis, exchange, number, orders=3, candles=4) for number in (1, 2)]
    own_redis.stop()
    with pytest.raises(redis.ConnectionError):
        own_redis.client.ping()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [json.loads(process.communicate(timeout=120)[0].strip().splitlines()[-1]) for process in processes]
    seen = requests(exchange)
    assert {line["answered"] for line in seen} == {"200"}
    assert [each["exit"] for each in told] == [1, 1]
    assert 0 < most_within(60, seen, WEIGHTS) <= 1_200 // 3
