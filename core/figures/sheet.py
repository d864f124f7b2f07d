"""Sheet of a figure: blocks below each other, each with a known height, and legends that wrap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon
from matplotlib.text import Text

from core.drawing.layout import keep_inside, page, text_width
from core.drawing.style import Style, current, pt
from core.text.user_text import figure_text

EDGE = 0.08
"""Margin of the sheet, in the inches of layouts."""
LINE = 0.21
"""Height of a line of text, in inches."""
_TITLE = 0.42
_HANDLE, _AFTER_HANDLE, _BETWEEN = 0.36, 0.1, 0.26
"""Width of a legend's sign, and gaps after sign and label, in inches."""
_LEGEND_TYPE = 11.5


@final
class Block(NamedTuple):
    """A part of a figure."""

    height: float
    """In the inches of layouts."""
    draw: Callable[[Canvas, float], None]
    """Draws it on a canvas; its upper end is at a distance from the sheet's upper end, in inches."""


@final
class Entry(NamedTuple):
    """An entry of a legend."""

    label: str
    """As matplotlib takes it, with dollar signs of users escaped."""
    sign: Artist
    """A line or patch, drawn in the place of the sign."""


@final
class Canvas:
    """A sheet with places in inches from its upper left corner."""

    def __init__(self, figure: Figure, width: float, height: float) -> None:
        self.figure, self.width, self.height = figure, width, height

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes."""
        bottom = self.height - top - height
        return self.figure.add_axes(
            (left / self.width, bottom / self.height, width / self.width, height / self.height),
            label=f"{left} {top}",
        )

    def text(self, left: float, base: float, words: str, *, size: float = 12.5, **how: Any) -> Text:  # noqa: ANN401 - matplotlib's
        """Write a line of text with its base line at a distance from the upper end."""
        return self.figure.text(left / self.width, 1 - base / self.height, words, size=pt(size), **how)

    def fit(self, text: Text, right: float) -> Text:
        """Shrink, then cut a text until it ends before a place."""
        return keep_inside(text, right / self.width)


def compose(blocks: Sequence[Block], style: Style, title: str) -> Figure:
    """Draw blocks below each other, with a title where the style has one."""
    head = _TITLE if style.has_title and title else 0.0
    height = head + sum(block.height for block in blocks) + 2 * EDGE
    figure = page(style.room, height)
    canvas = Canvas(figure, style.room, height)
    if head:
        words = canvas.text(EDGE, EDGE + 0.24, figure_text(title), size=16, weight="bold")
        canvas.fit(words, style.room - EDGE)
    top = EDGE + head
    for block in blocks:
        block.draw(canvas, top)
        top += block.height
    return figure


def legend(entries: Sequence[Entry], style: Style, left: float = EDGE) -> Block:
    """Return a legend whose entries flow into as many rows as the width needs."""
    places, row, x = list[tuple[int, float]](), 0, left
    for entry in entries:
        width = _HANDLE + _AFTER_HANDLE + text_width(entry.label, pt(_LEGEND_TYPE)) / style.scale
        if x > left and x + width > style.room - EDGE:
            row, x = row + 1, left
        places.append((row, x))
        x += width + _BETWEEN
    step = LINE * 1.05

    def draw(canvas: Canvas, top: float) -> None:
        for entry, (line, start) in zip(entries, places, strict=True):
            middle = top + 0.12 + step * (line + 0.5)
            _draw_sign(canvas, entry.sign, start, middle)
            words = canvas.text(
                start + _HANDLE + _AFTER_HANDLE,
                middle,
                entry.label,
                size=_LEGEND_TYPE,
                va="center_baseline",
                color=current().ink,
            )
            canvas.fit(words, canvas.width - EDGE / 2)

    return Block(0.14 + step * (row + 1) if entries else 0.0, draw)


def _draw_sign(canvas: Canvas, sign: Artist, left: float, middle: float) -> None:
    """Draw a sign at a place: a line along it, a mark in its middle, or a patch."""
    width, height = canvas.width, canvas.height
    y = 1 - middle / height
    if isinstance(sign, Line2D):
        is_mark, middle_x = sign.get_linestyle() == "None", left + _HANDLE / 2
        sign.set_data(
            [part / width for part in ((middle_x,) if is_mark else (left, middle_x, left + _HANDLE))],
            [y] if is_mark else [y] * 3,
        )
        sign.set_transform(canvas.figure.transFigure)
        canvas.figure.add_artist(sign)
        return
    assert isinstance(sign, Patch)
    corners = [
        (left / width, y - 0.055 / height),
        ((left + _HANDLE) / width, y - 0.055 / height),
        ((left + _HANDLE) / width, y + 0.055 / height),
        (left / width, y + 0.055 / height),
    ]
    shape = Polygon(corners, closed=True, transform=canvas.figure.transFigure)
    shape.set(facecolor=sign.get_facecolor(), edgecolor=sign.get_edgecolor(), linewidth=sign.get_linewidth())
    canvas.figure.add_artist(shape)


def line_sign(colour: str, width: float = 1.6, dashes: object = "-", **how: object) -> Line2D:
    """Return the sign of a line; its width is given for layouts."""
    return Line2D([], [], color=colour, linewidth=pt(width), linestyle=dashes, **how)  # type: ignore[arg-type]


def dot_sign(colour: str, size: float = 6.0, marker: str = "o") -> Line2D:
    """Return the sign of points."""
    return Line2D([], [], linestyle="none", marker=marker, color=colour, markersize=pt(size), markeredgewidth=0)


def area_sign(colour: str, alpha: float = 1.0) -> Patch:
    """Return the sign of an area."""
    return Patch(facecolor=colour, alpha=alpha, linewidth=0)
