"""Panels of the samplers in a grid, as on the page Explore: densities, measurement, particles and laws at one t."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from matplotlib.axes import Axes

from core.drawing.layout import text_width
from core.drawing.palette import STRIP
from core.drawing.style import Style, current, pt
from core.figures.lines import DensityLine, draw_line, draw_map
from core.figures.overlays import PanelOverlays
from core.figures.planes import Plane, draw_plane, ratio_entries
from core.figures.sheet import LINE, Block, Canvas, Entry, area_sign, dot_sign, legend, line_sign
from core.figures.time_curves import note_blocks
from core.geometry.scene import Projection, projections
from core.geometry.shapes import Rectangle
from core.reporting.heading import Form, Heading, headings
from core.runs.results import Results
from core.snapshot.view import View
from core.text.user_text import figure_text

_LEFT, _GAP, _RIGHT = 0.66, 0.2, 0.12
"""Room for numbers beside the first column, between columns, and at the right, in the inches of layouts."""
_HEAD, _BELOW, _UNDER_ROW = 0.56, 0.5, 0.18
"""Height of a panel's heading, of numbers and title below the last row, and of the gap below other rows, in inches."""
_NARROW = 7.0
"""Width in inches below which two panels stand beside each other."""
_FLATTEST, _STEEPEST = 0.6, 1.15
"""Least and largest height of a plane, in parts of its width."""
_LINE_SHAPE, _MAP_SHAPE = 0.62, 0.5
"""Heights of the view and of the time map in one dimension, in parts of the width."""
_NO_DENSITY = "not computed yet, or without a density at this t"
_NUMBERS = 10.5
"""Size of the numbers of a heading."""
_SEEN = 38
"""Letters of a notice in a panel that fit beside each other, at the width of a column."""


@final
@dataclass(frozen=True)
class Shown:
    """What all panels share."""

    results: Results
    frame: int
    view: View
    projection: Projection
    samplers: Sequence[int]

    @classmethod
    def of(cls, results: Results, frame: int, view: View, sampler: str | None = None) -> Shown:
        """Choose the plane and the samplers of a view; ``sampler``: the key of the only one."""
        every = projections(results.problem)
        projection = next((each for each in every if each.label == view.plane), every[0])
        keys = [each.about.key for each in results.samplers]
        chosen = sampler or (view.enlarged if view.enlarged in keys else None)
        return cls(results, frame, view, projection, [keys.index(chosen)] if chosen else range(len(keys)))

    @property
    def is_line(self) -> bool:
        """True for a problem in one dimension."""
        return self.projection.is_line


