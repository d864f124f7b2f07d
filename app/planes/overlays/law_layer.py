"""What the overlays *Law* and *Law against target* draw in one panel, and what they say in the legend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import final

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.planes.overlays.law import LawPictures, RatioPicture
from app.theme import theme
from app.widgets.pictures import Drawing, DrawingItem
from app.widgets.user_text import rich_text
from core.drawing.palette import legible
from core.geometry.scene import Projection
from core.geometry.shapes import Line
from core.runs.results import Results

_WIDTH = 1.8
"""Width of a law's lines, in pixels."""
_BEHIND = 0.3
"""Opacity of the particles below a law, whose lines have the same colour."""


@final
class RatioItem(pg.GraphicsObject):
    """Item that draws an image of log ratios in its own place and direction."""

    def __init__(self) -> None:
        super().__init__()
        self.picture: RatioPicture | None = None

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Everything that the view shows."""
        view = self.getViewBox()
        return QRectF() if view is None else view.viewRect()

    def viewRangeChanged(self) -> None:  # noqa: N802 - pyqtgraph's name
        """Follow the view."""
        self.prepareGeometryChange()

    def show_picture(self, picture: RatioPicture | None) -> None:
        """Show a picture, or none."""
        if picture is not self.picture:
            self.picture = picture
            self.update()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        """Draw the image with smooth scaling."""
        if self.picture is not None:
            painter.save()
            painter.setTransform(self.picture.to_plane, True)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(0, 0, self.picture.image)
            painter.restore()


@final
class LawLayer:
    """A panel's contours and log ratios.

    Args:
        colour: of the sampler.
        box: view box of the panel.
        particles: item of the particles, which are faint below a law.
    """

    def __init__(self, colour: str, box: pg.ViewBox, particles: pg.GraphicsObject) -> None:
        self._colour, self._particles = colour, particles
        self._is_shown = False
        self.contours, self.ratio = DrawingItem(), RatioItem()
        self.line: Line | None = None
        """The contours that are drawn."""
        for item, depth in ((self.ratio, 0.2), (self.contours, 3.5)):
            item.setZValue(depth)
            box.addItem(item, ignoreBounds=True)

    def show(self, line: Line | None, ratio: RatioPicture | None) -> None:
        """Draw contours and log ratios, either or none."""
        is_shown = line is not None or ratio is not None
        if is_shown or self._is_shown:
            self._particles.setOpacity(_BEHIND if is_shown else 1.0)
        self._is_shown = is_shown
        self.ratio.show_picture(ratio)
        if line is not self.line:
            self.line = line
            self.contours.set_drawing(Drawing() if line is None else Drawing([(line, law_pen(self._colour))]))


def law_pen(colour: str, style: Qt.PenStyle = Qt.PenStyle.DashLine) -> QPen:
    """Return the pen of a law's lines, from the sampler's colour."""
    return pg.mkPen(legible(colour, theme.current().surface), width=_WIDTH, style=style)


@final
class LawOverlay:
    """The law in all panels of a plane; pictures are kept while run and plane are the same."""

    def __init__(self) -> None:
        self._pictures: LawPictures | None = None

    def draw(
        self,
        results: Results,
        frame: int,
        projection: Projection,
        layers: Iterable[tuple[int, LawLayer]],
        shown: set[str],
    ) -> None:
        """Draw what is active of the overlays ``law`` and ``ratio``; on a line, nothing.

        Args:
            results: the run.
            frame: a computed frame.
            projection: the plane.
            layers: the visible panels' layers, each with its sampler's index.
            shown: keys of the active overlays.
        """
        is_plane = results.scenario.dimension == 2 and not projection.is_line
        if self._pictures is None or not self._pictures.shows(results, projection):
            self._pictures = LawPictures(results, projection)
        for index, layer in layers:
            layer.show(
                self._pictures.contours(index, frame) if is_plane and "law" in shown else None,
                self._pictures.ratio(index, frame) if is_plane and "ratio" in shown else None,
            )

    def forget(self) -> None:
        """Forget all pictures, since colours have changed."""
        self._pictures = None


def law_words(results: Results, frame: int, samplers: Sequence[int], shown: set[str]) -> list[str]:
    """Return the legend of the active overlays of laws, with the reason where one is missing.

    In one dimension laws are always drawn, and only reasons that last are given unasked.
    """
    is_line = results.scenario.dimension == 1
    is_wanted = bool(shown & {"law", "ratio"})
    words = [_LAW_WORDS] if "law" in shown and not is_line else []
    missing: dict[str, list[str]] = {}
    for index in samplers if is_wanted or is_line else ():
        note = results.law_note(index)
        if results.law(index, frame) is None and (is_wanted or note is not None):
            label = rich_text(results.samplers[index].about.short_label)
            missing.setdefault(note or _NOT_YET, []).append(label)
    return words + [f"No law of {', '.join(names)}: {rich_text(reason)}" for reason, names in missing.items()]


_LAW_WORDS = "Dashed: the sampler’s law p<sub>t</sub>, at the target’s levels"
_NOT_YET = "not computed yet, or without a density at this t"
