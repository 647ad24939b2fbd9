"""Combinations of settings that would be unsafe are refused at start, each with its remedy."""

import stat
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004

from apps.management.domain.bridge_envelope import NAME
from tradinghq import environment as env
from tradinghq.container_images import is_pinned
from tradinghq.instance_secrets import KEY_FILE

PRACTICE_VENUES = frozenset({"paper", "simulated"})
SHORTEST_PASSWORD = 12


@register(Tags.security)
def refuse_unsafe(app_configs: Any = None, **_: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Everything unsafe about these settings, for ``manage.py check`` and every start."""
    return [*_money(), *_role(), *_network(), *_servers(), *_bridge(), *_secrets(), *_containers()]


def refuse_to_start() -> None:
    """Raise ``EnvironmentRefused`` with all that is unsafe, for processes that are no management command."""
    errors = [message for message in refuse_unsafe() if isinstance(message, Error)]
    if errors:
        raise env.EnvironmentRefused("\n".join(f"{error.msg} {error.hint}" for error in errors))


def _money() -> Iterator[CheckMessage]:
    if settings.VENUE in PRACTICE_VENUES:
        return
    if settings.MARKET != "live":
        yield Error(
            f"VENUE={settings.VENUE} would send real orders on MARKET={settings.MARKET} prices.",
            hint="Set MARKET=live, or VENUE=paper.",
            id="hq.E001",
        )
    if settings.HQ_ROLE == "research":
        yield Error("HQ_ROLE=research may never send an order.", hint="Set VENUE=paper.", id="hq.E002")


def _role() -> Iterator[CheckMessage]:
    if settings.HQ_ROLE == "backup" and not env.text("DATABASE_URL"):
        yield Error(
            "A backup shares its primary's PostgreSQL and DATABASE_URL is not set.",
            hint="Set DATABASE_URL to the primary's database.",
            id="hq.E003",
        )
    if settings.HQ_ROLE == "backup" and settings.VENUE == "simulated" and "simulated" not in settings.HQ_CCXT_URLS:
        yield Error(
            "A backup trades where its primary trades, and VENUE=simulated would start another exchange.",
            hint="Set HQ_CCXT_URLS to the addresses of the primary's simulator.",
            id="hq.E011",
        )
    if settings.MARKET == "recorded" and not Path(settings.RECORDED_DIR or "/nowhere").is_dir():
        yield Error(
            f"MARKET=recorded replays files and RECORDED_DIR is no folder (was {settings.RECORDED_DIR or 'unset'!r}).",
            hint="Set RECORDED_DIR to a folder of candle files; manage.py download_candles makes some.",
            id="hq.E004",
        )


def _network() -> Iterator[CheckMessage]:
    if settings.DEBUG:
        yield Error("DEBUG shows internals to every client.", hint="Remove it.", id="hq.E005")
    if "*" in settings.ALLOWED_HOSTS:
        yield Error("HQ_ALLOWED_HOSTS=* lets any site speak as this one.", hint="Name the hosts instead.", id="hq.E006")
    if not _is_loopback(settings.HQ_HOST) and not settings.SESSION_COOKIE_SECURE:
        yield Warning(
            f"HQ_HOST={settings.HQ_HOST} is reachable from other machines, and passwords travel as plain text.",
            hint="Put a TLS front before it and set HQ_TLS=1, or listen on 127.0.0.1.",
            id="hq.W001",
        )


def _servers() -> Iterator[CheckMessage]:
    for number, (name, url) in enumerate((("DATABASE_URL", settings.DATABASE_URL), ("REDIS_URL", settings.REDIS_URL))):
        parts = urlsplit(url)
        if not parts.password and not _is_loopback(parts.hostname or "localhost"):
            yield Error(
                f"{name} reaches {parts.hostname} over the network without a password.",
                hint=f"Give the user a password and put it into {name}.",
                id=f"hq.E{7 + number:03d}",
            )


def _bridge() -> Iterator[CheckMessage]:
    if not settings.HQ_PEERS:
        return
    parts = urlsplit(settings.HQ_BRIDGE_URL)
    if parts.scheme not in {"redis", "rediss"}:
        yield Error(
            f"HQ_PEERS names {', '.join(settings.HQ_PEERS)} and HQ_BRIDGE_URL names no Redis to reach them by.",
            hint="Set HQ_BRIDGE_URL to redis://user:password@host:port/0, or unset HQ_PEERS.",
            id="hq.E014",
        )
    elif not parts.password and not _is_loopback(parts.hostname or "localhost"):
        yield Error(
            f"HQ_BRIDGE_URL reaches {parts.hostname} over the network without a password.",
            hint="Give the user a password and put it into HQ_BRIDGE_URL.",
            id="hq.E015",
        )
    if settings.HQ_INSTANCE in settings.HQ_PEERS:
        yield Error(
            f"HQ_PEERS names {settings.HQ_INSTANCE}, which is this instance.",
            hint="Set HQ_INSTANCE to a name of its own, or name the others only.",
            id="hq.E016",
        )
    odd = [name for name in [settings.HQ_INSTANCE, *settings.HQ_PEERS] if not NAME.fullmatch(name)]
    if odd:
        yield Error(
            f"{', '.join(odd)} can't be the name of an instance that speaks with others.",
            hint="Use small letters, digits, dots, dashes and underscores, at most 64.",
            id="hq.E017",
        )


def _secrets() -> Iterator[CheckMessage]:
    given = env.text("HQ_ADMIN_PASSWORD")
    if given and len(given) < SHORTEST_PASSWORD:
        yield Error(
            f"HQ_ADMIN_PASSWORD is {len(given)} characters long.",
            hint=f"Use at least {SHORTEST_PASSWORD}, or leave it unset for a random one.",
            id="hq.E009",
        )
    key = Path(settings.HQ_HOME) / KEY_FILE
    if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield Error(f"{key} can be read by others.", hint=f"Run: chmod 600 {key}", id="hq.E010")


def _containers() -> Iterator[CheckMessage]:
    if settings.HQ_RUNTIME not in {"docker", "swarm"}:
        return
    missing = [name for name in ("REDIS_URL", "HQ_AGENT_NETWORK", "HQ_AGENT_REDIS_URL") if not env.text(name)]
    if settings.HQ_RUNTIME == "swarm" and missing:
        yield Error(
            f"HQ_RUNTIME=swarm without {', '.join(missing)}: an agent on another host would not reach Redis.",
            hint="Set REDIS_URL, HQ_AGENT_NETWORK to an overlay network, HQ_AGENT_REDIS_URL to Redis as seen in it.",
            id="hq.E018",
        )
    if not is_pinned(settings.HQ_AGENT_IMAGE):
        yield Error(
            f"HQ_AGENT_IMAGE was {settings.HQ_AGENT_IMAGE or 'unset'!r}, which names no image by its content.",
            hint="Run make image-agent, or set it to an id or digest: sha256:... or name@sha256:...",
            id="hq.E011",
        )
    if not env.text("REDIS_URL"):
        return  # the embedded Redis asks for passwords and listens on the containers' gateway
    if not urlsplit(settings.REDIS_URL).password:
        yield Error(
            f"HQ_RUNTIME={settings.HQ_RUNTIME}, and REDIS_URL has no password: containers could do anything there.",
            hint="Give Redis' default user a password, or none of its rights, and put the house's into REDIS_URL.",
            id="hq.E013",
        )
    host = urlsplit(settings.AGENT_REDIS_URL).hostname or "localhost"
    if _is_loopback(host):
        yield Error(
            f"HQ_RUNTIME={settings.HQ_RUNTIME}, and REDIS_URL leads to {host}, where a container finds only itself.",
            hint="Set HQ_AGENT_REDIS_URL and HQ_AGENT_NETWORK to where the agents reach it, or unset REDIS_URL.",
            id="hq.E012",
        )


def _is_loopback(host: str) -> bool:
    if host in {"localhost", ""} or host.startswith("/"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
