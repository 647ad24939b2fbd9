"""What the simulator is started with."""

import json
from argparse import ArgumentParser
from base64 import b64encode
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Any

from workers.exchange_simulator.engine.accounts import Account, Balance

SYMBOLS = "BTC/USDT,ETH/USDT,SOL/USDT"
FIRST_BALANCES = {"USDT": "1000"}


@dataclass(frozen=True, slots=True)
class Options:
    """Parsed arguments; ``prices`` is ``generated``, ``recorded`` or a folder with candle files."""

    host: str
    port: int
    control_port: int
    prices: str
    symbols: tuple[str, ...]
    seed: int
    source: str
    speed: float
    start: str
    shift_to_now: bool
    tick: float
    level_value: Decimal
    spread_bps: Decimal
    weight_limit: int
    order_limit: int
    accounts: Path | None
    state: Path | None


def read_options(arguments: list[str] | None = None) -> Options:
    """Options from the command line."""
    given = _parser().parse_args(arguments)
    words = tuple(word.strip() for word in given.symbols.split(",") if word.strip())
    return Options(**{**vars(given), "symbols": words})


def read_accounts(path: Path | None) -> list[Account]:
    """The accounts of a JSON file (a list of objects); without one, a single account with a new key, to be printed."""
    if path is None:
        made = {"name": "first", "key": token_hex(24), "secret": b64encode(token_bytes(48)).decode()}
        return [account_of({**made, "balances": FIRST_BALANCES})]
    return [account_of(fields) for fields in json.loads(path.read_text())]


def account_of(fields: dict[str, Any]) -> Account:
    """``name``, ``key``, ``secret``, ``balances``, and where wanted ``maker_rate``, ``taker_rate``, ``fee_in``,
    ``can_trade``, ``can_withdraw``. Raises ``KeyError`` for a missing one.
    """
    balances = {asset: Balance(Decimal(str(amount))) for asset, amount in fields.get("balances", {}).items()}
    return Account(
        name=str(fields["name"]),
        key=str(fields["key"]),
        secret=str(fields["secret"]),
        balances=balances,
        maker_rate=Decimal(str(fields.get("maker_rate", "0.001"))),
        taker_rate=Decimal(str(fields.get("taker_rate", "0.001"))),
        fee_in=str(fields.get("fee_in", "received")),
        can_trade=bool(fields.get("can_trade", True)),
        can_withdraw=bool(fields.get("can_withdraw", False)),
    )


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="manage.py simulate_exchange",
        description="Run an exchange on this machine: Binance's and Kraken's spot interfaces, failing on request.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on; keep it on loopback")
    add("--port", type=int, default=8099, help="0: any free one, printed")
    add(
        "--control-port",
        type=int,
        default=0,
        help="a second port for /control/ that stays open while the first refuses",
    )
    add("--prices", default="generated", help="generated, recorded (RECORDED_DIR), or a folder with candle files")
    add("--symbols", default=SYMBOLS, help=f"default {SYMBOLS}")
    add("--seed", type=int, default=5, help="of generated prices, book sizes and faults")
    add("--source", default="simulated-a", help="which venue of the generated market")
    add("--speed", type=float, default=1.0, help="market seconds in a second; 0: only /control/advance moves prices")
    add("--start", default="", help="market time to start at, ISO 8601 UTC; default: now, or 500 bars into a recording")
    add("--shift-to-now", action="store_true", help="give recorded bars today's times")
    add("--tick", type=float, default=0.25, help="seconds between two price moves")
    add("--level-value", type=Decimal, default=Decimal(5_000), help="mean worth of one book level in the quote asset")
    add("--spread-bps", type=Decimal, default=Decimal(2))
    add("--weight-limit", type=int, default=6_000, help="request weight per minute and address")
    add("--order-limit", type=int, default=100, help="new orders in ten seconds and account")
    add("--accounts", type=Path, help="JSON file: [{name, key, secret, balances: {USDT: 1000}, fee_in, ...}]")
    add("--state", type=Path, help="truth log on disk; a restart goes on from it")
    return parser
