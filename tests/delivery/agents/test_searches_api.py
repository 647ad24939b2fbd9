"""Searches over REST."""

import pytest

from tests.support.candle_columns import random_columns
from tests.support.staged_market import stage_market, store_columns

pytestmark = pytest.mark.django_db
WISH = {
    "strategy": "sma_cross",
    "instruments": ["BTC/USDT"],
    "space": {"fast": [3, 12], "slow": [10, 40]},
    "folds": 2,
    "trials": 4,
    "objective": "total_return",
}


@pytest.fixture
def columns(clean_redis):
    stage_market(history=0)
    store_columns(random_columns(500, seed=4))


def test_over_rest_it_is_asked_for_watched_and_canceled(columns, person):
    trader, path = person("trader"), "/api/v1/agents/searches/"
    asked = trader.post(path, WISH)
    assert asked.status_code == 202
    one = f"{path}{asked.json()['id']}/"
    view = trader.get(one).json()
    assert (view["state"], [fold["state"] for fold in view["folds"]]) == ("QUEUED", ["QUEUED"] * 3)
    assert trader.get(path).json()["results"] == [asked.json()]
    assert person("viewer").post(f"{one}cancel/").status_code == 403
    assert trader.post(f"{one}cancel/").json()["state"] == "CANCELED"
    assert trader.post(path, WISH | {"space": {"fast": [5]}}).json()["errors"][0]["field"] == "space.fast"
    assert trader.post(path, WISH | {"fixed": {"horizon": "x"}}).status_code == 400
