"""Handle controller of the planes: the dragged handle, the selected component, and the edits that they make.

One controller serves all panels. It works on the document's present scenario, in the plane that is drawn; while
these do not fit (another dimension), there are no handles.
"""

from __future__ import annotations

import math
import secrets
from typing import final

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.document.document import Document, Revision
from app.widgets.fields import format_number, format_vector
from core.errors import ScenarioError
from core.scenario.edits import Edit, with_drawn_value
from core.scenario.plane_edits import (
    LINE_HEIGHT,
    REACH,
    Array,
    Drag,
    Handle,
    HandlePosition,
    Mixture,
    added,
    axis_angle,
    component_in_plane,
    components,
    deleted,
    deviations,
    duplicated,
    handle_positions,
    principal_angle,
    rows_in_plane,
    section,
)
from core.scenario.scenario import Scenario
from core.text.number_format import subscript

_NEW_DEVIATION = 24.0
"""Standard deviation of an added component, in pixels."""
_COPY_STEP = 24.0
"""Distance from a component to its duplicate, in pixels."""

Place = tuple[float, float]


@final
class HandleController(QObject):
    """Controller that turns drags of handles, and commands on components, into edits of the document."""

    dragged = Signal(object)
    """A Scenario during a drag, which the document does not hold yet."""
    edited = Signal()
    """The document was edited, by the end of a drag or by a command."""
    varied = Signal(str)
    """The knob that the user wants to vary in a study."""
    cancelled = Signal()
    """A drag was cancelled; the document's scenario is shown again."""
    changed = Signal()
    """Positions or appearance of handles have changed."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        document.loaded.connect(self._leave)
        document.changed.connect(self._rebase)
        self.is_active = False
        """True if the drawn plane fits the present scenario."""
        self.positions: list[HandlePosition] = []
        self.lines: dict[Handle, tuple[float, float, float]] = {}
        """(a, b, y) of each measurement row in the plane: ``a u + b v = y``."""
        self.outline: tuple[Place, Place, float] | None = None
        """Centre, half axes and angle of the ellipse with the selected component's covariance handles; on a line, an
        interval."""
        self.handle: Handle | None = None
        """Handle with the keyboard focus, or dragged last."""
        self.selected: Handle | None = None
        """Mean of the component that is selected, here and in the dock: its covariance has handles, Delete removes
        it. One that is being added in the dock may not be known here yet."""
        self.basis: Array = np.eye(2)
        """Rows that span the plane, (k, d)."""
        self._angle = 0.0
        self._drag: Drag | None = None
        self._target: tuple[Place, float, bool] | None = None
        self._arrival = QTimer(self, singleShot=True, interval=0)
        self._arrival.timeout.connect(self._follow)

    @property
    def scenario(self) -> Scenario:
        """The document's scenario, with the drag in progress applied."""
        return self._document.scenario if self._drag is None else self._drag.current

    @property
    def revision(self) -> Revision:
        """Revision for which a command given now is meant."""
        return self._document.revision

    @property
    def noise(self) -> float:
        """sigma_y; 0 without a measurement."""
        measurement = self.scenario.measurement
        return measurement.noise if measurement is not None else 0.0

    @property
    def is_dragging(self) -> bool:
        """True if a handle is being dragged."""
        return self._drag is not None

    def take(self, basis: Array) -> None:
        """Set the plane of the present scenario; a drag in another plane is cancelled."""
        is_another = self._drag is not None and not np.array_equal(self.basis, basis)
        if is_another:
            self._drop()
        self.basis = basis
        self._stand()
        if is_another:
            self.cancelled.emit()

    def _stand(self) -> None:
        """Place the handles of the scenario if the plane fits it."""
        self.is_active = self.basis.shape[1] == self.scenario.dimension
        self._place_handles()

    def _leave(self) -> None:
        """Remove all handles, since another scenario was opened and its plane is not drawn yet."""
        self._drop()
        self.is_active, self.selected = False, None
        self._place_handles()

    def _rebase(self) -> None:
        """Rebase the drag on an edited scenario, or drop it if its component or row is gone."""
        drag = self._drag
        goes_on = drag is not None and drag.rebase(self._document.scenario)
        if not goes_on:
            self._drop()
        if self.selected not in components(self.scenario):
            self.selected = None
        if self.is_active:
            self._stand()
        if goes_on:
            self._arrival.start()  # emit the drag again after the edit's signals
        elif drag is not None:
            self.cancelled.emit()

    def _drop(self) -> None:
        self._drag = self._target = None
        self._arrival.stop()

    def _place_handles(self) -> None:
        self.positions, self.lines, self.outline = [], {}, None
        if self.is_active:
            settled = self.scenario.with_value()
            self.positions = handle_positions(settled, self.basis, self.selected, self._angle)
            rows = rows_in_plane(np.asarray(settled.rows), self.basis)
            values = settled.values
            self.lines = {Handle("value", index): (a, b, values[index]) for index, (a, b) in rows.items()}
            self.outline = self._outline(settled)
        if self.handle not in [position.handle for position in self.positions]:
            self.handle = None
        self.changed.emit()

    def _outline(self, scenario: Scenario) -> tuple[Place, Place, float] | None:
        if self.selected not in components(scenario):
            return None
        mean, spread = component_in_plane(scenario, self.selected, self.basis)
        if len(self.basis) == 1:
            return (float(mean[0]), LINE_HEIGHT), (REACH * math.sqrt(float(spread[0, 0])), 0.0), 0.0
        angle = principal_angle(spread, self._angle)
        radii = REACH * deviations(spread, angle)
        return (float(mean[0]), float(mean[1])), (float(radii[0]), float(radii[1])), angle

    # Handles

    def focus(self, handle: Handle | None) -> None:
        """Focus a handle, which also selects its component; None clears the selection."""
        component = handle.component if handle is not None else None
        if component != self.selected:
            self._angle = 0.0
        self.selected, self.handle = component, handle
        self._place_handles()

    def start_drag(self, handle: Handle) -> None:
        """Start a drag; nothing is edited before the handle moves."""
        self.release()
        self.focus(handle)
        if self.handle == handle:
            self._drag = Drag(self._document.scenario, handle, self.basis, self._angle)

    def move(self, place: Place, *, pixel: float, snap: bool) -> None:
        """Move the dragged handle once events are processed; of several positions only the latest counts."""
        self._target = place, pixel, snap
        self._arrival.start()

    def _follow(self) -> None:
        self._arrival.stop()
        drag, target, self._target = self._drag, self._target, None
        if drag is None:
            return
        if target is not None:
            place, pixel, snap = target
            drag.to(place, pixel=pixel, snap=snap)
            self._angle = self._angle_at(place)
        self._place_handles()
        self.dragged.emit(drag.current)

    def _angle_at(self, place: Place) -> float:
        """Return the selected component's principal angle nearest to the previous one, so that handles do not swap."""
        if self.selected is None or len(self.basis) == 1:
            return 0.0
        mean, spread = component_in_plane(self.scenario, self.selected, self.basis)
        held = self.handle is not None and self.handle.kind == "axis"
        near = axis_angle(np.array(place) - mean, self.handle.axis) if held else self._angle  # type: ignore[union-attr]
        return principal_angle(spread, near)

    def release(self) -> None:
        """End the drag with one edit, if the handle has moved."""
        if self._target is not None:
            self._follow()
        drag, self._drag = self._drag, None
        if drag is not None and drag.current != drag.start:
            self._tell(self._apply(drag.edit))
        self.changed.emit()

    def _apply(self, edit: Edit, seen: Revision | None = None) -> bool:
        """Apply an edit to the document; return whether it was valid."""
        try:
            return self._document.edit(edit, seen=seen)
        except ScenarioError:  # an invalid position or command
            return False

    def _tell(self, is_made: bool) -> None:
        if is_made:
            self.edited.emit()
        else:
            self._place_handles()
            self.cancelled.emit()

    def cancel(self) -> bool:
        """Cancel the drag and restore the scenario; return whether there was a drag."""
        drag = self._drag
        if drag is None:
            return False
        self._drop()
        self._angle = drag.near
        if drag.current != drag.start:
            self._place_handles()
            self.cancelled.emit()
        self.changed.emit()
        return True

    # Commands

    def edit(self, edit: Edit, seen: Revision | None = None) -> bool:
        """Apply one edit if it is valid; return whether it was applied.

        Args:
            edit: function of the present scenario.
            seen: revision that it is meant for; None: the present one.
        """
        self.release()
        if not self.is_active or not self._apply(edit, seen):
            return False
        self.edited.emit()
        return True

    def add(self, place: Place, pixel: float, seen: Revision | None = None) -> None:
        """Add a component at a point and select it."""
        if self.edit(lambda scenario: added(scenario, place, _NEW_DEVIATION * pixel, self.basis), seen):
            self._select_last()

    def duplicate(self, component: Handle, pixel: float, seen: Revision | None = None) -> None:
        """Add a copy of a component beside it and select the copy."""
        if self.edit(lambda scenario: duplicated(scenario, component, _COPY_STEP * pixel, self.basis), seen):
            self._select_last(component.mixture)

    def _select_last(self, mixture: Mixture = "prior") -> None:
        self.focus(Handle("mean", len(section(self.scenario, mixture).weights) - 1, mixture=mixture))

    def delete(self, seen: Revision | None = None) -> None:
        """Remove the selected component, unless it is the only one."""
        component = self.selected
        if component is not None and self.can_delete:
            self.focus(None)
            self.edit(lambda scenario: deleted(scenario, component), seen)

    @property
    def can_delete(self) -> bool:
        """True if a component is selected and not the only one of its mixture."""
        if not self.is_active or self.selected not in components(self.scenario):
            return False
        return len(section(self.scenario, self.selected.mixture).weights) > 1

    def draw_value(self, seen: Revision | None = None) -> None:
        """Draw a new y from the model."""
        seed = secrets.randbits(32)
        self.edit(lambda scenario: with_drawn_value(scenario, seed), seen)

    # Descriptions

    def name(self, handle: Handle) -> str:
        """Return the name of a handle on the plane; rows are numbered if there are several."""
        if handle.component is not None:
            return ("m" if handle.mixture == "prior" else "c") + subscript(handle.index + 1)
        several = len(self.scenario.rows) > 1
        return ("y" if handle.kind == "value" else "H") + (subscript(handle.index + 1) if several else "")

    def describe(self, handle: Handle) -> str:
        """Return the name and value of what a handle stands for."""
        name, index = self.name(handle), handle.index
        match handle.kind:
            case "mean":
                held = section(self.scenario, handle.mixture)
                return f"{name} = ({format_vector(held.means[index])}), weight {format_number(held.weights[index])}"
            case "axis" if self.outline is not None:
                length = self.outline[1][handle.axis] / REACH
                if len(self.basis) == 1:
                    return f"{name}: standard deviation {length:.3g}"
                degrees = round(math.degrees(self.outline[2]) + 90 * handle.axis) % 180
                return f"{name}: standard deviation {length:.3g} along {degrees}°"
            case "value":
                return f"{name} = {format_number(self.lines[handle][2])}"
            case "row":
                row = self.scenario.rows[index]
                return f"{name} = ({format_vector(row)}), gain {math.hypot(*row):.3g}"
        return name
