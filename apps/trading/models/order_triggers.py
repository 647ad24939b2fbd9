"""Trigger functions of the order table, written out from ``domain.order_lifecycle`` so that one source rules both."""

from collections.abc import Iterable

import pgtrigger
from django.db import DatabaseError

from apps.foundation.lease import SUBMIT_BUDGET
from apps.trading.domain.orders.order_lifecycle import BIRTH_PATHS, OPEN, TERMINAL, TRANSITIONS

LEASE_LOST = "HQ001"  # SQLSTATE of a class that nobody else uses
LONGEST_PAUSE = "10s"  # of a claimer within its transaction


def _quoted(states: Iterable[str]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


_INTO_HISTORY = (
    "INSERT INTO trading_ordertransition (order_id, from_state, to_state, at_wall, at_firm, actor, note) VALUES "
)
# Accounts are never deleted and never change their portfolio: one look proves both, where two foreign keys locked rows.
_OWNER = (
    "IF NOT EXISTS (SELECT FROM trading_account WHERE name = NEW.account_id AND portfolio_id = NEW.portfolio_id) THEN "
    "RAISE EXCEPTION 'Order %: the portfolio % has no account %', NEW.id, NEW.portfolio_id, NEW.account_id "
    "USING ERRCODE = 'foreign_key_violation'; END IF;"
)
# A check would parse its list of states with every row; here it is parsed once a session.
_ENDED = (
    f"IF (NEW.done_wall IS NULL) <> (NEW.state IN ({_quoted(OPEN)})) THEN "
    "RAISE EXCEPTION 'Order %: an order has an end when it is not open, was % with the end %', "
    "NEW.id, NEW.state, NEW.done_wall USING ERRCODE = 'check_violation'; END IF;"
)
_MOVE = "(NEW.id, {before}, {after}, NEW.state_wall, NEW.state_firm, {actor}, {note})"


def check_birth() -> pgtrigger.Trigger:
    """Refuses a row of another portfolio than its account's, or in a state that needs a history; writes its path."""
    branches = []
    for state, path in BIRTH_PATHS.items():
        steps = ", ".join(
            _MOVE.format(
                before=f"'{path[i - 1]}'" if i else "''",
                after=f"'{step}'",
                actor="NEW.state_actor" if i == len(path) - 1 else "NEW.actor",
                note="NEW.state_note" if i == len(path) - 1 else "''",
            )
            for i, step in enumerate(path)
        )
        branches.append(f"IF NEW.state = '{state}' THEN {_INTO_HISTORY}{steps}; RETURN NULL; END IF;")
    refusal = "RAISE EXCEPTION 'An order can''t be born in %', NEW.state USING ERRCODE = 'check_violation';"
    return pgtrigger.Trigger(
        name="lifecycle_birth",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        func=" ".join([_OWNER, _ENDED, *branches, refusal]),
    )


def check_move() -> pgtrigger.Trigger:
    """Refuses moves that the table doesn't know, a falling filled quantity, an end that is none; writes each move."""
    pairs = ", ".join(f"'{a}>{b}'" for a, after in TRANSITIONS.items() for b in sorted(after))
    return pgtrigger.Trigger(
        name="lifecycle_move",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        func=(
            "IF NEW.filled_quantity < OLD.filled_quantity THEN "
            "RAISE EXCEPTION 'Order %: filled quantity may not fall from % to %', "
            "NEW.id, OLD.filled_quantity, NEW.filled_quantity USING ERRCODE = 'check_violation'; END IF; "
            f"{_ENDED} "
            "IF NEW.state = OLD.state THEN RETURN NULL; END IF; "
            f"IF OLD.state || '>' || NEW.state NOT IN ({pairs}) THEN "
            "RAISE EXCEPTION 'Order %: % can''t become %', NEW.id, OLD.state, NEW.state "
            "USING ERRCODE = 'check_violation'; END IF; "
            + _INTO_HISTORY
            + _MOVE.format(before="OLD.state", after="NEW.state", actor="NEW.state_actor", note="NEW.state_note")
            + "; RETURN NULL;"
        ),
    )


def check_lease() -> pgtrigger.Trigger:
    """Refuses a claim under any term but the lease's running one, or in the last seconds of that.

    The lease is locked till the claim commits, so that nobody begins another term in between; a claimer that freezes
    meanwhile is cut off by the database. An order that the venue proved to have was never claimed by us.
    """
    return pgtrigger.Trigger(
        name="lease_held",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition(
            "NEW.state = 'SUBMITTING' AND OLD.state <> 'SUBMITTING' AND NEW.origin <> 'venue'"
        ),
        declare=[("held", "foundation_lease%ROWTYPE")],
        func=(
            f"PERFORM set_config('idle_in_transaction_session_timeout', '{LONGEST_PAUSE}', true); "  # noqa: S608 - our own
            "SELECT * INTO held FROM foundation_lease WHERE scope = NEW.account_id FOR SHARE; "
            "IF NOT FOUND OR held.epoch = 0 OR held.epoch <> NEW.epoch THEN "
            "RAISE EXCEPTION 'Order % was claimed in epoch %, the lease of % is in epoch %', "
            f"NEW.id, NEW.epoch, NEW.account_id, coalesce(held.epoch, 0) USING ERRCODE = '{LEASE_LOST}'; END IF; "
            f"IF held.expires_at - clock_timestamp() <= interval '{SUBMIT_BUDGET.total_seconds():.0f} s' THEN "
            "RAISE EXCEPTION 'Order %: the lease of % ends at %', NEW.id, NEW.account_id, held.expires_at "
            f"USING ERRCODE = '{LEASE_LOST}'; END IF; "
            "IF held.sends_from > clock_timestamp() THEN "
            "RAISE EXCEPTION 'Order %: a request of an earlier leader may be under way till %', "
            f"NEW.id, held.sends_from USING ERRCODE = '{LEASE_LOST}'; END IF; RETURN NEW;"
        ),
    )


def check_duty() -> pgtrigger.Trigger:
    """Refuses every claim in the database of a research instance, whatever its lease table says."""
    return pgtrigger.Trigger(
        name="research_never_sends",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition("NEW.state = 'SUBMITTING' AND OLD.state <> 'SUBMITTING'"),
        func=(
            "IF EXISTS (SELECT FROM foundation_database_duty WHERE duty = 'research') THEN "
            "RAISE EXCEPTION 'Order %: this is the database of a research instance, which sends nothing', NEW.id "
            "USING ERRCODE = 'check_violation'; END IF; RETURN NEW;"
        ),
    )


def is_lease_lost(error: DatabaseError) -> bool:
    """Whether this is what ``check_lease`` raises."""
    return getattr(error.__cause__, "sqlstate", None) == LEASE_LOST


def check_replacement() -> pgtrigger.Trigger:
    """Refuses a replacement that leaves PROPOSED while the order it replaces lives: never two of them at once."""
    ended = _quoted(TERMINAL)
    return pgtrigger.Trigger(
        name="replacement_waits",
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        condition=pgtrigger.Condition("NEW.replaces_id IS NOT NULL AND NEW.state NOT IN ('PROPOSED', 'DENIED')"),
        func=(
            "IF NOT EXISTS (SELECT 1 FROM trading_order "  # noqa: S608 - names of our own states
            f"WHERE id = NEW.replaces_id AND state IN ({ended})) THEN "
            "RAISE EXCEPTION 'Order % replaces %, which still lives', NEW.id, NEW.replaces_id "
            "USING ERRCODE = 'check_violation'; END IF; RETURN NULL;"
        ),
    )


def written_by_orders() -> pgtrigger.Trigger:
    """Refuses a move that no trigger wrote: the history is what happened to the order, and of one that is there."""
    return pgtrigger.Trigger(
        name="written_by_orders",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        level=pgtrigger.Statement,
        condition=pgtrigger.Condition("pg_trigger_depth() = 0"),
        func=(
            "RAISE EXCEPTION 'The history of orders is written by the orders themselves' "
            "USING ERRCODE = 'restrict_violation';"
        ),
    )
