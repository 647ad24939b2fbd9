from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, models

from apps.foundation.fields import MoneyField
from tests.support.made_table import made_table


@pytest.fixture
def amounts(db):
    """A table with one amount, as a room's model would make it."""

    class Amount(models.Model):
        value = MoneyField(null=True)

        class Meta:
            app_label = "foundation"
            db_table = "test_amount"

        def __str__(self):
            return str(self.value)

    with made_table(Amount) as table:
        yield table


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1.5", "1.5"),
        (7, "7"),
        ("0.0000000000000000019", "0.000000000000000001"),
        ("-999999999999999999.999999999999999999", "-999999999999999999.999999999999999999"),
        (None, None),
    ],
)
def test_what_is_written_is_read_again_exactly(amounts, written, read):
    row = amounts.objects.create(value=written)
    assert amounts.objects.get(pk=row.pk).value == (None if read is None else Decimal(read))


@pytest.mark.parametrize(("written", "refused"), [(0.5, TypeError), ("NaN", ValueError), ("1e18", ValueError)])
def test_what_is_no_amount_is_refused_before_the_database(amounts, written, refused):
    with pytest.raises(refused):
        amounts.objects.create(value=written)
    with pytest.raises(ValidationError):
        amounts(value=written).full_clean()


def test_the_column_has_the_ledgers_scale(amounts):
    assert amounts._meta.get_field("value").db_type(connection) == "numeric(36, 18)"


def test_a_migration_names_neither_digits_nor_places(amounts):
    _, path, _, options = amounts._meta.get_field("value").deconstruct()
    assert path == "apps.foundation.fields.MoneyField"
    assert options == {"null": True}
