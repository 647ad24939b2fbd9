"""Does an order cost more where many went before? The same order after 1,000, 100,000 and 1,000,000 finished ones.

The history is loaded by COPY: canceled orders with their transitions, reservations, releases and told events, spread
over the past. Each keeps one verdict (a real one keeps all: no order reads another's), and the audit chain stays short
(an entry is put at its end without a look at the others).
"""

import itertools
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import psycopg

from tests.benchmarks import order_desk, order_transaction
from tests.benchmarks.measure import Line, p50

SIZES = (1_000, 100_000, 1_000_000)
VERIFIED_ROWS = 1_000_000  # postings
TURNS = 8
CHUNK = 10_000
AMOUNT = "49.049"
VERDICTS = (
    '[{"code": "ok", "rule": "trading_state", "detail": "Trading is ACTIVE.", "inputs": {"state": "ACTIVE"},'
    ' "allowed": true}]'
)


def run() -> list[Line]:
    """p50 of one order after each size of history, beside bare psycopg on its own small tables."""
    order_desk.open_accounts()
    lines = []
    first: float | None = None
    loaded = 0
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        for size in SIZES:
            load(connection, loaded, size)
            loaded = size
            ours, bare = order_transaction.measure(TURNS)
            ratio = p50(ours) / p50(bare)
            first = first or ratio
            what = f"order after {size:,} orders, p50 ms (ratio to bare, and to the first line's)"
            lines.append(
                Line(what, f"{p50(ours):.2f}", f"{p50(bare):.2f}", f"{ratio:.2f} ({ratio / first:.2f})", "flat")
            )
    return lines


