"""What the planes show, taken as a view and restored from one."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPointF, QRectF

from app.planes.planes import PlanesWidget
from core.snapshot.view import View

_LEAST_WIDTH = 1e-6
"""Width in which the planes' coordinates are still drawn apart."""


def planes_view(planes: PlanesWidget) -> dict[str, Any]:
    """Return the fields of :class:`~core.snapshot.view.View` that the planes determine."""
    grid = planes.panel_grid
    enlarged = next((key for key, panel in planes.panels.items() if grid.is_enlarged and panel in grid.in_view), None)
    seen = None if planes.is_fitted or not planes.panels else grid.leader.box.viewRect()
    part, *shown = planes.overlays.state.split()
    return {
        "overlays": shown,
        "part": part,
        "enlarged": enlarged,
        "plane": planes.choice.currentText() or None,
        "lens": planes.lens.seen if "lens" in shown else None,
        "extent": None if seen is None else (seen.left(), seen.right(), seen.top(), seen.bottom()),
    }


def show_view(planes: PlanesWidget, view: View) -> None:
    """Show what a view says of the planes, which must show a run; panels and planes of x that are missing are ignored.

    The run's frame stays as it is.
    """
    planes.overlays.restore(" ".join([view.part, *view.overlays]))
    index = planes.choice.findText(view.plane or "")
    planes.choice.setCurrentIndex(max(index, 0))
    wanted = planes.panels.get(view.enlarged or "")
    grid = planes.panel_grid
    if grid.is_enlarged and wanted is None:
        grid.toggle(grid.in_view[0])
    elif wanted is not None:
        grid.turn_to(wanted)
        if not grid.is_enlarged:
            grid.toggle(wanted)
    planes.fit()
    if view.lens is not None and view.lens.sampler in planes.panels and "lens" in view.overlays:
        planes.lens.look(view.lens.sampler, QPointF(*view.lens.place), view.lens.particle)
    if view.extent is not None:
        left, right, bottom, top = view.extent
        if right - left > _LEAST_WIDTH and top - bottom > _LEAST_WIDTH:
            planes.look_at(QRectF(left, bottom, right - left, top - bottom))
