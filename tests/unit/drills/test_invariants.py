"""What a drill calls a difference between our orders and the exchange's."""

import pytest

from workers.drills.invariants import INVARIANTS

STATES = INVARIANTS["I3 states are those of the exchange"]


def compared(ours: str, status: str, *, filled: str, quantity: str = "0.50") -> list[str]:
    there = {"client_id": "a", "foreign": False, "status": status, "filled": filled, "quantity": quantity}
    return STATES(None, {"books": {"orders": [there]}, "ours": {"a": ("0.5", "10", ours)}})


@pytest.mark.parametrize(
    ("ours", "status", "filled"),
    [
        ("FILLED", "filled", "0.5"),
        ("FILLED", "canceled", "0.5"),  # the whole of it was executed after the exchange had called it canceled
        ("CANCELED", "canceled", "0.2"),
        ("CANCELED", "filled", "0.5"),  # a late fill lies behind the end
        ("ACCEPTED", "new", "0"),
        ("PENDING_CANCEL", "partially_filled", "0.1"),
    ],
)
def test_what_agrees(ours, status, filled):
    assert compared(ours, status, filled=filled) == []


@pytest.mark.parametrize(
    ("ours", "status", "filled"),
    [("FILLED", "canceled", "0.4"), ("FILLED", "new", "0"), ("ACCEPTED", "canceled", "0"), ("CANCELED", "new", "0")],
)
def test_what_differs(ours, status, filled):
    assert compared(ours, status, filled=filled) == [f"order a is {ours} here, {status} at the exchange."]


def test_an_order_of_ours_that_the_exchange_never_had():
    ours = {"a": ("0", "0", "NOT_PLACED"), "b": ("0", "0", "FILLED")}
    assert STATES(None, {"books": {"orders": []}, "ours": ours}) == [
        "order b is FILLED here, not there at the exchange."
    ]
