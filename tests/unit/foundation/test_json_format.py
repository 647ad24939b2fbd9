"""What the API writes, where the library that writes it knows less than PostgreSQL stores."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.foundation.rest.json_format import written


@pytest.mark.parametrize("number", [21_923_758_939_862_822_912, -(2**80)])
def test_a_whole_number_of_more_than_64_bits_is_written_as_the_float_that_it_was(number):
    data = {"calmar": number, "rows": [(1, number)], "at": datetime(2026, 1, 5, tzinfo=UTC), "price": Decimal("0.1")}
    told = json.loads(written(data), parse_int=int)
    assert told["calmar"] == float(number)
    assert told["rows"] == [[1, float(number)]]
    assert (told["at"], told["price"]) == ("2026-01-05T00:00:00+00:00", "0.1")


@pytest.mark.parametrize("number", [0, True, -(2**63), 2**63 - 1, 2**64 - 1])
def test_other_numbers_stay_as_they_are(number):
    assert json.loads(written({"it": number})) == {"it": number}
