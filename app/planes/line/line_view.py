"""Updates of the line's parts in all panels: particles by frame, and time maps that are filled as a run goes on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import cast, final

from PySide6.QtCore import QObject, QTimer, Signal

from app.planes.line.curves import DensityCurves
from app.planes.line.part import LinePart
from core.geometry.rows import MapAxes, SamplerRows, TargetRows
from core.geometry.time_scale import Kind, TimeScale
from core.problem.mixture import GaussianMixture
from core.runs.results import Results

_SLICE_SECONDS = 0.006
"""Time that rows are computed for before the interface has its turn."""
_MARGIN = 0.5
"""Width of the maps beyond each side of the view, in parts of the view, so that it can be moved."""
_ZOOMED = 1.6
"""Zoom after which the maps are computed with other columns."""

Shown = Sequence[tuple[int, LinePart]]
"""Visible parts with their samplers' indices."""


@final
class LineView(QObject):
    """The parts of all panels.

    It is asleep (without work or drawings) while a plane is shown.
    """

    scrubbed = Signal(int)
    """The user has moved the cursor of a time map to a frame."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.kind: Kind = "t"
        """Quantity in which the maps' time axis is uniform."""
        self._results: Results | None = None
        self._axes: MapAxes | None = None
        self._target: TargetRows | None = None
        self._rows: dict[int, SamplerRows] = {}
        self._shown: Shown = ()
        self._more = QTimer(self, singleShot=True, interval=0)
        self._more.timeout.connect(self._fill)
        self._moved = QTimer(self, singleShot=True, interval=0)
        self._moved.timeout.connect(self._renew)

    def take(self, parts: Iterable[LinePart]) -> None:
        """Listen to the parts of new panels; those shown so far may be gone."""
        self._shown = ()
        for part in parts:
            part.map.scrubbed.connect(self.scrubbed)
            part.box.sigXRangeChanged.connect(lambda *_: self._moved.start() if self._shown else None)

    def set_axis(self, kind: str) -> None:
        """Choose the quantity in which time is uniform."""
        self.kind = cast("Kind", kind)
        self._renew()

    def show_frame(
        self, results: Results, frame: int, shown: Shown, curves: DensityCurves | None, overlays: set[str]
    ) -> None:
        """Show the particles of a frame in the visible panels; on a plane (no curves), do nothing."""
        if curves is None:
            self._shown = ()
            return
        peak = curves.peak(results.t(frame)) if "target" in overlays else curves.final_peak
        target = _target(results, frame) if "ratio" in overlays else None
        for index, part in shown:
            part.show_particles(results.trace.particles(index, frame), peak)
            part.show_law(results.law(index, frame), target, peak)
            part.map.show_frame(frame, paths="trails" in overlays, ratio="ratio" in overlays)
        self._shown = shown
        if results is not self._results:
            self._results, self._axes = results, None
        self._renew()

    @property
    def is_active(self) -> bool:
        """True if a line is shown."""
        return bool(self._shown)

    def restyle(self) -> None:
        """Draw in the theme's colours."""
        for _, part in self._shown:
            part.map.refresh()

    def advance(self) -> None:
        """Take note of newly computed frames and laws."""
        for index, _ in self._shown:
            if index in self._rows:
                self._rows[index].look()
        if self._shown and not self._more.isActive():
            self._more.start()

    # Time maps

    def complete(self) -> None:
        """Compute all rows now, rather than between events."""
        self._renew()
        while self._more.isActive():
            self._more.stop()
            self._fill()

    def _renew(self) -> None:
        """Compute the maps anew if the run, the time axis, or what the view shows has changed."""
        if self._results is None or not self._shown:
            return
        view = self._shown[0][1].view_range
        axes = self._axes
        fits = axes is not None and axes.low <= view[0] and view[1] <= axes.high
        width = (view[1] - view[0]) * (1 + 2 * _MARGIN)
        if not fits or axes is None or not 1 / _ZOOMED < width / (axes.high - axes.low) < _ZOOMED:
            low, high = view[0] - _MARGIN * (view[1] - view[0]), view[1] + _MARGIN * (view[1] - view[0])
        else:
            low, high = axes.low, axes.high
        wanted = MapAxes(TimeScale(self._results.schedule, self.kind), low, high)
        if axes is None or not axes.is_like(wanted):
            self._axes, self._rows = wanted, {}
            self._target = TargetRows(wanted, self._results.problem, self._results.schedule)
            self._more.start()
        assert self._axes is not None
        assert self._target is not None
        for index, _ in self._shown:
            if index not in self._rows:
                self._rows[index] = SamplerRows(self._axes, self._results, index)
                self._more.start()

    def _fill(self) -> None:
        """Compute rows for a few milliseconds, those of all visible panels in turn."""
        end, target = time.perf_counter() + _SLICE_SECONDS, self._target
        if self._axes is None or target is None or not self._shown:
            return
        changed = {index for index, part in self._shown if part.map.rows is not self._rows[index]}
        while time.perf_counter() < end:
            behind = [index for index, _ in self._shown if self._rows[index].is_behind]
            if not target.is_complete:
                target.advance()
                changed |= {index for index, _ in self._shown}
            elif behind:
                for index in behind:
                    self._rows[index].advance()
                changed |= set(behind)
            else:
                break
        if not target.is_complete or any(self._rows[index].is_behind for index, _ in self._shown):
            self._more.start()
            return  # until all is known, the maps show what they did
        for index, part in self._shown:
            if index in changed:
                part.map.show_rows(self._axes, target, self._rows[index])


def _target(results: Results, frame: int) -> GaussianMixture:
    """Return the target at a frame's t; at t = 0, where it may have no density, that at t = 1."""
    return results.problem.target.noised(float(results.schedule.alpha_bar[max(results.t(frame), 1)]))
