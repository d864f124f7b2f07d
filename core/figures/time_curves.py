"""Plots against reverse time: accumulated mismatch with bound and KL, and the mismatch of each step."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator
from numpy.typing import NDArray

from core.drawing.layout import nats_axis
from core.drawing.style import Style, current, pt
from core.figures.sheet import EDGE, LINE, Block, Canvas, Entry, area_sign, legend, line_sign
from core.geometry.time_scale import TimeScale
from core.reporting.curves import CurveValues, value_limits
from core.reporting.words import missing_curve_notes, why_no_bound, why_no_limit
from core.runs.results import Results
from core.snapshot.view import TimeAxis, View
from core.text.number_format import BAND
from core.text.user_text import figure_text

Array = NDArray[np.float64]

_LEFT, _BELOW, _ABOVE = 0.82, 0.5, 0.1
"""Room for numbers and titles beside and below the axes, and above them, in the inches of layouts."""
_HEIGHT, _STEEPEST = 3.1, 0.62
"""Height of the axes, and largest one in parts of the width."""
_MOST_POINTS = 2000
"""Most points of a curve that are drawn."""
_MARGIN = 0.05
"""Fraction of T beyond t = 0, for limits of the mismatch."""
_KINDS: dict[str, tuple[str, float, Any]] = {
    "mismatch": ("mismatch, over target paths", 2.2, "-"),
    "observed": ("mismatch, observed on particles", 1.8, (0, (0.1, 2.0))),
    "bound": ("bound on KL(Q‖P)", 1.6, (0, (5, 3))),
    "limit": ("mismatch as T → ∞, ᾱ₁ fixed", 3.0, "-"),
    "kl": ("KL(Q‖P), exact", 1.1, "-"),
    "computed": ("KL(Q‖P), computed", 1.3, "-"),
    "bracket": ("KL(Q‖P), limits", 1.2, "-"),
    "reverse": ("KL(P‖Q), reversed, ± 2 s.e.", 1.2, (0, (5, 2, 0.1, 2))),
}
"""Kinds of curves in the order of the legend: label, width and dashes; Q is the target, P the samples."""
_SHORT = {
    "mismatch": "mismatch",
    "observed": "observed mismatch",
    "bound": "bound",
    "limit": "mismatch as T → ∞",
    "kl": "KL",
    "computed": "KL",
    "bracket": "limits of the KL",
    "reverse": "reversed KL",
}
"""Names of curves in a sentence."""
_MARKED = {"kl": "o", "computed": "s"}
"""Marks on KLs in closed form and computed, which are told from mismatch by them, not by their widths alone."""


def time_ticks(scale: TimeScale, most: int = 5) -> list[int]:
    """Return the times at which an axis has its numbers, evenly spread."""
    return [int(t) for t in np.unique([scale.time(position) for position in np.linspace(0, 1, most)])]


def headline_blocks(results: Results, frame: int, view: View, style: Style) -> list[Block]:
    """Return the plot of mismatch, bound and KL with its legend."""
    values = CurveValues(results)
    kinds = values.present()
    shape = _shape(style)

    def draw(canvas: Canvas, top: float) -> None:
        axes = canvas.axes(_LEFT, top + _ABOVE, style.room - _LEFT - EDGE, shape)
        scale = _prepare(axes, results, view.time_axis, _tops(values), logarithmic=view.logarithmic)
        axes.set_ylabel("nats, accumulated from T", size=pt(11.5))
        for index in range(len(results.samplers)):
            _draw_sampler(axes, values, index, frame, scale)
        _draw_cursor(axes, scale, frame)

    entries = [*_sampler_entries(results), *(_kind_entry(name) for name in _KINDS if name in kinds)]
    last = values.last
    note = missing_curve_notes(results, lambda one: why_no_bound(results, one, last) or why_no_limit(results, one))
    said = " ".join(filter(None, (_outside(values, logarithmic=view.logarithmic), note)))
    return [Block(_ABOVE + shape + _BELOW, draw), legend(entries, style), *note_blocks(said, style)]


def _outside(values: CurveValues, *, logarithmic: bool) -> str:
    """Return a sentence that names the curves that lie below or above the axis as a whole."""
    low, high = value_limits(_tops(values), logarithmic=logarithmic)
    found: dict[str, list[str]] = {}
    for index, sampler in enumerate(values.results.samplers):
        heights = values.heights(index)
        under = [name for name, top in heights.items() if top < low or (logarithmic and top == 0)]
        over = [name for name, top in heights.items() if top > high]
        for place, names in (("Zero, or below the axis", under), ("Above the axis", over)):
            if names:
                which = "" if len(names) == len(heights) else f" ({', '.join(_SHORT[name] for name in names)})"
                found.setdefault(place, []).append(f"{sampler.about.short_label}{which}")
    return " ".join(f"{place}: {'; '.join(samplers)}." for place, samplers in found.items())


def per_step_blocks(results: Results, frame: int, view: View, style: Style) -> list[Block]:
    """Return the plot of the mismatch that each step adds with its legend."""
    values = CurveValues(results)
    shape = _shape(style)

    def draw(canvas: Canvas, top: float) -> None:
        axes = canvas.axes(_LEFT, top + _ABOVE, style.room - _LEFT - EDGE, shape)
        curves = [values.added(index) for index in range(len(results.samplers))]
        tops = [float(added.max(initial=0.0)) for _, added in curves]
        scale = _prepare(axes, results, view.time_axis, tops, logarithmic=view.logarithmic)
        axes.set_ylabel("mismatch added, nats a step", size=pt(11.5))
        for (times, added), sampler in zip(curves, results.samplers, strict=True):
            few = _few(len(added))
            shown = _shown(axes, added[few])
            axes.plot(scale.axis(times[few]), shown, color=sampler.about.colour, linewidth=pt(1.8))
        _draw_cursor(axes, scale, frame)

    note = missing_curve_notes(results, lambda one: why_no_bound(results, one, 1))
    blocks = [Block(_ABOVE + shape + _BELOW, draw), legend(_sampler_entries(results), style)]
    return [*blocks, *note_blocks(note, style)]


def note_blocks(words: str, style: Style) -> list[Block]:
    """Return a paragraph of muted text, or nothing for no words."""
    if not words:
        return []
    lines = textwrap.wrap(figure_text(words, 600), max(20, int((style.room - 2 * EDGE) * 13.2)))

    def draw(canvas: Canvas, top: float) -> None:
        for number, line in enumerate(lines):
            text = canvas.text(EDGE, top + LINE * (number + 0.9), line, size=10, color=current().muted)
            canvas.fit(text, canvas.width - EDGE)

    return [Block(LINE * (len(lines) + 0.4), draw)]


def _shape(style: Style) -> float:
    """Return the height of the axes, in inches."""
    return min(_HEIGHT, _STEEPEST * (style.room - _LEFT - EDGE))


def _sampler_entries(results: Results) -> list[Entry]:
    return [Entry(figure_text(sampler.about.label), area_sign(sampler.about.colour)) for sampler in results.samplers]


def _kind_entry(name: str) -> Entry:
    label, width, dashes = _KINDS[name]
    sign = line_sign(current().ink, width, dashes)
    if name == "bracket":
        sign.set(linestyle="none", marker="|", markersize=pt(10), markeredgewidth=pt(1.3))
    if name in _MARKED:
        sign.set(marker=_MARKED[name], markersize=pt(4.5), markevery=[1], markerfacecolor=current().surface)
    return Entry(label, sign)


def _tops(values: CurveValues) -> list[float]:
    """Return the largest value of every curve that the axis must hold."""
    return [
        highest
        for index in range(len(values.results.samplers))
        for name, highest in values.heights(index).items()
        if not values.diverges(index, name)
    ]


def _prepare(
    axes: Axes, results: Results, time_axis: TimeAxis, tops: Sequence[float], *, logarithmic: bool
) -> TimeScale:
    """Set the axes: reverse time from T on the left to 0, nats upwards."""
    scale = TimeScale(results.schedule, time_axis)
    steps = scale.steps
    low, high = value_limits(tops, logarithmic=logarithmic)
    if logarithmic:
        nats_axis(axes)
    else:
        axes.grid(axis="y", color=current().faint, linewidth=pt(0.8))
        axes.set_axisbelow(True)
        axes.spines[["top", "left", "right"]].set_visible(False)
        axes.tick_params(length=0, pad=pt(5))
        axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set(xlim=(1.02 * steps, -_MARGIN * steps), ylim=(low, high))
    axes.set_autoscale_on(False)
    times = time_ticks(scale)
    axes.xaxis.set_major_locator(FixedLocator(scale.axis(np.array(times, dtype=float)).tolist()))
    axes.xaxis.set_major_formatter(FixedFormatter([str(t) for t in times]))
    axes.tick_params(labelsize=pt(10.5))
    axes.spines["bottom"].set_color(current().pale)
    suffix = "" if time_axis == "t" else f" (axis in {time_axis})"
    axes.set_xlabel(f"reverse time t{suffix}", size=pt(11.5))
    return scale


def _shown(axes: Axes, values: Array) -> Array:
    """Return ordinates: NaN for infinity and, on a logarithmic axis, for zero."""
    kept = np.isfinite(values) & ((values > 0) | (axes.get_yscale() == "linear"))
    return np.where(kept, values, np.nan)


def _few(count: int) -> NDArray[np.int64]:
    return np.linspace(0, count - 1, min(count, _MOST_POINTS)).round().astype(np.int64)


def _draw_sampler(axes: Axes, values: CurveValues, index: int, frame: int, scale: TimeScale) -> None:
    """Draw one sampler's curves, bands and limits in its colour."""
    results, colour = values.results, values.results.samplers[index].about.colour
    low, high = axes.get_ylim()
    names = ["bound", "mismatch", "observed", "kl"]
    names = [name for name in names if name != "kl" or results.terms.exact[index]]
    names += ["computed"] if index in results.computed else []
    count = len(results.samplers)
    for name in names:
        times, curve = values.curve(index, name, frame)
        few = _few(len(curve))
        _, width, dashes = _KINDS[name]
        if name == "mismatch":  # earlier lines are wider, so that they show on both sides of later ones
            width += 1.6 * (count - 1 - index) / max(count - 1, 1)
        if not isinstance(dashes, str):
            dashes = (index / count * sum(dashes[1]), dashes[1])
        places, heights = scale.axis(times[few]), _shown(axes, curve[few])
        axes.plot(places, heights, color=colour, linewidth=pt(width), linestyle=dashes)
        if name in _MARKED and len(few) > 1:
            every = np.unique(np.linspace(0, len(few) - 2, 7).round().astype(int))
            axes.plot(
                places[every],
                heights[every],
                ls="none",
                marker=_MARKED[name],
                ms=pt(4.5),
                mfc=current().surface,
                mec=colour,
                mew=pt(1.1),
                zorder=3,
            )
    times, middle = values.curve(index, "mismatch")
    error = BAND * np.nan_to_num(results.terms.error["mismatch"][index, : len(middle)])
    _band(axes, scale.axis(times), middle - error, middle + error, colour)
    if index in results.computed:
        found = results.computed[index]
        _band(axes, scale.axis(times), found.value - found.error, found.value + found.error, colour)
    if results.kl.is_bracketed and index in values.estimated:
        _draw_limits(axes, values, index, scale)
    limit = results.asymptotes[index] if results.asymptotes else None
    if limit is not None and low < limit.value < high:
        ends = -np.array([0.008, 0.045]) * scale.steps
        axes.plot(ends, [limit.value] * 2, color=colour, linewidth=pt(3.0), solid_capstyle="butt")


