"""The hand on the planes: which handle it holds, which component is selected, and what its edits make.

One hand serves all panels. It knows scenarios and places of the plane; panels draw what it says.
"""

from __future__ import annotations

import math
import secrets
from typing import final

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.fields import write, write_vector
from app.manipulation import (
    REACH,
    Array,
    Drag,
    Edit,
    Grip,
    Mixture,
    Spot,
    added,
    attempt,
    axis_angle,
    components,
    deleted,
    deviations,
    duplicated,
    principal_angle,
    rows_in_plane,
    section,
    shadow,
    spots,
)
from app.widgets import subscript
from core.scenario import Scenario

_NEW_DEVIATION = 24.0
"""Pixels: the standard deviation of a component that is added, large enough to be seen and held."""
_COPY_STEP = 24.0
"""Pixels from a component to its duplicate."""

Place = tuple[float, float]


@final
class Hand(QObject):
    """Takes, moves and lets go of handles; edits components."""

    dragged = Signal(object)
    """A Scenario, while a handle is on its way."""
    edited = Signal(object)
    """A Scenario that differs from the one before: a handle was let go, or a command given."""
    cancelled = Signal(object)
    """The Scenario from before the drag that was given up."""
    changed = Signal()
    """Handles stand or look otherwise than before."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.scenario: Scenario | None = None
        self.spots: list[Spot] = []
        self.lines: dict[Grip, tuple[float, float, float]] = {}
        """(a, b, y) of each measurement that can be moved: ``a u + b v = y``."""
        self.outline: tuple[Place, Place, float] | None = None
        """Middle, half axes and angle of the ellipse on which the selected component's handles stand."""
        self.grip: Grip | None = None
        """The handle that the keys go to, and the last one taken."""
        self.selected: Grip | None = None
        """The mean of the component that is selected, here and in the dock: its covariance has handles, Delete removes
        it. One that was just added in the dock may not be known here yet."""
        self.basis: Array = np.eye(2)
        """Of the plane, (k, d)."""
        self._angle = 0.0
        self._drag: Drag | None = None
        self._target: tuple[Place, float, bool] | None = None
        self._arrival = QTimer(self, singleShot=True, interval=0)
        self._arrival.timeout.connect(self._follow)

    @property
    def noise(self) -> float:
        """sigma_y; without a measurement, none."""
        measurement = self.scenario.measurement if self.scenario is not None else None
        return measurement.noise if measurement is not None else 0.0

    @property
    def is_dragging(self) -> bool:
        """Whether a handle is on its way."""
        return self._drag is not None

    def take(self, scenario: Scenario, basis: Array) -> None:
        """Work on a scenario, seen in a plane, from now on; a drag of another one is dropped."""
        if self._drag is not None and self._drag.start == scenario and np.array_equal(self.basis, basis):
            return
        self._drag = self._target = None
        self.scenario, self.basis = scenario, basis
        if self.selected not in components(scenario):
            self.selected = None
        self._place_handles()

    def _place_handles(self) -> None:
        if self.scenario is not None:
            settled = self.scenario.with_value()
            self.spots = spots(settled, self.basis, self.selected, self._angle)
            if self.grip not in [spot.grip for spot in self.spots]:
                self.grip = None
            rows = rows_in_plane(np.asarray(settled.rows), self.basis)
            values = settled.values
            self.lines = {Grip("value", index): (a, b, values[index]) for index, (a, b) in rows.items()}
            self.outline = self._outline(settled)
        self.changed.emit()

    def _outline(self, scenario: Scenario) -> tuple[Place, Place, float] | None:
        if self.selected not in components(scenario) or len(self.basis) == 1:
            return None
        mean, spread = shadow(scenario, self.selected, self.basis)
        angle = principal_angle(spread, self._angle)
        radii = REACH * deviations(spread, angle)
        return (float(mean[0]), float(mean[1])), (float(radii[0]), float(radii[1])), angle

    # Handles

    def focus(self, grip: Grip | None) -> None:
        """Let the keys go to a handle; a component's handle selects it, none selects nothing."""
        component = grip.component if grip is not None else None
        if component != self.selected:
            self._angle = 0.0
        self.selected, self.grip = component, grip
        self._place_handles()

    def grasp(self, grip: Grip) -> None:
        """Take a handle; nothing is edited before it moves."""
        self.release()
        self.focus(grip)
        if self.scenario is not None:
            self._drag = Drag(self.scenario, grip, self.basis, self._angle)

    def move(self, place: Place, *, pixel: float, snap: bool) -> None:
        """Bring the handle to a place, at the next moment that there is time: the latest place counts."""
        self._target = place, pixel, snap
        self._arrival.start()

    def _follow(self) -> None:
        self._arrival.stop()
        if self._drag is None or self._target is None:
            return
        place, pixel, snap = self._target
        self._target = None
        self.scenario = self._drag.to(place, pixel=pixel, snap=snap)
        self._angle = self._angle_at(place)
        self._place_handles()
        self.dragged.emit(self.scenario)

    def _angle_at(self, place: Place) -> float:
        """Where the axes of the selected component point, so that handles neither swap nor jump."""
        if self.selected is None or self.scenario is None or len(self.basis) == 1:
            return 0.0
        mean, spread = shadow(self.scenario, self.selected, self.basis)
        held = self.grip is not None and self.grip.kind == "axis"
        near = axis_angle(np.array(place) - mean, self.grip.axis) if held else self._angle  # type: ignore[union-attr]
        return principal_angle(spread, near)

    def release(self) -> None:
        """Let the handle go where it is now: one edit, if it was moved at all."""
        self._follow()
        drag, self._drag = self._drag, None
        if drag is not None and drag.current != drag.start:
            self.edited.emit(drag.current)
        self.changed.emit()

    def cancel(self) -> bool:
        """Give the drag up and restore what was; return whether there was one."""
        drag, self._drag, self._target = self._drag, None, None
        if drag is None:
            return False
        self._angle = drag.near
        if self.scenario != drag.start:
            self.scenario = drag.start
            self._place_handles()
            self.cancelled.emit(drag.start)
        self.changed.emit()
        return True

    # Commands

    def edit(self, edit: Edit) -> None:
        """Make one edit, where it is valid."""
        self.release()
        if self.scenario is None:
            return
        new = attempt(edit, self.scenario)
        if new != self.scenario:
            self.take(new, self.basis)
            self.edited.emit(new)

    def add(self, place: Place, pixel: float) -> None:
        """Add a component at a place, and select it."""
        self.edit(lambda scenario: added(scenario, place, _NEW_DEVIATION * pixel, self.basis))
        self._select_last()

    def duplicate(self, component: Grip, pixel: float) -> None:
        """Add the same component beside it, and select the new one."""
        self.edit(lambda scenario: duplicated(scenario, component, _COPY_STEP * pixel, self.basis))
        self._select_last(component.mixture)

    def _select_last(self, mixture: Mixture = "prior") -> None:
        if self.scenario is not None:
            self.focus(Grip("mean", len(section(self.scenario, mixture).weights) - 1, mixture=mixture))

    def delete(self) -> None:
        """Remove the selected component, unless it is the last one."""
        component = self.selected
        if component is not None and self.can_delete:
            self.focus(None)
            self.edit(lambda scenario: deleted(scenario, component))

    @property
    def can_delete(self) -> bool:
        """Whether a component is selected, and not the last one of its mixture."""
        if self.selected is None or self.scenario is None or self.selected not in components(self.scenario):
            return False
        return len(section(self.scenario, self.selected.mixture).weights) > 1

    def draw_value(self) -> None:
        """Draw a new y from the model."""
        self.edit(lambda scenario: scenario.redrawn(secrets.randbits(32)))

    # Words

    def name(self, grip: Grip) -> str:
        """What a handle is called on the plane; rows are numbered where there are several."""
        if grip.component is not None:
            return ("m" if grip.mixture == "prior" else "c") + subscript(grip.index + 1)
        several = self.scenario is not None and len(self.scenario.rows) > 1
        return ("y" if grip.kind == "value" else "H") + (subscript(grip.index + 1) if several else "")

    def describe(self, grip: Grip) -> str:
        """What a handle stands for, with its value."""
        assert self.scenario is not None
        name, index = self.name(grip), grip.index
        match grip.kind:
            case "mean":
                held = section(self.scenario, grip.mixture)
                return f"{name} = ({write_vector(held.means[index])}), weight {write(held.weights[index])}"
            case "axis" if self.outline is not None:
                length = self.outline[1][grip.axis] / REACH
                degrees = round(math.degrees(self.outline[2]) + 90 * grip.axis) % 180
                return f"{name}: standard deviation {length:.3g} along {degrees}°"
            case "value":
                return f"{name} = {write(self.lines[grip][2])}"
            case "row":
                row = self.scenario.rows[index]
                return f"{name} = ({write_vector(row)}), gain {math.hypot(*row):.3g}"
        return name
