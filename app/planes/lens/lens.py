"""The lens of the planes: follows a point or a particle of one panel, and draws its picture when it is computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pyqtgraph as pg
import torch
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPointF, QRect, Qt
from PySide6.QtGui import QColor

from app.planes.panel import SamplerPanel
from app.run.task import Task
from app.theme import theme
from app.widgets.pictures import Drawing
from core.drawing.palette import legible
from core.geometry.lens import LensPicture, Shape, lens_picture, lens_point
from core.geometry.scene import Projection
from core.runs.results import Results

_NEAR = 7
"""Distance in pixels within which a click means a particle, or the same point again."""
_MARK_ROOM = 24
"""Side of the square around x_t that the card should leave free, in pixels."""
_DOT, _HALO = 10, 14
"""Diameters of a point mass and of the surface around it, in pixels."""


@final
@dataclass(frozen=True)
class _Aim:
    """Sampler and point, or particle, that the lens follows."""

    key: str
    """The sampler's."""
    place: QPointF
    """In the plane; where a particle is followed, the place where it was clicked."""
    particle: int | None


@final
class Lens(QObject):
    """The lens: at most one picture is computed at a time, always the latest that is wanted."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.picture: LensPicture | None = None
        """The latest picture; None while the lens is closed."""
        self._task = Task(self)
        self._task.yielded.connect(self._take)
        self._task.ended.connect(self._go_on)
        self._task.failed.connect(lambda _: self._go_on())
        self._aim: _Aim | None = None
        self._panel: SamplerPanel | None = None
        self._wanted: tuple[object, ...] | None = None
        """Key of the requested picture."""
        self._work: Iterator[object] | None = None
        """Picture to be computed next."""
        self._drawn: tuple[object, ...] | None = None
        """The picture and the view for which it is drawn."""
        self._place = QPointF()
        """Position of x_t in the plane."""
        self._computing: _Aim | None = None
        """Target of the running computation; None while none runs."""

    @property
    def is_open(self) -> bool:
        """True if the lens looks at a point."""
        return self._aim is not None

    @property
    def is_busy(self) -> bool:
        """True while a picture is computed."""
        return self._computing is not None or self._task.is_busy

    def aim(self, panel: SamplerPanel, results: Results, frame: int, projection: Projection, place: QPointF) -> None:
        """Look at the particle at a place, or at the place itself; the same one again closes the lens."""
        index = _index(results, panel.about.key)
        particle = None if index is None else self._particle(panel, results, index, frame, projection, place)
        aim = _Aim(panel.about.key, place, particle)
        same = self._aim is not None and self._aim.key == aim.key and self._aim.particle == particle
        if same and self._aim is not None and (particle is not None or self._is_near(panel, self._aim.place, place)):
            self.close()
            return
        self.close()
        self._aim, self._place = aim, place

    def look(self, key: str, place: QPointF, particle: int | None) -> None:
        """Look at a particle of a sampler, or at a place; the next frame that is shown draws it."""
        self.close()
        self._aim, self._place = _Aim(key, place, particle), place

    @property
    def seen(self) -> dict[str, Any] | None:
        """Fields of :class:`~core.snapshot.view.LensAim`; None while the lens is closed."""
        aim = self._aim
        if aim is None:
            return None
        return {"sampler": aim.key, "place": (self._place.x(), self._place.y()), "particle": aim.particle}

    def _particle(
        self, panel: SamplerPanel, results: Results, index: int, frame: int, projection: Projection, place: QPointF
    ) -> int | None:
        """Return the index of the particle at a place, or None."""
        if results.completed <= frame:
            return None
        points = projection.points(results.trace.particles(index, frame))
        gaps = np.hypot(points[0] - place.x(), points[1] - place.y())
        if not np.isfinite(gaps).any():
            return None
        nearest = int(np.nanargmin(gaps))
        return nearest if float(gaps[nearest]) <= _NEAR * panel.view.handles.pixel else None

    def _is_near(self, panel: SamplerPanel, one: QPointF, other: QPointF) -> bool:
        return (one - other).manhattanLength() < _NEAR * panel.view.handles.pixel

    def close(self) -> None:
        """Close the lens and drop what is being computed."""
        self._aim = self._wanted = self._work = self.picture = self._drawn = None
        if self._panel is not None:
            self._panel.show_lens(None)
            self._panel = None

    def end(self) -> None:
        """Close the lens, and wait for the computation on its thread."""
        self.close()
        self._task.close()

    def let_go(self) -> None:
        """Forget the panel, which is being deleted; the aim stays, for the panel of the same sampler."""
        self._panel = self._wanted = self._drawn = None

    def follow(
        self, panels: Mapping[str, SamplerPanel], results: Results, frame: int, projection: Projection
    ) -> tuple[str, QPointF] | None:
        """Show the picture at a frame as soon as it is computed.

        Returns:
            Sampler and place of x_t in the plane, to be marked; None while the lens is closed.
        """
        if self._aim is None:
            return None
        index = _index(results, self._aim.key)
        panel = panels.get(self._aim.key)
        if index is None or panel is None:
            self.close()
            return None
        if panel is not self._panel:
            self.let_go()
            self._panel = panel
        t = results.t(frame)
        aim = self._aim
        point, place = lens_point(results, index, frame, projection, (aim.place.x(), aim.place.y()), aim.particle)
        self._place = QPointF(*place)
        wanted = (results, results.problem, index, t, projection.label, tuple(point.tolist()))
        if self._wanted is None or not _equal(wanted, self._wanted):
            self._wanted = wanted
            self._work = _pictures(results, index, t, point, projection, self._aim.particle)
            if self._computing is None:
                self._go_on()
        if self.picture is not None:
            self._draw(self.picture)
        return self._aim.key, self._place

    # Pictures

    def _go_on(self) -> None:
        """Compute the next picture, if one is wanted."""
        work, self._work = self._work, None
        self._computing = self._aim if work is not None else None
        if work is not None:
            self._task.start(work)

    def _take(self, picture: object) -> None:
        if self._computing is self._aim and self._panel is not None and isinstance(picture, LensPicture):
            self.picture = picture
            self._draw(picture)

    def _draw(self, picture: LensPicture) -> None:
        """Draw a picture, unless it is drawn already in this view."""
        assert self._panel is not None
        panel = self._panel
        drawn = picture, panel, theme.current(), panel.view.rect(), panel.box.viewRect()
        if drawn == self._drawn:
            return
        self._drawn = drawn
        panel.show_lens(_drawing(picture, panel.about.colour))
        panel.lens_card.show_words(picture)
        mark = QRect(0, 0, _MARK_ROOM, _MARK_ROOM)
        mark.moveCenter(panel.view.mapFromScene(panel.box.mapViewToScene(self._place)))
        panel.lens_card.place(panel.view.rect(), mark, _outline(panel, picture))


def _outline(panel: SamplerPanel, picture: LensPicture) -> NDArray[np.float64]:
    """Return the points of both shapes, (2, n), in the view's pixels."""
    shapes = [shape for shape in (picture.exact, picture.assumed) if shape is not None]
    parts = [np.stack(line) for shape in shapes for line in shape.lines] + [shape.points for shape in shapes]
    points = np.concatenate(parts, axis=1)
    points = points[:, np.isfinite(points).all(0)]
    origin, unit = (panel.box.mapViewToScene(QPointF(at, at)) for at in (0.0, 1.0))
    scale = np.array([[unit.x() - origin.x()], [unit.y() - origin.y()]])
    return np.array([[origin.x()], [origin.y()]]) + scale * points