def verify_ledger() -> list[Line]:
    """Seconds that the standing verifier takes over 1,000,000 postings and the 250,000 orders they belong to."""
    from apps.trading.operations.verify_books import verify_books

    order_desk.open_accounts()
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        load(connection, 0, VERIFIED_ROWS // 4)
    start = time.perf_counter()
    report = verify_books()
    took = time.perf_counter() - start
    if not report.ok:
        raise RuntimeError(f"The loaded books are wrong: {report.problems[:3]}")
    rows = report.checked["every balance is the sum of its postings, above its floor"]
    return [Line(f"books verified, {rows:,} ledger rows, s", f"{took:.1f}", "20", f"{took / 20:.2f}", "< 1.0")]


def load(connection: psycopg.Connection, first: int, until: int) -> None:
    """Add the canceled orders ``first`` to ``until`` of the first account."""
    connection.execute("SET session_replication_role = replica")  # no trigger fires: what is loaded is whole already
    columns = _order_columns(connection)
    portfolio, account = connection.execute(
        "SELECT portfolio_id, name FROM trading_account WHERE name = %s", [order_desk.ACCOUNTS[0]]
    ).fetchone()
    accounts = dict(
        connection.execute(
            "SELECT kind, md5(%s || '/firm/USDT/' || kind)::uuid FROM (VALUES ('available'), ('reserved')) k (kind)",
            [str(portfolio)],
        ).fetchall()
    )
    start = datetime(2025, 1, 1, tzinfo=UTC)
    for begin in range(first, until, CHUNK):
        rows = [
            (number, _identity(number), start + timedelta(seconds=20 * number))
            for number in range(begin, min(until, begin + CHUNK))
        ]
        _copy(connection, f"trading_order ({', '.join(columns)})", _orders(rows, columns, portfolio, account))
        _copy(
            connection,
            "trading_ordertransition (order_id, from_state, to_state, at_wall, at_firm, actor, note)",
            _moves(rows),
        )
        _copy(
            connection,
            "trading_ledgertransfer (id, portfolio_id, cause_kind, cause_id, order_id, at_wall, at_firm)",
            _transfers(rows, portfolio),
        )
        _copy(connection, "trading_ledgerposting (transfer_id, account_id, asset, amount)", _postings(rows, accounts))
        _copy(
            connection,
            "foundation_outbox_event (kind, aggregate, payload, correlation_id, attempts, last_error, published_at)",
            _events(rows, portfolio),
        )
    connection.commit()
    connection.execute("SET session_replication_role = origin")
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")  # as autovacuum does in a house that grew to this size
    connection.autocommit = False


def _copy(connection: psycopg.Connection, into: str, lines: Iterator[str]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN") as copy:
        copy.write("".join(lines))


def _identity(number: int) -> UUID:
    """Rising with the number, as the house's time-ordered ids are."""
    return UUID(int=((0x0190_0000_0000_7000 + number) << 64) | (0x8000 << 48) | number)


def _order_columns(connection: psycopg.Connection) -> dict[str, str]:
    """Every column with an empty value of its type, so that new columns need no word here."""
    query = """
        SELECT column_name, is_nullable, data_type FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = 'trading_order' ORDER BY ordinal_position"""
    plain = {"numeric": "0", "boolean": "f", "bigint": "0", "integer": "0", "jsonb": "[]"}
    return {
        name: r"\N" if nullable == "YES" else plain.get(kind, "") for name, nullable, kind in connection.execute(query)
    }


def _orders(
    rows: list[tuple[int, UUID, datetime]], columns: dict[str, str], portfolio: UUID, account: str
) -> Iterator[str]:
    same = {
        "portfolio_id": str(portfolio),
        "account_id": account,
        "symbol": "BTC/USDT",
        "side": "buy",
        "type": "limit",
        "quantity": "0.001",
        "limit_price": "49000",
        "time_in_force": "GTC",
        "state": "CANCELED",
        "state_actor": "bench",
        "origin": "manual",
        "actor": "bench",
        "verdicts": VERDICTS,
        "gate_digest": "0" * 64,
        "reserved_asset": "USDT",
        "reserved_amount": AMOUNT,
    }
    times = ("state_wall", "state_firm", "proposed_wall", "proposed_firm", "approved_wall", "done_wall")
    for _, order, at in rows:
        values = (
            columns | same | dict.fromkeys(times, at.isoformat()) | {"id": str(order), "client_order_id": order.hex}
        )
        yield "\t".join(values.values()) + "\n"


def _moves(rows: list[tuple[int, UUID, datetime]]) -> Iterator[str]:
    path = ("", "PROPOSED", "APPROVED", "CANCELED")
    for _, order, at in rows:
        for before, after in itertools.pairwise(path):
            yield f"{order}\t{before}\t{after}\t{at.isoformat()}\t{at.isoformat()}\tbench\t\n"


def _transfers(rows: list[tuple[int, UUID, datetime]], portfolio: UUID) -> Iterator[str]:
    for _, order, at in rows:
        for kind in ("reserve", "release"):
            yield f"{uuid5(order, kind)}\t{portfolio}\t{kind}\t{order}\t{order}\t{at.isoformat()}\t{at.isoformat()}\n"


def _postings(rows: list[tuple[int, UUID, datetime]], accounts: dict[str, UUID]) -> Iterator[str]:
    for _, order, _ in rows:
        for kind, sign, other in (("reserve", "-", ""), ("release", "", "-")):
            yield f"{uuid5(order, kind)}\t{accounts['available']}\tUSDT\t{sign}{AMOUNT}\n"
            yield f"{uuid5(order, kind)}\t{accounts['reserved']}\tUSDT\t{other}{AMOUNT}\n"


def _events(rows: list[tuple[int, UUID, datetime]], portfolio: UUID) -> Iterator[str]:
    for _, order, at in rows:
        yield f'order.changed\torder:{order}\t{{"order_id": "{order}"}}\t\t0\t\t{at.isoformat()}\n'
        yield f"portfolio.changed\tportfolio:{portfolio}\t{{}}\t\t0\t\t{at.isoformat()}\n"
