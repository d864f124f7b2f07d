"""Headline plot for slides and papers: accumulated mismatch, bound and KL against reverse time."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from core.drawing.layout import (
    MOST_DECADES,
    keep_inside,
    legend_below,
    nats_axis,
    page,
    spread,
)
from core.drawing.style import REPORT, applied
from core.reporting.findings import Column, Findings, headline
from core.text.number_format import BAND, with_error
from core.text.user_text import figure_text

_DASHES = {"bound": (6.0, 3.6), "observed_mismatch": (0.1, 2.0), "kl": (7.0, 2.6, 0.1, 2.6)}
"""Dash patterns of lines that are not solid, in line widths."""
_LEGEND = {
    "mismatch": "mismatch along the target path (± 2 s.e.)",
    "observed_mismatch": "observed on the particles",
    "bound": "bound on the KL",
    "kl": "KL, exact or computed",
}
_POINTS = 5000
"""Largest number of points of a curve that are drawn, which is more than a picture's width in pixels."""
_TOP, _FOOT = 0.98, -0.1
"""Lowest and highest position of sampler names, as fractions of the axes' height."""
_NAME, _LINE = 0.05, 0.053
"""Heights of a sampler's name and of each line under it, as fractions of the axes' height."""


def save_evidence(title: str, found: Sequence[Findings], file: BinaryIO) -> None:
    """Write the plot as PNG."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a title may be in any script
        evidence_figure(title, found).savefig(file, format="png")


def evidence_figure(title: str, found: Sequence[Findings]) -> Figure:
    """Draw every sampler's cumulative curves in its colour, with its numbers at t = 1 beside them."""
    with applied(REPORT):
        figure = page(12, 6.75)
        axes = figure.add_axes((0.075, 0.17, 0.655, 0.675))
        _prepare(axes, found)
        for index in range(len(found)):
            _draw(axes, found, index)
        _name_samplers(axes, found)
        shown = [name for name in _LEGEND if any(np.isfinite(each.value[name]).any() for each in found)]
        lines = [Line2D([], [], color=REPORT.ink, linewidth=2, **_dashes(name, 0.0)) for name in shown]
        labels = [_LEGEND[name] for name in shown]
        if any(map(_brackets, found)):
            lines.append(Line2D([], [], color=REPORT.ink, linewidth=5, alpha=0.55))
            labels.append("KL, bracket")
        legend_below(figure, lines, labels, 0.065)
        heading = figure.text(0.075, 0.93, figure_text(title), size=19, weight="bold")
        keep_inside(heading, 0.97)
        figure.text(0.075, 0.882, "nats, accumulated from t = T down to 1", color=REPORT.muted)
        figure.text(0.756, 0.882, "at t = 1", color=REPORT.muted)
    return figure


def _prepare(axes: Axes, found: Sequence[Findings]) -> None:
    nats_axis(axes)
    axes.set_ylim(*_limits(found))
    axes.set_xlim(found[0].steps, 0)
    axes.set_xlabel("reverse time t")


def _limits(found: Sequence[Findings]) -> tuple[float, float]:
    """Return the limits of the value axis: below the smallest relevant number at t = 1, above the largest drawn."""
    drawn = np.concatenate(
        [
            _positive(each.value[name][:-1])
            for each in found
            for name in _LEGEND
            if name != "observed_mismatch" or each.diverged_at is None  # diverging particles would set the scale
        ]
    )
    top = float(np.max(drawn, initial=1e-3))
    ends = np.concatenate([_positive(each.value[name][-2:-1]) for each in found for name in _LEGEND])
    ends = ends[ends > top * 10.0**-MOST_DECADES]
    return min(float(np.min(ends, initial=top)) / 25, top / 100), top * 1.8


def _positive(values: Column) -> Column:
    return values[np.isfinite(values) & (values > 0)]


