"""Twenty agents in containers of a real engine: deployed by one request until they vote, ended by one emergency stop.

The bare parts are as many containers from the same image, created, started and stopped by the engine's own API as many
at once as the house does, with nothing in them but a sleeping Python.
"""

import os
import secrets
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from typing import Any

import docker
import psycopg

from apps.foundation.clock import wall_now
from apps.management.adapters.docker_engine import HOUSE_LABEL, NAME_LABEL
from apps.management.adapters.docker_runtime import DockerRuntime
from tests.benchmarks.measure import Line
from tests.support.agent_image import agent_image
from tests.support.running_firm import RunningFirm

AGENTS = 20
RESTING_ORDERS = 5
LIMIT_SECONDS = 180
MEBIBYTE = 2**20
SLEEP = ["python", "-c", "import time; time.sleep(600)"]
FIRST_VOTES = "SELECT agent_id, min(received_wall) FROM agents_vote GROUP BY agent_id"
STOP_STEPS = "SELECT changed_at, orders_ended_at, agents_ended_at FROM management_fleetstate WHERE paused"
REACH = {"HQ_RUNTIME": "docker", "HQ_FLEET_MEMORY": "64G", "HQ_FLEET_CPUS": "64"}  # by limits; agents use far less


def deploy(firm: RunningFirm) -> list[Line]:
    """Seconds from the request for 20 more agents to the first accepted vote of the last of them, and what one uses."""
    known = {agent["id"] for agent in firm.get("agents/")["results"]}
    began = wall_now()
    agents, answered = _scale(firm, len(known) + AGENTS)
    new = agents - known
    votes = firm.wait_for(lambda: _voted(new), LIMIT_SECONDS, f"a vote of each of {AGENTS} agents", pause=0.5)
    took, bare = (max(votes.values()) - began).total_seconds(), Bare().seconds_to_start
    running = (max(_started(new)) - began).total_seconds()
    sizes = firm.wait_for(lambda: _sizes(firm, new), 90, "the fleet to measure every agent", pause=1)
    return [
        Line(
            f"{AGENTS} agents, request (answered in {answered:.2f} s, last container up after {running:.1f} s)"
            " to the last one's first vote, s",
            f"{took:.1f}",
            f"{bare:.1f}",
            f"{took / bare:.1f}",
            "",
        ),
        Line(
            f"largest (median {statistics.median(sizes) / MEBIBYTE:.0f}) of {AGENTS} agents' containers, MiB",
            f"{max(sizes) / MEBIBYTE:.0f}",
            "80",
            f"{max(sizes) / MEBIBYTE / 80:.2f}",
            "< 1.0",
        ),
    ]


def emergency(firm: RunningFirm) -> list[Line]:
    """Seconds from the stop's request to the end of the last agent's container; trading halts and orders end before."""
    agents = {agent["id"] for agent in firm.get("agents/")["results"]}
    if len(agents) < AGENTS:
        agents, _ = _scale(firm, AGENTS)
    firm.wait_for(lambda: len(_containers(agents)) == len(agents), LIMIT_SECONDS, "every agent's container")
    resting = _rest_orders(firm)
    began = time.time()
    status, told = firm.call("POST", "trading/stop/", {"reason": "A benchmark."})
    answered = time.time() - began
    if status != 200 or told["state"] != "HALTED":
        raise RuntimeError(f"The stop was answered {status}: {told}")
    halted, orders, _ = firm.wait_for(_steps_done, 60, "all steps of the stop", pause=0.1)
    took = _last_end(agents, since=began) - began
    bare = Bare().seconds_to_stop
    firm.call("POST", "trading/resume/", {"reason": "The benchmark is over."})
    return [
        Line(
            f"emergency stop (answered in {answered:.2f} s, {resting} orders canceled"
            f" {(orders - halted).total_seconds():.1f} s after the halt) to the last of {len(agents)} containers, s",
            f"{took:.1f}",
            f"{bare:.1f}",
            f"{took / bare:.1f}",
            "< 10 s",
        )
    ]


def _scale(firm: RunningFirm, agents: int) -> tuple[set[str], float]:
    """Ask for so many agents in all; their ids, and seconds until the answer."""
    strategies = ["momentum", "mean_reversion", "breakout", "arbitrage"]
    began = time.perf_counter()
    status, plan = firm.call(
        "POST", "management/scale/", {"target_agents": agents, "strategy_distribution": strategies}
    )
    answered = time.perf_counter() - began
    if status != 202:
        raise RuntimeError(f"The request to scale was answered {status}: {plan}")
    return {agent["id"] for agent in firm.get("agents/?limit=200")["results"]}, answered


