"""Figure of a spectrum setting: produced against true spectrum, shares of W2^2, the budget, W2 against a parameter."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import BinaryIO, Literal, get_args

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from core.drawing.layout import keep_inside, page, text_width
from core.drawing.style import REPORT, Style, applied, current, pt
from core.errors import ScenarioError
from core.spectrum.optimum import Curve
from core.spectrum.prediction import Prediction
from core.spectrum.simulation import Simulated
from core.spectrum.spectra import Array
from core.spectrum.views import block_means, clouds, kernel_ends, sample_pictures
from core.text.number_format import number, with_error
from core.text.user_text import figure_text

What = Literal["page", "spectrum", "shares", "budget", "curve", "kernel", "clouds", "pictures"]
WHAT: tuple[What, ...] = get_args(What)
"""Names of what can be drawn: the first four panels, or one."""
PRODUCED = "#2E86DE"
COLOURS = {
    "noise": "#9AA5B1",
    "truncation": "#9AA5B1",
    "initialisation": "#12A07A",
    "discretisation": "#E4572E",
    "generalisation": "#F2A541",
    "optimisation": "#7B61C9",
}
"""Colour of every source of error."""
_BESIDE, _AFTER, _HEIGHT = 0.84, 0.36, 2.7
"""Width beside axes on the left and right, and height of axes, in the inches of layouts."""
_ROW, _BELOW = 3.96, 0.81
"""Height of a row of panels, and below the axes of the last one, in inches."""
_HEAD, _HEAD_ALONE = 1.53, 1.05
"""Height above the axes of the first row, with and without a title, in inches."""
_LINE = 0.24
"""Height of a line above the panels, in inches."""
_LEGEND_ROW = 0.082
"""Height of a row of the legend of sources, in parts of the axes."""
_LEAST_PANEL = 4.6
"""Least width of a panel, in inches."""


def save_spectrum_figure(
    prediction: Prediction, simulated: Simulated | None, curve: Curve | None, file: BinaryIO
) -> None:
    """Write the figure as PNG."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        spectrum_figure(prediction, simulated, curve).savefig(file, format="png")


