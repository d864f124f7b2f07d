"""The menu of the planes: what can be done with a component, or at a place."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtWidgets import QApplication, QInputDialog, QMenu

from app.document.document import Revision
from app.planes.handles.controller import HandleController, Place
from core.scenario.plane_edits import (
    Grip,
    equally_weighted,
    made_round,
    section,
    weighted,
    with_row_towards,
    with_value_at,
)

_WEIGHTS = 0.0001, 1000.0
"""What may be typed."""

Act = Callable[[], object]


def plane_menu(
    controller: HandleController, grip: Grip | None, place: Place, pixel: float, *, ask: Act, fit: Act
) -> QMenu:
    """Offer what can be done with the component that a handle belongs to, or else at a place.

    Args:
        controller: whose scenario is changed.
        grip: the handle under the mouse; it takes the keys.
        place: where the menu was asked for.
        pixel: how much of the plane a pixel covers.
        ask: shows the scores at the place.
        fit: shows the whole problem again.
    """
    controller.release()
    menu = QMenu()
    if controller.is_active:
        _add_component(menu, controller, grip, place, pixel)
    menu.addAction("Show the scores here", ask)
    if controller.is_active:
        _add_edits(menu, controller, grip, place)
    menu.addSeparator()
    menu.addAction("Fit view\tF", fit)
    return menu


def _add_component(menu: QMenu, controller: HandleController, grip: Grip | None, place: Place, pixel: float) -> None:
    """What can be done with the component, or a new one. Every edit is meant for what was there when the menu came."""
    seen = controller.revision
    if grip is not None:
        controller.focus(grip)
    component = grip.component if grip is not None else None
    if component is not None:
        name = controller.name(component)
        menu.addAction(f"Weight of {name}…", lambda: _ask_weight(controller, component, seen))
        menu.addAction(f"Duplicate {name}", lambda: controller.duplicate(component, pixel, seen))
        if controller.scenario.dimension > 1:
            menu.addAction(f"Make {name} round", lambda: controller.edit(lambda old: made_round(old, component), seen))
        menu.addAction(f"Delete {name}\tDel", lambda: controller.delete(seen)).setEnabled(controller.can_delete)
    else:
        menu.addAction("Add a component here", lambda: controller.add(place, pixel, seen))
    menu.addSeparator()


def _add_edits(menu: QMenu, controller: HandleController, grip: Grip | None, place: Place) -> None:
    """What can be done with the measurement, and with all components."""
    seen, scenario = controller.revision, controller.scenario
    _add_rows(menu, controller, place)
    menu.addSeparator()
    mixture = grip.mixture if grip is not None and grip.component is not None else "prior"
    if len(section(scenario, mixture).weights) > 1:
        menu.addAction(
            "Set all weights equal", lambda: controller.edit(lambda old: equally_weighted(old, mixture), seen)
        )
    if scenario.rows:
        menu.addAction("Draw y from the model", lambda: controller.draw_value(seen))


def _add_rows(menu: QMenu, controller: HandleController, place: Place) -> None:
    """Bring y and H to the place, where the plane shows one row of H; of several, the handles say which is meant."""
    if len(controller.lines) != 1:
        return
    row, basis, seen = next(iter(controller.lines)).index, controller.basis, controller.revision
    menu.addAction("Bring y here", lambda: controller.edit(lambda old: with_value_at(old, row, place, basis), seen))
    if Grip("row", row) in [spot.grip for spot in controller.spots] and any(place):
        menu.addAction(
            "Aim H here", lambda: controller.edit(lambda old: with_row_towards(old, row, place, basis), seen)
        )


def _ask_weight(controller: HandleController, component: Grip, seen: Revision) -> None:
    if seen != controller.revision:
        return  # the component may be gone
    title = f"Weight of {controller.name(component)}"
    words = f"{title}\n(all weights are divided by their sum)"
    old = section(controller.scenario, component.mixture).weights[component.index]
    window = QApplication.activeWindow()
    decimals = max(4, 3 - math.floor(math.log10(old)))
    low, high = min(old, _WEIGHTS[0]), max(old, _WEIGHTS[1])
    new, accepted = QInputDialog.getDouble(window, title, words, old, low, high, decimals=decimals, step=0.05)
    if accepted and new != round(old, decimals):
        controller.edit(lambda scenario: weighted(scenario, component, new), seen)
