"""The simulator's own interface under ``/control/``: faults, prices, time, accounts, and the truth."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from aiohttp import web

from workers.exchange_simulator import stored_books
from workers.exchange_simulator.acts import ACTS, Acts
from workers.exchange_simulator.engine.rejections import Rejection
from workers.exchange_simulator.faults import KINDS, FaultRefused
from workers.exchange_simulator.options import account_of
from workers.exchange_simulator.simulator import Simulator

_LINES = 200_000


class Control:
    """One method an endpoint; every body is a JSON object. ``listening``: open private streams by account."""

    def __init__(self, simulator: Simulator, acts: Acts, listening: Callable[[], dict[str, int]]) -> None:
        self.simulator, self.acts, self.listening = simulator, acts, listening
        self.routes: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("GET", "status"): self.status,
            ("GET", "faults"): self.list_faults,
            ("POST", "faults"): self.put_fault,
            ("DELETE", "faults"): self.clear_faults,
            ("POST", "seed"): self.seed,
            ("POST", "price"): self.price,
            ("POST", "advance"): self.advance,
            ("GET", "accounts"): self.accounts,
            ("POST", "accounts"): self.add_account,
            ("GET", "books"): self.books,
        }

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer one control request; a wrong one gets 400 and a sentence."""
        name = request.path.removeprefix("/control/").strip("/")
        query = dict(request.rel_url.query)
        if request.method == "GET" and name == "truth":
            kinds = frozenset(kind for kind in query.get("fact", "").split(",") if kind)
            lines = self.simulator.truth.since(int(query.get("since", 0)), kinds, int(query.get("limit", _LINES)))
            return web.Response(body=lines, content_type="application/json")
        if request.method == "DELETE" and name.startswith("faults/"):
            query["id"], name = name.removeprefix("faults/"), "faults"
        work = self.routes.get((request.method, name))
        if work is None:
            return _json({"error": f"{request.method} /control/{name} is unknown."}, 404)
        raw = await request.read()
        try:
            answer = work({**query, **(orjson.loads(raw) if raw else {})})
        except (FaultRefused, Rejection, InvalidOperation, KeyError, ValueError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)
        self.simulator.publish()
        return _json(answer)

    def status(self, _: dict[str, Any]) -> dict[str, Any]:
        exchange = self.simulator.exchange
        return {
            "now_ms": self.simulator.now_ms(),
            "market_ms": self.simulator.clock.market_ms,
            "skew_ms": self.simulator.skew_ms,
            "seed": self.simulator.board.seed,
            "seq": self.simulator.truth.seq,
            "orders": len(exchange.orders),
            "open_orders": sum(len(orders) for orders in exchange.open_orders.values()),
            "streams": self.listening(),
            "prices": {symbol: format(market.price, "f") for symbol, market in exchange.markets.items()},
        }

    def list_faults(self, _: dict[str, Any]) -> dict[str, Any]:
        kinds = {name: {"on": on, "does": does} for name, (on, does) in KINDS.items()}
        kinds |= {name: {"on": "at once", "does": act.__doc__ or ""} for name, act in ACTS.items()}
        return {"armed": [fault.view() for fault in self.simulator.board.armed.values()], "kinds": kinds}

    def put_fault(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Arm a fault, or do at once what is no matter of a call."""
        kind = str(wish.get("kind", ""))
        if kind in ACTS:
            told = self.acts.do(kind, wish)
            self.simulator.truth.add("fault", self.simulator.now_ms(), {"change": "done", **wish, **told})
            return {"kind": kind, **told}
        view = self.simulator.board.arm(wish, self.simulator.wall_ms()).view()
        self.simulator.truth.add("fault", self.simulator.now_ms(), {"change": "armed", **view})
        return view

    def clear_faults(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Disarm one (``id``) or all; all also ends what lasts: skew, frozen data, revoked keys, a closed port."""
        fault_id = wish.get("id")
        cleared = self.simulator.board.clear(int(fault_id) if fault_id is not None else None)
        if fault_id is None:
            self.acts.end_all()
        self.simulator.truth.add("fault", self.simulator.now_ms(), {"change": "cleared", "id": fault_id})
        return {"cleared": cleared}

    def seed(self, wish: dict[str, Any]) -> dict[str, Any]:
        self.simulator.board.reseed(int(wish["seed"]))
        self.simulator.truth.add("fault", self.simulator.now_ms(), {"change": "seeded", "seed": int(wish["seed"])})
        return {"seed": self.simulator.board.seed}

    def price(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Put one price where it is wanted (``hold``: it stays there); without a price, let it go again."""
        symbol = str(wish["symbol"])
        market = self.simulator.exchange.market(symbol)
        if "price" in wish:
            market.set_price(Decimal(str(wish["price"])), hold=bool(wish.get("hold", False)))
            self.simulator.exchange.settle(symbol, self.simulator.now_ms())
        else:
            market.let_go()
        held = None if market.pinned is None else format(market.pinned, "f")
        told = {"symbol": symbol, "price": format(market.price, "f"), "held": held, "scale": str(market.scale)}
        self.simulator.truth.add("price", self.simulator.now_ms(), told)
        return told

    def advance(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Let market time pass: ``to_ms``, ``seconds`` or ``bars``."""
        simulator = self.simulator
        target = simulator.clock.read(simulator.wall_ms())
        if "to_ms" in wish:
            target = int(wish["to_ms"])
        else:
            length = next(iter(simulator.exchange.markets.values())).feed.bar_ms
            target += int(float(wish.get("seconds", 0)) * 1_000) + int(wish.get("bars", 0)) * length
        simulator.clock.put(target, simulator.wall_ms())
        simulator.advance()
        return {"market_ms": simulator.clock.market_ms}

    def accounts(self, _: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"name": account.name, "key": account.key, "can_trade": account.can_trade, "revoked": account.revoked}
            for account in self.simulator.exchange.accounts.values()
        ]

    def add_account(self, wish: dict[str, Any]) -> dict[str, Any]:
        account = account_of(wish)
        self.simulator.add_account(account)
        return {"name": account.name, "key": account.key}

    def books(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Everything as it stands: orders, fills and balances, of one account or of all."""
        exchange, name = self.simulator.exchange, wish.get("account")
        accounts = [one for one in exchange.accounts.values() if name in {None, one.name}]
        return {
            "seq": self.simulator.truth.seq,
            "orders": [
                stored_books.order_fields(one) for one in exchange.orders.values() if name in {None, one.account}
            ],
            "fills": [
                stored_books.trade_fields(trade)
                for (account, _), trades in exchange.trades_of.items()
                if name in {None, account}
                for trade in trades
            ],
            "balances": {
                account.name: {
                    asset: {"free": format(held.free, "f"), "locked": format(held.locked, "f")}
                    for asset, held in account.balances.items()
                    if held.free or held.locked
                }
                for account in accounts
            },
        }


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")
