"""What a search's table says to people."""

import pytest

from tradinghq.search_output import table

FIGURES = {"total_return": 0.12, "sharpe": 1.5, "sortino": 2.5, "max_drawdown": -0.2}


def report(objective="sharpe", efficiency=0.5):
    fold = {
        "number": 1,
        "test": ["2026-01-01 00:00"],
        "in_sample": FIGURES,
        "out_of_sample": FIGURES,
        "parameters": {"fast": 5},
    }
    best = {
        "trials": 10,
        "parameters": {"fast": 5},
        "in_sample": FIGURES,
        "overfit_probability": 0.4,
        "deflated_sharpe": None,
    }
    return {
        "objective": objective,
        "folds": [fold],
        "out_of_sample": FIGURES,
        "buy_and_hold": FIGURES,
        "recommended": best,
        "efficiency": efficiency,
    }


@pytest.mark.parametrize(
    ("objective", "columns", "figures"),
    [
        ("sharpe", ["return", "sharpe"], ["12.00 %", "1.50"]),
        ("sortino", ["return", "sortino"], ["12.00 %", "2.50"]),
        ("total_return", ["return", "sharpe"], ["12.00 %", "1.50"]),
    ],
)
def test_beside_the_return_stands_what_was_sought_or_the_sharpe_ratio(objective, columns, figures):
    _, heads, fold, *_ = table(report(objective))
    assert heads.split() == columns * 2
    assert fold.replace(" %", "%").split()[3:7] == [each.replace(" %", "%") for each in figures] * 2


@pytest.mark.parametrize(
    ("efficiency", "said"),
    [
        (0.5, "Of the total return in sample, 50.00 % was kept out of sample."),
        (-0.1923, "Nothing of the total return in sample was kept out of sample: it turned into -19.23 % of it."),
        (None, "How much of the total return was kept out of sample is not known: "),
    ],
)
def test_how_much_was_kept_is_said_as_it_is(efficiency, said):
    assert any(line.startswith(said) for line in table(report("total_return", efficiency)))
