"""The loop that compares accounts with their venues, at the executor's start first of all.

It lives in the execution worker: only there the keys are open, and what holds new risk back may not hang on a message.
"""

from collections import defaultdict
from threading import Lock

from apps.foundation import lease_memory
from apps.foundation.loops import Loop, each_of
from apps.market import queries as market
from apps.trading import operations as trading
from apps.trading.ports import Venue
from apps.trading.wiring import all_venues

_running: defaultdict[str, Lock] = defaultdict(Lock)


def owe_comparisons() -> None:
    """Note that the executor has just started: nobody knows what happened meanwhile. Who stands by knows it never."""
    if lease_memory.standing_by():
        return
    trading.require_reconciliation(moment=market.current_moment())


def compare(venue: Venue, *, due_only: bool = False) -> bool:
    """Compare the account unless this process is about it already: one that takes long must not take every thread.

    ``due_only``: and only where a comparison is due.
    """
    with_turn = _running[venue.account]
    if not with_turn.acquire(blocking=False):
        return False
    try:
        moment = market.current_moment()
        if due_only:
            return trading.reconcile_due(venue=venue, moment=moment)
        return trading.reconcile_account(venue=venue, moment=moment).finished
    finally:
        with_turn.release()


def reconcile_due_accounts() -> bool:
    """Compare the accounts that are due, disabled ones too: they must have passed before they are enabled."""
    each_of(all_venues(), lambda venue: compare(venue, due_only=True))
    return False


LOOPS = (Loop(name="reconciliation", step=reconcile_due_accounts, idle_seconds=2.0, first=owe_comparisons),)
