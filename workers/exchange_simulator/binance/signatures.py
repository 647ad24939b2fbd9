"""Who signs a request, and whether the signature and the time are right."""

import hmac
from hashlib import sha256
from urllib.parse import unquote

from workers.exchange_simulator.binance.errors import declined
from workers.exchange_simulator.calls import Call
from workers.exchange_simulator.engine.accounts import Account

AHEAD_MS = 1_000
DEFAULT_WINDOW_MS, LONGEST_WINDOW_MS = 5_000, 60_000


def check_key(call: Call) -> Account:
    """The account of the key in the header; raises ``Declined`` -2014 or -2015."""
    if not call.headers.get("X-MBX-APIKEY"):
        raise declined(-2014, "API-key format invalid.", 401)
    if call.account is None or call.account.revoked:
        raise declined(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    return call.account


def check_signature(call: Call) -> Account:
    """Key, signature over query and body, and the time window; raises ``Declined``."""
    account = check_key(call)
    payload, signature = _payload(call)
    if not signature:
        raise declined(-1102, "Mandatory parameter 'signature' was not sent, was empty/null, or malformed.")
    _check_digest(account, payload, signature)
    check_time(call.params, call.now_ms)
    return account


def check_socket_signature(account: Account, params: dict[str, str], now_ms: int) -> None:
    """The same for the WebSocket interface: all parameters in alphabetical order; raises ``Declined``."""
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
    _check_digest(account, payload, params.get("signature", ""))
    check_time(params, now_ms)


def check_time(params: dict[str, str], now_ms: int) -> None:
    """Raises ``Declined`` -1021 for a request from the future or past its window."""
    sent, window = params.get("timestamp", ""), params.get("recvWindow", str(DEFAULT_WINDOW_MS))
    if not sent.isdigit():
        raise declined(-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")
    if not window.replace(".", "", 1).isdigit() or float(window) > LONGEST_WINDOW_MS:
        raise declined(-1131, "recvWindow must be less than 60000.")
    if int(sent) >= now_ms + AHEAD_MS:
        raise declined(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - int(sent) > float(window):
        raise declined(-1021, "Timestamp for this request is outside of the recvWindow.")


def _check_digest(account: Account, payload: str, signature: str) -> None:
    expected = hmac.new(account.secret.encode(), payload.encode(), sha256).hexdigest()
    if not hmac.compare_digest(expected, unquote(signature)):
        raise declined(-1022, "Signature for this request is not valid.")


def _payload(call: Call) -> tuple[str, str]:
    signature, parts = "", []
    for text in (call.query, call.body):
        pairs = text.split("&") if text else []
        kept = [pair for pair in pairs if not pair.startswith("signature=")]
        if len(kept) != len(pairs):
            signature = next(pair for pair in pairs if pair.startswith("signature="))[len("signature=") :]
        parts.append("&".join(kept))
    return "".join(parts), signature