def _pictures(
    results: Results, index: int, t: int, point: torch.Tensor, projection: Projection, particle: int | None
) -> Iterator[LensPicture]:
    yield lens_picture(results, index, t, point, projection, particle)


def _index(results: Results, key: str) -> int | None:
    """Return a sampler's index in a run, or None."""
    keys = [sampler.about.key for sampler in results.samplers]
    return keys.index(key) if key in keys else None


def _equal(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Return whether two wishes are the same: identical results, equal numbers."""
    return one[0] is other[0] and one[2:] == other[2:]


def _drawing(picture: LensPicture, colour: str) -> Drawing:
    palette = theme.current()
    lines, dots = [], []
    parts: list[tuple[Shape | None, str, Qt.PenStyle]] = [
        (picture.exact, palette.ink, Qt.PenStyle.SolidLine),
        (picture.assumed, legible(colour, palette.surface), Qt.PenStyle.DashLine),
    ]
    for shape, shade, style in parts:
        if shape is None:
            continue
        lines += [(line, pg.mkPen(shade, width=1.8, style=style)) for line in shape.lines]
        for size, tint in ((_HALO, palette.surface), (_DOT, shade)) if shape.points.size else ():
            pen = pg.mkPen(QColor(tint), width=size)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            dots.append((shape.points.astype(np.float32), pen))
    return Drawing(lines, dots)
