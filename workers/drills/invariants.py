"""What must hold after every drill, asked of the firm's database and of the exchange's own log; findings are sentences.

The numbers are those of the list of invariants in ``docs/guides/drills.md``.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from apps.trading.operations.books.books_checks import CHECKS
from workers.drills.scenario import Firm

Truth = dict[str, Any]
RACE_SECONDS = 1  # between the clock read of an operation and its commit
_OPEN_THERE = frozenset({"ACCEPTED", "PARTIALLY_FILLED", "PENDING_CANCEL"})
_OPEN_STATUS = frozenset({"new", "partially_filled"})
_OURS = (
    "SELECT client_order_id, filled_quantity, filled_cost, state, proposed_wall, origin FROM trading_order "
    "WHERE account_id = %s"
)


IMPORTED = "venue"  # the origin of an order that the exchange proved and the books lacked: nobody sent it then
_TOLD_OF = (
    "SELECT DISTINCT o.client_order_id FROM trading_reconciliationbreak b JOIN trading_order o ON o.id = b.order_id "
    "WHERE b.account_id = %s"
)
# After a restore: orders that waited here when the exchange proved that the record which is lost had sent them.
_SENT_BY_A_LOST_RECORD = (
    "SELECT o.client_order_id FROM trading_ordertransition t JOIN trading_order o ON o.id = t.order_id "
    "WHERE o.account_id = %s AND t.actor = 'reconciliation' AND t.to_state = 'UNKNOWN' "
    "AND t.from_state IN ('PROPOSED', 'APPROVED', 'ARMED') "
    "AND EXISTS (SELECT FROM foundation_audit_entry WHERE action = 'record.restored')"
)


def requests_there(firm: Firm) -> list[dict[str, Any]]:
    """Every request that reached the exchange, of all accounts: a long list after thousands of orders."""
    found: list[dict[str, Any]] = firm.exchange("GET", "truth?fact=request")
    return found


def check_invariants(firm: Firm, requests: list[dict[str, Any]] | None = None) -> list[str]:
    """Everything that is wrong; empty when all invariants hold. ``requests``: those that were read already."""
    requests = requests_there(firm) if requests is None else requests
    books = firm.exchange("GET", f"books?account={firm.account}")
    orders = {str(row[0]): row[1:] for row in firm.rows(_OURS, firm.account)}
    truth = {"requests": requests, "books": books, "ours": orders}
    return [f"{name}: {text}" for name, check in INVARIANTS.items() for text in check(firm, truth)]


def _books_add_up(firm: Firm, _: Truth) -> list[str]:
    return [f"{check.name}: {text}" for check in CHECKS for (text,) in firm.rows(check.filled(check.wrong))[:5]]


def _position_is_what_the_venue_has(firm: Firm, truth: Truth) -> list[str]:
    rows = firm.rows(
        "SELECT l.asset, sum(l.balance) FROM trading_ledgeraccount l JOIN trading_account a USING (portfolio_id) "
        "WHERE a.name = %s AND l.kind IN ('available', 'reserved', 'position') AND NOT (l.kind = 'position' AND "
        "l.asset = (SELECT base_currency FROM trading_portfolio p WHERE p.id = a.portfolio_id)) GROUP BY l.asset",
        firm.account,
    )
    ours = {asset: Decimal(total) for asset, total in rows if total}
    there = {
        asset: Decimal(held["free"]) + Decimal(held["locked"])
        for asset, held in truth["books"]["balances"].get(firm.account, {}).items()
    }
    return [
        f"{asset}: our books say {ours.get(asset, 0)}, the exchange {there.get(asset, 0)}."
        for asset in sorted(ours.keys() | there.keys())
        if ours.get(asset, Decimal(0)) != there.get(asset, Decimal(0))
    ]


def _fills_add_up(_: Firm, truth: Truth) -> list[str]:
    filled: dict[str, Decimal] = defaultdict(Decimal)
    cost: dict[str, Decimal] = defaultdict(Decimal)
    for trade in truth["books"]["fills"]:
        filled[trade["client_id"]] += Decimal(trade["quantity"])
        cost[trade["client_id"]] += Decimal(trade["quantity"]) * Decimal(trade["price"])
    return [
        f"order {name}: filled {quantity} for {paid} here, {filled[name]} for {cost[name]} at the exchange."
        for name, (quantity, paid, *_) in truth["ours"].items()
        if (Decimal(quantity), Decimal(paid)) != (filled[name], cost[name])
    ]


def _states_agree(_: Firm, truth: Truth) -> list[str]:
    """Late fills may lie behind the end of an order; what is open on one side only may not be.

    What was executed whole is filled, also where the exchange had called it canceled before the last fill.
    """
    there = {order["client_id"]: order for order in truth["books"]["orders"] if not order["foreign"]}
    wrong = []
    for name, (_filled, _cost, state, *_rest) in truth["ours"].items():
        order = there.get(name)
        status = order["status"] if order else "not there"
        whole = order is not None and (
            status == "filled" or Decimal(order["filled"]) == Decimal(order["quantity"]) != 0
        )
        if (state in _OPEN_THERE) != (status in _OPEN_STATUS) or (state == "FILLED" and not whole):
            wrong.append(f"order {name} is {state} here, {status} at the exchange.")
    return wrong


def _late_fills_only(firm: Firm, _: Truth) -> list[str]:
    moved = firm.rows(
        "SELECT order_id, from_state, to_state FROM trading_ordertransition WHERE from_state IN "
        "('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED', 'DENIED', 'NOT_PLACED')"
    )
    return [f"order {order}: {before} became {after}." for order, before, after in moved]


def _each_trade_once(firm: Firm, _: Truth) -> list[str]:
    twice = firm.rows(
        "SELECT account_id, venue_trade_id, count(*) FROM trading_fill GROUP BY 1, 2 HAVING count(*) > 1 UNION ALL "
        "SELECT cause_kind, cause_id, count(*) FROM trading_ledgertransfer WHERE cause_kind = 'fill' "
        "GROUP BY 1, 2 HAVING count(*) > 1"
    )
    return [f"trade {trade} of {account} was posted {count} times." for account, trade, count in twice]


def _one_create(_: Firm, truth: Truth) -> list[str]:
    count = Counter(
        x["params"].get("newClientOrderId") or x["params"].get("cl_ord_id")
        for x in truth["requests"]
        if x["operation"] == "create"
    )
    return [f"order {name} was sent {times} times." for name, times in count.items() if times > 1]


def _known_before_sent(firm: Firm, truth: Truth) -> list[str]:
    """Or taken in from the exchange, as after a restore, and told of as a break; or made anew by the books that were
    restored, under the id that it had, and taken as sent.
    """
    told = {name for (name,) in firm.rows(_TOLD_OF, firm.account)}
    taken_as_sent = {name for (name,) in firm.rows(_SENT_BY_A_LOST_RECORD, firm.account)}
    found = []
    for order in truth["books"]["orders"]:
        if order["foreign"]:
            continue
        ours = truth["ours"].get(order["client_id"])
        if ours is None:
            found.append(f"the exchange has order {order['client_id']}, which our books don't know.")
        elif ours[4] == IMPORTED:
            if order["client_id"] not in told:
                found.append(f"order {order['client_id']} was taken in from the exchange, and no break tells of it.")
        elif order["client_id"] in taken_as_sent:
            continue
        elif ours[3].timestamp() * 1000 > order["created_ms"] + RACE_SECONDS * 1000:
            found.append(f"order {order['client_id']} was stored after the exchange made it.")
    return found


def _judged_before_sent(firm: Firm, _: Truth) -> list[str]:
    rows = firm.rows(
        "SELECT DISTINCT o.id FROM trading_order o JOIN trading_ordertransition t ON t.order_id = o.id "
        "AND t.to_state = 'SUBMITTING' WHERE o.gate_digest = '' OR jsonb_array_length(o.verdicts) = 0 "
        "OR jsonb_path_exists(o.verdicts, '$[*] ? (@.allowed == false)')"
    )
    return [f"order {order} was sent without a verdict that let it pass." for (order,) in rows]


def _halted_sends_nothing(firm: Firm, _: Truth) -> list[str]:
    rows = firm.rows(
        "SELECT DISTINCT o.id, c.state, c.kind FROM trading_order o "
        "JOIN trading_ordertransition t ON t.order_id = o.id AND t.to_state = 'SUBMITTING' "
        "JOIN trading_statecause c ON c.account IN ('', o.account_id) "
        "AND t.at_wall > c.opened_wall + interval '1 s' "
        "AND t.at_wall < coalesce(c.closed_wall, now()) - interval '1 s' "
        "WHERE o.side = 'buy' AND NOT o.is_protective AND o.origin <> %s",
        IMPORTED,
    )
    return [f"order {order} was sent while {kind} meant {state}." for order, state, kind in rows]


def _told_in_order(firm: Firm, _: Truth) -> list[str]:
    waiting = firm.rows(
        "SELECT count(*) FROM foundation_outbox_event "
        "WHERE published_at IS NULL AND created_at < now() - interval '15 s'"
    )[0][0]
    swapped = firm.rows(
        "SELECT aggregate, count(*) FROM (SELECT aggregate, published_at < lag(published_at) "
        "OVER (PARTITION BY aggregate ORDER BY id) AS bad FROM foundation_outbox_event "
        "WHERE published_at IS NOT NULL AND aggregate LIKE 'order:%') told WHERE bad GROUP BY 1"
    )
    return [
        *([f"{waiting} events have not been told."] if waiting else []),
        *(f"{count} events of {name} were told before an earlier one." for name, count in swapped),
    ]


def _unknown_keeps_its_funds(firm: Firm, _: Truth) -> list[str]:
    bare = firm.rows("SELECT id FROM trading_order WHERE state = 'UNKNOWN' AND side = 'buy' AND reserved_left <= 0")
    meanwhile = firm.rows(
        "SELECT o.id, u.order_id FROM (SELECT t.order_id, t.id AS first, lead(t.id) OVER (PARTITION BY t.order_id "
        "ORDER BY t.id) AS last, t.to_state, o.account_id, o.symbol FROM trading_ordertransition t "
        "JOIN trading_order o ON o.id = t.order_id) u JOIN trading_order o ON o.account_id = u.account_id "
        "AND o.symbol = u.symbol AND o.id <> u.order_id AND o.side = 'buy' JOIN trading_ordertransition a "
        "ON a.order_id = o.id AND a.to_state = 'APPROVED' AND a.id > u.first AND a.id < coalesce(u.last, 9e18) "
        "WHERE u.to_state = 'UNKNOWN'"
    )
    return [
        *(f"order {order} is unknown and holds no funds." for (order,) in bare),
        *(f"order {order} was approved while {unknown} was unknown." for order, unknown in meanwhile),
    ]


def _within_the_quota(_: Firm, truth: Truth) -> list[str]:
    refused = [x for x in truth["requests"] if x["answered"] in {"418", "429"} and not x["faults"]]
    return [f"the exchange refused {len(refused)} requests as too many."] if refused else []


def _at_rest(firm: Firm, _: Truth) -> list[str]:
    rows = firm.rows(
        "SELECT id, state FROM trading_order WHERE state IN ('SUBMITTING', 'UNKNOWN', 'PENDING_CANCEL', 'APPROVED') "
        "AND state_wall < now() - interval '20 s' AND NOT EXISTS (SELECT 1 FROM trading_account a "
        "WHERE a.name = account_id AND NOT a.enabled)"
    )
    return [f"order {order} stands still in {state}." for order, state in rows]


INVARIANTS: dict[str, Callable[[Firm, Truth], list[str]]] = {
    "I1 the books add up": _books_add_up,
    "I2 we hold what the exchange says": _position_is_what_the_venue_has,
    "I3 fills are those of the exchange": _fills_add_up,
    "I3 states are those of the exchange": _states_agree,
    "I4 what ended stays ended": _late_fills_only,
    "I5 each trade is posted once": _each_trade_once,
    "I6 each order is sent at most once": _one_create,
    "I7 each order is known before it is sent": _known_before_sent,
    "I8 each order is judged before it is sent": _judged_before_sent,
    "I11 no new risk while trading is restricted": _halted_sends_nothing,
    "I12 events are told, in order": _told_in_order,
    "I19 unknown orders keep their funds": _unknown_keeps_its_funds,
    "I20 within the exchange's quota": _within_the_quota,
    "I21 the firm comes to rest": _at_rest,
}
