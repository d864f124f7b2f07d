"""The planes: one panel per sampler in a grid, with linked views and shared handles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.document.document import Document
from app.planes.contours import TargetContours
from app.planes.grid import PanelGrid
from app.planes.handles.controller import HandleController
from app.planes.legend import PlanesLegend
from app.planes.lens.lens import Lens
from app.planes.line.curves import DensityCurves, line_background
from app.planes.line.line_view import LineView
from app.planes.overlays.choice import OverlayButton, OverlayLegend
from app.planes.overlays.law_layer import LawOverlay, law_words
from app.planes.overlays.overlays import overlays
from app.planes.panel import SamplerPanel
from app.planes.probe import ScoreCard, card_title, score_rows
from app.theme import theme
from app.widgets.controls import ComboBox
from app.widgets.keys import Key
from app.widgets.pictures import Drawing, rect
from app.widgets.popup import rect_in_window
from core.geometry.scene import COARSE, FINE, Projection, Scene, data_dots, projections
from core.problem.problem import Problem
from core.reporting.heading import Heading
from core.runs.results import Results
from core.samplers import About
from core.scenario.scenario import Scenario

TRAIL_FRAMES = 14
TRAIL_PARTICLES = 4000
"""Number of particles that leave trails, which limits the drawing time."""
_SAME = 8
"""Distance in pixels within which a second click means the same point."""


@final
class PlanesWidget(QWidget):
    """All panels, with linked views and one handle controller; bare, without controls and for display only."""

    dragged = Signal(object)
    """A Scenario, during a drag."""
    cancelled = Signal()
    """A drag was cancelled."""

    explained = Signal(object)
    """The user asks for a sampler's card."""
    replaced = Signal(str, str)
    """The user chooses another sampler for a panel: old and new key."""

    def __init__(self, document: Document, parent: QWidget | None = None, *, is_bare: bool = False) -> None:
        super().__init__(parent)
        self._is_bare = is_bare
        self.panels: dict[str, SamplerPanel] = {}
        self._document = document
        document.loaded.connect(self._leave)
        self.controller = HandleController(document, self)
        self.controller.dragged.connect(self._follow_drag)
        self.controller.edited.connect(self._follow_edit)
        self.controller.cancelled.connect(self._give_up)
        self._results: Results | None = None
        self._problem: Problem | None = None
        self._is_present = False
        """True if the shown run belongs to the open scenario."""
        self._scene: Scene | None = None
        self._contours: TargetContours | DensityCurves | None = None
        self._projections: list[Projection] = []
        self._frame = 0
        self._follow = True
        self._card: ScoreCard | None = None
        self._point: tuple[str, QPointF] | None = None
        """Sampler key and point of the score card."""
        self.line = LineView(self)
        self.lens = Lens(self)
        self._law = LawOverlay()
        self.panel_grid = PanelGrid(is_bare=is_bare)
        self.panel_grid.changed.connect(self._show_others)
        self.overlays = OverlayButton()
        self.overlays.changed.connect(self._change_overlays)
        self.overlay_legend = OverlayLegend()
        self._resized = QTimer(self, singleShot=True, interval=0)
        self._resized.timeout.connect(self.refit)
        self._overlays_due = QTimer(self, singleShot=True, interval=0)
        self._overlays_due.timeout.connect(self._draw_overlays)
        self.keys = [
            *self.overlays.keys,
            Key(Qt.Key.Key_E, "Enlarge the selected panel, or show all", self._enlarge_selected),
            Key(Qt.Key.Key_PageUp, "Previous panels, of more than six", lambda: self.panel_grid.turn(-1)),
            Key(Qt.Key.Key_PageDown, "Next panels, of more than six", lambda: self.panel_grid.turn(1)),
            Key(Qt.Key.Key_Escape, "Close scores or lens, or show all panels", self._escape),
        ]
        """Keys that the window passes on to the planes."""
        self.legend = PlanesLegend()
        self.choice = ComboBox("Plane of x that is shown: horizontal, vertical axis")
        self.choice.setAccessibleName("Plane")
        self.choice.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToContents)
        self.choice.activated.connect(self._change_projection)
        self.legend.show_target(at_t="target" in self.overlays.shown)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*((0, 0, 0, 0) if is_bare else (8, 8, 4, 4)))
        layout.setSpacing(4)
        layout.addWidget(self.panel_grid, 1)
        layout.addWidget(self.overlay_legend)
        layout.addLayout(self._below())
        self.setMinimumWidth(280)

    def _below(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(self.legend, 1, Qt.AlignmentFlag.AlignVCenter)
        row.addStretch()
        for widget in () if self._is_bare else (self.panel_grid.pager, self.choice, self.overlays):
            row.addWidget(widget)
        return row

    def show_results(self, results: Results, *, is_present: bool = True) -> None:
        """Show the results of a new run; panels are kept if the samplers are the same.

        Args:
            results: the run.
            is_present: whether it belongs to the open scenario, so that handles are active.
        """
        abouts = [sampler.about for sampler in results.samplers]
        if abouts != [plane.about for plane in self.panels.values()]:  # compares label and colour as well
            self.controller.cancel()  # the panel of the dragged handle is deleted
            self._rebuild(abouts)
        chosen = self.choice.currentText()
        self._results, self._problem, self._frame = results, results.problem, 0
        self._is_present = is_present
        self._projections = projections(results.problem)
        labels = [projection.label for projection in self._projections]
        self.choice.clear()
        self.choice.addItems(labels)
        if chosen in labels:
            self.choice.setCurrentIndex(labels.index(chosen))
        else:
            self._follow = True
        self.choice.setVisible(len(labels) > 1 and not self._is_bare)
        self.legend.data.setVisible(results.scenario.data is not None)
        self.refresh()

    def _change_projection(self) -> None:
        self.fit()
        self.show_frame(self._frame)

    def _leave(self) -> None:
        """Deactivate the handles: another scenario was opened, and the shown run belongs to the last one."""
        self._is_present = False

    def has_room_for(self, results: Results) -> bool:
        """Return True if panels and plane fit a run's samplers and dimension."""
        keys = [sampler.about.key for sampler in results.samplers]
        fits = self._results is not None and self._results.scenario.dimension == results.scenario.dimension
        return fits and keys == list(self.panels)

    def show_preview(self, results: Results) -> None:
        """Show the particles of a preview run; contours and handles follow the drag."""
        self._results = results

    def refresh(self) -> None:
        """Redraw scene and overlays in the theme's colours."""
        self.overlays.restyle()
        self.legend.make_room(self.size())
        self.panel_grid.fit()
        self.line.restyle()
        self._law.forget()
        if self._is_present:
            self.controller.take(self._projection.basis.numpy())
        self._draw_scene(FINE)

    def _draw_scene(self, nodes_across: int) -> None:
        if self._results is None or self._problem is None:
            return
        abar = float(self._results.schedule.alpha_bar[1])
        scene = self._scene = Scene.of(self._problem, abar, self._projection, nodes_across, self._scene)
        self.legend.show_scene(scene)
        palette = theme.current()
        data = [(dots, theme.dot_pen()) for dots in data_dots(self._results.scenario, self._projection)]
        if scene.peak is None:
            prior = Drawing([(scene.prior, pg.mkPen(palette.faint, width=1))], data)
            self._contours = TargetContours(self._problem, self._results.schedule, self._projection, scene)
        else:
            prior = line_background(self._problem.measurement, data)
            self._contours = DensityCurves(self._problem, self._results.schedule, scene)
        target = self._target_drawing()
        for plane in self.panels.values():
            plane.set_scene(scene, prior, target)
        if self._follow:
            self.panel_grid.leader.box.setRange(rect(scene.extent), padding=0.02)

    def _target_drawing(self) -> Drawing:
        """Return the contours of the target at the cursor's t, or at t = 1."""
        assert self._contours is not None
        assert self._results is not None
        t = self._results.t(self._frame)
        return self._contours.at(t) if "target" in self.overlays.shown else self._contours.final

    def show_densities(self, scenario: Scenario, nodes_across: int = COARSE) -> None:
        """Draw the exact densities of a scenario at once; particles follow when they are computed."""
        self._stop_following()  # the view must not move during a drag
        self._problem = scenario.problem()
        self._draw_scene(nodes_across)

    def _follow_drag(self, scenario: Scenario) -> None:
        self.show_densities(scenario)
        self.dragged.emit(scenario)

    def _follow_edit(self) -> None:
        if self.controller.is_active:
            self.show_densities(self._document.scenario, FINE)

    def _give_up(self) -> None:
        self._follow_edit()
        self.cancelled.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Hide the legend in a small window, where it would take half of the height."""
        super().resizeEvent(event)
        self.legend.make_room(self.size())

    def refit(self) -> None:
        """Fit the view after panels have changed size, unless the user has zoomed or panned."""
        if self._follow and self._scene is not None and self.panels:
            self.panel_grid.leader.box.setRange(rect(self._scene.extent), padding=0.02)

    @property
    def _projection(self) -> Projection:
        return self._projections[self.choice.currentIndex()]

    def follow(self) -> None:
        """Fit the view to each further run until the user zooms or pans."""
        self._follow = True

    @property
    def is_fitted(self) -> bool:
        """True if the view is fitted to each run, since the user has neither zoomed nor panned."""
        return self._follow

    def fit(self) -> None:
        """Fit the view to the whole problem."""
        self.follow()
        self.refresh()

    def look_at(self, place: QRectF) -> None:
        """Show a part of the plane, here and in further runs."""
        self._follow = False
        self.panel_grid.leader.box.setRange(place, padding=0)

    def _rebuild(self, abouts: Sequence[About]) -> None:
        self._close_card()
        self.lens.let_go()
        planes = {about.key: SamplerPanel(about, self.controller, self.fit, is_bare=self._is_bare) for about in abouts}
        first, *others = planes.values()
        if self.panels and not self._follow:  # keeps the user's view
            first.box.setRange(self.panel_grid.leader.box.viewRect(), padding=0)
        for plane in planes.values():
            plane.picked.connect(self.select)
            plane.explained.connect(self.explained)
            plane.enlarged.connect(self.enlarge)
            plane.replaced.connect(self.replaced)
            plane.asked.connect(self._ask)
            plane.resized.connect(self._fit_headings)
            plane.resized.connect(self._resized.start)
            plane.view.handles.pressed.connect(self._close_card)
            plane.box.sigRangeChangedManually.connect(self._stop_following)
            plane.box.sigRangeChanged.connect(self._redraw_overlays_soon)
        for plane in others:
            plane.box.setXLink(first.box)
            plane.box.setYLink(first.box)
        self.panels = planes
        self.line.take(plane.line for plane in planes.values())
        self.panel_grid.take(list(planes.values()))

    def _stop_following(self) -> None:
        self._follow = False

    def write(self, headings: Sequence[Heading]) -> None:
        """Show each sampler's heading at the cursor's t."""
        if self._results is not None:
            self.panel_grid.show_frame(self._results, self._frame)
        for plane, heading in zip(self.panels.values(), headings, strict=True):
            plane.set_heading(heading)
        self._fit_headings()

    def _fit_headings(self) -> None:
        """Show the longest version of the headings that fits in every visible panel."""
        seen = self.panel_grid.in_view
        form = max((plane.richest_form() for plane in seen), default=0)
        for plane in seen:
            plane.show_form(form)

    def select(self, key: str) -> None:
        """Select the panel of a sampler, and make it visible."""
        for plane in self.panels.values():
            plane.mark(plane.about.key == key)
        self.panel_grid.turn_to(self.panels[key])

    def select_panel(self, index: int) -> None:
        """Select the panel at a position of the page, if there is one."""
        plane = self.panel_grid.at(index)
        if plane is not None:
            self.select(plane.about.key)

    @property
    def selected(self) -> SamplerPanel | None:
        """The selected panel, or the first; None without panels."""
        planes = list(self.panels.values())
        return next((plane for plane in planes if plane.property("selected")), planes[0] if planes else None)

    # One panel, or all

    def enlarge(self, key: str) -> None:
        """Enlarge a panel, or show all again."""
        self._close_card()
        self.panel_grid.toggle(self.panels[key])

    def _enlarge_selected(self) -> None:
        if self.panel_grid.is_enlarged:
            self.enlarge(self.panel_grid.leader.about.key)
        elif self.selected is not None:
            self.enlarge(self.selected.about.key)

    def _show_others(self) -> None:
        """Draw panels that have become visible."""
        self._close_card()
        if self._follow:
            self.refresh()
        self._fit_headings()
        self.show_frame(self._frame)

    def _escape(self) -> None:
        if self._point is not None:
            self._close_card()
        elif self.lens.is_open:
            self._close_lens()
        elif self.panel_grid.is_enlarged:
            self._enlarge_selected()

    # Particles and overlays

    def _change_overlays(self) -> None:
        self.legend.show_target(at_t="target" in self.overlays.shown)
        self._close_card()
        if "lens" not in self.overlays.shown:
            self.lens.close()
        self.show_frame(self._frame)

    def show_frame(self, frame: int) -> None:
        """Show the particles at a frame, which must be computed, with earlier frames as trails."""
        if self._results is None:
            return
        self._frame = frame
        projection, trace = self._projection, self._results.trace
        first = max(0, frame - TRAIL_FRAMES) if "trails" in self.overlays.shown else frame
        target = self._target_drawing()
        for index, plane in self._in_view():
            before = trace.trails(index, first, frame, TRAIL_PARTICLES)
            plane.particles.set_frames(projection.points(trace.particles(index, frame)), projection.points(before))
            plane.set_target(target)
        curves = self._contours if isinstance(self._contours, DensityCurves) else None
        parts = [(index, plane.line) for index, plane in self._in_view()]
        self.line.show_frame(self._results, frame, parts, curves, self.overlays.shown)
        self._draw_overlays()

    def _in_view(self) -> list[tuple[int, SamplerPanel]]:
        """Return the visible panels, each with its sampler's index in the run."""
        seen = self.panel_grid.in_view
        return [(index, plane) for index, plane in enumerate(self.panels.values()) if plane in seen]

    def _redraw_overlays_soon(self) -> None:
        """Schedule one redraw of the overlays after the linked views have changed."""
        if self.overlays.shown - {"target", "trails"} or self._point is not None or self.lens.is_open:
            self._overlays_due.start()

    def _draw_overlays(self) -> None:
        self._overlays_due.stop()
        if self._results is None or self._results.completed <= self._frame:
            return
        panels, shown = self._in_view(), self.overlays.shown
        place = self.panel_grid.leader.box.viewRect()
        seen = [index for index, _ in panels]
        drawn = overlays(self._results, self._frame, self._projection, place, seen, shown, self.overlays.part)
        key, point = (
            self.lens.follow(self.panels, self._results, self._frame, self._projection) or self._point or ("", None)
        )
        for index, plane in panels:
            mark = (point.x(), point.y()) if point is not None and plane.about.key == key else None
            plane.show_overlay(drawn.panels[index], drawn.place, mark)
        layers = [(index, plane.law) for index, plane in panels]
        self._law.draw(self._results, self._frame, self._projection, layers, shown)
        words = [*drawn.words, *law_words(self._results, self._frame, seen, shown)]
        self.overlay_legend.say(drawn.hottest, words, ratio="ratio" in shown)
        self._write_card()

    def advance(self) -> None:
        """Show what has become known since: more frames, and laws."""
        self.line.advance()
        is_known = self._results is not None and self._frame < self._results.completed
        if is_known and (self.overlays.shown & {"law", "ratio"} or self.line.is_active):
            self.show_frame(self._frame)

    # The scores at a point

    def _ask(self, key: str, point: QPointF) -> None:
        """Show the score card, or with the overlay *Lens* the lens, at a point; close it if it is the same point."""
        if "lens" in self.overlays.shown:
            if self._results is not None:
                self.lens.aim(self.panels[key], self._results, self._frame, self._projection, point)
                self._draw_overlays()
            return
        old, self._point = self._point, (key, point)
        plane = self.panels[key]
        if old is not None and old[0] == key and (old[1] - point).manhattanLength() < _SAME * plane.view.handles.pixel:
            self._close_card()
            return
        if self._card is None:
            self._card = ScoreCard(self.window())
            self._card.closed.connect(self._close_card)
        self._draw_overlays()

    def _write_card(self) -> None:
        if self._card is None or self._point is None or self._results is None:
            return
        key, point = self._point
        plane, index = self.panels[key], list(self.panels).index(key)
        t, rows = score_rows(self._results, self._frame, index, self._projection, point)
        self._card.show_rows(card_title(self._results, index, t), rows)
        on_screen = plane.view.viewport().mapToGlobal(plane.view.mapFromScene(plane.view.handles.mapToScene(point)))
        self._card.place(self.window().mapFromGlobal(on_screen), rect_in_window(self.window(), self))
        self._card.show()
        self._card.raise_()

    def _close_lens(self) -> None:
        self.lens.close()
        self._draw_overlays()

    def _close_card(self) -> None:
        card, self._card, self._point = self._card, None, None
        if card is not None:
            card.hide()
            card.deleteLater()
            self._overlays_due.start()
