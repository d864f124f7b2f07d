"""Figures of a run: what a view shows of its results, drawn in a style, and written with the snapshot of both."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Literal, get_args

from matplotlib.figure import Figure

from core.drawing.files import DPI, ENDINGS, figure_bytes
from core.drawing.style import Style, applied
from core.errors import ScenarioError, suggest
from core.figures.bars import composition_blocks, weights_blocks
from core.figures.panels import Shown, panel_blocks
from core.figures.sheet import Block, compose
from core.figures.table import table_blocks
from core.figures.time_curves import headline_blocks, per_step_blocks
from core.runs.results import Results
from core.snapshot.carrier import figure_metadata
from core.snapshot.snapshot import Snapshot
from core.snapshot.view import View
from core.system.files import write_whole

What = Literal["panels", "panel", "headline", "per-step", "composition", "weights", "table", "page"]

WHAT: tuple[What, ...] = get_args(What)
"""Names of what can be drawn: all panels; one; mismatch, bound and KL against t; the mismatch of each step; the terms
of each bound; the components' weights; the table; and the page with panels, headline plot and table."""
_MOST_SIDE, _MOST_PIXELS = 1 << 15, 1 << 28
"""Most pixels of a side, and of a whole figure."""


def shown_frame(results: Results, view: View) -> int:
    """Return the frame of a view's t; without a t, the last one that is computed.

    Raises:
        ScenarioError: the run has no such t, or has not reached it.
    """
    if not results.completed:
        raise ScenarioError("", "", "nothing is computed yet")
    if view.t is None:
        return results.completed - 1
    if view.t > results.schedule.steps:
        raise ScenarioError("", "view.t", f"must be at most T = {results.schedule.steps} (is {view.t})")
    frame = results.frame(view.t)
    if frame >= results.completed:
        raise ScenarioError("", "view.t", f"has not been reached: the run is at t = {results.t(results.completed - 1)}")
    return frame


def figure(results: Results, view: View, what: What = "panels", style: Style | None = None) -> Figure:
    """Draw what a view shows of a run; the same results, view and style give the same figure.

    Matplotlib's settings belong to the process, so that only one thread draws at a time.

    Args:
        results: a run that has reached the view's t; panels need the particles of all frames.
        view: t, overlays, plane, visible part, the enlarged sampler, and axes of the plots.
        what: one of :data:`WHAT`; ``panel`` is the view's enlarged sampler, or the first.
        style: look, width and type; None: paper, 174 mm.

    Raises:
        ScenarioError: the run has not reached t, or has no such sampler.
    """
    style = style or Style()
    frame = shown_frame(results, view)
    with applied(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name may be in any script
        blocks = _blocks(results, frame, view, what, style)
        return compose(blocks, style, f"{results.scenario.name}, t = {results.t(frame)}")


def _blocks(results: Results, frame: int, view: View, what: What, style: Style) -> list[Block]:
    if what in {"panels", "panel"}:
        sampler = _sampler(results, view) if what == "panel" else None
        return panel_blocks(Shown.of(results, frame, view, sampler), style)
    if what in {"headline", "per-step"}:
        against_t = headline_blocks if what == "headline" else per_step_blocks
        return against_t(results, frame, view, style)
    if what == "page":
        parts: tuple[What, ...] = ("panels", "headline", "table")
        return [block for part in parts for block in _blocks(results, frame, view, part, style)]
    at_t = {"composition": composition_blocks, "weights": weights_blocks, "table": table_blocks}[what]
    return at_t(results, frame, style)


def _sampler(results: Results, view: View) -> str:
    keys = [sampler.about.key for sampler in results.samplers]
    if view.enlarged is not None and view.enlarged not in keys:
        hint = suggest(view.enlarged, keys)
        raise ScenarioError("", "view.enlarged", f"the run has no sampler {view.enlarged!r}{hint}")
    return view.enlarged or keys[0]


def figure_content(
    drawn: Figure, ending: str, style: Style, snapshot: Snapshot | None = None, *, dpi: float = DPI
) -> bytes:
    """Return a figure's file; it carries the snapshot, which opens what it shows.

    Args:
        drawn: in the style.
        ending: ``.svg``, ``.pdf`` or ``.png``.
        style: as the figure was drawn.
        snapshot: what the figure shows.
        dpi: dots per inch of PNG files, and of images within vector files.

    Raises:
        ScenarioError: it would have too many pixels.
    """
    width, height = (round(side * dpi) for side in drawn.get_size_inches())
    if max(width, height) > _MOST_SIDE or width * height > _MOST_PIXELS:
        raise ScenarioError("", "dpi", f"would make {width} x {height} pixels; take fewer dots per inch, or less width")
    metadata = {} if snapshot is None else figure_metadata(ending, snapshot)
    return figure_bytes(drawn, ending, style, dpi=dpi, metadata=metadata)


def require_ending(path: Path) -> str:
    """Return the ending of a figure's file in lower case.

    Raises:
        ScenarioError: it is none of a figure.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ScenarioError(str(path), "", f"must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    return ending


def write_figure(
    path: Path,
    results: Results,
    view: View,
    what: What = "panels",
    style: Style | None = None,
    *,
    dpi: float = DPI,
) -> None:
    """Draw what a view shows of a run, and write it whole, with its snapshot.

    Raises:
        ScenarioError: it cannot be drawn or written; an existing file is unchanged.
    """
    style, ending = style or Style(), require_ending(path)
    snapshot = Snapshot("scenario", results.scenario.to_toml(), view)
    drawn = figure(results, view, what, style)
    write_whole(path, figure_content(drawn, ending, style, snapshot, dpi=dpi))
