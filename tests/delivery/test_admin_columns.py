"""What a person reads in the admin's columns: amounts without idle zeros, times by their clock."""

from datetime import UTC, datetime
from decimal import Decimal

from apps.foundation.admin_columns import readable
from apps.trading.models import Fill, Order

ORDER = Order(quantity=Decimal("0.062700000000000000"), proposed_wall=datetime(2026, 3, 2, 12, 0, 5, tzinfo=UTC))


def test_an_amount_has_no_idle_zeros_and_sorts_as_its_field():
    column = readable(Order._meta, "quantity")
    assert column(ORDER) == '<span class="hq-amount">0.0627</span>'
    assert (column.short_description, column.admin_order_field) == ("Quantity", "quantity")


def test_a_time_is_named_by_its_clock():
    asked, traded = readable(Order._meta, "proposed_wall"), readable(Fill._meta, "traded_firm")
    assert asked(ORDER) == '<time class="hq-time" datetime="2026-03-02T12:00:05Z">2026-03-02 12:00:05</time>'
    assert (asked.short_description, traded.short_description) == ("Proposed", "Traded (firm time)")


def test_an_unknown_value_stays_empty_and_other_columns_stay_themselves():
    assert readable(Order._meta, "limit_price")(Order(limit_price=None)) is None
    assert readable(Order._meta, "state") == "state"
    assert readable(Order._meta, "no_such_field") == "no_such_field"
