"""The open ports: the exchange's own, and one for the control interface that stays open while the first refuses."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from workers.exchange_simulator.acts import Acts
from workers.exchange_simulator.binance.dialect import BinanceDialect
from workers.exchange_simulator.binance.socket_requests import BinanceSockets
from workers.exchange_simulator.control import Control
from workers.exchange_simulator.kraken.dialect import KrakenDialect
from workers.exchange_simulator.kraken.executions import KrakenSockets
from workers.exchange_simulator.options import Options
from workers.exchange_simulator.plugs import SocketDialect
from workers.exchange_simulator.quotas import Quotas
from workers.exchange_simulator.server import Server
from workers.exchange_simulator.simulator import Simulator
from workers.exchange_simulator.sockets import Sockets


class Listening:
    """Builds the parts around the simulator and opens its ports."""

    def __init__(self, simulator: Simulator, options: Options) -> None:
        self.simulator, self.options = simulator, options
        self.port, self.control_port = options.port, options.control_port
        quotas = Quotas(options.weight_limit, options.order_limit)
        binance = BinanceDialect(simulator, quotas, later)
        kraken = KrakenDialect(simulator, quotas, later)
        speaking: list[tuple[str, SocketDialect]] = [
            ("/v2", KrakenSockets(simulator, kraken.tokens)),
            ("/", BinanceSockets(simulator, binance)),
        ]
        self.sockets = Sockets(simulator, speaking)
        acts = Acts(simulator, self.refuse, self.sockets.disconnect)
        control = Control(simulator, acts, self.sockets.listening)
        self.server = Server(simulator, [("/0/", kraken), ("/", binance)], self.sockets.serve, control.handle)
        self._runner: web.ServerRunner | None = None
        self._site: web.TCPSite | None = None
        self._reopening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open both ports; ``port`` and ``control_port`` then say which."""
        self._runner = web.ServerRunner(web.Server(self.server.handle, access_log=None))
        await self._runner.setup()
        self._site = await self._open(self.port)
        control = await self._open(self.control_port)
        self.port, self.control_port = self._runner.addresses[0][1], _port(control)

    async def stop(self) -> None:
        self.sockets.disconnect()
        if self._runner is not None:
            await self._runner.cleanup()

    def refuse(self, seconds: float) -> None:
        """Close the exchange's port for a while; 0 opens it again at once."""
        if self._reopening is not None:
            self._reopening.cancel()
        self._reopening = asyncio.create_task(self._refuse(seconds))

    async def _refuse(self, seconds: float) -> None:
        if seconds and self._site is not None:
            site, self._site = self._site, None
            await site.stop()
        await asyncio.sleep(seconds)
        if self._site is None:
            self._site = await self._open(self.port)

    async def _open(self, port: int) -> web.TCPSite:
        assert self._runner is not None
        site = web.TCPSite(self._runner, self.options.host, port, reuse_address=True)
        await site.start()
        return site


def later(seconds: float, work: Callable[[], None]) -> None:
    """Run ``work`` on this loop after a while."""
    asyncio.get_running_loop().call_later(seconds, work)


def _port(site: web.TCPSite) -> int:
    server = site._server  # noqa: SLF001 - aiohttp has no other way to tell a site's chosen port
    assert server is not None
    port: int = server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    return port
