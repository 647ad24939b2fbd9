"""Lead or stand by: where a house takes the lease, keeps it, hands it over, and finds that it lost it.

The memory of the process is told first when leadership ends and last when it begins, so that it never believes more
than the database says.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction

from apps.foundation import after_commit, audit, lease
from apps.foundation.clock import Moment
from apps.foundation.lease import House, Taken
from apps.foundation.lease_memory import LeaseMemory, looks, steady
from apps.management.domain.instance_roles import may_be_first, may_take
from apps.management.models import Instance, Severity
from apps.management.operations.keep_incidents import open_incident
from apps.management.operations.keep_instances import see_instance
from apps.management.operations.stand_down import STAND_DOWN
from apps.management.operations.tell_screens import tell_system_changed
from apps.management.queries.instance_views import promoted_instance
from apps.trading import operations as trading

TAKEN_OVER = "leadership_taken_over"
AT_ONCE = ("workers.fleet.converge", "workers.fleet.watch_health")  # beat would send them half a minute later
AT_ONCE_SECONDS = 60
log = structlog.get_logger(__name__)


def keep_leadership(
    *, house: House, role: str, lives: Mapping[str, timedelta], memory: LeaseMemory, alone: bool, moment: Moment
) -> bool:
    """One look: renew, or take what is free, or let go of what somebody else is to have; True: nothing is pending.

    ``lives``: every account, and how long a request to its venue may be under way. ``alone``: no other process of the
    house sends, so that it may let go at once. A pending takeover wants the next look soon.
    """
    see_instance(house=house, role=role, moment=moment)
    promoted = promoted_instance(moment.wall)
    epoch = memory.belief.epoch
    if epoch and promoted not in {None, house.name}:
        _hand_over(house, epoch, memory, promoted or "", alone=alone, moment=moment)
    elif epoch:
        _renew(house, epoch, lives, memory, moment)
    if not memory.belief.epoch and may_take(role=role, name=house.name, promoted=promoted):
        _take(house, lives, memory, first=may_be_first(role), moment=moment)
    if not memory.leads():
        return True
    epoch = memory.belief.epoch
    return memory.may_send(epoch) and trading.settle_takeover(epoch=epoch, moment=moment)


def _renew(house: House, epoch: int, lives: Mapping[str, timedelta], memory: LeaseMemory, moment: Moment) -> None:
    asked = steady()
    kept = lease.renew(house=house, epoch=epoch)
    if not kept:
        memory.forget()
        _record("leadership.lost", house, {"epoch": epoch}, moment, epoch)
        after_commit.enqueue(STAND_DOWN, queue="fleet", expires=AT_ONCE_SECONDS)
        return
    memory.learn(epoch=epoch, asked=asked)
    if not frozenset(lives) <= kept:
        taken = lease.take(house=house, lives=lives, first=True)  # an account was opened: its lease joins the term
        if taken is not None:
            memory.learn(epoch=taken.epoch, asked=asked, waits=taken.waits)


def _take(house: House, lives: Mapping[str, timedelta], memory: LeaseMemory, *, first: bool, moment: Moment) -> None:
    asked = steady()
    with transaction.atomic(durable=True):
        taken = lease.take(house=house, lives=lives, first=first)
        if taken is None:
            return
        if taken.fresh:
            _begin_term(house, taken, moment)
        for task in AT_ONCE:
            after_commit.enqueue(task, queue=task.split(".")[1], expires=AT_ONCE_SECONDS)
    looks.forget()
    memory.learn(epoch=taken.epoch, asked=asked, waits=taken.waits)
    log.info("leadership_taken", epoch=taken.epoch, fresh=taken.fresh, before=taken.before, waits=taken.waits)


def _begin_term(house: House, taken: Taken, moment: Moment) -> None:
    waits = timedelta(seconds=taken.waits)
    promotion = Instance.objects.filter(name=house.name, promotion_at__isnull=False)
    wish = promotion.values("promotion_by", "promotion_reason").first()
    promotion.update(promotion_at=None)
    if taken.before:
        if not taken.let_go:
            open_incident(
                kind=TAKEN_OVER,
                subject=house.name,
                detail=f"{house.name} took over from {taken.before}, whose lease ended without being let go. Nothing is"
                f" sent for {taken.waits:.0f} s; then every account is compared before risk is added.",
                severity=Severity.WARNING,
                moment=moment,
            )
        trading.begin_takeover(before=taken.before, leader=house.name, epoch=taken.epoch, waits=waits, moment=moment)
    facts = {"epoch": taken.epoch, "before": taken.before, "let_go": taken.let_go, "waits": f"{taken.waits:.1f}"}
    _record("leadership.taken", house, {**facts, **(wish or {})}, moment, taken.epoch)


def _hand_over(house: House, epoch: int, memory: LeaseMemory, to: str, *, alone: bool, moment: Moment) -> None:
    """Let go for another instance: from the first line on nothing of this process leaves any more.

    Where other processes of the house send too, the term is not renewed and ends by itself.
    """
    memory.forget()
    with transaction.atomic(durable=True):
        let_go = bool(alone and lease.release(house=house))
        _record("leadership.handed_over", house, {"epoch": epoch, "to": to, "at_once": let_go}, moment, epoch)
    looks.forget()


def _record(action: str, house: House, facts: dict[str, Any], moment: Moment, epoch: int) -> None:
    with transaction.atomic():
        tell_system_changed()
        audit.append(
            chain=audit.OPERATIONS,
            action=action,
            actor=house.name,
            subject=f"instance:{house.name}",
            payload=facts,
            moment=moment,
            epoch=epoch,
        )
    log.info(action.replace(".", "_"), **facts)
