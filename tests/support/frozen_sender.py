"""A process that is frozen while it sends one order: before it claims it, or between the claim and the sending.

It believes for an hour that it leads; frozen before the sending it stands still for longer than that, as its clock says
when it wakes. ``python -m tests.support.frozen_sender ORDER_ID EPOCH claim|send`` stops itself with SIGSTOP at that
place; woken, it goes on and prints what ``submit_order`` answered.
"""

import signal
import sys
import threading
from uuid import UUID

HOUR = 3600.0


def main() -> None:
    import django

    django.setup()
    from apps.foundation.lease_memory import Belief, LeaseMemory, Term, steady
    from apps.market.queries import current_moment
    from apps.trading.adapters.paper_venue import PaperVenue
    from apps.trading.operations.execution.submit_order import submit_order

    order_id, epoch, where = UUID(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    memory = LeaseMemory(Belief(epoch, until=steady() + HOUR))

    class Freezing(PaperVenue):
        def submit(self, *, order, moment):
            if where == "send":
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
                memory.belief = Belief(epoch, until=steady())
            return super().submit(order=order, moment=moment)

    if where == "claim":
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    moment, term = current_moment(), Term(epoch, memory)
    print(submit_order(order_id=order_id, venue=Freezing(), term=term, moment=moment), flush=True)


if __name__ == "__main__":
    main()
