"""Armed faults: which calls they strike, how often, and the same ones for the same seed."""

import pytest

from workers.exchange_simulator.faults import FaultBoard, FaultRefused


def strikes(board: FaultBoard, operation: str = "create", calls: int = 10, **about: object) -> list[bool]:
    facts = {"symbol": "BTC/USDT", "account": "one", "now_ms": 0, **about}
    return [bool(board.strike(operation, **facts)) for _ in range(calls)]


def test_count_and_skip() -> None:
    board = FaultBoard()
    board.arm({"kind": "reset", "count": 2, "skip": 1}, 0)
    assert strikes(board, calls=5) == [False, True, True, False, False]
    assert board.armed == {}


def test_only_its_operation_symbol_and_account() -> None:
    board = FaultBoard()
    board.arm({"kind": "timeout", "on": "cancel|query", "symbol": "BTC/USDT", "account": "one", "count": 100}, 0)
    assert strikes(board, "create", 1) == [False]
    assert strikes(board, "fetch_order", 1) == [True]
    assert strikes(board, "cancel", 1, symbol="ETH/USDT") == [False]
    assert strikes(board, "cancel", 1, account="two") == [False]


def test_probability_is_the_same_for_the_same_seed_whatever_else_is_called() -> None:
    def drawn(seed: int, noise: bool) -> list[bool]:
        board = FaultBoard(seed=seed)
        board.arm({"kind": "reset", "probability": 0.5}, 0)
        board.arm({"kind": "latency", "on": "ticker", "probability": 0.5}, 0)
        found = []
        for _ in range(50):
            if noise:
                strikes(board, "ticker", 3)
            found += strikes(board, calls=1)
        return found

    assert drawn(7, noise=False) == drawn(7, noise=True)
    assert drawn(7, noise=False) != drawn(8, noise=False)
    assert 10 < sum(drawn(7, noise=False)) < 40


def test_outage_ends_by_itself() -> None:
    board = FaultBoard()
    board.arm({"kind": "outage", "seconds": 10}, 1_000)
    assert strikes(board, "ticker", 2, now_ms=10_999) == [True, True]
    assert strikes(board, "ticker", 1, now_ms=11_000) == [False]


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"kind": "quake"}, "kind was 'quake'"),
        ({"kind": "reset", "on": "dance"}, "on was 'dance'"),
        ({"kind": "reset", "probability": 2}, "probability was 2"),
    ],
)
def test_wrong_wishes_are_refused(wish: dict[str, object], told: str) -> None:
    with pytest.raises(FaultRefused, match=told):
        FaultBoard().arm(wish, 0)