def spectrum_figure(
    prediction: Prediction,
    simulated: Simulated | None = None,
    curve: Curve | None = None,
    style: Style = REPORT,
    what: What = "page",
) -> Figure:
    """Draw a setting's prediction.

    Args:
        prediction: of the setting.
        simulated: the simulation, drawn beside it; None: there is none.
        curve: of W2 against one number; None: there is none.
        style: look, width and type.
        what: the page, or one panel.

    Raises:
        ScenarioError: there is no curve, or the spectrum has no pictures.
    """
    drawn: dict[What, tuple[str, Callable[[Axes], None]]] = {
        "spectrum": ("variance along each eigenvector", lambda axes: _spectra(axes, prediction, simulated)),
        "shares": ("share of each eigenvalue in W₂², exact score", lambda axes: _shares(axes, prediction)),
        "budget": ("W₂² by source", lambda axes: _budget(axes, prediction, simulated)),
    }
    if curve is not None:
        drawn["curve"] = f"W₂ against {curve.label}", lambda axes: _curve(axes, curve, prediction, simulated)
    if what != "page":
        drawn = {what: drawn[what] if what in drawn else _other_panel(prediction, what)}
    with applied(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name may be in any script
        columns = 2 if style.room >= 2 * _LEAST_PANEL and len(drawn) > 1 else 1
        rows = -(-len(drawn) // columns)
        said = _subtitle(prediction, style)
        head = (_HEAD if style.has_title else _HEAD_ALONE) + _LINE * (len(said) - 1)
        figure = page(style.room, head + _HEIGHT + (rows - 1) * _ROW + _BELOW)
        _write_heading(figure, prediction, said, style)
        for add_axes, (title, draw) in zip(_panels(figure, columns, rows), drawn.values(), strict=False):
            draw(add_axes(title))
    return figure


def _other_panel(prediction: Prediction, what: What) -> tuple[str, Callable[[Axes], None]]:
    """Return title and drawing of a panel that is not on the page.

    Raises:
        ScenarioError: there is no such panel.
    """
    if what == "kernel":
        return "kernel norm: what E dM_ij² counts in W₂²", lambda axes: _kernel(axes, prediction)
    if what == "clouds":
        return "both Gaussians where they differ most", lambda axes: _clouds(axes, prediction)
    levels = sample_pictures(prediction) if what == "pictures" else None
    if levels is None:
        why = "this spectrum is not one of pictures" if what == "pictures" else "there is no curve of W₂ yet"
        raise ScenarioError("", "", why)
    return "data above, samples below, same random numbers", lambda axes: _pictures(axes, levels)


def _subtitle(prediction: Prediction, style: Style) -> list[str]:
    """Return spectrum and method, on one line where there is room."""
    parts = [figure_text(prediction.spectrum.label), figure_text(prediction.method.label)]
    whole = "; ".join(parts)
    return [whole] if text_width(whole, style.type) / style.scale < style.room - 2 * _BESIDE else parts


def _write_heading(figure: Figure, prediction: Prediction, said: Sequence[str], style: Style) -> None:
    width, height = (side / style.scale for side in figure.get_size_inches())
    left = (_BESIDE if width > 2 * _LEAST_PANEL else 0.1) / width
    line = 0.74 if style.has_title else 0.35
    if style.has_title:
        title = figure.text(left, 1 - 0.4 / height, figure_text(prediction.setting.name), size=pt(19), weight="bold")
        keep_inside(title, 0.97)
    for row, words in enumerate(said):
        keep_inside(figure.text(left, 1 - (line + _LINE * row) / height, words, color=style.muted), 0.97)


def _panels(figure: Figure, columns: int, rows: int) -> Iterator[Callable[[str], Axes]]:
    """Yield functions that add the axes of one panel after the other, with its title."""
    width, height = (side / current().scale for side in figure.get_size_inches())
    panel = width / columns
    for place in range(columns * rows):
        left = panel * (place % columns) + _BESIDE
        bottom = _BELOW + _ROW * (rows - 1 - place // columns)
        where = left / width, bottom / height, (panel - _BESIDE - _AFTER) / width, _HEIGHT / height
        yield partial(_axes, figure, where)


def _axes(figure: Figure, where: tuple[float, float, float, float], title: str) -> Axes:
    axes = figure.add_axes(where)
    axes.grid(axis="y", color=current().faint, linewidth=pt(0.8))
    axes.set_axisbelow(True)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.tick_params(length=0, pad=pt(6))
    keep_inside(axes.set_title(figure_text(title), loc="left", color=current().ink, size=pt(13), pad=pt(10)), 0.995)
    return axes


def _logarithmic(axes: Axes, *, across: bool = True) -> None:
    """Make axes logarithmic, once everything is drawn; within two decades 2 and 5 have labels, too."""
    for axis in (axes.xaxis, axes.yaxis) if across else (axes.yaxis,):
        (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
        low, high = axis.get_view_interval()
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 200 * low else (1.0,), numticks=7))
        axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)


def _tick(value: float) -> str:
    return f"{value:g}" if 1e-3 <= value < 1e5 else number(value, 1).removeprefix("1.0·")


def _positive(values: Array) -> Array:
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)


