"""What a failed request to an exchange means: refused, already there, or nobody knows. Unmapped means nobody knows.

The library's class decides by its subtree, except where it is known to lie; there the exchange's own code decides.
"""

import re
from dataclasses import dataclass
from typing import Literal

from apps.trading.adapters.ccxt_classes import library_errors

errors = library_errors()

Fate = Literal["refused", "exists", "absent", "unknown"]

# Proven not taken. InvalidOrder also holds DuplicateOrderId and OrderNotFound, which are looked at before.
_REFUSED = (
    errors.InsufficientFunds,
    errors.InvalidOrder,
    errors.BadRequest,
    errors.AuthenticationError,
    errors.OperationRejected,
    errors.ArgumentsRequired,
    errors.NotSupported,
)
_CODES: tuple[tuple[type[Exception], str], ...] = (
    (errors.InsufficientFunds, "venue_insufficient_funds"),
    (errors.OrderImmediatelyFillable, "venue_would_take"),
    (errors.MarketClosed, "venue_market_closed"),
    (errors.BadSymbol, "venue_unknown_instrument"),
    (errors.InvalidNonce, "venue_clock_skew"),
    (errors.AuthenticationError, "venue_key_refused"),
    (errors.NotSupported, "venue_order_type_unsupported"),
)
_BINANCE_CODE = re.compile(r'"code"\s*:\s*(-?\d+)')
_BINANCE_REJECTED = -2010  # for one of many reasons, told in words
# https://developers.binance.com/docs/binance-spot-api-docs/errors: the request itself was refused.
_BINANCE_REFUSED = {
    -1002: "venue_key_refused",
    -1010: "",
    -1013: "",
    -1014: "",
    -1020: "",
    -1021: "venue_clock_skew",
    -1022: "venue_key_refused",
    -2008: "venue_key_refused",
    _BINANCE_REJECTED: "",
    -2014: "venue_key_refused",
    -2015: "venue_key_refused",
    -2016: "venue_market_closed",
    -2021: "venue_amend_failed",  # the old order is cancelled or not, no new one is at work
    -2022: "venue_amend_failed",
    -1099: "venue_key_refused",
}
# -1000 to -1099, of the server and the network: but for those above they prove nothing, whatever the library makes of
# them. It takes -1004 (busy) and -1016 (maintenance) for refusals.
_BINANCE_SERVER = range(-1099, -999)
_BINANCE_BAD_PARAMETERS = range(-1199, -1099)  # -1100 to -1199: malformed, missing or out of range
_BINANCE_FILTERS = {
    "PRICE_FILTER": "venue_bad_price",
    "PERCENT_PRICE": "venue_price_out_of_range",
    "LOT_SIZE": "venue_bad_quantity",
    "NOTIONAL": "venue_min_notional",
}
_KRAKEN_TEXT = re.compile(r'"error"\s*:\s*\[\s*"([^"]*)"')
_KRAKEN_REFUSED = {
    "EAPI:Invalid key": "venue_key_refused",
    "EAPI:Invalid signature": "venue_key_refused",
    "EAPI:Invalid nonce": "venue_clock_skew",
    "EGeneral:Permission denied": "venue_key_refused",
    "EGeneral:Invalid arguments": "",
    "EQuery:Unknown asset pair": "venue_unknown_instrument",
    "EOrder:Insufficient funds": "venue_insufficient_funds",
    "EOrder:Order minimum not met": "venue_min_quantity",
    "EOrder:Cost minimum not met": "venue_min_notional",
    "EOrder:Post only order": "venue_would_take",
    "EOrder:Invalid price": "venue_bad_price",
    "EOrder:Tick size check failed": "venue_bad_price",
    "EOrder:Orders limit exceeded": "",
    "EOrder:Positions limit exceeded": "",
    "EOrder:Trading agreement required": "",
    "EOrder:Cannot open": "",
    "EService:Market in": "venue_market_closed",
    "EService:Deadline elapsed": "venue_request_expired",
    "EAccount:Invalid permissions": "venue_key_refused",
}
_DUPLICATE = re.compile(r"duplicate", re.IGNORECASE)
_ASKED = re.compile(r"(?<=\w)\?[\w.%~+-]+=\S*")


@dataclass(frozen=True, slots=True)
class Meaning:
    """``code`` is our stable code of a refusal."""

    fate: Fate
    code: str = "venue_refused"


def meaning_of(error: BaseException, *, exchange: str) -> Meaning:
    """What the failure proves. ``absent``: the exchange knows no such order (only a look-up or a cancel may say so)."""
    text = str(error)
    told = _binance(text) if exchange.startswith("binance") else _kraken(text) if exchange == "kraken" else None
    if told is not None:
        return told if told.code != "venue_refused" else Meaning(told.fate, _code(error, text))
    if isinstance(error, errors.ExchangeError) and (isinstance(error, errors.DuplicateOrderId) or _twice(text)):
        return Meaning("exists")
    if isinstance(error, errors.OrderNotFound):
        return Meaning("absent", "venue_order_unknown")
    if isinstance(error, _REFUSED):
        return Meaning("refused", _code(error, text))
    return Meaning("unknown", "outcome_unknown")


def _binance(text: str) -> Meaning | None:
    found = _BINANCE_CODE.search(text)
    if found is None:
        return None
    code = int(found.group(1))
    if code in {-2011, -2013, -2026}:
        return Meaning("absent", "venue_order_unknown")
    if code == _BINANCE_REJECTED and _DUPLICATE.search(text):
        return Meaning("exists")
    if code in _BINANCE_REFUSED:
        return Meaning("refused", _BINANCE_REFUSED[code] or "venue_refused")
    if code in _BINANCE_SERVER:
        return Meaning("unknown", "outcome_unknown")
    return Meaning("refused") if code in _BINANCE_BAD_PARAMETERS else None


def _kraken(text: str) -> Meaning | None:
    found = _KRAKEN_TEXT.search(text)
    if found is None:
        return None
    said = found.group(1)
    if said.startswith(("EOrder:Unknown order", "EOrder:Invalid order")):
        return Meaning("absent", "venue_order_unknown")
    if _DUPLICATE.search(said):
        return Meaning("exists")
    for beginning, code in _KRAKEN_REFUSED.items():
        if said.startswith(beginning):
            return Meaning("refused", code or "venue_refused")
    return None


def _twice(text: str) -> bool:
    """Whether the words speak of a second order of one id. Where they meant something else it is only looked up."""
    return _DUPLICATE.search(text) is not None


def _code(error: BaseException, text: str) -> str:
    for name, code in _BINANCE_FILTERS.items():
        if name in text:
            return code
    if "insufficient balance" in text.lower():
        return "venue_insufficient_funds"
    return next((code for kind, code in _CODES if isinstance(error, kind)), "venue_refused")


def short(error: BaseException) -> str:
    """The failure in one line for people, without what an address was asked: that is long, and it is signed."""
    words = " ".join(_ASKED.sub("", str(error)).split())
    return f"{type(error).__name__}: {words[:200]}".rstrip(": ")
