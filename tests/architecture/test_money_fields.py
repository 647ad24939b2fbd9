"""Money never was a float: no column that holds an amount, a price or a quantity is one."""

import re

from django.apps import apps
from django.db import models

ROOMS = ("market", "trading", "agents", "management", "foundation")
MONEY = re.compile(
    r"price|quantity|notional|amount|balance|equity|cash|capital|cost|fee|pnl|budget|bid|ask|open$|high$|low$|close$|volume",
)
# Scores of a strategy in basis points or as a share: measured in floats by design, never posted.
NOT_MONEY = re.compile(r"_bps$|_pct$|_rate$|_share$|_fraction$|_threshold$")


def _columns():
    for room in ROOMS:
        for model in apps.get_app_config(room).get_models():
            for field in model._meta.get_fields():
                if isinstance(field, models.Field):
                    yield model, field


def test_no_column_for_money_is_a_float():
    floats = [
        f"{model.__name__}.{field.name}"
        for model, field in _columns()
        if isinstance(field, models.FloatField) and MONEY.search(field.name) and not NOT_MONEY.search(field.name)
    ]
    assert floats == []


def test_every_decimal_column_has_the_ledgers_scale():
    other = [
        f"{model.__name__}.{field.name}"
        for model, field in _columns()
        if isinstance(field, models.DecimalField) and (field.max_digits, field.decimal_places) != (36, 18)
    ]
    assert other == []