def panel_blocks(shown: Shown, style: Style) -> list[Block]:
    """Return the grid of panels and its legend."""
    count = len(shown.samplers)
    columns = _columns(count, style.room)
    width = (style.room - _LEFT - _RIGHT - _GAP * (columns - 1)) / columns
    rows = -(-count // columns)
    if shown.is_line:
        line = DensityLine(shown.results, shown.frame, shown.view)
        shape = _LINE_SHAPE + _MAP_SHAPE
        drawn: Plane | DensityLine = line
    else:
        plane = Plane(shown.results, shown.frame, shown.view, shown.projection)
        place = plane.extent
        least = _FLATTEST if count > 1 else 0.5
        shape = min(max(place.height / place.width, least), _STEEPEST if count > 1 else 0.72)
        plane.widen(shape)
        drawn = plane
    overlays = PanelOverlays(shown.results, shown.frame, shown.view, shown.projection, drawn.extent, shown.samplers)
    between = _UNDER_ROW if not shown.is_line else _BELOW
    row = _HEAD + width * shape
    height = rows * row + (rows - 1) * between + _BELOW

    def draw(canvas: Canvas, top: float) -> None:
        said = headings(shown.results, shown.frame, is_playing=False)
        form = _richest([said[index] for index in shown.samplers], width, style)
        for place, index in enumerate(shown.samplers):
            across, down = place % columns, place // columns
            left = _LEFT + across * (width + _GAP)
            start = top + down * (row + between)
            _write_heading(canvas, shown, index, said[index], form, Rectangle(left, left + width, start, start + _HEAD))
            is_last = place + columns >= count
            if isinstance(drawn, DensityLine):
                axes = canvas.axes(left, start + _HEAD, width, _LINE_SHAPE * width)
                below = canvas.axes(left, start + _HEAD + _LINE_SHAPE * width, width, _MAP_SHAPE * width)
                draw_line(axes, drawn, index, is_first=across == 0)
                overlays.draw(axes, index)
                draw_map(below, drawn, index, is_first=across == 0)
                axes = below
            else:
                axes = canvas.axes(left, start + _HEAD, width, shape * width)
                draw_plane(axes, drawn, index)
                overlays.draw(axes, index)
                _label(axes, shown.projection, is_first=across == 0, is_last=is_last)
            if said[index].notice:
                _write_notice(axes, said[index].notice, width)

    entries = [*_entries(shown, drawn), *overlays.entries()]
    blocks = [Block(height, draw), legend(entries, style)]
    if "ratio" in shown.view.overlays and not shown.is_line:
        blocks.append(legend(ratio_entries(), style))
    return [*blocks, *note_blocks(" ".join(filter(None, (_missing_laws(shown), overlays.notes()))), style)]


def _missing_laws(shown: Shown) -> str:
    """Return a sentence for each reason why laws that are wanted are not drawn."""
    if not shown.is_line and not {"law", "ratio"} & set(shown.view.overlays):
        return ""
    missing: dict[str, list[str]] = {}
    for index in shown.samplers:
        if shown.results.law(index, shown.frame) is None:
            reason = shown.results.law_note(index) or _NO_DENSITY
            missing.setdefault(reason, []).append(shown.results.samplers[index].about.short_label)
    return " ".join(f"No law of {', '.join(names)}: {reason}." for reason, names in missing.items())


def _columns(count: int, room: float) -> int:
    """Return the number of panels beside each other."""
    if room < _NARROW:
        return min(count, 2)
    return count if count <= 4 else 3 if count in {5, 6, 9} else 4


def _label(axes: Axes, projection: Projection, *, is_first: bool, is_last: bool) -> None:
    """Name the axes at the outer panels; the others are linked with them."""
    axes.tick_params(labelleft=is_first, labelbottom=is_last)
    if is_first:
        axes.set_ylabel(projection.axes[1], size=pt(11.5))
    if is_last:
        axes.set_xlabel(projection.axes[0], size=pt(11.5))


# Headings


def _richest(said: Sequence[Heading], width: float, style: Style) -> int:
    """Return the index of the longest version of the headings that fits in every panel."""
    count = len(said[0].forms)
    for index in range(count):
        texts = ["  ".join(f"{name} {text}" for name, text in each.forms[index]) for each in said]
        if all(text_width(text, pt(_NUMBERS)) / style.scale <= width for text in texts):
            return index
    return count - 1


def _write_heading(canvas: Canvas, shown: Shown, index: int, said: Heading, form: int, place: Rectangle) -> None:
    """Write name and numbers; ``place`` has rising distances from the upper end of the sheet."""
    about, style = shown.results.samplers[index].about, current()
    name = canvas.text(
        place.left, place.bottom + 0.2, figure_text(about.label), weight="bold", color=style.words(about.colour)
    )
    canvas.fit(name, place.right)
    _write_form(canvas, said.forms[form], place.left, place.bottom + 0.2 + LINE)


def _write_form(canvas: Canvas, form: Form, left: float, base: float) -> None:
    style = current()
    for number, (name, text) in enumerate(form):
        parts = ((f"{name} ", style.muted), (text, style.ink)) if name else ((text, style.ink),)
        for words, colour in parts:
            canvas.text(left, base, words, size=_NUMBERS, color=colour)
            gap = 0.04 if words.endswith(" ") else 0.0
            left += text_width(words.strip(), pt(_NUMBERS)) / style.scale + gap
        left += 0.1 if number < len(form) - 1 else 0.0


def _write_notice(axes: Axes, notice: str, width: float) -> None:
    words = textwrap.fill(figure_text(notice), max(12, int(_SEEN * width / 4.0)))
    axes.text(
        0.5,
        0.06,
        words,
        transform=axes.transAxes,
        ha="center",
        va="bottom",
        size=pt(10),
        color=current().ink,
        zorder=9,
        bbox={"facecolor": current().surface, "edgecolor": current().faint, "alpha": 0.9, "boxstyle": "round"},
    )


# Legend


def _entries(shown: Shown, drawn: Plane | DensityLine) -> list[Entry]:
    """Return the legend of everything that is drawn."""
    style, t, overlays = current(), shown.results.t(shown.frame), shown.view.overlays
    found = list[Entry]()
    masses = "" if shown.is_line else ", 20–95 %"
    if t > 1 and "target" in overlays:
        found.append(Entry(f"exact target at t = {t}{masses}", line_sign(style.ink)))
        found.append(Entry("at t = 1" if shown.is_line else "at t = 1, 80 %", line_sign(style.ink, 1.3, (0, (4, 2)))))
    else:
        found.append(Entry(f"exact target at t = 1{masses}", line_sign(style.ink)))
    found.append(Entry("prior at t = 1" if shown.is_line else "prior at t = 1, 40–95 %", line_sign(style.pale, 1.2)))
    if drawn.is_measured:
        words = "likelihood of y, to its own scale" if shown.is_line else "Hx = y ± σ$_y$, ± 2σ$_y$"
        found.append(Entry(words, area_sign(STRIP, 0.45)))
    colours = {shown.results.samplers[index].about.colour for index in shown.samplers}
    colour = colours.pop() if len(colours) == 1 else style.muted
    number = shown.results.scenario.run.particles
    at = f"{number} particle{'' if number == 1 else 's'} at t = {t}"
    found.append(Entry(f"{at}, trails" if drawn.has_trails else at, dot_sign(colour)))
    if drawn.has_law:
        law = line_sign(style.words(colour) if len(shown.samplers) == 1 else style.muted, 1.8, drawn.law_dashes)
        found.append(Entry(f"sampler’s law at t = {t}", law))
    if shown.results.scenario.data is not None:
        found.append(Entry("data", dot_sign(style.muted, 3)))
    return found
