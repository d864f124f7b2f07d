"""The planes: a panel a sampler in a grid, with one view, one hand and the same random numbers between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app import theme
from app.hand import Hand
from app.pictures import Drawing
from app.plane import Plane
from app.scene import COARSE, FINE, Projection, Scene, data_dots, projections
from app.widgets import LegendEntry, card, heading, side_by_side
from core.experiment import Experiment
from core.problem import Problem
from core.samplers import About
from core.scenario import Scenario

TRAIL_FRAMES = 14
TRAIL_POINTS = 60_000
"""Trails are shortened so that no frame draws more points than this."""


@final
class PlaneGrid(QWidget):
    """All panels, with one view and one hand between them."""

    dragged = Signal(object)
    """A Scenario, while a handle is on its way."""
    edited = Signal(object)
    """A Scenario: a handle was let go, or a command given."""
    cancelled = Signal(object)
    """The Scenario from before a drag that was given up."""

    explained = Signal(object)
    """The user asks what a sampler is."""

    def __init__(self) -> None:
        super().__init__()
        self.planes: dict[str, Plane] = {}
        self.hand = Hand(self)
        self.hand.dragged.connect(self._follow_hand)
        self.hand.edited.connect(self._follow_edit)
        self.hand.cancelled.connect(self._give_up)
        self._experiment: Experiment | None = None
        self._problem: Problem | None = None
        self._scenario: Scenario | None = None
        self._projections: list[Projection] = []
        self._frame = 0
        self._follow = True
        self._filler: QWidget | None = None
        self._data_legend = LegendEntry("data", 4, style=Qt.PenStyle.NoPen)
        self._data_legend.hide()
        self.choice = QComboBox(toolTip="The plane of x that is shown: across, up", accessibleName="Plane")
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.choice.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.choice.activated.connect(self._change_projection)
        self._grid = QGridLayout()
        self._grid.setSpacing(8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 4, 4)
        layout.setSpacing(4)
        layout.addLayout(self._grid, 1)
        layout.addLayout(self._legend())
        self.setMinimumWidth(320)

    def _legend(self) -> QHBoxLayout:
        row = side_by_side(
            LegendEntry("exact posterior", 1.6, colour="ink"),
            LegendEntry("prior", 1.2, colour="faint"),
            LegendEntry("Hx = y ± σ_y, ± 2σ_y", 8, colour=theme.STRIP),
            LegendEntry("particles, trails", 6, style=Qt.PenStyle.NoPen),
            spacing=14,
        )
        row.insertWidget(row.count() - 1, self._data_legend)
        row.setContentsMargins(4, 0, 4, 0)
        row.addWidget(self.choice)
        return row

    def show_experiment(self, experiment: Experiment, scenario: Scenario | None = None) -> None:
        """Take a new run; panels are kept where the samplers are the same.

        Args:
            experiment: the run.
            scenario: what was asked for, where y may be left out; handles change this one.
        """
        abouts = [sampler.about for sampler in experiment.samplers]
        if [about.key for about in abouts] != list(self.planes):
            self._rebuild(abouts)
        chosen = self.choice.currentText()
        self._experiment, self._problem, self._frame = experiment, experiment.problem, 0
        self._scenario = scenario or experiment.scenario
        self._projections = projections(experiment.problem)
        labels = [projection.label for projection in self._projections]
        self.choice.clear()
        self.choice.addItems(labels)
        if chosen in labels:
            self.choice.setCurrentIndex(labels.index(chosen))
        else:
            self._follow = True
        self.choice.setVisible(len(labels) > 1)
        self._data_legend.setVisible(experiment.scenario.data is not None)
        self.refresh()

    def _change_projection(self) -> None:
        self.fit()
        self.show_frame(self._frame)

    def show_preview(self, experiment: Experiment) -> None:
        """Take the particles of a small run; contours and handles are the hand's."""
        self._experiment = experiment

    def refresh(self) -> None:
        """Draw what does not move by itself again, in the theme's colours."""
        if self._scenario is not None:
            self.hand.take(self._scenario, self._projection.basis.numpy())
        self._draw_scene(FINE)

    def _draw_scene(self, nodes_across: int) -> None:
        if self._experiment is None or self._problem is None:
            return
        abar = float(self._experiment.schedule.alpha_bar[1])
        scene = Scene.of(self._problem, abar, self._projection, nodes_across)
        palette = theme.current()
        data = [(dots, theme.dot_pen()) for dots in data_dots(self._experiment.scenario, self._projection)]
        prior = Drawing([(scene.prior, pg.mkPen(palette.faint, width=1))], data)
        target = Drawing([(scene.target, pg.mkPen(palette.ink, width=1))])
        for plane in self.planes.values():
            plane.set_scene(scene, prior, target)
        if self._follow:
            self._leader.box.setRange(scene.extent, padding=0.02)

    def _show_scenario(self, scenario: Scenario, nodes_across: int) -> None:
        """Draw what is exact at once; the particles come when they are computed."""
        self._stop_following()  # the plane stays where the hand is
        self._problem = scenario.problem()
        self._draw_scene(nodes_across)

    def _follow_hand(self, scenario: Scenario) -> None:
        self._show_scenario(scenario, COARSE)
        self.dragged.emit(scenario)

    def _follow_edit(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._show_scenario(scenario, FINE)
        self.edited.emit(scenario)

    def _give_up(self, scenario: Scenario) -> None:
        self._show_scenario(scenario, FINE)
        self.cancelled.emit(scenario)

    @property
    def _projection(self) -> Projection:
        return self._projections[self.choice.currentIndex()]

    def follow(self) -> None:
        """Keep the whole problem in view from the next run on."""
        self._follow = True

    def fit(self) -> None:
        """Show the whole problem again after panning or zooming."""
        self.follow()
        self.refresh()

    @property
    def _leader(self) -> Plane:
        return next(iter(self.planes.values()))

    def _rebuild(self, abouts: Sequence[About]) -> None:
        for widget in [*self.planes.values(), *([self._filler] if self._filler else [])]:
            self._grid.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self.planes = {about.key: Plane(about, self.hand, self.fit) for about in abouts}
        self._leader.view.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # all panels have the same handles
        columns = 1 if len(abouts) == 1 else 2 if len(abouts) <= 4 else 3
        widgets: list[QWidget] = list(self.planes.values())
        self._filler = _descriptions(abouts) if len(widgets) % columns else None
        if self._filler is not None:
            widgets.append(self._filler)
        for index, widget in enumerate(widgets):
            self._grid.addWidget(widget, index // columns, index % columns)
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, 1 if row * columns < len(widgets) else 0)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        for plane in self.planes.values():
            plane.picked.connect(self.select)
            plane.explained.connect(self.explained)
            plane.box.sigRangeChangedManually.connect(self._stop_following)
            if plane is not self._leader:
                plane.box.setXLink(self._leader.box)
                plane.box.setYLink(self._leader.box)

    def _stop_following(self) -> None:
        self._follow = False

    def select(self, key: str) -> None:
        """Mark the panel of one sampler."""
        for plane in self.planes.values():
            plane.mark(plane.about.key == key)

    def select_panel(self, index: int) -> None:
        """Mark the panel at a place, where there is one."""
        if index < len(self.planes):
            self.select(list(self.planes)[index])

    @property
    def selected(self) -> Plane | None:
        """The marked panel, or the first."""
        planes = list(self.planes.values())
        return next((plane for plane in planes if plane.property("selected")), planes[0] if planes else None)

    def show_frame(self, frame: int) -> None:
        """Show the particles at a frame that is complete, with the frames before it as trails."""
        if self._experiment is None:
            return
        self._frame = frame
        projection = self._projection
        trace = self._experiment.trace
        length = min(TRAIL_FRAMES, TRAIL_POINTS // trace.frames[0].shape[-1])
        first = max(0, frame - length)
        for index, plane in enumerate(self.planes.values()):
            plane.particles.set_frames(projection.points(trace.frames[index][first : frame + 1]))


def _descriptions(abouts: Sequence[About]) -> QWidget:
    """What fills the place that an odd number of panels leaves."""
    frame, layout = card(heading("What these samplers do"))
    for about in abouts:
        words = QLabel(
            f'<p><span style="color:{about.colour}">●</span>&nbsp; <b>{about.label}</b>&nbsp; {about.summary} '
            f"<i>{about.source}</i></p>",
            wordWrap=True,
        )
        layout.addWidget(words)
    layout.addStretch()
    area = QScrollArea(widgetResizable=True, frameShape=QFrame.Shape.NoFrame)  # the words must not push panels aside
    area.setWidget(frame)
    return area
