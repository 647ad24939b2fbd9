import itertools
from datetime import timedelta
from statistics import pstdev

import pytest

from apps.market.domain import candles as bars
from apps.market.domain import simulated_market as world

BARS = 3_000


def run(symbol="BTC/USDT", source=world.SOURCES[0], seed=7, first=0, count=BARS):
    return [world.candle(seed=seed, symbol=symbol, source=source, index=index) for index in range(first, first + count)]


def forget():
    world._walked.clear()
    for cached in (world._regime, world._block):
        cached.cache_clear()


@pytest.mark.parametrize("symbol", ["BTC/USDT", "ETH/USDT", "SOL/USDT", "PEPPER/USDT"])
@pytest.mark.parametrize("source", world.SOURCES)
def test_every_bar_is_sound_and_on_the_tick(symbol, source):
    rules = world.rules(symbol)
    for candle in filter(None, run(symbol, source, count=600)):
        assert bars.problem(candle) is None
        assert candle.close % rules.tick_size == 0
        assert candle.volume % rules.step_size == 0


def test_a_bar_is_the_same_whether_the_ones_before_it_were_made_or_not():
    straight = run(first=0, count=1_200)[1_000:]
    forget()
    assert run(first=1_000, count=200) == straight


def test_another_seed_is_another_market():
    assert run(seed=7, count=50) != run(seed=8, count=50)


def test_bars_join():
    found = [candle for candle in run() if candle]
    joined = [
        later.open == earlier.close
        for earlier, later in itertools.pairwise(found)
        if later.open_at - earlier.open_at == timedelta(minutes=1)
    ]
    assert all(joined)


def test_both_venues_have_gaps_and_the_second_more():
    first, second = (run(source=source).count(None) for source in world.SOURCES)
    assert 0 <= first < second < BARS // 20


def test_the_venues_come_apart_by_more_than_fees_now_and_then_but_mostly_agree():
    pairs = zip(run(source=world.SOURCES[0]), run(source=world.SOURCES[1]), strict=True)
    apart = [abs(float(b.close / a.close) - 1) for a, b in pairs if a and b]
    assert 0.01 < sum(gap > 0.002 for gap in apart) / len(apart) < 0.2
    assert max(apart) < 0.012


def test_it_moves_enough_to_pay_fees_and_stays_in_bounds():
    closes = [float(candle.close) for candle in run() if candle]
    moves = [later / earlier - 1 for earlier, later in itertools.pairwise(closes)]
    assert 0.0005 < pstdev(moves) < 0.003
    assert max(closes) / min(closes) < 2
    swings = [max(closes[k : k + 60]) / min(closes[k : k + 60]) - 1 for k in range(0, BARS - 60, 60)]
    assert sum(swing > 0.01 for swing in swings) > len(swings) / 2


def test_an_instrument_needs_two_sides():
    with pytest.raises(ValueError, match="write BASE/QUOTE"):
        world.rules("BTCUSDT")
