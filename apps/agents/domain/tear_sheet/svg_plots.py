"""Plots as SVG text: lines over time, and a heat map of months. Colours come from the page's own variables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 960.0, 64.0, 8.0, 8.0, 22.0
TICKS = 4
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FULL_COLOUR = 0.10  # a month of ten percent is drawn in the full colour


@dataclass(frozen=True, slots=True)
class Line:
    """``colour``: a CSS variable of the page, such as ``--run``; ``filled``: the area down, or up, to zero."""

    name: str
    values: Sequence[float]
    colour: str
    filled: bool = False


def line_plot(times: Sequence[datetime], lines: Sequence[Line], *, height: float, percent: bool = False) -> str:
    """The lines over time with scales; ``times`` ascend and are as many as each line's values, at least one."""
    first, last = times[0].timestamp(), times[-1].timestamp()
    values = [value for line in lines for value in line.values] + ([0.0] if any(line.filled for line in lines) else [])
    low, high = min(values), max(values)
    if high == low:
        low, high = low - (abs(low) or 1.0) * 0.01, high + (abs(high) or 1.0) * 0.01
    inner, deep = WIDTH - LEFT - RIGHT, height - TOP - BOTTOM

    def across(at: float) -> float:
        return LEFT + inner * ((at - first) / (last - first) if last > first else 0.0)

    def down(value: float) -> float:
        return TOP + deep * (high - value) / (high - low)

    names = ", ".join(line.name for line in lines)
    parts = [f'<svg viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{names}">']
    for tick in range(TICKS + 1):
        value = low + (high - low) * tick / TICKS
        parts.append(
            f'<line x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{down(value):.1f}" y2="{down(value):.1f}" class="grid"/>'
        )
        text = f"{value * 100:.1f} %" if percent else f"{value:,.2f}"
        parts.append(f'<text x="{LEFT - 6:g}" y="{down(value) + 4:.1f}" class="tick right">{text}</text>')
        at = first + (last - first) * tick / TICKS
        anchor = "start" if tick == 0 else "end" if tick == TICKS else "middle"
        day = datetime.fromtimestamp(at, times[0].tzinfo)
        label = f"{day:%Y-%m-%d}" if last - first > 3 * 86_400 else f"{day:%m-%d %H:%M}"
        parts.append(
            f'<text x="{across(at):.1f}" y="{height - 6:g}" class="tick" text-anchor="{anchor}">{label}</text>'
        )
    for line in lines:
        points = " ".join(
            f"{across(at.timestamp()):.1f},{down(value):.1f}" for at, value in zip(times, line.values, strict=True)
        )
        if line.filled:
            ground = f"{across(last):.1f},{down(0.0):.1f} {across(first):.1f},{down(0.0):.1f}"
            parts.append(f'<polygon points="{points} {ground}" style="fill:var({line.colour});opacity:.25"/>')
        parts.append(f'<polyline points="{points}" style="stroke:var({line.colour})"/>')
    return "".join([*parts, "</svg>"])


def month_map(months: Mapping[str, float]) -> str:
    """A table of years by months; ``months``: the return of each, by names such as ``2024-03``."""
    years = sorted({name[:4] for name in months})
    head = "".join(f"<th>{month}</th>" for month in MONTHS)
    rows = []
    for year in years:
        cells, whole, known = [], 1.0, False
        for number in range(1, 13):
            value = months.get(f"{year}-{number:02}")
            known = known or value is not None
            whole *= 1.0 + (value or 0.0)
            cells.append(_cell(value))
        rows.append(f"<tr><th>{year}</th>{''.join(cells)}{_cell(whole - 1.0 if known else None)}</tr>")
    body = "".join(rows)
    return f'<table class="months"><tr><th></th>{head}<th>Year</th></tr>{body}</table>'


def _cell(value: float | None) -> str:
    if value is None:
        return "<td></td>"
    colour = "--gain" if value >= 0 else "--loss"
    share = min(1.0, abs(value) / FULL_COLOUR) * 60
    return f'<td style="background:color-mix(in srgb, var({colour}) {share:.0f}%, transparent)">{value * 100:+.1f}</td>'
