"""Breakout: a new high opens room. Donchian channels with an entry and a shorter exit channel, as the Turtles traded
them.

Source: Faith, "Way of the Turtle" (2007), system 1: 20 bars in, 10 bars out; here in 5-minute bars and therefore
longer by default.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from apps.agents.domain.indicators import highest_before, lowest_before
from apps.agents.domain.strategies.contract import MarketView, Parameter, Series, StrategyVote, VoteColumns

QUIET = 0.3  # confidence of "no breakout is open": an opinion for staying out, not an abstention


class Breakout:
    """Long from a close above the entry channel until a close below the exit channel; the other way round for short.

    It keeps nothing between votes: the stance is read off the window by replaying the channel's events.
    """

    name: ClassVar[str] = "breakout"
    description: ClassVar[str] = (
        "Buys a new high of the entry channel, leaves on a new low of the shorter exit channel."
    )
    default_timeframe: ClassVar[str] = "5m"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("entry", 20, 5, 500, "Bars of the entry channel.", whole=True, searched=(10, 120)),
        Parameter("exit", 10, 2, 500, "Bars of the exit channel.", whole=True, searched=(5, 60)),
        Parameter("horizon", 12, 1, 500, "For how many bars the vote is meant.", whole=True, searched=(6, 48)),
    )

    def __init__(self, numbers: Mapping[str, float]) -> None:
        self._entry, self._exit, self._horizon = int(numbers["entry"]), int(numbers["exit"]), int(numbers["horizon"])

    @property
    def needs_bars(self) -> int:
        return 3 * max(self._entry, self._exit)

    def vote(self, view: MarketView) -> StrategyVote:
        window = slice(-self.needs_bars, None)
        high, low, close = view.high[window], view.low[window], view.close[window]
        stance, age = _stance(high, low, close, self._entry, self._exit)
        confidence = breakout_confidence(stance, age, self._horizon)
        if stance == 0:
            reason = f"The price is inside its {self._entry}-bar channel and no breakout is open."
            return StrategyVote(0.0, confidence, abstain=False, horizon_bars=self._horizon, reason=reason)
        side = "above" if stance > 0 else "below"
        return StrategyVote(
            direction=float(stance),
            confidence=confidence,
            abstain=False,
            horizon_bars=self._horizon,
            reason=f"The price broke {side} its {self._entry}-bar channel {_ago(age)} and has not come back.",
        )

    def votes_over_bars(self, view: MarketView, *, sources: int) -> VoteColumns | None:  # noqa: ARG002
        """``vote`` at every bar of a long view at once."""
        from apps.agents.domain.backtest.vote_kernels import breakout_votes

        votes = breakout_votes(view.high, view.low, view.close, self._entry, self._exit, self._horizon)
        return VoteColumns(*votes, horizon_bars=self._horizon)


def _ago(bars: int) -> str:
    return "in this bar" if bars == 0 else f"{bars} bar{'s' if bars > 1 else ''} ago"


def breakout_confidence(stance: int, age: int, horizon: int) -> float:
    """It fades with the bars since the breakout. Scalar: backtests compile it."""
    return QUIET if stance == 0 else max(0.4, 0.8 - 0.4 * age / horizon)


def open_breakout(
    close: Sequence[float],
    entry_high: Sequence[float],
    entry_low: Sequence[float],
    exit_high: Sequence[float],
    exit_low: Sequence[float],
) -> tuple[int, int]:
    """The stance (1, 0, -1) at the last bar and how many bars ago it was taken, from the channels at each bar.

    Plain sequences: backtests compile it.
    """
    stance, age = 0, 0
    for place in range(len(close)):
        price = close[place]
        age += 1
        if (stance > 0 and price < exit_low[place]) or (stance < 0 and price > exit_high[place]):
            stance = 0
        if stance <= 0 and price > entry_high[place]:
            stance, age = 1, 0
        elif stance >= 0 and price < entry_low[place]:
            stance, age = -1, 0
    return stance, age


def _stance(high: Series, low: Series, close: Series, entry: int, leave: int) -> tuple[int, int]:
    """``open_breakout`` of a window, from the first bar on that has both channels."""
    longest = max(entry, leave)
    channels = (
        highest_before(high, entry)[longest - entry :],
        lowest_before(low, entry)[longest - entry :],
        highest_before(high, leave)[longest - leave :],
        lowest_before(low, leave)[longest - leave :],
    )
    return open_breakout(close[longest:].tolist(), *(channel.tolist() for channel in channels))
