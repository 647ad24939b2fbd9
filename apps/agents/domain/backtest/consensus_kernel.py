"""``pool_votes`` at every bar of a series, compiled: the same methods, the same bits. A property test holds them
together. Plain loops instead of numpy's functions, which take the compiler longer than all the rest.

Only backtests load this module: it brings the compiler into the process.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from apps.agents.domain.backtest.compiled_rules import compiled_rules
from apps.agents.domain.consensus import CERTAINTY_LIMIT, METHODS
from apps.agents.domain.indicators import standard_deviation
from apps.agents.domain.strategies.contract import Series

NOBODY_ASKED, NO_QUORUM, VETO, REACHED = range(1, 5)
NOBODY = -1  # the leader of a score of 0
WEIGHTED, MAJORITY, UNANIMOUS, LOG_ODDS = (
    METHODS.index(name) for name in ("weighted", "majority", "unanimous", "log_odds")
)
LIMIT = CERTAINTY_LIMIT
if LIMIT != 0.98:  # noqa: PLR2004 - compiled code keeps the number that it was made with
    raise ImportError("consensus.CERTAINTY_LIMIT has changed: write it here too, so that the kernel is compiled anew.")

RULES = "a53c2b8804607a3d"
(_standard_deviation,) = compiled_rules(RULES, standard_deviation)

Pooled = tuple[NDArray[np.int8], Series, NDArray[np.int32], NDArray[np.int16]]


@njit(cache=True, nogil=True)
def pool_rounds(  # noqa: PLR0917 - compiled code takes scalars and arrays
    method: int,
    needed: int,
    veto_confidence: float,
    direction: Series,
    confidence: Series,
    abstain: NDArray[np.bool_],
    ready_from: NDArray[np.int64],
    horizons: NDArray[np.int64],
    weights: Series,
    may_veto: NDArray[np.bool_],
    name_ranks: NDArray[np.int64],
) -> Pooled:
    """(code, score, horizon in bars, place of the leader) at each bar.

    ``direction``, ``confidence``, ``abstain``: [agents, bars], agents by their identifier; an agent is asked from the
    bar ``ready_from`` on. ``name_ranks``: of two that moved the score as far, the lower one leads.
    """
    agents, bars = direction.shape
    code, score = np.full(bars, NOBODY_ASKED, np.int8), np.zeros(bars)
    horizon, leader = np.ones(bars, np.int32), np.full(bars, NOBODY, np.int16)
    live, shares, parts = np.empty(agents, np.int64), np.zeros(agents), np.empty(agents + 1)
    strengths, scratch = np.empty(agents), np.empty(agents)
    first = bars
    for ready in ready_from:
        first = min(first, ready)
    for bar in range(first, bars):
        count = 0
        for agent in range(agents):
            if bar >= ready_from[agent] and not abstain[agent, bar] and weights[agent] > 0.0:
                live[count] = agent
                strengths[count] = direction[agent, bar] * confidence[agent, bar]
                count += 1
        if count < needed:
            code[bar] = NO_QUORUM
            continue
        found = _pooled(method, live[:count], strengths[:count], weights, shares, parts)
        if found > 0.0 and _vetoed(live[:count], may_veto, direction[:, bar], confidence[:, bar], veto_confidence):
            code[bar] = VETO
            continue
        code[bar], score[bar] = REACHED, found
        horizon[bar] = _horizon(live[:count], weights, horizons, scratch, parts)
        leader[bar] = _leader(live[:count], shares, found, name_ranks)
    return code, score, horizon, leader


@njit(cache=True, nogil=True)
def expected_edges(  # noqa: PLR0917
    code: NDArray[np.int8], score: Series, horizon: NDArray[np.int32], returns: Series, enter: float, bars: int
) -> Series:
    """``expected_edge_bps`` at each bar whose score reaches ``enter``, else 0. ``returns``: log returns of the bars."""
    edges = np.zeros(len(code))
    for bar in range(len(code)):
        if code[bar] == REACHED and score[bar] >= enter:
            recent = returns[max(0, bar - bars) : bar]
            volatility = _standard_deviation(recent) if len(recent) > 1 else 0.0
            edges[bar] = abs(score[bar]) * volatility * math.sqrt(horizon[bar]) * 10_000.0
    return edges


@njit(cache=True, nogil=True)
def _pooled(  # noqa: PLR0917
    method: int, live: NDArray[np.int64], strengths: Series, weights: Series, shares: Series, parts: Series
) -> float:
    """The score; ``shares`` become what each live agent added to it."""
    count = len(live)
    if method == MAJORITY:
        return _majority(strengths, shares, parts)
    if method == UNANIMOUS and not _agreed(strengths):
        _clear(shares, count)
        return 0.0
    for place in range(count):
        shares[place] = weights[live[place]]
    total = exact_sum(shares[:count], parts)
    if method != LOG_ODDS:
        for place in range(count):
            shares[place] = weights[live[place]] * strengths[place] / total
        return _bounded(exact_sum(shares[:count], parts))
    for place in range(count):
        shares[place] = weights[live[place]] / total * 2.0 * math.atanh(LIMIT * strengths[place])
    pooled = exact_sum(shares[:count], parts)
    score = _bounded(math.tanh(pooled / 2.0))
    scale = score / pooled if pooled != 0.0 else 0.0
    for place in range(count):
        shares[place] *= scale
    return score


@njit(cache=True, nogil=True)
def _agreed(strengths: Series) -> bool:
    """Whether all are above zero, or all below."""
    longs, shorts = 0, 0
    for strength in strengths:
        longs, shorts = longs + (strength > 0.0), shorts + (strength < 0.0)
    return longs == len(strengths) or shorts == len(strengths)


@njit(cache=True, nogil=True)
def _clear(shares: Series, count: int) -> None:
    for place in range(count):
        shares[place] = 0.0


@njit(cache=True, nogil=True)
def _majority(strengths: Series, shares: Series, parts: Series) -> float:
    count, longs, shorts = len(strengths), 0, 0
    for place in range(count):
        longs, shorts = longs + (strengths[place] > 0.0), shorts + (strengths[place] < 0.0)
        shares[place] = math.copysign(1.0, strengths[place]) / count if strengths[place] != 0.0 else 0.0
    if 2 * max(longs, shorts) <= count:
        _clear(shares, count)
        return 0.0
    return _bounded(exact_sum(shares[:count], parts))


@njit(cache=True, nogil=True)
def _vetoed(
    live: NDArray[np.int64], may_veto: NDArray[np.bool_], direction: Series, confidence: Series, least: float
) -> bool:
    for agent in live:  # noqa: SIM110 - compiled code knows no generators
        if may_veto[agent] and direction[agent] < 0.0 and confidence[agent] >= least:
            return True
    return False


@njit(cache=True, nogil=True)
def _horizon(
    live: NDArray[np.int64], weights: Series, horizons: NDArray[np.int64], scratch: Series, parts: Series
) -> int:
    count = len(live)
    for place in range(count):
        scratch[place] = weights[live[place]]
    total = exact_sum(scratch[:count], parts)
    for place in range(count):
        scratch[place] = weights[live[place]] * horizons[live[place]]
    return max(1, round(exact_sum(scratch[:count], parts) / total))


@njit(cache=True, nogil=True)
def _leader(live: NDArray[np.int64], shares: Series, score: float, name_ranks: NDArray[np.int64]) -> int:
    best, found = 0.0, NOBODY
    for place in range(len(live)):
        agent, size = live[place], abs(shares[place])
        if shares[place] * score <= 0.0:
            continue
        if found == NOBODY or size > best or (size == best and name_ranks[agent] < name_ranks[found]):
            best, found = size, agent
    return found


@njit(cache=True, nogil=True)
def _bounded(score: float) -> float:
    return max(-1.0, min(1.0, score))


@njit(cache=True, nogil=True)
def exact_sum(values: Series, parts: Series) -> float:
    """``math.fsum``: the sum rounded once. Source: Shewchuk, "Adaptive Precision Floating-Point Arithmetic" (1997).

    ``parts``: room for one more number than there are values.
    """
    count = 0
    for value in values:
        total, kept = value, 0
        for place in range(count):
            part = parts[place]
            if abs(total) < abs(part):
                total, part = part, total
            high = total + part
            low = part - (high - total)
            if low != 0.0:
                parts[kept] = low
                kept += 1
            total = high
        count = kept
        if total != 0.0:
            parts[count] = total
            count += 1
    if count == 0:
        return 0.0
    count -= 1
    high, low = parts[count], 0.0
    while count > 0:
        count -= 1
        total, part = high, parts[count]
        high = total + part
        low = part - (high - total)
        if low != 0.0:
            break
    # Half way between two floats the rest below decides.
    if count > 0 and ((low < 0.0 and parts[count - 1] < 0.0) or (low > 0.0 and parts[count - 1] > 0.0)):
        doubled = low * 2.0
        total = high + doubled
        if doubled == total - high:
            high = total
    return high
