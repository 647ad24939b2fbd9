"""What exchanges allow in requests, and what each request takes of it.

Weights come from the exchange library's own tables: ``cost`` is its number for one request, in units of its pace. A
fifth of such a unit is counted, so that the fractions of those tables (0.2 is one unit of Binance's weight) stay whole.
Sources: developers.binance.com, Limits (6,000 weight a minute and address, 100 orders in ten seconds and account);
docs.kraken.com, Rate limits (public: about one request a second; a counter of 15 that falls by one in three seconds;
for orders a counter of 60 that falls by one a second; what Kraken adds for cancelling an order of a few seconds is not
known beforehand and left to its own refusal).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil
from typing import Any, Literal
from urllib.parse import urlsplit

from apps.foundation.errors import Refused
from apps.foundation.quota import Charge, Quota

PARTS = 5  # of the library's unit of cost
PROCESSES_BESIDE_EXECUTORS = 1  # that ask exchanges: the core, for prices
PACE_SECONDS = 4  # the window of an exchange of which only the library's pace is known
_BUSY_SECONDS = 5.0  # the silence kept where an exchange asks for one and does not say how long
MORE_HERE = 20
LONGEST_PAUSE = 600.0  # seconds that an exchange's wish for silence is followed at most
_TOO_MANY = frozenset({418, 429})  # Binance bans by the former
_BINANCE_ORDERS = frozenset({"order", "order/cancelReplace", "sor/order"})
_BINANCE_PAIRS = frozenset({"order/oco", "orderList/oco"})
_BINANCE_FEW, _BINANCE_FEW_WEIGHT = 20, 4  # tickers of up to 20 named instruments
_KRAKEN_TRADING = frozenset({"AddOrder", "AmendOrder", "EditOrder", "CancelOrder"})
_KRAKEN_WORDS = {
    "EAPI:Rate limit exceeded": "counter",
    "EOrder:Rate limit exceeded": "trading",
    "EGeneral:Too many requests": "public",
    "EService:Throttled": "public",
}


@dataclass(frozen=True, slots=True)
class Allowed:
    """One limit as the exchange states it, counted by our address or by our key."""

    name: str
    of: Literal["address", "key"]
    units: int
    seconds: int


_BINANCE = (Allowed("weight", "address", 6_000, 60), Allowed("orders", "key", 100, 10))
_KRAKEN = (
    Allowed("public", "address", PARTS * PACE_SECONDS, PACE_SECONDS),
    Allowed("counter", "key", 15 * 3 * PARTS, 45),
    Allowed("trading", "key", 60, 60),
)
_BY_REQUEST = {  # sources whose requests all count the same
    "yfinance": Allowed("requests", "address", 8, 4),
    "alpaca": Allowed("requests", "key", 200, 60),
}


@dataclass(frozen=True, slots=True)
class RequestQuotas:
    """The quotas of one exchange at one address, with one key or none.

    ``processes``: how many of the house's processes ask from one address; ``key_processes``: with one key.
    """

    exchange: str
    address: str
    allowed: tuple[Allowed, ...]
    key: str = ""
    processes: int = 1
    key_processes: int = 1
    _quotas: Mapping[str, Quota] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_quotas", {each.name: self._quota(each) for each in self.allowed})

    def of_request(self, *, path: str, method: str, private: bool, cost: float, symbols: int = 0) -> tuple[Charge, ...]:
        """What one request takes; ``path`` and ``cost`` as the exchange's library has them. ``symbols``: how many
        instruments it names at once, which the library takes for all there are.
        """
        weight = ceil(round(cost * PARTS, 6))
        if 0 < symbols <= _BINANCE_FEW and self.exchange.startswith("binance"):
            weight = min(weight, _BINANCE_FEW_WEIGHT)
        if self.exchange == "kraken":
            if path in _KRAKEN_TRADING:
                return self._charges({"trading": 1})
            return self._charges({"counter" if private else "public": weight})
        if self.exchange.startswith("binance"):
            orders = 0 if method != "POST" else 2 if path in _BINANCE_PAIRS else int(path in _BINANCE_ORDERS)
            return self._charges({"weight": weight, "orders": orders})
        return self._charges({self.allowed[0].name: weight})

    def of_one(self) -> tuple[Charge, ...]:
        """What one request takes where all count the same."""
        return self._charges({self.allowed[0].name: 1})

    def asked_for_silence(self, *, status: int, headers: Mapping[str, str], body: str) -> tuple[str, float] | None:
        """The scope and the seconds that an answer asks to be left alone for; None for any other answer."""
        words = next((name for text, name in _KRAKEN_WORDS.items() if text in body), "")
        known = self.exchange == "kraken" and words in self._quotas
        if not known and status not in _TOO_MANY:
            return None
        name = words if known else "orders" if "-1015" in body and "orders" in self._quotas else self.allowed[0].name
        told = next((text for label, text in headers.items() if label.lower() == "retry-after"), "")
        seconds = min(float(told), LONGEST_PAUSE) if told.isdecimal() else _BUSY_SECONDS
        return self._quotas[name].scope, seconds

    def _charges(self, units: Mapping[str, int]) -> tuple[Charge, ...]:
        return tuple(
            Charge(self._quotas[name], taken) for name, taken in units.items() if taken and name in self._quotas
        )

    def _quota(self, each: Allowed) -> Quota:
        by_key = each.of == "key" and self.key
        who = sha256(self.key.encode()).hexdigest()[:16] if by_key else "address"
        return Quota(
            scope=f"{self.exchange}@{self.address}:{each.name}:{who}",
            units=each.units,
            seconds=each.seconds,
            processes=self.key_processes if by_key else self.processes,
        )


def allowed_by(
    exchange: str, *, pace_ms: float = 1_000.0, given: Mapping[str, Any] | None = None, here: bool = False
) -> tuple[Allowed, ...]:
    """The limits of an exchange. ``pace_ms``: the library's time between requests of cost 1, for one of which nothing
    else is known. ``given``: units by the limit's name, where a customer has more (or less) than others. ``here``: it
    is an emulator on this machine, which allows more than the exchange that it stands for, or refuses by itself.
    """
    if exchange in _BY_REQUEST:
        known: tuple[Allowed, ...] = (_BY_REQUEST[exchange],)
    elif exchange == "kraken":
        known = _KRAKEN
    elif exchange.startswith("binance"):
        known = _BINANCE
    else:
        pace = max(PARTS, int(PARTS * PACE_SECONDS * 1_000 / max(pace_ms, 1.0)))
        known = (Allowed("pace", "address", pace, PACE_SECONDS),)
    wished = given or {}
    for name, units in wished.items():
        if name not in {each.name for each in known} or not isinstance(units, int) or units < 1:
            names = ", ".join(each.name for each in known)
            raise Refused(
                f"HQ_REQUEST_QUOTAS says {name}={units!r} of {exchange}; it takes whole numbers from 1 for {names}.",
                code="bad_request_quota",
                field="HQ_REQUEST_QUOTAS",
            )
    more = MORE_HERE if here else 1
    return tuple(
        Allowed(each.name, each.of, int(wished.get(each.name, each.units * more)), each.seconds) for each in known
    )


def is_here(address: str) -> bool:
    """Whether the host is this machine's own loopback."""
    return urlsplit(f"//{address}").hostname in {"127.0.0.1", "::1", "localhost"}


def address_of(addresses: Any, *, hostname: str = "") -> str:
    """The host that an exchange's library asks, out of its table of addresses: who asks the same one shares a rate."""
    for text in _texts(addresses):
        host = urlsplit(text.replace("{hostname}", hostname)).netloc
        if host:
            return host
    raise ValueError(f"There is no address in {addresses!r}.")


def _texts(addresses: Any) -> Sequence[str]:
    if isinstance(addresses, str):
        return [addresses]
    first = [addresses[name] for name in ("public", "rest", "private") if isinstance(addresses.get(name), str)]
    return [*first, *(text for text in addresses.values() if isinstance(text, str))]
