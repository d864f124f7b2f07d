"""Layout shared by figures: axes style, positions of labels beside curves, and texts that fit the page."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from core.drawing.style import current, pt
from core.text.number_format import number

MOST_DECADES = 10
"""Largest number of decades of a figure's value axis."""
_SMALLEST_TYPE = 7.0
"""Smallest font size in points; a text that is still too wide is cut."""


def page(width: float, height: float) -> Figure:
    """Return an empty figure in the current style; sizes in the inches of layouts."""
    style = current()
    figure = Figure(figsize=(width * style.scale, height * style.scale), dpi=200, facecolor=style.surface)
    FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call] # so that texts can be measured
    return figure


def nats_axis(axes: Axes) -> None:
    """Apply the style of all figures to axes: nats on a logarithmic scale, tick labels without tick marks."""
    axes.set_yscale("log")
    axes.grid(axis="y", color=current().faint, linewidth=pt(0.8))
    axes.set_axisbelow(True)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.tick_params(length=0, pad=pt(7))
    axes.yaxis.set_major_locator(LogLocator(numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _power_of_ten(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)


def _power_of_ten(value: float) -> str:
    if 1e-3 <= value < 1e5:
        return f"{value:g}"
    return number(value, 1).removeprefix("1.0·")


def spread(wanted: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Return positions near the wanted ones, at least ``gap`` apart, within ``low`` to ``high`` if they fit."""
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


def keep_inside(text: Text, right: float) -> Text:
    """Shrink, then cut a text until it ends left of ``right``, a fraction of the figure's width."""
    room = right * _canvas(text).figure.bbox.width - _extent(text)[0]
    width, size = _width(text), float(text.get_fontsize())
    if width > room:
        text.set_fontsize(max(size * room / width, pt(_SMALLEST_TYPE)))
    words = text.get_text()
    while _width(text) > room and len(words) > 1:
        words = words[: min(int(len(words) * room / _width(text)), len(words) - 1)].removesuffix("\\")
        text.set_text(f"{words}…")
    return text


def legend_below(figure: Figure, lines: Sequence[Artist], labels: Sequence[str], left: float) -> Legend:
    """Return a legend at the foot of a figure, on as few rows as its width allows."""
    for columns in range(len(labels), 0, -1):
        legend = figure.legend(
            list(lines),
            list(labels),
            loc="lower left",
            bbox_to_anchor=(left, 0.005),
            ncols=columns,
            frameon=False,
            fontsize=pt(11.5),
            handlelength=2.6,
            columnspacing=2.0,
            labelspacing=0.35,
            borderpad=0.2,
        )
        if _extent(legend)[1] < 0.995 * figure.bbox.width or columns == 1:
            break
        legend.remove()
    return legend


def _canvas(artist: Artist) -> FigureCanvasAgg:
    assert artist.figure is not None
    canvas = artist.figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    return canvas


def _extent(artist: Artist) -> tuple[float, float]:
    """Return the left and right end of an artist in pixels."""
    box = artist.get_window_extent(_canvas(artist).renderer)
    return box.x0, box.x1


def _width(text: Text) -> float:
    left, right = _extent(text)
    return right - left


def text_width(words: str, size: float, weight: str = "normal") -> float:
    """Return the width of a line of text in the current style, in inches; ``size`` in points."""
    figure = Figure(figsize=(1, 1), dpi=200)
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    box = figure.text(0, 0, words, size=size, weight=weight).get_window_extent(renderer)
    return box.width / figure.dpi
