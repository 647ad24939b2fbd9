"""The folds of a search by command, side by side: a process of its own each, as many at once as there are processors.

Folds know nothing of each other, so the report is the same however many run at once. A process that ends early ends
the search with a sentence; when the command is interrupted, its processes are ended with it.
"""

import os
import pickle
import signal
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Any

import django

from apps.agents.domain.search.search_report import TestedFold
from apps.agents.domain.search.walk_forward import Fold
from apps.foundation.errors import Refused
from tradinghq.instance_secrets import keep_none

if TYPE_CHECKING:  # the rooms need their tables, which a new process has only after django.setup()
    from apps.agents.operations import SearchedCandles, SearchWish

STEP = 0.01  # of a fold, between two words about it
Told = Callable[[int, float], None]  # number of the fold, share of it that is done


class FoldFailed(Exception):  # noqa: N818 - an answer of another process, told to a person
    """A strategy raised, which its process has told on the error output, or the process was ended."""


@dataclass
class _Running:
    fold: Fold
    process: SpawnProcess


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def folds_side_by_side(
    wish: "SearchWish", folds: Sequence[Fold], candles: "SearchedCandles", *, processes: int, told: Told
) -> list[TestedFold]:
    """All folds, tested, in their order. Raises ``Refused`` as a fold does, and ``FoldFailed``."""
    waiting = deque(sorted(folds, key=lambda fold: fold.train_from - fold.train_until))  # the longest first
    running: dict[Connection, _Running] = {}
    done: dict[int, TestedFold] = {}
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                connection, begun = _begin(wish, waiting.popleft(), candles)
                running[connection] = begun
            heard = wait(list(running))
            for connection in [one for one in running if one in heard]:
                _hear(connection, running, done, told)
    finally:
        for one in running.values():
            one.process.terminate()
            one.process.join()
    return [done[fold.number] for fold in folds]


def _begin(wish: "SearchWish", fold: Fold, candles: "SearchedCandles") -> tuple[Connection, _Running]:
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_search, args=(theirs, pickle.dumps((wish, fold, candles))), daemon=True)
    process.start()
    theirs.close()  # so that its end is seen when the process ends
    return ours, _Running(fold, process)


def _hear(connection: Connection, running: dict[Connection, _Running], done: dict[int, TestedFold], told: Told) -> None:
    one = running[connection]
    try:
        kind, word = connection.recv()
    except EOFError:
        one.process.join()
        raise FoldFailed(
            f"The process of fold {one.fold.number + 1} ended early with {one.process.exitcode}: what it raised stands "
            "above. Where nothing does, the system ended it, as it does where memory is short: take --processes 1."
        ) from None
    if kind == "seen":
        told(one.fold.number, word)
        return
    del running[connection]
    connection.close()
    one.process.join()
    if kind == "refused":
        raise Refused(word["message"], code=word["code"], field=word["field"])
    told(one.fold.number, 1.0)
    done[one.fold.number] = word


def _search(connection: Connection, packed: bytes) -> None:
    """In the new process: one fold, and what is seen of it on the way."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells all of them; the command ends us
    keep_none()  # nor does a process of the command write into a home that is none
    django.setup()
    from apps.agents import operations as agents
    from apps.agents.wiring import parameter_sampler

    wish, fold, candles = pickle.loads(packed)  # noqa: S301 - written by the process that started this one
    last = 0.0

    def seen(share: float) -> None:
        nonlocal last
        if share - last >= STEP:
            last = share
            connection.send(("seen", share))

    try:
        answer: tuple[str, Any] = (
            "done",
            agents.search_fold(
                wish=wish, fold=fold, candles=candles, sampler=parameter_sampler(), trials=[], seen=seen
            ),
        )
    except Refused as error:
        answer = "refused", {"message": error.message, "code": error.code, "field": error.field}
    except BrokenPipeError:  # the command is gone
        return
    connection.send(answer)
