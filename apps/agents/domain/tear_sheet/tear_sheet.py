"""The tear sheet of a backtest: what was run, its figures beside holding, plots, months, trades by every label."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from apps.agents.domain.backtest.trading_stop import other_restrictions
from apps.agents.domain.tear_sheet.svg_plots import Line, line_plot, month_map

DASH = '<span class="dim">\u2013</span>'
NO_FIGURE = '<span class="dim">unknown</span>'
SHARES = {
    "total_return": "Return",
    "cagr": "Growth a year (CAGR)",
    "volatility": "Volatility a year",
    "max_drawdown": "Largest drawdown",
    "value_at_risk": "Value at risk, day, 95 %",
    "expected_shortfall": "Expected shortfall, day, 95 %",
}
NUMBERS = {
    "sharpe": "Sharpe",
    "sortino": "Sortino",
    "calmar": "Calmar",
    "omega": "Omega",
    "longest_drawdown_days": "Longest drawdown, days",
}
OWN = {
    "excess_return": ("Return beyond holding", True),
    "probabilistic_sharpe": ("Sharpe above 0, probability", True),
    "exposure": ("Time invested", True),
    "average_invested": ("Invested on average", True),
    "turnover": ("Turnover, times the equity", False),
}
TRADES = {
    "trades": ("Closed trades", "count"),
    "win_rate": ("Won", "share"),
    "profit_factor": ("Profit factor", "number"),
    "expectancy": ("Expectancy of a trade", "number"),
    "expectancy_share": ("Expectancy, of its cost", "share"),
    "average_win": ("Average win", "number"),
    "average_loss": ("Average loss", "number"),
    "best": ("Best", "number"),
    "worst": ("Worst", "number"),
    "average_adverse": ("Against it while held, average (MAE)", "share"),
    "average_favourable": ("For it while held, average (MFE)", "share"),
    "average_bars": ("Bars held, average", "number"),
    "fees": ("Fees", "number"),
}
STYLE = """
:root{color-scheme:light dark;--ground:#fff;--text:#16191d;--dim:#626a73;--line:#dfe3e8;--run:#2563a8;--held:#8a929c;
--gain:#0f8f83;--loss:#d1552b}
@media(prefers-color-scheme:dark){:root{--ground:#111417;--text:#e4e7ea;--dim:#929aa3;--line:#2a3036;--run:#6aa9ee;
--held:#7b838c;--gain:#2bb5a6;--loss:#ee7b52}}
body{margin:0 auto;padding:24px;max-width:1000px;background:var(--ground);color:var(--text);
font:14px/1.45 Inter,system-ui,sans-serif;font-variant-numeric:tabular-nums}
h1{font-size:22px;margin:0}h2{font-size:15px;margin:28px 0 8px}p{margin:4px 0}.dim{color:var(--dim)}
table{border-collapse:collapse;width:100%}th,td{padding:4px 8px;border-top:1px solid var(--line);text-align:right;
font-weight:400}th:first-child,td:first-child{text-align:left}thead th,tr:first-child>th{color:var(--dim)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:0 32px;align-items:start}
.wide{overflow-x:auto}.months td,.months th{text-align:center;padding:4px 2px}svg{width:100%;height:auto;display:block}
polyline{fill:none;stroke-width:1.4}.grid{stroke:var(--line);stroke-width:1}.tick{fill:var(--dim);font-size:11px}
.right{text-anchor:end}.key{display:inline-block;width:14px;height:3px;vertical-align:middle;margin:0 4px 0 12px}
@media print{body{max-width:none;padding:0}h2{break-after:avoid}svg,tr{break-inside:avoid}}
"""


def tear_sheet(run: Mapping[str, Any]) -> str:
    """The page of a finished run; ``run``: as the API gives it (``backtest_view``)."""
    metrics, points = run["metrics"], run["equity"]
    times = [datetime.fromisoformat(point["at"]) for point in points]
    curves = [
        Line("equity", [float(point["equity"]) for point in points], "--run"),
        Line("buying and holding", [float(point["buy_and_hold"]) for point in points], "--held"),
    ]
    falls = [Line("drawdown", [-point["drawdown"] for point in points], "--loss", filled=True)]
    months = {name: row["return"] for name, row in metrics["months"].items()}
    title = ", ".join(strategy["name"] for strategy in run["wish"]["strategies"])
    body = [
        f"<h1>{escape(title)}</h1>",
        *_asked(run),
        *([f"<p>{escape(metrics['stopped']['told'])}</p>"] if "stopped" in metrics else []),
        _key(),
        line_plot(times, curves, height=300.0),
        "<h2>Drawdown</h2>",
        line_plot(times, falls, height=140.0, percent=True),
        '<div class="pair">',
        f"<div><h2>Beside buying and holding</h2>{beside_holding(metrics)}</div>",
        f"<div><h2>Trades</h2>{_trades(metrics['trades'])}</div>",
        "</div>",
        f'<h2>Months, percent</h2><div class="wide">{month_map(months)}</div>',
        *_luck(metrics.get("luck")),
        *(_groups(metrics["by"])),
        *_endings(run),
        f'<p class="dim">Digest of all orders: {escape(run["digest"])}</p>',
    ]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    page = "".join(body)
    return f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head><body>{page}</body></html>'


def _asked(run: Mapping[str, Any]) -> list[str]:
    wish, points = run["wish"], run["equity"]
    how = "The whole firm" if run["mode"] == "firm" else "The signal alone, all in or out at the next opening"
    names = [_strategy(one) for one in wish["strategies"]]
    lines = [
        f"{how}: {'; '.join(names)}.",
        f"{', '.join(wish['instruments'])} on {wish['timeframe']} candles, {points[0]['at']} to {points[-1]['at']}.",
        f"Starting capital {wish['starting_capital']}, seed {wish['seed']}.",
        f"Asked for by {run['requested_by']} at {run['requested_at']}.",
    ]
    return [f'<p class="dim">{escape(line)}</p>' for line in lines]


def _strategy(wanted: Mapping[str, Any]) -> str:
    given = ", ".join(f"{name} {value:g}" for name, value in wanted["parameters"].items())
    own = f" on {wanted['timeframe']}" if wanted["timeframe"] else ""
    return f"{wanted['name']}{own}{f' ({given})' if given else ''}"


def _key() -> str:
    marks = {"equity": "--run", "buying and holding": "--held"}
    words = "".join(f'<span class="key" style="background:var({c})"></span>{name}' for name, c in marks.items())
    return f"<h2>Equity {words}</h2>"


def beside_holding(metrics: Mapping[str, Any]) -> str:
    """The figures of the run and of holding, with a dash and its reason where the run is too short for one."""
    run, held = metrics["equity"], metrics["buy_and_hold"]
    rows = [("", "run", "holding")]
    untold = dict(_untold(metrics))
    for figures, shown in ((SHARES, _share), (NUMBERS, _number)):
        rows += [
            (label, DASH, DASH) if name in untold else (label, shown(run[name]), shown(held[name]))
            for name, label in figures.items()
        ]
    rows += [(label, _share(run[name]) if share else _number(run[name]), "") for name, (label, share) in OWN.items()]
    notes = [f'<p class="dim">{label}: {escape(metrics["untold"][name])}</p>' for name, label in _untold(metrics)]
    return _table(rows) + "".join(notes)


def _untold(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Figures that the run is too short for; runs of before they were told have none."""
    return [(name, label) for name, label in (SHARES | NUMBERS).items() if name in metrics.get("untold", {})]


def _trades(trades: Mapping[str, Any]) -> str:
    shown: dict[str, Callable[[Any], str]] = {"share": _share, "number": _number, "count": lambda value: f"{value:,}"}
    return _table([(label, shown[kind](trades[name])) for name, (label, kind) in TRADES.items()])


def _luck(luck: Mapping[str, Any] | None) -> list[str]:
    """Runs from before it was measured have none."""
    if luck is None:
        return []
    parts = ["<h2>How much is chance</h2>"]
    days, trades = luck["days"], luck["trades"]
    if days is None:
        parts.append("<p>Its days are too few, or too equal, to tell luck from skill.</p>")
    else:
        rows = [
            ("Without an edge, as good by luck", _share(days["luck_probability"])),
            ("Without an edge, as far beyond holding", _share(days["luck_probability_beyond_holding"])),
            ("Sharpe, nine of ten histories", " to ".join(_number(bound) for bound in days["sharpe"])),
            ("Return, nine of ten histories", " to ".join(_share(bound) for bound in days["total_return"])),
        ]
        parts.append(_table(rows))
        told = f"{days['samples']:,} histories of its {days['days']:,} days, in blocks of {days['block_days']:.0f}"
        parts.append(f'<p class="dim">{told} on average; seed {luck["seed"]}.</p>')
    if trades is None:
        return [*parts, "<p>Its closed trades are too few to draw again.</p>"]
    names = {
        "Return": "drawn_return",
        "Largest drawdown": "drawn_drawdown",
        "Largest drawdown, shuffled": "shuffled_drawdown",
    }
    drawn: list[Sequence[str]] = [("Trades drawn again", *trades["drawn_return"])]
    drawn += [(label, *(_share(value) for value in trades[name].values())) for label, name in names.items()]
    told = (
        f"{trades['samples']:,} times {trades['trades']:,} trades: {_share(trades['loss_probability'])} lose;"
        f" {_share(trades['calmer_orders'])} of the orders have a drawdown no larger than the"
        f" {_share(trades['largest_drawdown'])} that happened between closings."
    )
    return [*parts, f'<div class="wide">{_table(drawn)}</div><p class="dim">{told}</p>']


def _groups(groups: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    parts = []
    for label, found in groups.items():
        if label == "month" or not found:
            continue
        rows = [(label.replace("_", " "), "trades", "won", "profit", "profit factor", "holding")]
        rows += [
            (
                escape(name or "unknown"),
                f"{row['trades']:,}",
                _share(row["win_rate"]),
                _number(row["net_profit"]),
                _number(row["profit_factor"]),
                _share(row["buy_and_hold_return"]) if "buy_and_hold_return" in row else "",
            )
            for name, row in found.items()
        ]
        parts.append(f'<h2>By {rows[0][0]}</h2><div class="wide">{_table(rows)}</div>')
    return parts


def _endings(run: Mapping[str, Any]) -> list[str]:
    parts = []
    counted = sorted(run["outcomes"].items(), key=lambda each: (-each[1], each[0]))
    if counted:
        rows = [("Rounds came to", "rounds"), *((escape(name), f"{count:,}") for name, count in counted)]
        parts.append(f"<h2>Why it did not trade</h2>{_table(rows)}")
    if others := other_restrictions(run["restrictions"], run["metrics"]):
        parts.append(f"<p>At the end trading was restricted: {escape(' '.join(others))}</p>")
    return parts


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML already; a first row without figures is a head by its style alone."""
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _share(value: float | None) -> str:
    return NO_FIGURE if value is None else f"{value * 100:,.2f} %"


def _number(value: float | None) -> str:
    return NO_FIGURE if value is None else f"{value:,.2f}"
