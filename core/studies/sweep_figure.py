"""Figure of sweeps: KL and bound against T, one panel per scenario."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from core.drawing.layout import (
    MOST_DECADES,
    keep_inside,
    legend_below,
    nats_axis,
    page,
    spread,
)
from core.drawing.style import REPORT, applied
from core.kl.known_kl import KnownKL, between
from core.reporting.findings import Column
from core.studies.sweep import Sweep
from core.text.user_text import figure_text

_WIDTH, _HEIGHT = 6.9, 6.2
"""Size of a panel with its labels, in inches."""
_HEADROOM = 100.0
"""Ratio of upper to lower limit above which the lower one is off the axis, and an arrow is drawn."""


def save_sweeps(sweeps: Sequence[Sweep], file: BinaryIO) -> None:
    """Write the figure of finished sweeps as PNG."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name may be in any script
        sweep_figure(sweeps).savefig(file, format="png")


def sweep_figure(sweeps: Sequence[Sweep]) -> Figure:
    """Draw a panel for each sweep; samplers are named where their curves end."""
    with applied(REPORT):
        figure = page(_WIDTH * len(sweeps), _HEIGHT)
        for index, sweep in enumerate(sweeps):
            left = (index + 0.12) / len(sweeps)
            axes = figure.add_axes((left, 0.21, 0.63 / len(sweeps), 0.615))
            _draw(axes, sweep, (index + 0.99) / len(sweeps))
            title = figure.text(left, 0.925, figure_text(sweep.scenario.name), size=15.5, weight="bold")
            keep_inside(title, (index + 0.97) / len(sweeps))
            figure.text(left, 0.872, "KL(target || samples) at t = 1, in nats", color=REPORT.muted)
            figure.text(left + 0.655 / len(sweeps), 0.872, f"T = {sweep.steps[-1]}", color=REPORT.muted)
        _explain(figure, sweeps)
    return figure


def _explain(figure: Figure, sweeps: Sequence[Sweep]) -> None:
    """Add a legend of the kinds of lines that occur."""
    exact = [sweep.is_exact for sweep in sweeps]
    lines: dict[str, Line2D | Patch] = {}
    if any(exact):
        lines["KL, exact"] = Line2D([], [], color=REPORT.ink, linewidth=2.4)
    if not all(exact):
        lines["KL, bracket"] = Patch(facecolor=REPORT.ink, alpha=0.2)
        if any(np.isinf(sweep.upper).any() for sweep in sweeps):
            lines["lower limit only"] = Line2D([], [], color=REPORT.ink, linewidth=1.2, marker="^", markersize=6)
    lines["bound on the KL"] = Line2D([], [], color=REPORT.ink, linewidth=1.2, linestyle=(0, (5, 3)))
    legend_below(figure, list(lines.values()), list(lines), 0.105 / len(sweeps))


def _draw(axes: Axes, sweep: Sweep, right: float) -> None:
    nats_axis(axes)
    axes.set_ylim(*_limits(sweep))
    axes.set_xlim(0, sweep.steps[-1])
    axes.set_xlabel("number of steps T")
    for row, sampler in enumerate(sweep.samplers):
        colour = sampler.about.colour
        axes.plot(sweep.steps, _drawn(sweep.bound[row]), color=colour, linewidth=1.2, linestyle=(0, (5, 3)))
        _draw_kl(axes, sweep.steps, sweep.lower[row], sweep.upper[row], colour)
    _name_samplers(axes, sweep, right)


def _draw_kl(axes: Axes, steps: Sequence[int], lower: Column, upper: Column, colour: str) -> None:
    """Draw the KL: a line where it is exact, a band and bars between limits, arrows where only the lower is known."""
    bottom, top = axes.get_ylim()
    open_above = np.isinf(upper)
    axes.plot(steps, _drawn(np.where(lower == upper, lower, np.nan)), color=colour, linewidth=2.4)
    between = (lower < upper) & ~open_above
    below, above = np.clip(lower, bottom, top), np.clip(upper, bottom, top)
    axes.fill_between(steps, below, above, where=between, color=colour, alpha=0.2, linewidth=0)
    axes.vlines(np.asarray(steps)[between], below[between], above[between], color=colour, linewidth=1.4, clip_on=False)
    cut = between & (lower < bottom)
    axes.plot(np.asarray(steps)[cut], np.full(cut.sum(), bottom), "v", color=colour, markersize=6, clip_on=False)
    axes.plot(steps, _drawn(np.where(open_above, lower, np.nan)), color=colour, linewidth=1.2, marker="^", markersize=6)


def _drawn(values: Column) -> Column:
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)


def _limits(sweep: Sweep) -> tuple[float, float]:
    """Return the limits of the value axis, with a bounded number of decades."""
    lower = np.fmax(sweep.lower, np.where(np.isfinite(sweep.upper), sweep.upper / _HEADROOM, 0.0))
    known = np.concatenate([part[np.isfinite(part) & (part > 0)] for part in (sweep.upper, sweep.bound, lower)])
    top = float(np.max(known, initial=1e-3))
    return max(float(np.min(known, initial=top)) / 2, top * 10.0**-MOST_DECADES), top * 1.8


def _name_samplers(axes: Axes, sweep: Sweep, right: float) -> None:
    """Write every sampler's name and its KL at the largest T to the right of its curve's end.

    Texts end left of ``right``, a fraction of the figure's width.
    """
    bottom, top = np.log(axes.get_ylim())
    ends = []
    for lower, upper in zip(sweep.lower[:, -1], sweep.upper[:, -1], strict=True):
        middle = (lower + upper) / 2 if np.isfinite(upper) else lower
        level = np.log(middle) if middle > 0 else bottom
        ends.append(float(np.clip((level - bottom) / (top - bottom), 0, 1)))
    places = spread(ends, gap=0.12, low=0.06, high=0.98)
    for row, (sampler, end, place) in enumerate(zip(sweep.samplers, ends, places, strict=True)):
        about = sampler.about
        across = axes.plot([1.005, 1.035], [end, place], color=about.colour, alpha=0.55, linewidth=1.2)
        across[0].set(transform=axes.transAxes, clip_on=False)
        beside = axes.transAxes
        name = axes.text(1.045, place, figure_text(about.label), transform=beside, va="center", color=about.colour)
        name.set(fontsize=13.5, fontweight="bold")
        low, high = float(sweep.lower[row, -1]), float(sweep.upper[row, -1])
        told = KnownKL("exact", low, high) if low == high else between(low, high)
        numbers = axes.text(
            1.045, place - 0.05, told.text, transform=beside, va="center", color=REPORT.muted, size=11.5
        )
        for written in (name, numbers):
            keep_inside(written, right)