def _spectra(axes: Axes, prediction: Prediction, simulated: Simulated | None) -> None:
    """Draw true and produced eigenvalues against their rank; where they explode, the axis ends before."""
    rank = np.arange(1, prediction.spectrum.dimension + 1)
    true, produced = _positive(prediction.spectrum.eigenvalues), _positive(prediction.produced)
    few = "o" if len(rank) <= 64 else ""
    axes.plot(rank, true, color=current().ink, marker=few, markersize=pt(4), linewidth=pt(1.6), label="true (exact)")
    axes.plot(
        rank, produced, color=PRODUCED, marker=few, markersize=pt(4), linewidth=pt(1.6), label="produced (exact score)"
    )
    if simulated is not None and simulated.w2_squared.error > 0:
        axes.errorbar(
            rank,
            _positive(simulated.produced),
            yerr=np.nan_to_num(simulated.produced_error, posinf=0.0),
            color=COLOURS["generalisation"],
            linestyle="",
            marker="s",
            markersize=pt(3),
            label="produced, simulated mean ± s.e.",
        )
    shown = np.concatenate([true, np.where(produced < 1e6 * np.nanmax(true), produced, np.nan)])
    axes.set_ylim(np.nanmin(shown) / 2, np.nanmax(shown) * 2)
    _logarithmic(axes)
    axes.set_xlabel("rank of the eigenvalue")
    axes.legend(frameon=False, fontsize=pt(10.5), loc="lower left")


def _shares(axes: Axes, prediction: Prediction) -> None:
    rank = np.arange(1, prediction.spectrum.dimension + 1)
    if len(rank) <= 64:
        axes.bar(rank, prediction.shares, color=PRODUCED, width=0.75)
    else:
        axes.fill_between(rank, 0, prediction.shares, color=PRODUCED, step="mid")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.tick_params(which="minor", length=0)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    axes.set_xlabel("rank of the eigenvalue")


def _budget(axes: Axes, prediction: Prediction, simulated: Simulated | None) -> None:
    """Stack what each source adds, in order; hollow bars beside it are what each does alone; dots are simulated."""
    level = 0.0
    sources = prediction.budget.sources
    for place, entry in enumerate(sources):
        if entry.added is not None and np.isfinite(entry.added):
            axes.bar(0, entry.added, bottom=level, color=COLOURS[entry.source], width=0.6)
            level += entry.added
        if entry.alone is not None and np.isfinite(entry.alone):
            axes.bar(
                place + 2, entry.alone, color="none", edgecolor=COLOURS[entry.source], linewidth=pt(1.6), width=0.6
            )
    if not np.isfinite(prediction.w2_squared.value):
        axes.text(0.3, 0.4, "W₂ is infinite", color=current().muted, transform=axes.transAxes)
    if simulated is not None and np.isfinite(simulated.w2_squared.mean):
        found = simulated.w2_squared
        axes.errorbar(
            [0.75], [found.mean], yerr=[found.error], color=current().ink, marker="o", capsize=pt(4), linestyle=""
        )
        label = axes.text(
            0.95, found.mean, with_error(found.mean, found.error), size=pt(10), va="center", color=current().ink
        )
        label.set_clip_on(True)
    names = ["added, in order", *(f"{entry.source} alone" for entry in sources)]
    axes.set_xticks([0, *range(2, 2 + len(sources))], names, rotation=20, size=pt(10), ha="right")
    lines = [Line2D([], [], color=COLOURS[entry.source], linewidth=pt(6)) for entry in sources]
    labels = [
        f"{entry.source}: {number(np.nan if entry.added is None else entry.added)} ({entry.kind})" for entry in sources
    ]
    axes.legend(lines, labels, frameon=False, fontsize=pt(9.5), loc="upper right")
    low, high = axes.get_ylim()
    covered = _LEGEND_ROW * len(sources) + 0.06
    axes.set_ylim(low, low + (high - low) / (1 - covered))


