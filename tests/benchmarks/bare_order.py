"""The bare part of an order transaction: six statements of bare psycopg that book one order, on tables of their own.

Lock the portfolio, insert the order, insert its fill, upsert the position, three ledger rows, update the cash; commit.
"""

import uuid
from decimal import Decimal

import psycopg

_SCHEMA = """
DROP SCHEMA IF EXISTS bare_order CASCADE;
CREATE SCHEMA bare_order;
CREATE TABLE bare_order.portfolio (
    id uuid PRIMARY KEY, name text NOT NULL, cash numeric(36,18) NOT NULL CHECK (cash >= 0));
CREATE TABLE bare_order.orders (
    id uuid PRIMARY KEY, portfolio_id uuid NOT NULL REFERENCES bare_order.portfolio,
    client_order_id text NOT NULL UNIQUE,
    symbol text NOT NULL, side text NOT NULL, type text NOT NULL, quantity numeric(36,18) NOT NULL,
    limit_price numeric(36,18), state text NOT NULL, reason text NOT NULL, created_at timestamptz NOT NULL);
CREATE INDEX ON bare_order.orders (portfolio_id, created_at);
CREATE TABLE bare_order.fill (
    id uuid PRIMARY KEY, order_id uuid NOT NULL REFERENCES bare_order.orders, quantity numeric(36,18) NOT NULL,
    price numeric(36,18) NOT NULL, fee numeric(36,18) NOT NULL, traded_at timestamptz NOT NULL);
CREATE INDEX ON bare_order.fill (order_id);
CREATE TABLE bare_order.position (
    portfolio_id uuid NOT NULL REFERENCES bare_order.portfolio, symbol text NOT NULL, quantity numeric(36,18) NOT NULL,
    cost numeric(36,18) NOT NULL, PRIMARY KEY (portfolio_id, symbol));
CREATE TABLE bare_order.ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, portfolio_id uuid NOT NULL REFERENCES bare_order.portfolio,
    order_id uuid NOT NULL, asset text NOT NULL, kind text NOT NULL, amount numeric(36,18) NOT NULL,
    at timestamptz NOT NULL);
CREATE INDEX ON bare_order.ledger (order_id);
"""
_QUANTITY, _PRICE, _FEE = Decimal("0.0001"), Decimal(49000), Decimal("0.0049")


def make_tables(connection: psycopg.Connection) -> list[uuid.UUID]:
    """Empty tables and four portfolios with money; their ids."""
    connection.execute(_SCHEMA)
    portfolios = [uuid.uuid4() for _ in range(4)]
    for portfolio in portfolios:
        connection.execute("INSERT INTO bare_order.portfolio VALUES (%s, 'bare', 1000000000)", [portfolio])
    connection.commit()
    return portfolios


def portfolios(connection: psycopg.Connection) -> list[uuid.UUID]:
    """The ids of the portfolios that ``make_tables`` made."""
    found = connection.execute("SELECT id FROM bare_order.portfolio ORDER BY id").fetchall()
    connection.commit()
    return [portfolio for (portfolio,) in found]


def place(connection: psycopg.Connection, portfolio: uuid.UUID) -> None:
    """One order: six statements and the commit."""
    order, cost = uuid.uuid4(), _QUANTITY * _PRICE
    execute = connection.execute
    execute("SELECT cash FROM bare_order.portfolio WHERE id = %s FOR UPDATE", [portfolio]).fetchone()
    execute(
        "INSERT INTO bare_order.orders VALUES (%s, %s, %s, 'BTC/USDT', 'buy', 'limit', %s, %s, 'FILLED', '', now())",
        [order, portfolio, order.hex, _QUANTITY, _PRICE],
    )
    execute(
        "INSERT INTO bare_order.fill VALUES (%s, %s, %s, %s, %s, now())", [uuid.uuid4(), order, _QUANTITY, _PRICE, _FEE]
    )
    execute(
        "INSERT INTO bare_order.position AS held VALUES (%s, 'BTC/USDT', %s, %s) ON CONFLICT (portfolio_id, symbol)"
        " DO UPDATE SET quantity = held.quantity + excluded.quantity, cost = held.cost + excluded.cost",
        [portfolio, _QUANTITY, cost],
    )
    execute(
        "INSERT INTO bare_order.ledger (portfolio_id, order_id, asset, kind, amount, at) VALUES"
        " (%s, %s, 'USDT', 'available', %s, now()), (%s, %s, 'USDT', 'position', %s, now()),"
        " (%s, %s, 'USDT', 'fees', %s, now())",
        [portfolio, order, -cost - _FEE, portfolio, order, cost, portfolio, order, _FEE],
    )
    execute("UPDATE bare_order.portfolio SET cash = cash - %s WHERE id = %s", [cost + _FEE, portfolio])
    connection.commit()
