"""Build the adapter of a venue outside the house for one account and its opened keys."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings

from apps.market.domain.request_quotas import PROCESSES_BESIDE_EXECUTORS, RequestQuotas, address_of, allowed_by, is_here
from apps.market.queries import current_moment
from apps.trading.adapters.alpaca_venue import NAME as ALPACA
from apps.trading.adapters.alpaca_venue import AlpacaVenue
from apps.trading.adapters.broker_turns import BrokerTurns
from apps.trading.adapters.ccxt_classes import streaming_class
from apps.trading.adapters.ccxt_dialects import dialect_of
from apps.trading.adapters.ccxt_venue import CcxtVenue
from apps.trading.domain.venues.venue_keys import VenueKeys
from apps.trading.domain.venues.venues import CCXT_VENUES, SIMULATED, SIMULATED_DIALECT
from apps.trading.models import Account, AccountMode
from apps.trading.ports import Venue

SIMULATED_QUOTAS = {"weight": 120_000, "orders": 10_000}  # as the house starts its simulator


def build_venue(account: Account, keys: VenueKeys) -> Venue:
    """The venue of ``account``. Raises ``LookupError`` for a venue that nobody built."""
    if account.venue == SIMULATED:
        return _ccxt(account.name, SIMULATED_DIALECT, keys, simulated_urls(), house_exchange=True)
    if account.venue in CCXT_VENUES:
        urls = settings.HQ_CCXT_URLS.get(account.venue)
        practice = account.mode == AccountMode.PAPER and not urls
        return _ccxt(account.name, account.venue, keys, _practice_urls(account.venue) if practice else urls or {})
    if account.venue == "alpaca":
        paper = account.mode == AccountMode.PAPER
        address = settings.HQ_STOCK_URLS.get("alpaca_trading", "")
        venue = AlpacaVenue(
            account=account.name,
            key=keys.api_key,
            secret=keys.secret,
            paper=paper,
            address=address,
            turns=BrokerTurns(_broker_quotas("alpaca", address or f"alpaca {account.mode}", keys.api_key)),
        )
        return cast("Venue", venue)
    raise LookupError(f"Nobody built the venue {account.venue!r}.")


def request_life_of(venue: str) -> timedelta:
    """How long a request to this kind of venue may be under way, without its keys."""
    if venue == SIMULATED:
        return dialect_of(SIMULATED_DIALECT).request_life
    return AlpacaVenue.request_life if venue == ALPACA else dialect_of(venue).request_life


def simulated_urls() -> dict[str, Any]:
    """Where the exchange simulator of this house is, in the library's form; ``HQ_CCXT_URLS`` may name another one."""
    if "simulated" in settings.HQ_CCXT_URLS:
        return dict(settings.HQ_CCXT_URLS["simulated"])
    address = settings.HQ_SIMULATED_URL
    stream = address.replace("http", "ws", 1)
    rest = {"public": f"{address}/api/v3", "private": f"{address}/api/v3", "v1": f"{address}/api/v1"}
    more = {"sapi": f"{address}/sapi/v1", "sapiV2": f"{address}/sapi/v2", "sapiV3": f"{address}/sapi/v3"}
    sockets = {"spot": f"{stream}/stream", "ws-api": {"spot": f"{stream}/ws-api/v3"}}
    return {**rest, **more, "ws": sockets}


def _ccxt(account: str, exchange: str, keys: VenueKeys, urls: dict[str, Any], *, house_exchange: bool = False) -> Venue:
    named = {"apiKey": keys.api_key, "secret": keys.secret}
    if keys.password:
        named["password"] = keys.password
    venue = CcxtVenue(
        account=account,
        exchange=exchange,
        keys=named,
        urls=urls,
        firm_time=_firm_time,
        pace_ms=_pace(urls),
        quotas_of=partial(_quotas, key=keys.api_key, name=SIMULATED if house_exchange else exchange),
    )
    return cast("Venue", venue)


def _quotas(client: Any, *, key: str, name: str) -> RequestQuotas:
    """What the exchange allows; ``name`` is its name among the house's own statements of that."""
    given = {SIMULATED: SIMULATED_QUOTAS, **settings.HQ_REQUEST_QUOTAS}.get(name)
    address = address_of(client.urls["api"], hostname=client.hostname or "")
    return RequestQuotas(
        exchange=client.id,
        address=address,
        allowed=allowed_by(client.id, pace_ms=float(client.rateLimit), given=given, here=is_here(address)),
        key=key,
        processes=settings.HQ_WORKERS + PROCESSES_BESIDE_EXECUTORS,
        key_processes=settings.HQ_WORKERS,
    )


def _broker_quotas(name: str, address: str, key: str) -> RequestQuotas:
    return RequestQuotas(
        exchange=name,
        address=address,
        allowed=allowed_by(name, given=settings.HQ_REQUEST_QUOTAS.get(name)),
        key=key,
        key_processes=settings.HQ_WORKERS,
    )


def _firm_time(at: datetime) -> datetime:
    """On a market in lock-step the firm lives in the bars' time, whatever an exchange's clock says."""
    return at if settings.MARKET == "live" else current_moment().firm


def _pace(urls: dict[str, Any]) -> int | None:
    """An exchange on this machine needs no rest between requests."""
    return 1 if is_here(urlsplit(str(urls.get("private", ""))).netloc) else None


def _practice_urls(exchange: str) -> dict[str, Any]:
    urls: dict[str, Any] = streaming_class(exchange)().urls.get("test") or {}
    if not urls:
        raise LookupError(f"{exchange} has no practice addresses; use the venue paper instead.")
    return urls