def _kernel(axes: Axes, prediction: Prediction) -> None:
    """Draw the kernel norm by ranks, as a heat map with a bar of colours."""
    edges, kernel = block_means(prediction.spectrum.eigenvalues, prediction.produced)
    ends = kernel_ends(kernel)
    axes.grid(visible=False)
    means = ", means of blocks" if len(kernel) < prediction.spectrum.dimension else ""
    axes.set_xlabel(f"rank j{means}")
    axes.set_ylabel("rank i")
    axes.set(xlim=(edges[0], edges[-1]), ylim=(edges[0], edges[-1]))
    if ends is None:
        axes.text(0.5, 0.5, "no entry is positive", ha="center", color=current().muted, transform=axes.transAxes)
        return
    norm = LogNorm(*ends)
    axes.pcolormesh(edges, edges, np.where(kernel > 0, kernel, np.nan), cmap="viridis", norm=norm, rasterized=True)
    axes.set_aspect("equal", anchor="W")
    bar = axes.inset_axes((1.03, 0.0, 0.04, 1.0))
    bar.pcolormesh([0, 1], np.geomspace(*ends, 65), np.geomspace(*ends, 64)[:, None], cmap="viridis", norm=norm)
    bar.set_yscale("log")
    bar.yaxis.tick_right()
    subs = (1.0, 2.0, 5.0) if ends[1] < 200 * ends[0] else (1.0,)
    bar.yaxis.set_major_locator(LogLocator(subs=subs, numticks=7))
    bar.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    bar.yaxis.set_minor_formatter(NullFormatter())
    bar.tick_params(which="both", length=0, labelbottom=False, labelsize=pt(9))


def _clouds(axes: Axes, prediction: Prediction) -> None:
    """Draw points and contours of both Gaussians along two eigenvectors."""
    found = clouds(prediction)
    turn = np.linspace(0, 2 * np.pi, 181)
    labels = "data", "samples, exact score"
    for points, widths, colour, label in zip(
        found.points, found.widths, (current().ink, PRODUCED), labels, strict=True
    ):
        axes.plot(*points, linestyle="", marker="o", markersize=pt(2.2), markeredgewidth=0, color=colour, alpha=0.45)
        for times in (1.0, 2.0):
            x, y = times * widths * np.stack([np.cos(turn), np.sin(turn)])
            axes.plot(x, y, color=colour, linewidth=pt(1.4), label=f"{label}, 1 and 2 σ" if times == 1 else None)
    axes.set(xlim=(-found.reach, found.reach), ylim=(-found.reach, found.reach))
    axes.set_aspect("equal", anchor="W")
    axes.set_xlabel(f"along direction {found.axes[0] + 1}")
    axes.set_ylabel(f"along direction {found.axes[1] + 1}")
    axes.legend(frameon=False, fontsize=pt(9.5), loc="upper left")


def _pictures(axes: Axes, levels: NDArray[np.uint8]) -> None:
    """Draw samples as pictures."""
    axes.set_axis_off()
    rows, columns, height, width = levels.shape
    for row in range(rows):
        for column in range(columns):
            left, top = 1.06 * width * column, -1.06 * height * row
            place = left, left + width, top - height, top
            axes.imshow(levels[row, column], cmap="gray", vmin=0, vmax=255, extent=place, interpolation="nearest")
    axes.set(xlim=(0, 1.06 * width * columns), ylim=(-1.06 * height * rows, 0))
    axes.set_aspect("equal", anchor="W")


def _curve(axes: Axes, curve: Curve, prediction: Prediction, simulated: Simulated | None) -> None:
    axes.plot(curve.values, _positive(curve.exact), color=PRODUCED, linewidth=pt(1.8), label="exact score (exact)")
    if curve.learned is not None:
        axes.plot(
            curve.values,
            _positive(curve.learned),
            color=COLOURS["generalisation"],
            linewidth=pt(1.8),
            label="learned (prediction)",
        )
    if curve.present is not None:
        axes.plot(
            [curve.present], [np.sqrt(prediction.w2_squared.value)], color=current().ink, marker="D", linestyle=""
        )
        if simulated is not None and np.isfinite(simulated.w2.mean):
            axes.errorbar(
                [curve.present],
                [simulated.w2.mean],
                yerr=[simulated.w2.error],
                color=current().ink,
                marker="o",
                markerfacecolor="none",
                capsize=pt(4),
                linestyle="",
                label="simulated mean ± s.e.",
            )
    _logarithmic(axes, across=curve.is_logarithmic)
    axes.set_xlabel(figure_text(curve.label))
    axes.legend(frameon=False, fontsize=pt(10.5))
