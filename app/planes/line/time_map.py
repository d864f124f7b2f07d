"""Time map of one panel: t against x as a heat map of the sampler, over contours of the target, with a cursor."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QTransform,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.planes.line.items import LEAST_APART, round_steps
from app.planes.line.map_image import density_image, target_contours
from app.planes.overlays.diverging import ratio_image
from app.theme import theme
from app.widgets.pictures import pixel_ratio
from core.drawing.palette import legible
from core.geometry.rows import ROWS, MapAxes, SamplerRows, TargetRows

_TICKS = 16
"""Height of the row of numbers below, in pixels."""
_GAP, _TALL = 4, 150
"""Distance of the two maps, and height of all from which the target has a map of its own, in pixels."""
_PATH, _PATH_OPACITY = 1.0, 0.55
"""Width of a particle's path, in pixels, and its opacity."""
_GRIP = 4.0
"""Radius of the cursor's grip, in pixels."""
_TIP = "Time from t = T above to t = 0 below. Click or drag to go to a time."


@final
class TimeMap(QWidget):
    """Heat map of a sampler's density, x across as in the view above and time downwards, with a draggable cursor.

    Args:
        colour: of the sampler.
        label: of the sampler.
        across: maps x to pixels of this widget's width.
    """

    scrubbed = Signal(int)
    """The user has moved the cursor to a frame."""

    def __init__(self, colour: str, label: str, across: Callable[[float], float]) -> None:
        super().__init__(toolTip=_TIP, accessibleName=f"Densities of {label} over time")
        self._colour, self._across = colour, across
        self._axes: MapAxes | None = None
        self._target: TargetRows | None = None
        self.rows: SamplerRows | None = None
        self._image: QImage | None = None
        self._contours = QPainterPath()
        self._drawn: dict[bool, QPixmap] = {}
        """The map without and with paths."""
        self._ratio = 1.0
        """Pixels of these to one of the widget's."""
        self.frame = 0
        self.shows_paths, self.shows_ratio = True, False
        self.setCursor(Qt.CursorShape.SplitVCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)

    # What is shown

    def show_rows(self, axes: MapAxes, target: TargetRows, rows: SamplerRows) -> None:
        """Show densities, as far as they are known."""
        if target is not self._target:
            self._contours = QPainterPath()
        self._axes, self._target, self.rows = axes, target, rows
        self.refresh()

    def refresh(self) -> None:
        """Draw again: rows were added, or the theme has changed."""
        self._image = None
        self.forget_drawing()

    def forget_drawing(self) -> None:
        """Draw at another scale."""
        self._drawn.clear()
        self.update()

    def show_frame(self, frame: int, *, paths: bool, ratio: bool) -> None:
        """Move the cursor to a frame; show paths, and the log ratio of target and law in place of densities."""
        if ratio != self.shows_ratio:
            self.shows_ratio = ratio
            self.refresh()
        if (frame, paths) != (self.frame, self.shows_paths):
            self.frame, self.shows_paths = frame, paths
            self.update()

    @property
    def areas(self) -> list[QRectF]:
        """Rectangles of the sampler's map and, if there is room, of the target's."""
        room = QRectF(0, 0, self.width(), max(self.height() - theme.scaled(_TICKS), 1))
        if room.height() < _TALL:
            return [room]
        half = (room.height() - _GAP) / 2
        return [QRectF(0, top, room.width(), half) for top in (0.0, half + _GAP)]

    def cursor_at(self, area: QRectF) -> float:
        """Return the ordinate of the cursor in an area."""
        share = self._axes.scale.position(self.frame) if self._axes is not None else 0.0
        return area.top() + share * area.height()

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Go to the time under the pointer."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._scrub(event.position())
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Drag the cursor."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._scrub(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take a second click like the first, so that the panel is not enlarged."""
        self.mousePressEvent(event)

    def _scrub(self, point: QPointF) -> None:
        if self._axes is None:
            return
        areas = self.areas
        area = areas[-1] if point.y() >= areas[-1].top() else areas[0]
        share = min(max((point.y() - area.top()) / area.height(), 0.0), 1.0)
        scale = self._axes.scale
        self.scrubbed.emit(scale.steps - scale.time(share))

    # Painting

    def resizeEvent(self, _event: object) -> None:  # noqa: N802 - Qt's name
        """Draw for the new size."""
        self.forget_drawing()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the map, with paths up to the cursor, and the cursor."""
        if self._axes is None:
            return
        painter = QPainter(self)
        ratio = pixel_ratio(painter)
        if ratio != self._ratio:
            self._ratio = ratio
            self._drawn.clear()
        areas = self.areas
        painter.drawPixmap(0, 0, self._drawing(paths=False))
        if self.shows_paths and not self.shows_ratio:
            above = QRectF(areas[0])
            above.setBottom(self.cursor_at(areas[0]))
            painter.setClipRect(above)
            painter.drawPixmap(0, 0, self._drawing(paths=True))
            painter.setClipping(False)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent = QColor(theme.current().accent)
        for area in areas:
            up = self.cursor_at(area)
            painter.setPen(QPen(accent, 1.5))
            painter.drawLine(QPointF(area.left(), up), QPointF(area.right(), up))
            painter.setBrush(accent)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(QPointF(area.right() - _GRIP - 2, up), _GRIP, _GRIP)

    def _drawing(self, *, paths: bool) -> QPixmap:
        if paths not in self._drawn:
            ratio = self._ratio
            pixmap = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(QColor(theme.current().surface))
            painter = QPainter(pixmap)
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
            self._draw(painter, paths=paths)
            painter.end()
            self._drawn[paths] = pixmap
        return self._drawn[paths]

    def _draw(self, painter: QPainter, *, paths: bool) -> None:
        assert self._axes is not None
        assert self._target is not None
        assert self.rows is not None
        palette, target, areas = theme.current(), self._target, self.areas
        if self._image is None:
            self._image = self._heat(target, self.rows)
        if self._contours.isEmpty() and target.is_complete:
            self._contours = target_contours(target.log_density, target.log_peak)
        left, right = self._across(self._axes.low), self._across(self._axes.high)
        for place, area in enumerate(areas):
            painter.setClipRect(area)
            painter.fillRect(area, QColor(palette.raised))
            where = QRectF(left, area.top(), right - left, area.height())
            if place == 0:
                painter.drawImage(where, self._image)
                if paths:
                    self._draw_paths(painter, where)
            else:
                painter.drawImage(where, density_image(target.log_density, target.log_peak, palette.ink))
            to_map = QTransform.fromTranslate(where.left(), where.top()).scale(where.width(), where.height())
            painter.setPen(QPen(QColor(palette.ink), 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if place == 0:
                painter.drawPath(to_map.map(self._contours))
            self._caption(painter, area, "target" if place else self.caption, Qt.AlignmentFlag.AlignRight)
            self._caption(painter, area, f"t = {self._axes.scale.steps}", Qt.AlignmentFlag.AlignLeft)
        painter.setClipping(False)
        self._draw_ticks(painter, left, right)

    def _heat(self, target: TargetRows, rows: SamplerRows) -> QImage:
        if not self.shows_ratio:
            return density_image(rows.log_density, target.log_peak, self._colour)
        law = np.where(rows.is_law[:, None], rows.log_density, np.nan)
        return ratio_image(np.where(np.isnan(law), np.nan, target.log_density), law, target.log_peak)

    @property
    def caption(self) -> str:
        """What the sampler's map shows."""
        if self.rows is None:
            return ""
        if not self.shows_ratio:
            return self.rows.source
        return "log q − log p" if self.rows.is_law.any() else "log q − log p: no law yet"

    def _draw_paths(self, painter: QPainter, where: QRectF) -> None:
        assert self._axes is not None
        assert self.rows is not None
        colour = QColor(legible(self._colour, theme.current().raised))
        colour.setAlphaF(_PATH_OPACITY)
        painter.setPen(QPen(colour, _PATH))
        x = where.left() + (self.rows.paths - self._axes.low) / (self._axes.high - self._axes.low) * where.width()
        y = where.top() + (np.arange(ROWS) + 0.5) / ROWS * where.height()
        for path in np.clip(x, -1e5, 1e5).T:
            known = np.isfinite(path)
            corners = zip(path[known].tolist(), y[known].tolist(), strict=True)
            painter.drawPolyline([QPointF(*corner) for corner in corners])

    def _caption(self, painter: QPainter, area: QRectF, words: str, side: Qt.AlignmentFlag) -> None:
        """Write words in an upper corner of a map."""
        palette = theme.current()
        painter.setFont(theme.font(10, "medium"))
        metrics = QFontMetricsF(painter.font())
        box = QRectF(0, 0, metrics.horizontalAdvance(words) + 8, metrics.height() + 2)
        box.moveTop(area.top() + 3)
        box.moveLeft(area.left() + 3 if side == Qt.AlignmentFlag.AlignLeft else area.right() - box.width() - 3)
        ground = QColor(palette.surface)
        ground.setAlpha(200)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor(palette.muted))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

    def _draw_ticks(self, painter: QPainter, left: float, right: float) -> None:
        """Write round values of x below the maps."""
        assert self._axes is not None
        painter.setFont(theme.font(10))
        painter.setPen(QColor(theme.current().muted))
        axes, bottom = self._axes, self.height() - theme.scaled(_TICKS)
        per_pixel = (axes.high - axes.low) / max(right - left, 1e-9)
        low, high = axes.low - left * per_pixel, axes.low + (self.width() - left) * per_pixel
        for x in round_steps(low, high, int(self.width() / LEAST_APART)):
            at = self._across(x)
            if 20 <= at <= self.width() - 20:
                painter.drawText(
                    QRectF(at - 40, bottom, 80, theme.scaled(_TICKS)),
                    Qt.AlignmentFlag.AlignCenter,
                    f"{x:g}".replace("-", "−"),
                )
