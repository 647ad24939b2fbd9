"""Trigger functions of the order table, written out from ``domain.order_lifecycle`` so that one source rules both."""

import pgtrigger

from apps.trading.domain.order_lifecycle import BIRTH_PATHS, TRANSITIONS

_HISTORY = (
    "INSERT INTO trading_ordertransition (order_id, from_state, to_state, at_wall, at_firm, actor, note) "
    "VALUES (NEW.id, {before}, {after}, NEW.state_wall, NEW.state_firm, {actor}, {note});"
)


def check_birth() -> pgtrigger.Trigger:
    """Refuses a row born in a state that needs a history, and writes the path of the others."""
    branches = []
    for state, path in BIRTH_PATHS.items():
        steps = "".join(
            _HISTORY.format(
                before=f"'{path[i - 1]}'" if i else "''",
                after=f"'{step}'",
                actor="NEW.state_actor" if i == len(path) - 1 else "NEW.actor",
                note="NEW.state_note" if i == len(path) - 1 else "''",
            )
            for i, step in enumerate(path)
        )
        branches.append(f"IF NEW.state = '{state}' THEN {steps} RETURN NULL; END IF;")
    refusal = "RAISE EXCEPTION 'An order can''t be born in %', NEW.state USING ERRCODE = 'check_violation';"
    return pgtrigger.Trigger(
        name="lifecycle_birth",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        func=" ".join([*branches, refusal]),
    )


def check_move() -> pgtrigger.Trigger:
    """Refuses moves that the table doesn't know and falling filled quantities; writes each move into the history."""
    pairs = ", ".join(f"'{a}>{b}'" for a, after in TRANSITIONS.items() for b in sorted(after))
    return pgtrigger.Trigger(
        name="lifecycle_move",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        func=(
            "IF NEW.filled_quantity < OLD.filled_quantity THEN "
            "RAISE EXCEPTION 'Order %: filled quantity may not fall from % to %', "
            "NEW.id, OLD.filled_quantity, NEW.filled_quantity USING ERRCODE = 'check_violation'; END IF; "
            "IF NEW.state = OLD.state THEN RETURN NULL; END IF; "
            f"IF OLD.state || '>' || NEW.state NOT IN ({pairs}) THEN "
            "RAISE EXCEPTION 'Order %: % can''t become %', NEW.id, OLD.state, NEW.state "
            "USING ERRCODE = 'check_violation'; END IF; "
            + _HISTORY.format(before="OLD.state", after="NEW.state", actor="NEW.state_actor", note="NEW.state_note")
            + " RETURN NULL;"
        ),
    )
