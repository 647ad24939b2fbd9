"""Keep what a venue said that can't be true as a break."""

from collections.abc import Iterable, Mapping
from typing import Any

from apps.foundation.clock import Moment
from apps.foundation.errors import HQError
from apps.trading.domain.break_kinds import BreakKind
from apps.trading.operations.record_break import record_break
from apps.trading.ports import BadVenueAnswer, BadVenueOutcome


def note_bad_answer(*, account: str, symbol: str, failure: HQError, moment: Moment) -> None:
    """Nothing for a failure of another kind: those are measured, not kept."""
    if isinstance(failure, (BadVenueAnswer, BadVenueOutcome)):
        facts = {"detail": failure.message, **failure.facts}
        record_break(account=account, kind=BreakKind.BAD_ANSWER, symbol=symbol, facts=facts, moment=moment)


def note_bad_news(*, account: str, bad: Iterable[Mapping[str, Any]], moment: Moment) -> None:
    """One break each for trades and reports that could not be read."""
    for facts in bad:
        told = {"detail": facts.get("problem", ""), **facts}
        record_break(account=account, kind=BreakKind.BAD_ANSWER, symbol="", facts=told, moment=moment)
