"""Rows that go in as one text come out as the ORM would have stored them."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from django.db import DatabaseError, IntegrityError, models, transaction

from apps.foundation.fields import MoneyField
from apps.foundation.row_inserts import insert_rows
from tests.support.made_table import made_table

AT = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def mixed(db):
    """A table with one column of each kind that the house stores in bulk."""

    class Mixed(models.Model):
        key = models.UUIDField(unique=True)
        words = models.TextField(default="")
        share = models.FloatField(default=0.0)
        money = MoneyField(null=True)
        at = models.DateTimeField(default=AT)
        facts = models.JSONField(default=dict, null=True)
        yes = models.BooleanField(default=False)

        class Meta:
            app_label = "foundation"
            db_table = "test_mixed"

        def __str__(self):
            return str(self.key)

    with made_table(Mixed) as table:
        yield table


@transaction.atomic
def insert_by_themselves(rows):
    insert_rows(rows)


VALUES = [
    {"words": "", "share": 0.1 + 0.2, "money": Decimal("0.000000000000000019"), "facts": {"a": [1, None, "ü"]}},
    {"words": "quote ' \" \\ %s \n 🚀", "share": -1e-300, "money": Decimal("-1E+17"), "facts": [], "yes": True},
    {"words": "x", "share": 1.7976931348623157e308, "money": None, "facts": {"n": 0.1, "deep": {"t": True}}},
    {"words": "cut", "share": 0.0, "money": Decimal("1.0000000000000000019"), "facts": {}},
]


def test_what_goes_in_together_reads_as_what_the_orm_stored(mixed):
    rows = [mixed(key=uuid.uuid4(), **values) for values in VALUES]
    twins = [mixed(key=uuid.uuid4(), **values) for values in VALUES]
    mixed.objects.bulk_create(twins)
    insert_rows(rows)
    names = [field.name for field in mixed._meta.fields if field.name not in {"id", "key"}]
    stored = mixed.objects.filter(key__in=[row.key for row in rows]).order_by("id").values_list(*names)
    by_orm = mixed.objects.filter(key__in=[row.key for row in twins]).order_by("id").values_list(*names)
    assert list(stored) == list(by_orm)
    assert len(stored) == len(VALUES)
    assert all(row.pk is None for row in rows)  # numbers are not read back


def test_numbers_of_numpy_are_numbers(mixed):
    insert_rows([mixed(key=uuid.uuid4(), share=np.float64(0.1), facts={"mean": np.float64(0.25), "n": np.int64(3)})])
    row = mixed.objects.get()
    assert (row.share, row.facts) == (0.1, {"mean": 0.25, "n": 3})


def test_none_is_null_in_a_json_column_too(mixed):
    insert_rows([mixed(key=uuid.uuid4(), facts=None)])
    assert mixed.objects.filter(facts__isnull=True).count() == 1


def test_only_the_row_that_is_there_already_is_left_out(mixed):
    first = mixed(key=uuid.uuid4(), words="first")
    insert_rows([first])
    insert_rows([mixed(key=first.key, words="second"), mixed(key=uuid.uuid4(), words="new")], ignore_conflicts=True)
    assert set(mixed.objects.values_list("words", flat=True)) == {"first", "new"}


def test_without_leave_a_conflict_refuses_them_all(mixed):
    key = uuid.uuid4()
    with pytest.raises(IntegrityError):
        insert_by_themselves([mixed(key=key), mixed(key=key)])
    assert not mixed.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"money": Decimal("NaN")}, ValueError),
        ({"money": 0.1}, TypeError),
        ({"facts": {"what": object()}}, TypeError),
        ({"words": "\ud800"}, TypeError),  # half a character
        ({"share": float("nan")}, DatabaseError),  # JSON has none: it would be NULL
    ],
)
def test_what_no_column_holds_is_refused_and_nothing_stored(mixed, wrong, error):
    with pytest.raises(error):
        insert_by_themselves([mixed(key=uuid.uuid4()), mixed(key=uuid.uuid4(), **wrong)])
    assert not mixed.objects.exists()


def test_no_rows_are_no_statement(mixed, django_assert_num_queries):
    with django_assert_num_queries(0):
        insert_rows([])
