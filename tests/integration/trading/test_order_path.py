"""What the short path of an order may not cost: nothing outlives what it was read from, no trigger is left out."""

from decimal import Decimal

import pytest
from django.db import ProgrammingError, connection, transaction

from apps.market.operations import pause_instrument, unpause_instrument
from apps.trading.domain.orders.order_intent import OrderIntent
from apps.trading.models import Account
from apps.trading.operations.orders.propose_order import propose_order
from apps.trading.operations.risk.change_limits import change_limits
from tests.support.trading_desk import open_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(clean_redis):
    return open_desk()


def denials(desk) -> set[str]:
    """The rules that deny one more small purchase."""
    intent = OrderIntent(symbol="BTC/USDT", side="buy", quantity=Decimal("0.001"), actor="tester")
    view = propose_order(intent=intent, moment=desk.moment())
    return {verdict["rule"] for verdict in view["verdicts"] if not verdict["allowed"]}


def test_a_pause_binds_the_next_order_and_its_end_frees_the_one_after(desk):
    assert denials(desk) == set()
    pause_instrument(symbol="BTC/USDT", actor="tester", reason="A test.", moment=desk.moment())
    assert denials(desk) != set()
    unpause_instrument(symbol="BTC/USDT", actor="tester", reason="A test.", moment=desk.moment())
    assert denials(desk) == set()


def test_a_new_bar_is_seen_by_the_next_order(desk):
    assert denials(desk) == set()
    desk.market.bar(BTC=(52_000, 52_000, 52_000, 52_000))
    intent = OrderIntent(symbol="BTC/USDT", side="buy", quantity=Decimal("0.001"), actor="tester")
    view = propose_order(intent=intent, moment=desk.moment())
    assert Decimal(view["reserved_amount"]) >= 52


def test_changed_limits_bind_the_next_order(desk):
    assert denials(desk) == set()
    change_limits(changes={"max_order_notional": "10"}, actor="tester", reason="A test.", moment=desk.moment())
    assert "max_order_notional" in denials(desk)


def test_a_session_can_not_leave_triggers_out(desk):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = 'trading_account'::regclass AND NOT tgisinternal")
        names = ",".join(name for (name,) in cursor.fetchall())
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", ["{" + names + "}"])
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        Account.objects.filter(pk="paper").update(venue="kraken")
