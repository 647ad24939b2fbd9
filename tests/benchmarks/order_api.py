"""An order by the API to its committed intent, against a bare Django view plus the same rows in bare psycopg."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal

import psycopg

from tests.benchmarks import bare_rows
from tests.benchmarks.measure import Line, in_turns, p50, p99
from tests.support.running_firm import ROOT, RunningFirm, free_port

ROUNDS, BATCH = 12, 5  # 60 orders of 5.5: the paper money must last
ROOM = {
    "max_open_orders": 1000,
    "max_orders_per_hour": 10_000,
    "max_gross_exposure": "1",
    "max_position_share": "1",
    "max_asset_share": "1",
    "price_collar_bps": "2000",
}


def run(firm: RunningFirm) -> list[Line]:
    """p50 and p99 of one order, of the bare view and of the bare rows, in turns over one connection each."""
    status, answer = firm.call("PATCH", "trading/risk/limits/", ROOM | {"reason": "Room for the benchmark."})
    assert status == 200, answer
    order = _order_body(firm)
    status, answer = firm.call("POST", "trading/orders/", order)  # the first one also opens accounts
    assert status == 201, answer
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as database:
        before = {table: bare_rows.count(database, table) for table in bare_rows.tables(database)}
        status, answer = firm.call("POST", "trading/orders/", order)
        assert status == 201, answer
        assert answer["state"] != "DENIED", answer
        rows = bare_rows.rows_of_last_order(database, before)
        bare_rows.make_copies(database, rows)
        port = free_port()
        view = _start_bare(port)
        try:
            place = _poster(firm.port, "/api/v1/trading/orders/", order, firm.token(), 201)
            ask = _poster(port, "/orders/", order, "", 201)
            firm.wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True, 20, "the bare view")
            ours, web, sql = in_turns(
                ROUNDS,
                BATCH,
                place,
                ask,
                lambda: bare_rows.write(database, rows),
                settle=lambda: _settle(firm, database),
            )
            read, bare_read = in_turns(ROUNDS, BATCH, _getter(firm, answer["id"]), ask)
        finally:
            view.terminate()
            view.wait(10)
    firm.call("POST", "trading/stop/", {"reason": "End of the benchmark."})
    firm.call("POST", "trading/resume/", {"reason": "End of the benchmark."})
    bare = p50(web) + p50(sql)
    what = f"order by API, {len(rows)} rows committed, p50 ms (p99 {p99(ours):.1f})"
    parts = f"{bare:.2f} = view {p50(web):.2f} + rows {p50(sql):.2f}"
    return [
        Line(what, f"{p50(ours):.2f}", parts, f"{p50(ours) / bare:.2f}", "<= 2.0"),
        Line(
            "read of one order by API, p50 ms",
            f"{p50(read):.2f}",
            f"{p50(bare_read):.2f}",
            f"{p50(read) / p50(bare_read):.2f}",
            "-",
        ),
    ]


def _settle(firm: RunningFirm, database: psycopg.Connection) -> None:
    """Until the executor has sent the last order and the relay has told of it."""

    def quiet() -> bool:
        working = "SELECT EXISTS (SELECT FROM trading_order WHERE state IN ('APPROVED', 'SUBMITTING'))"
        waiting = "EXISTS (SELECT FROM foundation_outbox_event WHERE published_at IS NULL)"
        busy = database.execute(f"{working} OR {waiting}").fetchone()[0]
        database.commit()
        return not busy

    firm.wait_for(quiet, 30, "the last order to be settled", pause=0.01)


def _order_body(firm: RunningFirm) -> dict[str, str]:
    instrument = firm.get("market/instruments/")["results"][0]
    symbol = instrument["instrument"]
    quotes = firm.get(f"market/quotes/?instrument={symbol}")["results"]
    tick = Decimal(instrument["tick_size"])
    price = (Decimal(quotes[0]["mark"]["price"]) * Decimal("0.9") / tick).to_integral_value() * tick
    return {
        "instrument": symbol,
        "side": "buy",
        "type": "limit",
        "notional": "5.5",
        "limit_price": format(price, "f"),
        "reason": "Benchmark.",
    }


def _start_bare(port: int) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "tests.benchmarks.bare_web:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    return subprocess.Popen([*command, "--no-access-log", "--lifespan", "off"], cwd=ROOT)


def _poster(port: int, path: str, body: dict[str, str], token: str, expected: int) -> Callable[[], None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    payload = json.dumps(body)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def post() -> None:
        connection.request("POST", path, payload, headers)
        response = connection.getresponse()
        text = response.read()
        assert response.status == expected, (response.status, text[:500])
        assert b'"DENIED"' not in text[:2000], text[:2000]

    return post


def _getter(firm: RunningFirm, order_id: str) -> Callable[[], None]:
    connection = http.client.HTTPConnection("127.0.0.1", firm.port, timeout=30)
    headers = {"Authorization": f"Bearer {firm.token()}"}

    def get() -> None:
        connection.request("GET", f"/api/v1/trading/orders/{order_id}/", headers=headers)
        response = connection.getresponse()
        text = response.read()
        assert response.status == 200, text[:500]

    return get
