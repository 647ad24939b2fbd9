"""What a strategy is: a market view in, a vote out. Nothing else reaches it: no clock, no account, no network.

A strategy works on arrays that end with the last closed candle, so that the future is not there to be read.
The same object votes live, on paper and in backtests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class VenueQuote:
    """Best bid and ask of one source."""

    source: str
    bid: float
    ask: float
    event_at: datetime


@dataclass(frozen=True, slots=True)
class MarketView:
    """All that a strategy may know of one instrument at ``closed_at``: closed candles, oldest first, and the sources'
    quotes.

    ``times`` are the candles' opening times in milliseconds since the epoch; ``fee_bps`` is the cost of one side in
    basis points.
    """

    symbol: str
    timeframe: str
    closed_at: datetime
    times: NDArray[np.int64]
    open: Series
    high: Series
    low: Series
    close: Series
    volume: Series
    venues: tuple[VenueQuote, ...]
    fee_bps: float

    def __post_init__(self) -> None:
        lengths = {len(self.times), len(self.open), len(self.high), len(self.low), len(self.close), len(self.volume)}
        if len(lengths) != 1:
            raise ValueError(f"The candle arrays of {self.symbol} differ in length: {sorted(lengths)}.")

    @property
    def bars(self) -> int:
        """How many closed candles the view holds."""
        return len(self.close)


class StrategyVote(NamedTuple):
    """A strategy's opinion: direction in [-1, 1], confidence in [0, 1], valid for ``horizon_bars`` bars, and one plain
    sentence why.

    ``abstain`` means no opinion, which is not the same as direction 0: an abstaining agent doesn't pull the
    consensus to zero.
    """

    direction: float
    confidence: float
    abstain: bool
    horizon_bars: int
    reason: str


def abstention(reason: str, *, horizon_bars: int = 1) -> StrategyVote:
    """A vote without an opinion, and why there is none."""
    return StrategyVote(direction=0.0, confidence=0.0, abstain=True, horizon_bars=horizon_bars, reason=reason)


@dataclass(frozen=True, slots=True)
class VoteColumns:
    """Votes at all bars of a series: what ``StrategyVote`` says, one element a bar; abstentions while warming."""

    direction: Series
    confidence: Series
    abstain: NDArray[np.bool_]
    horizon_bars: int

    def at(self, place: int) -> StrategyVote:
        """The vote at one bar, without its sentence."""
        numbers = float(self.direction[place]), float(self.confidence[place])
        return StrategyVote(*numbers, bool(self.abstain[place]), self.horizon_bars, reason="")

    @classmethod
    def abstaining(cls, bars: int, *, horizon_bars: int) -> "VoteColumns":
        """No opinion at any bar."""
        return cls(np.zeros(bars), np.zeros(bars), np.ones(bars, np.bool_), horizon_bars)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number that a person may set, with its bounds (both included) and its meaning in a sentence.

    ``searched``: between which values a search looks for better ones; None: a search leaves it as it is.
    """

    name: str
    default: float
    lowest: float
    highest: float
    description: str
    whole: bool = False
    searched: tuple[float, float] | None = None


class Strategy(Protocol):
    """The contract. An implementation is built once with its numbers and may not keep anything between votes."""

    name: ClassVar[str]
    description: ClassVar[str]
    default_timeframe: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]

    def __init__(self, numbers: Mapping[str, float]) -> None:
        """``numbers`` holds every parameter, checked by ``parameter_values``."""

    @property
    def needs_bars(self) -> int:
        """How many closed candles a vote takes; with fewer the agent is warming."""
        ...

    def vote(self, view: MarketView) -> StrategyVote:
        """The opinion on ``view``, which holds at least ``needs_bars`` candles."""
        ...


@runtime_checkable
class VotesOverBars(Protocol):
    """What a strategy may offer beside the contract, so that backtests of the whole firm need not ask bar by bar."""

    def votes_over_bars(self, view: MarketView, *, sources: int) -> VoteColumns | None:
        """At each bar of a long view exactly what ``vote`` says of the window that ends there, to the last bit; of a
        strategy that judges by a model to the digits that do not depend on how many windows it judges together.

        The view holds no quotes. ``sources``: how many quote the instrument. None: bar by bar only.
        """
        ...


@runtime_checkable
class ForwardPass(Protocol):
    """A trained model, loaded. ``facts`` say what it was made for; ``digest`` is that of its file."""

    @property
    def facts(self) -> Any: ...

    @property
    def digest(self) -> str: ...

    def __call__(self, windows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities ``[windows, classes]`` of windows ``[windows, bars, features]``."""
        ...


@runtime_checkable
class JudgesByModel(Protocol):
    """What a strategy with a trained model offers beside the contract: its agent only writes features, and the house
    judges the windows of many agents and instruments in one forward pass.
    """

    def features(self, view: MarketView) -> NDArray[np.float32]:
        """The window ``[bars, features]`` of a view that holds at least ``needs_bars`` candles."""
        ...

    def votes_on(
        self, probabilities: NDArray[np.float64], model: ForwardPass, *, timeframe: str
    ) -> Sequence[StrategyVote]:
        """The votes that the model's answers ``[windows, classes]`` stand for."""
        ...

    def with_model(self, model: ForwardPass) -> Strategy:
        """The same strategy that votes by itself, for backtests. One that offers ``votes_over_bars`` too is asked about
        all bars at once.
        """
        ...