def _voted(agents: set[str]) -> dict[str, datetime] | None:
    found = {str(agent): at for agent, at in _rows(FIRST_VOTES) if str(agent) in agents}
    return found if len(found) == len(agents) else None


def _steps_done() -> tuple[datetime, datetime, datetime] | None:
    (row,) = _rows(STOP_STEPS)
    return row if all(row) else None


def _rest_orders(firm: RunningFirm) -> int:
    """Small limit buys far below the market, of what the firm holds least of; how many the gate let rest."""
    held = {row["instrument"]: Decimal(row["market_value"]) for row in firm.get("trading/portfolio/")["positions"]}
    quotes = {row["instrument"]: Decimal(row["mark"]["price"]) for row in firm.get("market/quotes/")["results"]}
    symbol = min(quotes, key=lambda name: held.get(name, Decimal(0)))
    price = (quotes[symbol] * Decimal("0.9")).quantize(Decimal("0.1"))
    wish = {"instrument": symbol, "side": "buy", "type": "limit", "limit_price": str(price), "notional": "6"}
    answers = [firm.call("POST", "trading/orders/", wish | {"reason": "It rests."}) for _ in range(RESTING_ORDERS)]
    resting = sum(status == 201 and order["state"] != "DENIED" for status, order in answers)
    if not resting:
        raise RuntimeError(f"No order rests: {answers[-1]}")
    return resting


def _rows(query: str) -> list[Any]:
    with psycopg.connect(os.environ["DATABASE_URL"]) as link:
        return link.execute(query).fetchall()


def _containers(agents: set[str]) -> list[Any]:
    names = {f"agent-{agent}" for agent in agents}
    found = docker.from_env().containers.list(filters={"label": NAME_LABEL})
    return [one for one in found if one.labels[NAME_LABEL] in names]


def _started(agents: set[str]) -> list[datetime]:
    return [datetime.fromisoformat(one.attrs["State"]["StartedAt"]) for one in _containers(agents)]


def _last_end(agents: set[str], *, since: float) -> float:
    """When the engine saw the last one end, in seconds of the epoch; every one has to be among them."""
    wish = {"type": "container", "event": "die", "label": NAME_LABEL}
    told = docker.from_env().events(since=int(since), until=time.time(), filters=wish, decode=True)
    ends = {event["Actor"]["Attributes"][NAME_LABEL]: event["timeNano"] / 1e9 for event in told}
    missing = {f"agent-{agent}" for agent in agents} - ends.keys()
    if missing:
        raise RuntimeError(f"The engine did not tell the end of {missing}.")
    return max(ends[f"agent-{agent}"] for agent in agents)


def _sizes(firm: RunningFirm, agents: set[str]) -> list[int] | None:
    rows = [row for row in firm.get("management/containers/?limit=200")["results"] if row["agent_id"] in agents]
    sizes = [row["memory_bytes"] for row in rows if row["memory_bytes"] and row["health"] == "healthy"]
    return sizes if len(sizes) == len(agents) else None


class Bare:
    """As many containers by the engine's API alone: seconds to start them, and to stop and remove them."""

    def __init__(self) -> None:
        self._api = docker.from_env(max_pool_size=DockerRuntime.at_once).api
        self._image = agent_image()
        self._label = f"bench-{secrets.token_hex(4)}"
        self.seconds_to_start, self._made = _timed(self._start)
        self.seconds_to_stop, _ = _timed(self._stop)

    def _start(self, _: int) -> str:
        config = self._api.create_host_config(init=True)
        made = self._api.create_container(self._image, SLEEP, labels={HOUSE_LABEL: self._label}, host_config=config)
        self._api.start(made["Id"])
        return str(made["Id"])

    def _stop(self, number: int) -> None:
        self._api.stop(self._made[number], timeout=5)
        self._api.remove_container(self._made[number], v=True, force=True)


def _timed(step: Callable[[int], Any]) -> tuple[float, list[Any]]:
    began = time.perf_counter()
    with ThreadPoolExecutor(DockerRuntime.at_once) as pool:
        done = list(pool.map(step, range(AGENTS)))
    return time.perf_counter() - began, done
