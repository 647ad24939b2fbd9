"""What an exchange answers, checked and turned into the port's terms. Nonsense raises ``Nonsense`` with its facts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Literal

from apps.foundation.money import ZERO
from apps.market.domain.instruments import DEFAULT_MIN_NOTIONAL, InstrumentRules, split_symbol
from apps.trading.ports import VenueBalance, VenueFill, VenueOrderState, VenueReport

_ENDS: dict[str, VenueOrderState] = {"canceled": "CANCELED", "expired": "EXPIRED", "rejected": "REJECTED"}
# Binance's word for an order that waits for another one of its list passes the library as it is: somebody's order of
# that kind must not make the whole list unreadable.
_WORKING = frozenset({"open", "canceling", "pending", "PENDING_NEW"})
_DOUBLE_DIGITS, _MEANT_DIGITS = 15, 12
_DOUBLE = Context(prec=_DOUBLE_DIGITS)
_LONGEST = 200  # characters of an answer that are kept as facts


class Nonsense(Exception):  # noqa: N818 - it becomes one of the port's errors, by what was asked
    """An answer that can't be true or can't be read."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts = {name: str(value)[:_LONGEST] for name, value in facts.items()}


@dataclass(frozen=True, slots=True)
class Reading:
    """How one exchange's answers are read.

    ``ours``: our client order id out of the exchange's form. ``firm_time``: the firm's clock at an exchange's time.
    ``fees_told``: every trade states its fee, so that a missing one is nonsense and not zero. ``closed_in_part``: an
    order that ended before it was filled is called closed, too.
    """

    ours: Callable[[str], str]
    firm_time: Callable[[datetime], datetime]
    fees_told: bool = True
    closed_in_part: bool = False


def number(value: Any, name: str, answer: Any) -> Decimal:
    """A finite decimal out of text. Raises ``Nonsense`` for words, NaN, infinity and nothing."""
    try:
        found = Decimal(value if isinstance(value, str) else str(value))
    except (InvalidOperation, ValueError):
        raise Nonsense(f"{name} was {value!r}, no number.", field=name, was=value, answer=answer) from None
    if not found.is_finite():
        raise Nonsense(f"{name} was {value!r}, no finite number.", field=name, was=value, answer=answer)
    return _without_noise(found)


def _without_noise(value: Decimal) -> Decimal:
    """0.3 for 0.30000000000000004: an exchange that sends binary numbers means the short one.

    Only where the text is that of a binary number, and 15 of its digits leave 12 at most.
    """
    if len(value.as_tuple().digits) <= _DOUBLE_DIGITS or Decimal(repr(float(value))) != value:
        return value
    rounded = _DOUBLE.create_decimal(value).normalize(_DOUBLE)
    return rounded if len(rounded.as_tuple().digits) <= _MEANT_DIGITS else value


def report_of(
    order: Mapping[str, Any], reading: Reading, *, sent: Mapping[str, Any] | None = None, accepted: datetime
) -> VenueReport:
    """The port's report. ``sent``: what a thin answer to our own create leaves out, or tells in words for people, as
    Kraken does with the prices; ``accepted``: firm time.
    """
    known = {**(sent or {}), **{name: value for name, value in order.items() if value is not None}}
    known |= {name: sent[name] for name in ("type", "price") if sent and name in sent}
    words = {name: _text(known, name, order) for name in ("id", "symbol", "side")}
    quantity = _above_zero(known.get("amount"), "amount", order)
    filled = number(known.get("filled", "0" if sent else None), "filled", order)
    if filled < 0:
        raise Nonsense(f"filled was {filled}, below zero.", field="filled", was=filled, answer=_raw(order))
    if words["side"] not in {"buy", "sell"}:
        raise Nonsense(f"side was {words['side']!r}.", field="side", was=words["side"], answer=_raw(order))
    client_id = str(known.get("clientOrderId") or "")
    price = None if known.get("type") == "market" else known.get("price")
    return VenueReport(
        client_order_id=reading.ours(client_id) if client_id else "",
        venue_order_id=words["id"],
        symbol=words["symbol"],
        state=_state(known, quantity, filled, order, reading),
        filled_quantity=filled,
        accepted_firm=accepted,
        reason=f"The exchange says {known.get('status')}." if known.get("status") in _ENDS else "",
        side="buy" if words["side"] == "buy" else "sell",
        type=str(known.get("type") or ""),
        quantity=quantity,
        limit_price=None if price is None else number(price, "price", order),
        fills=_fills_inside(order, words, client_id, reading),
    )


def _fills_inside(
    order: Mapping[str, Any], words: Mapping[str, str], client_id: str, reading: Reading
) -> tuple[VenueFill, ...]:
    """The trades that came with an order's answer, where they are whole; else they are asked for."""
    told = [trade for trade in order.get("trades") or () if trade.get("amount") is not None and trade.get("id")]
    lacking = {**words, "order": words["id"], "timestamp": order.get("timestamp")}
    del lacking["id"]
    filled_in = ({**trade, **{k: v for k, v in lacking.items() if trade.get(k) is None}} for trade in told)
    return tuple(fill_of(trade, reading, client_id=client_id) for trade in filled_in)


