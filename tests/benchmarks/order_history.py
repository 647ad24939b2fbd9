"""Does an order cost more where many went before? The same order after 1,000, 100,000 and 1,000,000 finished ones.

The history is loaded in bulk: canceled orders with their transitions, reservations, releases and told events, spread
over the past. Each keeps one verdict (a real one keeps all: no order reads another's), and the audit chain stays short
(an entry is put at its end without a look at the others).
"""

import os
import time
from datetime import UTC, datetime

import psycopg

from tests.benchmarks import order_desk, order_transaction
from tests.benchmarks.measure import Line, p50

SIZES = (1_000, 100_000, 1_000_000)
VERIFIED_ROWS = 1_000_000  # postings
TURNS = 8
LOGGED = 15  # orders
START = datetime(2025, 1, 1, tzinfo=UTC)
AMOUNT = "49.049"
VERDICTS = (
    '[{"code": "ok", "rule": "trading_state", "detail": "Trading is ACTIVE.", "inputs": {"state": "ACTIVE"},'
    ' "allowed": true}]'
)


def run() -> list[Line]:
    """p50 of one order after each size of history, beside bare psycopg on its own small tables."""
    order_desk.open_accounts()
    lines = []
    first = first_log = 0.0
    loaded = 0
    place = order_desk.Placer(order_desk.ACCOUNTS[0])
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
            log = p50([_log_of_one_order(connection, place) for _ in range(LOGGED)])
            first_log = first_log or log
            what = f"log that one order writes after {size:,} orders, bytes (ratio to the first line's)"
            lines.append(Line(what, f"{log:,.0f}", "-", f"{log / first_log:.2f}", "flat"))
    return lines


def _log_of_one_order(connection: psycopg.Connection, place: order_desk.Placer) -> float:
    """What a busy machine can't blur: a row that lands anywhere in a large index costs a whole page of the log."""
    before = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()[0]
    place()
    written = connection.execute("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", [before]).fetchone()[0]
    connection.commit()
    return float(written)


def verify_ledger() -> list[Line]:
    """Seconds that the standing verifier takes over 1,000,000 postings and the 250,000 orders they belong to."""
    from apps.trading.operations.books.verify_books import verify_books

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
    """Add the canceled orders ``first`` to ``until`` of the first account, each table by one statement."""
    connection.execute("SET session_replication_role = replica")  # no trigger fires: what is loaded is whole already
    columns = _order_columns(connection)
    orders = f"INSERT INTO trading_order ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM {_ROWS}"
    given = {"account": order_desk.ACCOUNTS[0], "first": first, "last": until - 1, "start": START, "amount": AMOUNT}
    plain = connection.execute(_PLAIN_INDEXES).fetchall()
    for index, _ in plain:  # built anew below, which is several times faster than row by row
        connection.execute(f"DROP INDEX {index}")
    for statement in (orders, _MOVES, _TRANSFERS, _POSTINGS, _EVENTS):
        connection.execute(statement.replace("{rows}", _ROWS), given)
    for _, definition in plain:
        connection.execute(definition)
    connection.commit()
    connection.execute("SET session_replication_role = origin")
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")  # as autovacuum does in a house that grew to this size
    connection.autocommit = False


_PLAIN_INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE NOT indisunique
    AND indrelid IN ('trading_order'::regclass, 'trading_ordertransition'::regclass, 'trading_ledgertransfer'::regclass,
                     'trading_ledgerposting'::regclass, 'foundation_outbox_event'::regclass)"""
# Ids rise with the number, as the house's time-ordered ids do.
_ROWS = """(
    SELECT n, (lpad(to_hex(n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid AS id,
           %(start)s::timestamptz + n * interval '20 seconds' AS at, a.name AS account, a.portfolio_id AS portfolio
    FROM generate_series(%(first)s::int, %(last)s::int) AS n, trading_account a WHERE a.name = %(account)s
    ORDER BY n) AS made"""
_TRANSFER = "(left(replace(id::text, '-', ''), 16) || right(md5(id::text || kind), 16))::uuid"  # beside its order
_MOVES = """
    INSERT INTO trading_ordertransition (order_id, from_state, to_state, at_wall, at_firm, actor, note)
    SELECT id, before, after, at, at, 'bench', '' FROM {rows},
        (VALUES (1, '', 'PROPOSED'), (2, 'PROPOSED', 'APPROVED'), (3, 'APPROVED', 'CANCELED')) p (step, before, after)
    ORDER BY n, step"""
_TRANSFERS = f"""
    INSERT INTO trading_ledgertransfer (id, portfolio_id, cause_kind, cause_id, order_id, at_wall, at_firm)
    SELECT {_TRANSFER}, portfolio, kind, id::text, id, at, at
    FROM {{rows}}, (VALUES ('reserve'), ('release')) k (kind)"""
_POSTINGS = f"""
    INSERT INTO trading_ledgerposting (transfer_id, account_id, asset, amount)
    SELECT {_TRANSFER}, md5(portfolio::text || '/firm/USDT/' || side)::uuid, 'USDT', sign * %(amount)s::numeric
    FROM {{rows}}, (VALUES ('reserve', 'available', -1), ('reserve', 'reserved', 1),
                           ('release', 'reserved', -1), ('release', 'available', 1)) p (kind, side, sign)"""
_EVENTS = """
    INSERT INTO foundation_outbox_event
        (kind, aggregate, payload, correlation_id, attempts, last_error, published_at)
    SELECT kind, kind_of || ':' || of::text, payload, '', 0, '', at FROM {rows}, LATERAL (VALUES
        ('order.changed', 'order', id, jsonb_build_object('order_id', id)),
        ('portfolio.changed', 'portfolio', portfolio, '{}')) e (kind, kind_of, of, payload)"""


def _order_columns(connection: psycopg.Connection) -> dict[str, str]:
    """What each column is filled with; an empty value of its type, so that new columns need no word here."""
    query = """
        SELECT column_name, is_nullable, data_type FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = 'trading_order' ORDER BY ordinal_position"""
    plain = {"numeric": "0", "boolean": "false", "bigint": "0", "integer": "0", "jsonb": "'[]'"}
    times = ("state_wall", "state_firm", "proposed_wall", "proposed_firm", "approved_wall", "done_wall")
    columns = {
        name: "NULL" if nullable == "YES" else plain.get(kind, "''")
        for name, nullable, kind in connection.execute(query)
    }
    return columns | dict.fromkeys(times, "at") | _ORDER


_ORDER = {
    "id": "id",
    "client_order_id": "replace(id::text, '-', '')",
    "portfolio_id": "portfolio",
    "account_id": "account",
    "symbol": "'BTC/USDT'",
    "side": "'buy'",
    "type": "'limit'",
    "quantity": "0.001",
    "limit_price": "49000",
    "time_in_force": "'GTC'",
    "state": "'CANCELED'",
    "state_actor": "'bench'",
    "origin": "'manual'",
    "actor": "'bench'",
    "budget": "'firm'",
    "verdicts": f"'{VERDICTS}'::jsonb",
    "gate_digest": "repeat('0', 64)",
    "reserved_asset": "'USDT'",
    "reserved_amount": "%(amount)s::numeric",
}
