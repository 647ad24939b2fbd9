"""Research on candle files, started without the house around it.

These commands need settings, candles and the strategies' rules, but neither tables nor web: loading those takes longer
than the work. What one of them asks of the house all the same, stored candles or a model, loads it then
(``backtest_arguments.house``).
"""

from collections.abc import Sequence

from django.core.management import load_command_class

from apps.foundation import money

NAMES = frozenset({"backtest", "check_lookahead", "check_warmup", "sweep"})


def run(typed: Sequence[str]) -> None:
    """The command ``typed[1]``, as ``manage.py`` would run it."""
    money.widen_precision()
    load_command_class("tradinghq", typed[1]).run_from_argv(list(typed))
