"""The stages of a promotion, which leads to which, and at which of them votes count. Pure; the database holds the same
table as a trigger.
"""

from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """Where a candidate stands."""

    RESEARCH = "research"  # a backtest of its strategy with its parameters
    WALK_FORWARD = "walk_forward"  # a search that tests on candles it has not chosen by
    PAPER = "paper"  # it votes on what happens now, and nobody listens
    CANARY = "canary"  # its vote counts a little
    LIVE = "live"  # its vote counts as its record says
    ENDED = "ended"  # by a person, or because what it judged by was retired; it stays unheard


NEXT: Final = {
    Stage.RESEARCH: Stage.WALK_FORWARD,
    Stage.WALK_FORWARD: Stage.PAPER,
    Stage.PAPER: Stage.CANARY,
    Stage.CANARY: Stage.LIVE,
}
HEARD: Final = frozenset({Stage.CANARY, Stage.LIVE})
OPEN: Final = frozenset(Stage) - {Stage.ENDED}
# Up one by one by a person; down to paper by its record, to research by new settings; out at any time.
MOVES: Final = (
    *NEXT.items(),
    *((stage, Stage.PAPER) for stage in (Stage.CANARY, Stage.LIVE)),
    *((stage, Stage.RESEARCH) for stage in (Stage.WALK_FORWARD, Stage.PAPER, Stage.CANARY, Stage.LIVE)),
    *((stage, Stage.ENDED) for stage in Stage if stage != Stage.ENDED),
)


def unheard_because(stage: Stage, ended_reason: str = "") -> str:
    """Why votes at this stage are kept but not counted; empty where they count."""
    if stage in HEARD:
        return ""
    if stage == Stage.ENDED:
        return f"its promotion ended: {ended_reason}"
    return f"it is a candidate on stage {stage.replace('_', '-')}"
