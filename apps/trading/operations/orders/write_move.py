"""The single door through which an order row changes its state: row, freed funds, events and audit entry together."""

from typing import Any

from django.db import connection

from apps.foundation import audit, outbox
from apps.foundation.clock import Moment
from apps.foundation.database_calls import ask
from apps.foundation.money import plain
from apps.trading.domain.books.ledger_postings import release
from apps.trading.models import Order
from apps.trading.operations.books.post_transfer import TRANSFER, Transfer, transfer_values
from apps.trading.operations.orders.announce_changes import order_event, portfolio_event

_FIELDS = {field.attname: field for field in Order._meta.concrete_fields}  # noqa: SLF001 - Django's documented _meta


def write_move(*, order: Order, changes: dict[str, Any], frees: bool, moment: Moment) -> None:
    """Write ``changes`` (columns by name, the new state among them) of a locked order inside the running transaction.

    ``frees``: the order is done, and what is left of its reservation goes back. One round trip; the audit entry, which
    locks its chain, comes last in it. The order's triggers write the history.
    """
    postings = _freed(order) if frees else []
    sets = ", ".join(f"{_FIELDS[name].column} = %s" for name in changes)
    steps = [TRANSFER] * bool(postings) + [outbox.RECORD, audit.APPEND]
    statement = (
        f"WITH moved AS (UPDATE trading_order SET {sets} WHERE id = %s RETURNING id) "  # noqa: S608 - our own columns
        f"SELECT {', '.join(steps)} FROM moved"
    )
    values = [_FIELDS[name].get_db_prep_save(value, connection) for name, value in changes.items()]
    freed = Transfer(order.portfolio_id, "release", str(order.pk), postings, order.pk)
    done = ask(
        statement,
        [
            *values,
            order.pk,
            *(transfer_values(freed, moment=moment) if postings else []),
            *outbox.record_values([order_event(order.pk), portfolio_event(order.portfolio_id)]),
            *audit.append_values(_entry(order, changes), moment=moment, epoch=changes.get("epoch", order.epoch)),
        ],
    )
    if done is None:
        raise RuntimeError(f"The order {order.pk} was to be locked, and is not there.")


def _freed(order: Order) -> list[Any]:
    return release(side=order.side, asset=order.reserved_asset, amount=order.reserved_left, budget=order.budget)


def _entry(order: Order, changes: dict[str, Any]) -> audit.NewEntry:
    payload = {
        "from": str(order.state),
        "to": str(changes["state"]),
        "note": changes["state_note"],
        "filled_quantity": plain(changes.get("filled_quantity", order.filled_quantity)),
    }
    chain = audit.account_chain(order.portfolio_id)
    return audit.NewEntry(chain, "order.state_changed", changes["state_actor"], f"order:{order.pk}", payload)
