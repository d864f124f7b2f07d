"""Bars of the terms of each bound, and of the components' weights, at one t."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator

from core.drawing.layout import text_width
from core.drawing.style import Style, current, pt
from core.figures.sheet import EDGE, Block, Canvas, Entry, area_sign, dot_sign, legend, line_sign
from core.figures.time_curves import note_blocks
from core.reporting.words import PARTS, bound_texts, missing_curve_notes, part_words, why_no_bound
from core.runs.results import Results
from core.text.number_format import number, subscript
from core.text.user_text import figure_text, one_line

_ROW, _ABOVE, _BELOW = 0.36, 0.08, 0.5
"""Height of a bar with its gap, and room above and below the axes, in the inches of layouts."""
_MOST_NAME = 24
_MOST_BARS = 12
"""Most components with bars; more are drawn as dots, ordered by weight."""
_WEIGHTS = 2.2


def composition_blocks(results: Results, frame: int, style: Style) -> list[Block]:
    """Return what each bound is made of, as shares of it, with the bound beside it."""
    abouts = [sampler.about for sampler in results.samplers]
    names = [figure_text(one_line(about.label, _MOST_NAME)) for about in abouts]
    reasons = [why_no_bound(results, index, frame) for index in range(len(abouts))]
    totals = ["no bound" if why else bound_texts(results, index, frame).full for index, why in enumerate(reasons)]
    left = EDGE + 0.12 + max(text_width(name, pt(12), "bold") for name in names) / style.scale
    right = 0.14 + max(text_width(text, pt(11)) for text in [*totals, "nats"]) / style.scale
    height = _ROW * len(abouts)

    def draw(canvas: Canvas, top: float) -> None:
        axes = canvas.axes(left, top + _ABOVE, style.room - left - right - EDGE, height)
        axes.set(xlim=(0, 1), ylim=(len(abouts) - 0.5, -0.5))
        axes.set_autoscale_on(False)
        axes.spines[["top", "left", "right"]].set_visible(False)
        axes.spines["bottom"].set_color(style.pale)
        axes.tick_params(length=0, pad=pt(4), labelsize=pt(10.5), labelleft=False)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
        lowest = _draw_stacks(axes, results, frame)
        axes.set_xlim(lowest, 1)
        axes.set_xlabel(f"share of the bound at t = {results.t(frame)}; right: the bound in nats", size=pt(11))
        for row, (about, name, total) in enumerate(zip(abouts, names, totals, strict=True)):
            middle = top + _ABOVE + _ROW * (row + 0.5)
            colour = style.words(about.colour)
            canvas.text(EDGE, middle, name, size=12, weight="bold", color=colour, va="center_baseline")
            canvas.text(style.room - right - EDGE + 0.12, middle, total, size=11, color=style.ink, va="center_baseline")

    entries = [Entry(words, area_sign(PARTS[name][1])) for name, words in part_words(results).items()]
    why = missing_curve_notes(results, lambda index: reasons[index])
    notes = note_blocks(f"No bound: {why}" if why else "", style)
    return [Block(_ABOVE + height + _BELOW, draw), legend(entries, style), *notes]


def _draw_stacks(axes: Axes, results: Results, frame: int) -> float:
    """Draw the bars, negative terms to the left of zero; return the lowest end."""
    lowest = 0.0
    for row in range(len(results.samplers)):
        bound = float(results.terms.value["bound"][row, frame])
        if not (math.isfinite(bound) and bound > 0):
            continue
        left = right = 0.0
        for name, (_, colour) in PARTS.items():
            share = float(results.terms.value[name][row, frame]) / bound
            start = right if share > 0 else left
            axes.barh(row, share, left=start, height=0.55, color=colour, edgecolor=current().surface, lw=pt(0.6))
            right, left = right + max(share, 0.0), left + min(share, 0.0)
        lowest = min(lowest, left)
    return lowest


def weights_blocks(results: Results, frame: int, style: Style) -> list[Block]:
    """Return the components' weights, sampled beside exact."""
    found = results.weights(frame) if results.problem.target.components > 1 else None
    if found is None:
        one = results.problem.target.components == 1
        words = "The target has one component, of weight 1." if one else "The target has no density at t = 0."
        return note_blocks(words, style)
    weights = found
    left = 0.82
    count = len(results.samplers)
    order = (
        np.argsort(-weights.exact, kind="stable") if weights.exact.size > _MOST_BARS else np.arange(weights.exact.size)
    )
    few = order.size <= _MOST_BARS

    def draw(canvas: Canvas, top: float) -> None:
        axes = canvas.axes(left, top + _ABOVE, style.room - left - EDGE, _WEIGHTS)
        most = float(np.nanmax([weights.exact, *(weights.sampled + np.nan_to_num(weights.error))]))
        axes.set(xlim=(-0.5, order.size - 0.5), ylim=(0, 1.08 * most))
        axes.spines[["top", "left", "right"]].set_visible(False)
        axes.spines["bottom"].set_color(style.pale)
        axes.grid(axis="y", color=style.faint, linewidth=pt(0.8))
        axes.set_axisbelow(True)
        axes.tick_params(length=0, pad=pt(5), labelsize=pt(10.5))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.set_ylabel("weight", size=pt(11.5))
        width = 0.8 / count
        for index, sampler in enumerate(results.samplers):
            value, error = weights.sampled[index, order], weights.error[index, order]
            known = np.flatnonzero(np.isfinite(value))
            colour = sampler.about.colour
            if not few:
                axes.plot(known, value[known], ls="none", marker="o", ms=pt(3), mew=0, color=colour)
                continue
            places = known - 0.4 + width * (index + 0.5)
            axes.bar(places, value[known], 0.9 * width, color=colour)
            axes.errorbar(
                places, value[known], yerr=np.nan_to_num(error[known]), ls="none", color=style.muted, lw=pt(0.9)
            )
        reach = 0.44 if few else 0.5
        middles = np.arange(order.size)
        axes.hlines(weights.exact[order], middles - reach, middles + reach, color=style.ink, lw=pt(1.5), zorder=3)
        at = f"component, at t = {results.t(frame)}"
        axes.set_xlabel(
            at if few else f"{order.size} components, the heaviest first, at t = {results.t(frame)}", size=pt(11.5)
        )
        axes.xaxis.set_major_locator(FixedLocator(middles.tolist() if few else []))
        names = [f"m{subscript(component + 1)}" for component in order] if few else []
        if few and order.size * 1.15 < style.room - left:
            names = [f"{name}  {number(float(weights.exact[each]))}" for name, each in zip(names, order, strict=True)]
        axes.xaxis.set_major_formatter(FixedFormatter(names))

    sign = area_sign if few else dot_sign
    entries = [Entry(figure_text(sampler.about.label), sign(sampler.about.colour)) for sampler in results.samplers]
    entries.append(Entry("exact" + (", at t" if few else ""), line_sign(style.ink, 1.5)))
    return [Block(_ABOVE + _WEIGHTS + _BELOW, draw), legend(entries, style)]
