"""The headline plot, for a slide or a paper: accumulated mismatch, bound and KL against reverse time."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

from core.findings import Column, Findings, headline
from core.numbers import with_error
from core.user_text import figure_text

INK, MUTED, FAINT = "#1B2430", "#66717F", "#E4E8ED"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 12.5,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "lines.dash_capstyle": "round",
    "lines.solid_capstyle": "round",
}
_DASHES = {"bound": (6.0, 3.6), "observed_mismatch": (0.1, 2.0), "kl": (7.0, 2.6, 0.1, 2.6)}
"""Lengths on and off of every line that is not solid, in line widths."""
_LEGEND = {
    "mismatch": "mismatch along the target path (± 2 s.e.)",
    "observed_mismatch": "observed by the particles",
    "bound": "bound on the KL",
    "kl": "KL, exact",
}
_DECADES = 6
"""At most so many below the largest value are shown."""


def save_evidence(title: str, found: Sequence[Findings], file: BinaryIO) -> None:
    """Write the plot as PNG."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a title may be in any script
        evidence_figure(title, found).savefig(file, format="png")


def evidence_figure(title: str, found: Sequence[Findings]) -> Figure:
    """Draw every sampler's cumulative curves in its colour, with its numbers at t = 1 beside them."""
    with rc_context(STYLE):
        figure = Figure(figsize=(12, 6.75), dpi=200, facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.075, 0.17, 0.655, 0.675))
        _prepare(axes, found)
        for index in range(len(found)):
            _draw(axes, found, index)
        _name_samplers(axes, found)
        shown = [name for name in _LEGEND if any(np.isfinite(each.value[name]).any() for each in found)]
        lines = [Line2D([], [], color=INK, linewidth=2, **_dashes(name, 0.0)) for name in shown]
        labels = [_LEGEND[name] for name in shown]
        if any(map(_brackets, found)):
            lines.append(Line2D([], [], color=INK, linewidth=5, alpha=0.55))
            labels.append("KL, between its bounds")
        figure.legend(
            lines,
            labels,
            loc="lower left",
            bbox_to_anchor=(0.065, 0.005),
            ncols=5,
            frameon=False,
            fontsize=11.5,
            handlelength=2.6,
            columnspacing=2.0,
        )
        figure.text(0.075, 0.93, figure_text(textwrap.shorten(title, 70, placeholder=" …")), size=19, weight="bold")
        figure.text(0.075, 0.882, "nats, accumulated from t = T down to 1", color=MUTED)
        figure.text(0.756, 0.882, "at t = 1", color=MUTED)
    return figure


def _prepare(axes: Axes, found: Sequence[Findings]) -> None:
    prepare(axes)
    axes.set_ylim(*_limits(found))
    axes.set_xlim(found[0].steps, 0)
    axes.set_xlabel("reverse time t")


