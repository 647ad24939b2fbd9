"""The worker: takes questions from its own queue, answers into its own stream, beats, ends cleanly."""

import logging
import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis
from celery import Celery, bootsteps
from celery.signals import task_received
from celery.worker import state

from apps.agents.domain.strategies.parameter_values import ParameterError
from apps.agents.domain.strategies.registry import UnknownStrategyError, build_strategy
from workers.agent_process.agent_settings import AgentSettings, read_settings
from workers.agent_process.answer_round import answer_round, strategy_digest
from workers.agent_process.json_logs import log_json
from workers.agent_process.progress_watch import ProgressWatch
from workers.agent_process.question_transport import QuestionTransport
from workers.agent_process.vote_writer import VoteWriter

VOTE_TASK = "agent.vote"
TICK_SECONDS = 1.0  # how soon a request to end is noticed
TICKS_A_BEAT = 5
STUCK_STATUS = 70  # EX_SOFTWARE: the supervisor starts the agent again
STRATEGY_FAILURES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
log = logging.getLogger(__name__)


def run_agent() -> int:
    """Vote until SIGTERM or SIGINT; the exit status."""
    settings = read_settings()
    log_json(settings.queue)
    try:
        strategy = build_strategy(settings.strategy, settings.parameters)
    except (UnknownStrategyError, ParameterError) as error:
        raise SystemExit(str(error)) from None
    writer = VoteWriter(settings, needs_bars=strategy.needs_bars)
    app = _worker_app(settings)
    digest = strategy_digest(strategy, settings.parameters)

    def vote(question: dict[str, Any]) -> None:
        began = time.perf_counter()
        try:
            answer = answer_round(strategy, question, digest)
        except STRATEGY_FAILURES:
            log.exception("vote_failed", extra=_about(question))
            return
        writer.write_vote(answer, bars=len(question["bars"]["close"]), seconds=time.perf_counter() - began)
        told = {name: answer[name] for name in ("direction", "abstain") if name in answer}
        log.info("voted" if told else "features_written", extra=_about(question) | told)

    @app.task(name=VOTE_TASK)
    def vote_on_all(questions: list[dict[str, Any]]) -> None:
        try:
            for place, question in enumerate(questions):
                if datetime.now(UTC) > datetime.fromisoformat(question["deadline"]):  # noqa: TID251 - a process's edge
                    log.warning("too_late", extra=_about(question) | {"left": len(questions) - place})
                    return
                vote(question)
        finally:
            writer.flush()

    _beat_from_the_loop(app, writer, settings.beat_file)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_soon)
    log.info("agent_started", extra={"strategy": settings.strategy, "needs_bars": strategy.needs_bars})
    status = _work(app, settings)
    log.info("agent_stopped", extra={"votes": writer.votes})
    return status


def _worker_app(settings: AgentSettings) -> Celery:
    app = Celery(settings.queue, broker=settings.redis_url, set_as_current=True)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_create_missing_queues=True,
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport=f"{QuestionTransport.__module__}:{QuestionTransport.__qualname__}",
        broker_transport_options={
            "socket_keepalive": True,
        },
    )
    return app


def _beat_from_the_loop(app: Celery, writer: VoteWriter, beat_file: Path | None) -> None:
    """The beat comes from the loop that also takes questions, so a hanging strategy stops it."""

    class Beat(bootsteps.StartStopStep):
        requires = ("celery.worker.components:Hub", "celery.worker.components:Timer")

        def start(self, worker: Any) -> None:
            self._ticks = 0
            self._watch = ProgressWatch()
            self._taken = 0
            task_received.connect(self._on_received, weak=False)
            self._tick()
            self._entry = worker.timer.call_repeatedly(TICK_SECONDS, self._tick)

        def stop(self, worker: Any) -> None:  # noqa: ARG002 - Celery's signature
            self._entry.cancel()

        def _tick(self) -> None:
            if self._ticks % TICKS_A_BEAT == 0:
                _try_to_beat(writer)
                if beat_file is not None:
                    beat_file.touch()
                self._end_if_stuck()
            self._ticks += 1

        def _on_received(self, **_: Any) -> None:
            self._taken += 1

        def _end_if_stuck(self) -> None:
            """A consumer whose Redis died at a bad moment may never take again; a new process always does."""
            try:
                waiting = writer.questions_waiting()
            except redis.RedisError:
                return
            if self._watch.stuck(waiting=waiting, taken=self._taken):
                log.error("agent_stuck", extra={"waiting": waiting, "taken": self._taken})
                os._exit(STUCK_STATUS)  # at once: whatever hangs must not hold up the end, and nothing here is lost

    app.steps["worker"].add(Beat)


def _try_to_beat(writer: VoteWriter) -> None:
    try:
        writer.beat()
    except redis.RedisError as error:
        log.warning("beat_failed", extra={"reason": str(error)})


def _work(app: Celery, settings: AgentSettings) -> int:
    worker = app.WorkController(
        pool_cls="solo",
        concurrency=1,
        queues=[settings.queue],
        hostname=f"{settings.queue}@here",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _end_soon(*_: Any) -> None:
    state.should_stop = 0


def _about(question: dict[str, Any]) -> dict[str, Any]:
    return {name: question.get(name) for name in ("round_id", "correlation_id", "symbol", "closed_at")}