def _band(axes: Axes, x: Array, below: Array, above: Array, colour: str) -> None:
    low, high = axes.get_ylim()
    known = np.isfinite(below) & np.isfinite(above)
    if (above[known] > below[known]).any():
        few = _few(len(x))
        axes.fill_between(
            x[few], np.clip(below, low, high)[few], np.clip(above, low, high)[few], color=colour, alpha=0.18, lw=0
        )


def _draw_limits(axes: Axes, values: CurveValues, index: int, scale: TimeScale) -> None:
    """Draw a bar between the limits of the KL at each t at which they are known, and a line of reversed KLs."""
    times, below, above = values.between(index)
    colour, count = values.results.samplers[index].about.colour, len(values.results.samplers)
    x = scale.axis(times) + 0.004 * scale.steps * (index - (count - 1) / 2)  # side by side where samplers agree
    low, high = axes.get_ylim()
    known = np.isfinite(above) & (above > low)
    bottom = np.clip(np.where(np.isfinite(below), below, low), low, high)
    axes.vlines(x[known], bottom[known], np.clip(above, low, high)[known], color=colour, linewidth=pt(1.3))
    for limit in (below, above):
        capped = known & np.isfinite(limit) & (limit > low) & (limit < high)
        axes.plot(x[capped], limit[capped], ls="none", marker="_", ms=pt(6), mew=pt(1.2), color=colour)
    open_below = known & ~(np.isfinite(below) & (below > low))
    axes.plot(x[open_below], np.full(open_below.sum(), low), ls="none", marker="v", ms=pt(5), mew=0, color=colour)
    if values.is_reverse(index):
        _, width, dashes = _KINDS["reverse"]
        axes.plot(x, _shown(axes, (below + above) / 2), color=colour, linewidth=pt(width), linestyle=dashes)


def _draw_cursor(axes: Axes, scale: TimeScale, frame: int) -> None:
    """Draw a line at the cursor's t, with its number, unless it is at the end."""
    t = scale.steps - frame
    if t <= 1:
        return
    place = float(scale.axis(np.array([float(t)]))[0])
    axes.axvline(place, color=current().muted, linewidth=pt(1.0))
    is_right = place < 0.2 * scale.steps
    axes.annotate(
        f"t = {t}",
        (place, 1.0),
        (pt(-3 if is_right else 3), pt(-2)),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right" if is_right else "left",
        va="top",
        size=pt(10.5),
        color=current().muted,
    )
