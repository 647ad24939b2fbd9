"""An order from intent to commit, in process, against six statements of bare psycopg; alone and by four at once.

Ours: rules, marks, twenty-odd verdicts, order, history, reservation in the ledger, outbox and audit entry, committed.
Not counted: the message to the broker, which leaves after the commit.
"""

import multiprocessing
import os
import statistics
import time
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

import psycopg

from tests.benchmarks import bare_order, order_desk
from tests.benchmarks.measure import Line, in_turns, milliseconds, p50, p99

TURNS, BATCH = 20, 10
WARM_UP = 15
SHARE = 60  # orders of each process in a concurrent turn
CONCURRENT_TURNS = 3


def run() -> list[Line]:
    """p50 of one order, ours and bare in turns over one connection each."""
    order_desk.open_accounts()
    ours, bare = measure(TURNS)
    return [
        Line(
            f"order transaction in process, p50 ms (p99 {p99(ours):.1f}, bare {p99(bare):.1f})",
            f"{p50(ours):.2f}",
            f"{p50(bare):.2f}",
            f"{p50(ours) / p50(bare):.2f}",
            "<= 1.5",
        )
    ]


def measure(turns: int) -> tuple[list[float], list[float]]:
    """Milliseconds of our orders and of bare ones, in turns of ten; our book is emptied between the turns."""
    place = order_desk.Placer(order_desk.ACCOUNTS[0])
    ours: list[float] = []
    theirs: list[float] = []
    with psycopg.connect(os.environ["DATABASE_URL"]) as bare:
        portfolio = bare_order.make_tables(bare)[0]
        in_turns(1, WARM_UP, place, lambda: bare_order.place(bare, portfolio))
        for _ in range(turns):
            order_desk.let_time_pass()
            place.look()
            for _ in range(2):  # both sides are warm again after the clean-up
                place()
                bare_order.place(bare, portfolio)
            ours += [milliseconds(place) for _ in range(BATCH)]
            theirs += [milliseconds(lambda: bare_order.place(bare, portfolio)) for _ in range(BATCH)]
    return ours, theirs


def run_concurrent() -> list[Line]:
    """Orders a second: four processes on four accounts, and on one, against one process; bare psycopg beside it."""
    bare = _concurrent(_bare_worker, 4)
    order_desk.open_accounts()
    ours = _concurrent(_our_worker, 4)
    lines = []
    for number, (what, goal) in enumerate([("four accounts", ">= 1.6"), ("one account", ">= 0.7")], start=1):
        lines.append(
            Line(
                f"orders/s, four processes on {what} against one process (bare: the same in psycopg)",
                f"{ours[number]:,.0f} : {ours[0]:,.0f}",
                f"{bare[number]:,.0f} : {bare[0]:,.0f} = {bare[number] / bare[0]:.2f}",
                f"{ours[number] / ours[0]:.2f}",
                goal,
            )
        )
    return lines


def _concurrent(worker, processes: int) -> tuple[float, float, float]:
    """Orders a second of one process, of four on books of their own and of four on one book; medians of the turns."""
    alone: list[float] = []
    apart: list[float] = []
    together: list[float] = []
    for _ in range(CONCURRENT_TURNS):
        alone.append(_rate(worker, [0], SHARE))
        apart.append(_rate(worker, list(range(processes)), SHARE))
        together.append(_rate(worker, [0] * processes, SHARE // processes))
    return statistics.median(alone), statistics.median(apart), statistics.median(together)


def _rate(worker, books: list[int], share: int) -> float:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(books))
    running, answers = [], []
    for book in books:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=worker, args=(book, share, barrier, theirs))
        process.start()
        theirs.close()  # so that a worker that fails is heard of
        running.append(process)
        answers.append(ours)
    spans = [answer.recv() for answer in answers]
    for process in running:
        process.join(30)
    if worker is _our_worker:
        order_desk.let_time_pass()
    return len(books) * share / (max(end for _, end in spans) - min(start for start, _ in spans))


def _our_worker(book: int, share: int, barrier: Barrier, answer: Connection) -> None:
    import django

    django.setup()
    place = order_desk.Placer(order_desk.ACCOUNTS[book])
    for _ in range(WARM_UP):
        place()
    _timed(place, share, barrier, answer)


def _bare_worker(book: int, share: int, barrier: Barrier, answer: Connection) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        if book == 0 and barrier.parties == 1:
            bare_order.make_tables(connection)
        portfolio = bare_order.portfolios(connection)[book]
        for _ in range(WARM_UP):
            bare_order.place(connection, portfolio)
        _timed(lambda: bare_order.place(connection, portfolio), share, barrier, answer)


def _timed(place, share: int, barrier: Barrier, answer: Connection) -> None:
    barrier.wait(60)
    start = time.monotonic()
    for _ in range(share):
        place()
    answer.send((start, time.monotonic()))