def prepare(axes: Axes) -> None:
    """Give axes the quiet frame of every figure: nats on a logarithmic scale, numbers without ticks."""
    axes.set_yscale("log")
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.tick_params(length=0, pad=7)
    axes.yaxis.set_major_locator(LogLocator(numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)


def _limits(found: Sequence[Findings]) -> tuple[float, float]:
    """From well below the smallest number of t = 1 that matters to just above the largest one drawn."""
    drawn = np.concatenate(
        [
            _positive(each.value[name][:-1])
            for each in found
            for name in _LEGEND
            if name != "observed_mismatch" or each.diverged_at is None  # particles on their way out dwarf everything
        ]
    )
    top = float(np.max(drawn, initial=1e-3))
    ends = np.concatenate([_positive(each.value[name][-2:-1]) for each in found for name in _LEGEND])
    ends = ends[ends > top * 10.0**-_DECADES]
    return min(float(np.min(ends, initial=top)) / 25, top / 100), top * 1.8


def _positive(values: Column) -> Column:
    return values[np.isfinite(values) & (values > 0)]


def _draw(axes: Axes, found: Sequence[Findings], index: int) -> None:
    """Draw one sampler's curves and its band of two standard errors."""
    each, steps = found[index], found[index].steps
    times, colour = np.arange(steps, 0, -1), each.about.colour
    low, high = axes.get_ylim()
    for name in _LEGEND:
        values = np.where(each.value[name] > 0, each.value[name], np.nan)[:-1]
        # Where samplers coincide, the earlier lines stay visible on both sides of the later ones.
        beneath = sum(np.allclose(each.value[name], later.value[name], rtol=1e-6) for later in found[index + 1 :])
        width = 2.6 + 2.2 * beneath if name == "mismatch" else 1.9
        axes.plot(times, values, color=colour, linewidth=width, **_dashes(name, index / len(found)))
    middle, spread = each.value["mismatch"][:-1], 2 * np.nan_to_num(each.error["mismatch"][:-1])
    below, above = (np.clip(middle + side, low, high) for side in (-spread, spread))
    axes.fill_between(times, below, above, color=colour, alpha=0.18, linewidth=0)
    brackets = _brackets(each)
    if brackets:
        at, lowest, highest = (np.array(part) for part in zip(*brackets, strict=True))
        at = at + 0.004 * steps * (index - (len(found) - 1) / 2)  # beside each other, where samplers agree
        axes.vlines(at, np.maximum(lowest, low), np.minimum(highest, high), color=colour, linewidth=5, alpha=0.55)


def _brackets(each: Findings) -> list[tuple[int, float, float]]:
    """Where the KL lies in a bracket: t, lower and upper limit."""
    entries = [(t, entry["lower"], entry["upper"]) for t, entry in each.kl.items() if entry["kind"] == "bracket"]
    return [(t, lower, upper) for t, lower, upper in entries if t > 0]


def _dashes(name: str, phase: float) -> dict[str, Any]:
    """Line style of one kind of curve; samplers differ in phase, so that coinciding dashes all show."""
    if name not in _DASHES:
        return {"linestyle": "solid"}
    return {"linestyle": (phase * sum(_DASHES[name]), _DASHES[name])}


def _name_samplers(axes: Axes, found: Sequence[Findings]) -> None:
    """Write every sampler's name and numbers to the right of where its curve ends."""
    numbers = [_numbers(each)[: 1 if len(found) > 6 else None] for each in found]
    gap = 0.05 + 0.053 * max(len(lines) for lines in numbers)
    ends = [_end(axes, each) for each in found]
    places = spread(ends, gap=gap, low=gap - 0.06, high=0.98)
    for each, lines, end, place in zip(found, numbers, ends, places, strict=True):
        colour = each.about.colour
        axes.plot(
            [1.005, 1.03], [end, place], transform=axes.transAxes, color=colour, alpha=0.55, lw=1.2, clip_on=False
        )
        name = axes.text(
            1.04, place, figure_text(each.about.label, 24), transform=axes.transAxes, va="center", color=colour
        )
        name.set(fontsize=14, fontweight="bold")
        below = axes.transAxes + ScaledTranslation(0, -10 / 72, axes.figure.dpi_scale_trans)
        axes.text(1.04, place, "\n".join(lines), transform=below, va="top", color=MUTED, size=11.5, linespacing=1.35)


def _end(axes: Axes, each: Findings) -> float:
    """Height at which a sampler's mismatch leaves the plot, as a fraction; its bound's where it has no mismatch."""
    low, high = np.log(axes.get_ylim())
    for name in ("mismatch", "bound"):
        values = _positive(each.value[name][-2:-1])
        if values.size and np.log(values[-1]) > low:
            return float((np.log(values[-1]) - low) / (high - low))
    return 0.0


def spread(wanted: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones, at least ``gap`` apart, between ``low`` and ``high`` as far as there is room."""
    order = sorted(range(len(wanted)), key=lambda index: -wanted[index])
    places = list(wanted)
    ceiling = high
    for index in order:
        places[index] = min(places[index], ceiling)
        ceiling = places[index] - gap
    floor = low
    for index in reversed(order):
        places[index] = max(places[index], floor)
        floor = places[index] + gap
    return places


def _numbers(each: Findings) -> list[str]:
    """What stands under a sampler's name: its terms at t = 1."""
    row = headline([each])[0]
    kl = "" if each.headline.kind == "none" else f"KL {'(P‖Q) ' * (each.headline.kind == 'reverse')}{row['KL']}"
    bound = f"bound {row['bound']}"
    mismatch = f"mismatch {with_error(each.value['mismatch'][-2], each.error['mismatch'][-2])}"
    short = each.headline.kind == "exact"
    lines = [f"{kl}, {bound}", mismatch] if short else [*([kl] if kl else []), bound, mismatch]
    if row["diverged"]:
        lines.append(f"particles diverged at {row['diverged']}")
    return lines
