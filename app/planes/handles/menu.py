"""Context menu of the planes: commands on a component, a point, or the measurement."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtWidgets import QApplication, QInputDialog, QMenu

from app.document.document import Revision
from app.planes.handles.controller import HandleController, Place
from app.widgets.vary import add_offers
from core.scenario.plane_edits import (
    Handle,
    equally_weighted,
    made_round,
    section,
    weighted,
    with_row_towards,
    with_value_at,
)

# What is opened later is imported then: the first frame waits for nothing that it does not show.
# ruff: noqa: PLC0415

_WEIGHTS = 0.0001, 1000.0
"""Range of the weight dialog."""

Act = Callable[[], object]


def plane_menu(
    controller: HandleController, handle: Handle | None, place: Place, pixel: float, *, ask: Act, fit: Act
) -> QMenu:
    """Return the context menu for a handle's component, or for an empty point.

    Args:
        controller: makes the edits.
        handle: handle under the mouse, or None.
        place: point in plane coordinates.
        pixel: size of a pixel in plane coordinates.
        ask: shows the scores at the point.
        fit: fits the view to the whole problem.
    """
    controller.release()
    menu = QMenu()
    if controller.is_active:
        _add_component(menu, controller, handle, place, pixel)
    menu.addAction("Show the scores here", ask)
    if controller.is_active:
        _add_edits(menu, controller, handle, place)
        _add_offers(menu, controller, handle)
    menu.addSeparator()
    menu.addAction("Fit view\tF", fit)
    return menu


def _add_component(
    menu: QMenu, controller: HandleController, handle: Handle | None, place: Place, pixel: float
) -> None:
    """Add commands for a component, or for a new one; all are meant for the revision at which the menu opened."""
    seen = controller.revision
    if handle is not None:
        controller.focus(handle)
    component = handle.component if handle is not None else None
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


def _add_edits(menu: QMenu, controller: HandleController, handle: Handle | None, place: Place) -> None:
    """Add commands for the measurement and for all components."""
    seen, scenario = controller.revision, controller.scenario
    _add_rows(menu, controller, place)
    menu.addSeparator()
    mixture = handle.mixture if handle is not None and handle.component is not None else "prior"
    if len(section(scenario, mixture).weights) > 1:
        menu.addAction(
            "Set all weights equal", lambda: controller.edit(lambda old: equally_weighted(old, mixture), seen)
        )
    if scenario.rows:
        menu.addAction("Draw y from the model", lambda: controller.draw_value(seen))


def _add_offers(menu: QMenu, controller: HandleController, handle: Handle | None) -> None:
    """Add a submenu that makes a number of the handle, or of the measurement, an axis of a study."""
    from core.studies.proposals import component_knobs, is_possible, row_knobs

    scenario = controller.scenario
    if handle is not None and handle.component is not None:
        offers = component_knobs(scenario, handle.mixture, handle.index)
    elif handle is not None:
        offers = row_knobs(scenario, handle.index, of_value=handle.kind == "value")
    else:
        offers = row_knobs(scenario, 0, of_value=False) if scenario.rows else []
    add_offers(menu, [offer for offer in offers if is_possible(scenario, offer.knob)], controller.varied.emit)


def _add_rows(menu: QMenu, controller: HandleController, place: Place) -> None:
    """Add commands that move y or H to the point, if exactly one row of H lies in the plane."""
    if len(controller.lines) != 1:
        return
    row, basis, seen = next(iter(controller.lines)).index, controller.basis, controller.revision
    menu.addAction("Move y here", lambda: controller.edit(lambda old: with_value_at(old, row, place, basis), seen))
    if Handle("row", row) in [position.handle for position in controller.positions] and any(place):
        menu.addAction(
            "Turn H here", lambda: controller.edit(lambda old: with_row_towards(old, row, place, basis), seen)
        )


def _ask_weight(controller: HandleController, component: Handle, seen: Revision) -> None:
    if seen != controller.revision:
        return  # the component may have been removed
    title = f"Weight of {controller.name(component)}"
    words = f"{title}\n(weights are normalised by their sum)"
    old = section(controller.scenario, component.mixture).weights[component.index]
    window = QApplication.activeWindow()
    decimals = max(4, 3 - math.floor(math.log10(old)))
    low, high = min(old, _WEIGHTS[0]), max(old, _WEIGHTS[1])
    new, accepted = QInputDialog.getDouble(window, title, words, old, low, high, decimals=decimals, step=0.05)
    if accepted and new != round(old, decimals):
        controller.edit(lambda scenario: weighted(scenario, component, new), seen)
