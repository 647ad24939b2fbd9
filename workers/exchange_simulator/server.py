"""Carries requests over HTTP: reads, lets faults strike, asks the dialect, answers, writes the truth log."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from workers.exchange_simulator import nonsense
from workers.exchange_simulator.binance.dialect import HTML
from workers.exchange_simulator.calls import Answer, Call, Declined, Route
from workers.exchange_simulator.dialect import Dialect
from workers.exchange_simulator.faults import Fault
from workers.exchange_simulator.simulator import Simulator

Handler = Callable[[web.BaseRequest], Any]
_SECRET = frozenset({"signature"})
_POLL = 0.05
_UNANSWERED = 60.0  # seconds after which a request that is never answered is cut


class Server:
    """``dialects`` by path prefix, longest first; ``sockets`` serves upgrades, ``control`` what is under /control/."""

    def __init__(
        self, simulator: Simulator, dialects: list[tuple[str, Dialect]], sockets: Handler, control: Handler
    ) -> None:
        self.simulator, self.dialects, self.sockets, self.control = simulator, dialects, sockets, control

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request from first byte to last."""
        path = request.path
        if path.startswith("/control/"):
            return await self.control(request)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.sockets(request)
        dialect = next(dialect for prefix, dialect in self.dialects if path.startswith(prefix))
        route = dialect.route(request.method, path)
        if route is None:
            return _response(dialect.unknown_route())
        call = _read(request, route, (await request.read()).decode(errors="replace"), self.simulator.now_ms())
        symbol = dialect.identify(call)
        account = call.account.name if call.account else ""
        call.struck = self.simulator.board.strike(
            route.operation, symbol=symbol, account=account, now_ms=self.simulator.wall_ms()
        )
        if call.struck:
            return await self._with_faults(request, dialect, route, call, symbol)
        answer, applied = self._work(dialect, route, call, request.remote or "")
        self._tell(dialect, call, symbol, applied, str(answer.status))
        return _response(answer)

    async def _with_faults(
        self, request: web.BaseRequest, dialect: Dialect, route: Route, call: Call, symbol: str
    ) -> web.StreamResponse:
        """The same, with what struck: before the work, instead of it, and instead of the answer."""
        if call.fault("outage"):
            self._tell(dialect, call, symbol, False, "reset")
            return _reset(request)
        if (hole := call.fault("blackhole")) is not None:
            self._tell(dialect, call, symbol, False, "nothing")
            return await _hold(request, max(hole.seconds, _UNANSWERED))
        await self._wait(call, "before")
        ending = call.fault("reset", "timeout", "fill_then_timeout", "status", "reject", "html", "duplicate_client_id")
        if ending is None or ending.executed(default=ending.kind not in {"status", "reject"}):
            answer, applied = self._work(dialect, route, call, request.remote or "")
        else:
            answer, applied = Answer(200, None), False
        await self._wait(call, "after")
        if ending is not None:
            return await self._end_badly(request, dialect, call, symbol, ending, answer, applied)
        wrong = call.fault("nonsense")
        if wrong is not None:
            answer.body = nonsense.apply(str(wrong.options.get("shape", "missing_fields")), answer.body, wrong.draw)
        self._tell(dialect, call, symbol, applied, str(answer.status))
        return _response(answer)

    async def _end_badly(  # noqa: PLR0917 - all of one request
        self,
        request: web.BaseRequest,
        dialect: Dialect,
        call: Call,
        symbol: str,
        fault: Fault,
        answer: Answer,
        applied: bool,
    ) -> web.StreamResponse:
        if fault.kind == "reset":
            self._tell(dialect, call, symbol, applied, "reset")
            return _reset(request)
        if fault.kind in {"timeout", "fill_then_timeout"}:
            self._tell(dialect, call, symbol, applied, "nothing")
            return await _hold(request, float(fault.options.get("seconds", _UNANSWERED)))
        if fault.kind == "html":
            answer = Answer(200, HTML.format(status=200), {"Content-Type": "text/html"})
        elif fault.kind == "duplicate_client_id":
            answer = dialect.duplicate().answer
        else:
            answer = dialect.fault_answer(fault)
        self._tell(dialect, call, symbol, applied, str(answer.status))
        return _response(answer)

    def _work(self, dialect: Dialect, route: Route, call: Call, address: str) -> tuple[Answer, bool]:
        """Ask the dialect; the answer, and whether it was done."""
        headers: dict[str, str] = {}
        call.now_ms = self.simulator.now_ms()
        try:
            headers = dialect.admit(call, route, address, self.simulator.wall_ms())
            answer, applied = dialect.wrap(route.work(call)), True
        except Declined as refusal:
            answer, applied = refusal.answer, refusal.applied
            call.facts["refused"] = refusal.note
        except (ValueError, ArithmeticError, LookupError) as error:
            unread = dialect.malformed()
            answer, applied = unread.answer, False
            call.facts["refused"] = f"{unread.note} ({type(error).__name__}: {error})"
        answer.headers = {**headers, **answer.headers}
        self.simulator.publish()
        return answer, applied

    async def _wait(self, call: Call, when: str) -> None:
        for fault in call.struck:
            if fault.kind == "latency" and str(fault.options.get("when", "before")) == when:
                jitter = float(fault.options.get("jitter", 0)) * fault.draw.random()
                await asyncio.sleep(fault.seconds + jitter)

    def _tell(self, dialect: Dialect, call: Call, symbol: str, applied: bool, answered: str) -> None:
        """One line of truth: what came in, what was done, what was answered."""
        params = {name: value for name, value in call.params.items() if name not in _SECRET}
        self.simulator.truth.add(
            "request",
            call.now_ms,
            {
                "dialect": dialect.name,
                "operation": call.operation,
                "method": call.method,
                "path": call.path,
                "account": call.account.name if call.account else "",
                "symbol": symbol,
                "params": params,
                "faults": [{"id": fault.id, "kind": fault.kind} for fault in call.struck],
                "applied": applied,
                "answered": answered,
                **call.facts,
            },
        )


def _read(request: web.BaseRequest, route: Route, body: str, now_ms: int) -> Call:
    query = request.rel_url.raw_query_string
    params = dict(parse_qsl(query, keep_blank_values=True))
    if body.startswith("{"):
        params |= {name: str(value) for name, value in orjson.loads(body).items()}
    elif body:
        params |= dict(parse_qsl(body, keep_blank_values=True))
    return Call(route.operation, request.method, request.path, query, body, params, request.headers, now_ms)


def _response(answer: Answer) -> web.Response:
    if isinstance(answer.body, str):
        return web.Response(status=answer.status, text=answer.body, headers=answer.headers)
    return web.Response(
        status=answer.status,
        body=orjson.dumps(answer.body),
        headers={"Content-Type": "application/json;charset=UTF-8", **answer.headers},
    )


def _reset(request: web.BaseRequest) -> web.Response:
    """Cut the connection with a TCP reset."""
    transport = request.transport
    if transport is not None:
        plug = transport.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def _hold(request: web.BaseRequest, seconds: float) -> web.Response:
    """Say nothing until the client goes away."""
    waited = 0.0
    while waited < seconds and request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(_POLL)
        waited += _POLL
    return _reset(request)
