"""The table of KL, bound and distances in a figure; columns that do not fit beside each other follow below."""

from __future__ import annotations

from functools import partial

from matplotlib.lines import Line2D

from core.drawing.layout import text_width
from core.drawing.style import Style, current, pt
from core.figures.sheet import EDGE, LINE, Block, Canvas
from core.reporting.terms_table import TermsCells
from core.runs.results import Results
from core.text.user_text import figure_text, one_line

_SIZE, _STEP, _PADDING = 11.0, 1.12 * LINE, 0.16
_ABOVE = 0.3
"""Distance of the names from the part above, in inches."""
_MOST_NAME = 24


def table_blocks(results: Results, frame: int, style: Style) -> list[Block]:
    """Return the table at a frame: a column a sampler, a row a quantity."""
    cells = TermsCells(results, frame)
    titles = cells.titles()
    names = [figure_text(one_line(sampler.about.label, _MOST_NAME)) for sampler in results.samplers]
    columns = [[cells.cell(name, column).text for name in titles] for column in range(len(names))]
    corner = f"at t = {results.t(frame)}, nats"

    def width_of(words: str, weight: str = "normal") -> float:
        return text_width(words, pt(_SIZE), weight) / style.scale

    first = EDGE + max(map(width_of, [corner, *titles.values()])) + _PADDING
    widths = [
        max(width_of(name, "bold"), *map(width_of, column)) + _PADDING
        for name, column in zip(names, columns, strict=True)
    ]
    groups = _groups(widths, style.room - first - EDGE)

    def draw_group(group: list[int], canvas: Canvas, top: float) -> None:
        base = top + _ABOVE
        canvas.text(EDGE, base, corner, size=_SIZE, color=style.muted)
        for row, title in enumerate(titles.values(), start=1):
            canvas.text(EDGE, base + row * _STEP + 0.06, figure_text(title), size=_SIZE, color=style.muted)
        spare = (style.room - first - EDGE - sum(widths[column] for column in group)) / len(group)
        right = first
        for column in group:
            right += widths[column] + spare
            colour = style.words(results.samplers[column].about.colour)
            canvas.text(right, base, names[column], size=_SIZE, weight="bold", color=colour, ha="right")
            for row, text in enumerate(columns[column], start=1):
                canvas.text(right, base + row * _STEP + 0.06, text, size=_SIZE, ha="right", color=style.ink)
        y = 1 - (base + 0.08) / canvas.height
        ends = [EDGE / canvas.width, 1 - EDGE / canvas.width]
        rule = Line2D(ends, [y, y], color=current().pale, linewidth=pt(0.8), transform=canvas.figure.transFigure)
        canvas.figure.add_artist(rule)

    height = _ABOVE + 0.2 + _STEP * len(titles)
    return [Block(height, partial(draw_group, group)) for group in groups]


def _groups(widths: list[float], room: float) -> list[list[int]]:
    """Return the columns that stand beside each other."""
    groups, left = list[list[int]](), 0.0
    for column, width in enumerate(widths):
        if not groups or width > left:
            groups.append([])
            left = room
        groups[-1].append(column)
        left -= width
    return groups
