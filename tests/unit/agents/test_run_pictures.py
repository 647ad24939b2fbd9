"""How a run is drawn: thinned without losing its outline, and as a page in which nothing that people wrote is HTML."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from apps.agents.domain.performance.thinned_curve import kept_places
from apps.agents.domain.tear_sheet.svg_plots import Line, line_plot, month_map
from apps.agents.domain.tear_sheet.tear_sheet import DASH, NUMBERS, OWN, SHARES, TRADES, beside_holding, tear_sheet


@given(st.integers(1, 5_000), st.integers(10, 400), st.integers(0, 2**16))
def test_few_points_keep_the_ends_and_the_extremes(length, most, seed):
    values = np.random.default_rng(seed).normal(0.0, 1.0, length)
    places = kept_places(values, most=most)
    assert len(places) <= most
    assert (np.diff(places) > 0).all()
    assert {places[0], places[-1]} == {0, length - 1}
    assert {int(values.argmin()), int(values.argmax())} <= set(places.tolist())
    if length <= most:
        assert len(places) == length


def test_a_line_runs_from_edge_to_edge_and_a_flat_one_has_room():
    times = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(10)]
    drawn = line_plot(times, [Line("run", [100.0] * 10, "--run")], height=200.0)
    points = drawn.split('points="')[1].split('"')[0].split()
    assert (points[0].split(",")[0], points[-1].split(",")[0]) == ("64.0", "952.0")
    assert len({point.split(",")[1] for point in points}) == 1


def test_months_that_were_not_traded_are_empty_and_a_year_is_their_product():
    table = month_map({"2025-12": 0.10, "2026-01": 0.10, "2026-02": -0.10})
    assert table.count("<tr>") == 3
    assert table.count("<td></td>") == 11 + 10
    assert ">-1.0</td></tr>" in table


def test_a_figure_that_the_run_is_too_short_for_is_a_dash_with_the_reason():
    figures = dict.fromkeys((*SHARES, *NUMBERS, *OWN), 0.5)
    untold = {"cagr": "Three days < a year.", "calmar": "Three days."}
    metrics = {"equity": figures, "buy_and_hold": figures, "untold": untold}
    page = beside_holding(metrics)
    row = f"<tr><td>{SHARES['cagr']}</td><td>{DASH}</td><td>{DASH}</td></tr>"
    assert row in page
    assert f"{SHARES['cagr']}: Three days &lt; a year." in page
    assert page.count(DASH) == 4
    assert DASH not in beside_holding(metrics | {"untold": {}})


def test_what_people_wrote_is_text():
    metrics = {
        "equity": dict.fromkeys((*SHARES, *NUMBERS, *OWN)),
        "trades": dict.fromkeys(TRADES) | {"trades": 0},
        "months": {},
        "by": {"strategy": {}},
    }
    metrics["buy_and_hold"] = metrics["equity"]
    reason = "Fell 16 % from the peak."
    metrics["stopped"] = {"reason": reason, "told": f"Trading stopped <early>: {reason}"}
    point = {"at": "2026-01-01T00:00:00Z", "equity": "1000", "buy_and_hold": "1000", "drawdown": 0.0}
    page = tear_sheet(
        {
            "wish": {
                "strategies": [{"name": "<script>x</script>", "parameters": {}, "timeframe": None}],
                "instruments": ["BTC/USDT"],
                "timeframe": "1m",
                "starting_capital": "1000",
                "seed": 0,
            },
            "mode": "firm",
            "metrics": metrics,
            "equity": [point],
            "outcomes": {"NO_TRADE <i>": 3},
            "restrictions": ["<b>loss</b>", reason],
            "requested_by": "<u>ada</u>",
            "requested_at": "2026-01-01T00:00:00Z",
            "digest": "00",
        }
    )
    assert "unknown" in page
    for written in ("<script>", "<i>", "<b>", "<u>", "<early>"):
        assert written not in page
    assert page.count(reason) == 1  # told at the top, not once more below
    assert page.index("Trading stopped &lt;early&gt;") < page.index("Equity")