def _draw(axes: Axes, found: Sequence[Findings], index: int) -> None:
    """Draw one sampler's curves and its band of two standard errors."""
    each, steps = found[index], found[index].steps
    frames = _drawn(steps)
    times, colour = steps - frames, each.about.colour
    low, high = axes.get_ylim()
    for name in _LEGEND:
        values = np.where(each.value[name] > 0, each.value[name], np.nan)[frames]
        # Where samplers coincide, earlier lines are wider, so that they show on both sides of later ones.
        beneath = sum(np.allclose(each.value[name], later.value[name], rtol=1e-6) for later in found[index + 1 :])
        width = 2.6 + 2.2 * beneath if name == "mismatch" else 1.9
        axes.plot(times, values, color=colour, linewidth=width, **_dashes(name, index / len(found)))
    middle, spread = each.value["mismatch"][frames], BAND * np.nan_to_num(each.error["mismatch"][frames])
    below, above = (np.clip(middle + side, low, high) for side in (-spread, spread))
    axes.fill_between(times, below, above, color=colour, alpha=0.18, linewidth=0)
    brackets = _brackets(each)
    if brackets:
        at, lowest, highest = (np.array(part) for part in zip(*brackets, strict=True))
        at = at + 0.004 * steps * (index - (len(found) - 1) / 2)  # side by side where samplers agree
        axes.vlines(at, np.maximum(lowest, low), np.minimum(highest, high), color=colour, linewidth=5, alpha=0.55)


def _drawn(steps: int) -> NDArray[np.int64]:
    """Return the frames of a curve that are drawn, from t = T to t = 1: all, or an even selection."""
    return np.linspace(0, steps - 1, min(steps, _POINTS)).round().astype(np.int64)


def _brackets(each: Findings) -> list[tuple[int, float, float]]:
    """Return t, lower and upper limit of each KL known as a bracket."""
    entries = [(t, entry["lower"], entry["upper"]) for t, entry in each.kl.items() if entry["kind"] == "bracket"]
    return [(t, lower, upper) for t, lower, upper in entries if t > 0]


def _dashes(name: str, phase: float) -> dict[str, Any]:
    """Return the line style of a kind of curve; dash phases differ by sampler, so that coinciding lines all show."""
    if name not in _DASHES:
        return {"linestyle": "solid"}
    return {"linestyle": (phase * sum(_DASHES[name]), _DASHES[name])}


def _name_samplers(axes: Axes, found: Sequence[Findings]) -> None:
    """Write every sampler's name and numbers to the right of its curve's end."""
    count, scale = _lines_under_names(len(found))
    gap = scale * (_NAME + _LINE * count)
    ends = [_end(axes, each) for each in found]
    places = spread(ends, gap=gap, low=_FOOT + gap - 0.06, high=_TOP)
    for each, end, place in zip(found, ends, places, strict=True):
        colour = each.about.colour
        axes.plot(
            [1.005, 1.03], [end, place], transform=axes.transAxes, color=colour, alpha=0.55, lw=1.2, clip_on=False
        )
        beside = axes.transAxes
        name = axes.text(1.04, place, figure_text(each.about.label), transform=beside, va="center", color=colour)
        name.set(fontsize=14 * scale, fontweight="bold")
        below = beside + ScaledTranslation(0, -10 * scale / 72, axes.figure.dpi_scale_trans)
        lines = "\n".join(_numbers(each)[:count])
        numbers = axes.text(1.04, place, lines, transform=below, va="top", color=REPORT.muted, size=11.5 * scale)
        numbers.set_linespacing(1.35)
        for text in (name, numbers):
            keep_inside(text, 0.995)


def _lines_under_names(samplers: int) -> tuple[int, float]:
    """Return the number of lines of numbers that fit under every sampler's name, and the font scale."""
    for count in (3, 2, 1):
        gap = _NAME + _LINE * count
        if samplers * gap <= _TOP - _FOOT + 0.06:
            return count, 1.0
    return 1, (_TOP - _FOOT + 0.06) / (samplers * gap)


def _end(axes: Axes, each: Findings) -> float:
    """Return the height of the end of a sampler's mismatch curve (of its bound without one), as a fraction."""
    low, high = np.log(axes.get_ylim())
    for name in ("mismatch", "bound"):
        values = _positive(each.value[name][-2:-1])
        if values.size and np.log(values[-1]) > low:
            return float((np.log(values[-1]) - low) / (high - low))
    return 0.0


def _numbers(each: Findings) -> list[str]:
    """Return the lines under a sampler's name: its terms at t = 1."""
    if each.fault is not None:
        return ["stopped by an error in its code", "no results"]
    row = headline([each])[0]
    kl = "" if each.headline.kind == "none" else f"KL {'(P‖Q) ' * (each.headline.kind == 'reverse')}{row['KL']}"
    bound = f"bound {row['bound']}"
    mismatch = f"mismatch {with_error(each.value['mismatch'][-2], each.error['mismatch'][-2])}"
    short = each.headline.kind in {"exact", "computed"}
    lines = [f"{kl}, {bound}", mismatch] if short else [*([kl] if kl else []), bound, mismatch]
    if row["diverged"]:
        lines.append(f"particles diverged at {row['diverged']}")
    return lines