def fill_of(trade: Mapping[str, Any], reading: Reading, *, client_id: str = "") -> VenueFill:
    """The port's fill. Its id names the instrument too: many exchanges number trades per instrument."""
    words = {name: _text(trade, name, trade) for name in ("id", "symbol", "side", "order")}
    if words["side"] not in {"buy", "sell"}:
        raise Nonsense(f"side was {words['side']!r}.", field="side", was=words["side"], answer=_raw(trade))
    fee, fee_asset = _fee(trade, words["symbol"], reading)
    return VenueFill(
        venue_trade_id=f"{words['symbol']}:{words['id']}",
        client_order_id=reading.ours(client_id) if client_id else "",
        venue_order_id=words["order"],
        symbol=words["symbol"],
        side="buy" if words["side"] == "buy" else "sell",
        quantity=_above_zero(trade.get("amount"), "amount", trade),
        price=_above_zero(trade.get("price"), "price", trade),
        fee=fee,
        fee_asset=fee_asset,
        liquidity="maker" if trade.get("takerOrMaker") == "maker" else "taker",
        executed_firm=reading.firm_time(time_of(trade)),
    )


def time_of(answer: Mapping[str, Any]) -> datetime:
    """The exchange's time of a trade or an order."""
    stamp = answer.get("timestamp")
    if not isinstance(stamp, int) or stamp <= 0:
        raise Nonsense(f"timestamp was {stamp!r}.", field="timestamp", was=stamp, answer=_raw(answer))
    return datetime.fromtimestamp(stamp / 1000, UTC)


def balances_of(answer: Mapping[str, Any]) -> dict[str, VenueBalance]:
    """Free and used amounts of each asset that there is anything of."""
    found = {}
    for asset, free in (answer.get("free") or {}).items():
        tied = (answer.get("used") or {}).get(asset)
        balance = VenueBalance(
            free=number(free if free is not None else "0", f"free {asset}", asset),
            used=number(tied if tied is not None else "0", f"used {asset}", asset),
        )
        if balance.free < 0 or balance.used < 0:
            raise Nonsense(f"The balance of {asset} is below zero.", field=asset, was=balance.free)
        if balance.free or balance.used:
            found[asset] = balance
    return found


def rules_of(symbol: str, market: Mapping[str, Any]) -> InstrumentRules:
    """Steps and minimums of one instrument; what the exchange leaves out is assumed and named."""
    base, quote = split_symbol(symbol)
    tick, step = market["precision"]["price"], market["precision"]["amount"]
    least, cost = market["limits"]["amount"]["min"], market["limits"]["cost"]["min"]
    if tick is None or step is None:
        raise Nonsense(f"The exchange states no tick or step for {symbol}.", field="precision", symbol=symbol)
    missing = {"min_quantity": least, "min_notional": cost}
    return InstrumentRules(
        symbol=symbol,
        base=base,
        quote=quote,
        tick_size=_above_zero(tick, "tick", symbol),
        step_size=_above_zero(step, "step", symbol),
        min_quantity=number(least if least is not None else step, "least quantity", symbol),
        min_notional=DEFAULT_MIN_NOTIONAL if cost is None else number(cost, "least notional", symbol),
        assumed=tuple(name for name, value in missing.items() if value is None),
    )


def _state(
    known: Mapping[str, Any], quantity: Decimal, filled: Decimal, answer: Any, reading: Reading
) -> VenueOrderState:
    status = known.get("status")
    if status in _ENDS:
        return _ENDS[status]
    if status == "closed":
        if filled < quantity and reading.closed_in_part:
            return "CANCELED"
        if filled < quantity:
            raise Nonsense(
                f"The order is closed, yet {filled} of {quantity} is filled.", field="filled", answer=_raw(answer)
            )
        return "FILLED"
    if status in _WORKING:
        return _working(quantity, filled)
    raise Nonsense(f"status was {status!r}.", field="status", was=status, answer=_raw(answer))


def _working(quantity: Decimal, filled: Decimal) -> Literal["OPEN", "PARTIALLY_FILLED", "FILLED"]:
    if not filled:
        return "OPEN"
    return "PARTIALLY_FILLED" if filled < quantity else "FILLED"


def _fee(trade: Mapping[str, Any], symbol: str, reading: Reading) -> tuple[Decimal, str]:
    stated: Sequence[Mapping[str, Any]] = [
        each for each in (trade.get("fee"), *(trade.get("fees") or ())) if each and each.get("cost") is not None
    ]
    if not stated:
        if reading.fees_told:
            raise Nonsense("The trade states no fee.", field="fee", answer=_raw(trade))
        return ZERO, split_symbol(symbol)[1]
    asset = stated[0].get("currency")
    if not asset:
        raise Nonsense("The fee names no asset.", field="fee", was=stated[0], answer=_raw(trade))
    return number(stated[0]["cost"], "fee", trade), str(asset)


def _above_zero(value: Any, name: str, answer: Any) -> Decimal:
    found = number(value, name, answer)
    if found <= 0:
        raise Nonsense(f"{name} was {found}, not above zero.", field=name, was=found, answer=_raw(answer))
    return found


def _text(answer: Mapping[str, Any], name: str, whole: Any) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise Nonsense(f"{name} was {value!r}.", field=name, was=value, answer=_raw(whole))
    return value


def _raw(answer: Any) -> Any:
    return answer.get("info", answer) if isinstance(answer, Mapping) else answer
