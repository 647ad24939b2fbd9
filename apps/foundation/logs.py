"""Structured logs: one JSON object a line, from structlog, the standard library and Celery alike, secrets taken out."""

import json
import logging
import logging.handlers
import re
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import orjson
import structlog

from apps.foundation.correlation import bind, carry_through_celery, current_correlation_id

__all__ = ["bind", "configure_logging", "current_correlation_id", "process_name"]

FILE_BYTES = 20 * 1024 * 1024
FILES_KEPT = 5
LONGEST_TEXT = 20_000
DEEPEST = 8
HIDDEN = "[hidden]"
_SECRET_NAME = re.compile(
    r"passw|passphrase|secret|authorization|cookie|credential|private_?key|api_?key|sealed_keys|signature|"
    r"(^|_)(token|jwt|ticket|otp)$|^(access|refresh)$",
    re.IGNORECASE,
)
# Every repetition is bounded: a long word from outside must not cost a process its time.
_URL_PASSWORD = re.compile(r"(?P<start>[a-z][a-z0-9+.\-]{0,20}://[^\s:/@]{0,200}):[^\s/@]{1,500}@", re.IGNORECASE)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=\-]{8,}")
_NAMED_SECRET = re.compile(  # ticket=..., 'password': '...', "api_key": "..."
    r"(?P<name>(?:passw(?:or)?d|passphrase|ticket|token|signature|api_?key|private_?key|secret)[\w\-]{0,40}"
    r"[\"']?\s{0,8}[=:]\s{0,8})(?:\"[^\"]*\"|'[^']*'|[^&\s,;\"'}\])]+)",
    re.IGNORECASE,
)
_process = "unnamed"


def configure_logging(process: str, *, home: Path | None = None, level: int = logging.INFO) -> None:
    """Send every log line of this process, as JSON, to ``home/logs/<process>.jsonl``, or to stdout without ``home``.

    Every entry point calls it once, before anything logs. Writing a line never raises.
    """
    global _process  # noqa: PLW0603 - a process has one name
    _process = process
    logging.raiseExceptions = False
    shared = _shared_processors()
    handler = _handler(process, home)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _hide_secrets, _to_json],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    for chatty in ("httpx", "httpcore", "uvicorn.access", "amqp", "urllib3", "asyncio"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    _keep_celery_from_configuring()
    carry_through_celery()


def process_name() -> str:
    """The name this process was given by ``configure_logging``."""
    return _process


def _handler(process: str, home: Path | None) -> logging.Handler:
    if home is None:
        return logging.StreamHandler(sys.stdout)
    folder = home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return logging.handlers.RotatingFileHandler(
        folder / f"{process}.jsonl", maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8"
    )


def _shared_processors() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        _add_process,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
    ]


def _add_process(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["process"] = _process
    return event


def _hide_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {str(name): _clean(str(name), value, 0) for name, value in event.items()}


def _clean(name: str, value: Any, depth: int) -> Any:
    if _SECRET_NAME.search(name) and value not in (None, "", True, False):
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth < DEEPEST and isinstance(value, Mapping):
        return {str(key): _clean(str(key), part, depth + 1) for key, part in value.items()}
    if depth < DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [_clean("", part, depth + 1) for part in value]
    return hide_in_text(value if isinstance(value, str) else _shown(value))


def hide_in_text(text: str) -> str:
    """``text`` without passwords of URLs, bearer tokens and values named as secrets, cut to 20,000 characters."""
    text = _URL_PASSWORD.sub(rf"\g<start>:{HIDDEN}@", text[:LONGEST_TEXT])
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    return _NAMED_SECRET.sub(rf"\g<name>{HIDDEN}", text)


def _shown(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a log line must not fail because an object can't describe itself
        return f"<{type(value).__name__} without a description>"


def _to_json(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    try:
        return orjson.dumps(event).decode()
    except (TypeError, ValueError):  # a lone surrogate or an integer above 64 bits
        return json.dumps(event, default=_shown, ensure_ascii=True)


def _keep_celery_from_configuring() -> None:
    from celery.signals import setup_logging

    setup_logging.connect(_already_configured, weak=False, dispatch_uid="hq.logs")
    # Not each task that comes: the line at its end says the same, and how long it took.
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)


def _already_configured(**_: Any) -> None:
    """Its presence tells Celery that logging is set up."""
