"""A house does not start over a position whose instrument would get no prices."""

import pytest

from tests.support.trading_desk import open_desk
from tradinghq.environment import EnvironmentRefused
from tradinghq.supervision.first_steps import refuse_to_leave_positions

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_position_outside_of_the_watch_list_is_named_with_what_to_do(clean_redis, settings):
    desk = open_desk()
    settings.INSTRUMENTS = ["ETH/USDT"]
    refuse_to_leave_positions()
    desk.buy(quantity="0.004")
    with pytest.raises(EnvironmentRefused) as refused:
        refuse_to_leave_positions()
    said = str(refused.value)
    assert "the account paper holds 0.004 BTC/USDT: nobody would watch its stop." in said
    assert "Start with INSTRUMENTS=ETH/USDT,BTC/USDT;" in said
    settings.INSTRUMENTS = ["ETH/USDT", "BTC/USDT"]
    refuse_to_leave_positions()
