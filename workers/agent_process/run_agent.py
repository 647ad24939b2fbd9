"""The agent's loop: takes questions from its own queue, answers into its own stream, beats, ends when it is told to.

The beat comes from the loop that also takes the questions, so that a hanging strategy stops it.
"""

import logging
import signal
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import redis

from apps.agents.domain.strategies.contract import Strategy
from apps.agents.domain.strategies.parameter_values import ParameterError
from apps.agents.domain.strategies.registry import UnknownStrategyError, build_strategy
from workers.agent_process.agent_settings import AgentSettings, read_settings
from workers.agent_process.answer_round import abstain_from, answer_round, described, strategy_digest
from workers.agent_process.json_logs import log_json
from workers.agent_process.question_reader import QuestionReader
from workers.agent_process.vote_writer import VoteWriter

BEAT_SECONDS = 5.0
AWAY_SECONDS = 1.0  # between two looks at a Redis that is away
log = logging.getLogger(__name__)


def run_agent() -> int:
    """Vote until SIGTERM or SIGINT; the message at hand is answered first. The exit status."""
    settings = read_settings()
    log_json(settings.queue)
    try:
        strategy = build_strategy(settings.strategy, settings.parameters)
    except (UnknownStrategyError, ParameterError) as error:
        raise SystemExit(str(error)) from None
    told_to_end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told_to_end.set())
    log.info("agent_started", extra={"strategy": settings.strategy, "needs_bars": strategy.needs_bars})
    votes = VotingLoop(settings, strategy).run(told_to_end)
    log.info("agent_stopped", extra={"votes": votes})
    return 0


class VotingLoop:
    """One strategy between its questions and its votes."""

    def __init__(self, settings: AgentSettings, strategy: Strategy) -> None:
        self._strategy = strategy
        self._digest = strategy_digest(strategy, settings.parameters)
        self._reader = QuestionReader(settings)
        self._writer = VoteWriter(settings, needs_bars=strategy.needs_bars)
        self._raised = ""  # by the strategy on a question of the message at hand
        self._beat_file = settings.beat_file
        self._beat_at: float | None = None

    def run(self, told_to_end: threading.Event) -> int:
        """Answer until ``told_to_end``; how many votes were written. A Redis that is away is waited for."""
        while not told_to_end.is_set():
            self._beat_when_due()
            try:
                self._answer(self._reader.next_questions())
            except redis.RedisError as error:
                log.warning("redis_away", extra={"reason": str(error)})
                told_to_end.wait(AWAY_SECONDS)
            except (LookupError, TypeError, ValueError):
                log.exception("message_not_understood")
        return self._writer.votes

    def _answer(self, questions: Sequence[dict[str, Any]]) -> None:
        """Vote on all that still can count. Raises ``redis.RedisError`` where a vote can't be written."""
        answered: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._raised = ""
        try:
            for place, question in enumerate(questions):
                if datetime.now(UTC) > datetime.fromisoformat(question["deadline"]):  # noqa: TID251 - a process's edge
                    log.warning("too_late", extra=_about(question) | {"left": len(questions) - place})
                    break
                if (answer := self._vote(question)) is not None:
                    answered.append((question, answer))
        finally:
            self._writer.flush()
        if answered:
            self._writer.problem = self._raised
        _log_answers(answered)

    def _vote(self, question: dict[str, Any]) -> dict[str, Any] | None:
        began = time.perf_counter()
        try:
            answer = answer_round(self._strategy, question, self._digest)
        except Exception as error:  # a strategy is foreign code, and this is its process's loop
            log.exception("vote_failed", extra=_about(question))
            self._writer.failures += 1
            try:
                answer = abstain_from(question, error, self._digest)
            except (LookupError, TypeError, ValueError):  # the question describes no market: nobody could vote on it
                return None
            self._raised = described(error)
        self._writer.write_vote(answer, bars=len(question["bars"]["close"]), seconds=time.perf_counter() - began)
        return answer

    def _beat_when_due(self) -> None:
        now = time.monotonic()
        if self._beat_at is not None and now - self._beat_at < BEAT_SECONDS:
            return
        self._beat_at = now
        if self._beat_file is not None:
            self._beat_file.touch()
        try:
            self._writer.beat()
        except redis.RedisError as error:
            log.warning("beat_failed", extra={"reason": str(error)})


def _log_answers(answered: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """A line for all votes of a message and one for all features: with many instruments one each would take about as
    long as the votes.
    """
    written = [question for question, answer in answered if "features" in answer]
    if written:
        log.info("features_written", extra=_about_all(written) | {"symbols": [each["symbol"] for each in written]})
    voted = [(question, answer) for question, answer in answered if "features" not in answer]
    if voted:
        votes = {question["symbol"]: None if answer["abstain"] else answer["direction"] for question, answer in voted}
        log.info("voted", extra=_about_all([question for question, _ in voted]) | {"directions": votes})


def _about_all(questions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    ids = [question["correlation_id"] for question in questions]
    return {"closed_at": questions[0]["closed_at"], "correlation_ids": ids}


def _about(question: dict[str, Any]) -> dict[str, Any]:
    return {name: question.get(name) for name in ("round_id", "correlation_id", "symbol", "closed_at")}
