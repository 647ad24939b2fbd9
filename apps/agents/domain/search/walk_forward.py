"""Walk-forward: choose on one stretch, test on the next one, move on; and a gap between, so that nothing leaks."""

from dataclasses import dataclass

FEWEST_TEST_BARS = 20


@dataclass(frozen=True, slots=True)
class Fold:
    """Opening times in milliseconds: trained on [``train_from``, ``train_until``), tested on [``test_from``,
    ``test_until``). The last fold of a search has no test: it trains on everything.
    """

    number: int
    train_from: int
    train_until: int
    test_from: int | None = None
    test_until: int | None = None


def walk_forward(
    first_ms: int, until_ms: int, bar_ms: int, *, folds: int, train_tests: float, gap_bars: int, anchored: bool
) -> tuple[Fold, ...]:
    """``folds`` tests that follow each other up to ``until_ms``, and one fold more that trains on all of it.

    Training is ``train_tests`` times as long as a test, or reaches back to the beginning where ``anchored``. The last
    ``gap_bars`` before a test are left out of its training: a trade that was opened there would be judged by prices of
    the test (purge), and the bars just after still resemble those just before (embargo). Source: Lopez de Prado,
    "Advances in Financial Machine Learning" (2018), 7.4. Raises ``ValueError`` where the span is too short.
    """
    bars = (until_ms - first_ms) // bar_ms
    test = int((bars - gap_bars) / (train_tests + folds))
    if test < FEWEST_TEST_BARS:
        needed = int(FEWEST_TEST_BARS * (train_tests + folds)) + gap_bars
        told = f"{folds} tests of at least {FEWEST_TEST_BARS} bars with their training need {needed:,} bars"
        raise ValueError(f"{told}; there are {bars:,}. Take fewer folds, or more candles.")
    train = bars - gap_bars - test * folds
    found = []
    for number in range(folds):
        test_from = first_ms + (train + gap_bars + number * test) * bar_ms
        train_until = test_from - gap_bars * bar_ms
        train_from = first_ms if anchored else train_until - train * bar_ms
        found.append(Fold(number, train_from, train_until, test_from, test_from + test * bar_ms))
    return (*found, Fold(folds, first_ms, until_ms))
