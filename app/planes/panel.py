"""Panel of one sampler: heading, and particles over the target, the prior and the measurement."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import final

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QFrame, QGraphicsPolygonItem, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.planes.handles.controller import HandleController
from app.planes.lens.card import LensCard
from app.planes.line.part import LINE_SHARES, LinePart
from app.planes.overlays.items import HeatItem, MarksItem
from app.planes.overlays.law_layer import LawLayer
from app.planes.overlays.overlays import Overlay
from app.planes.sampler_menu import SamplerButton
from app.planes.view import PlaneView
from app.theme import theme
from app.widgets.pictures import Drawing, DrawingItem, ParticlesItem, ScaledOutline
from app.widgets.user_text import auto_text, plain_label, rich_text
from app.widgets.widgets import heading, info_button
from core.drawing.palette import STRIP
from core.geometry.scene import Scene
from core.reporting.heading import Heading
from core.samplers import About

_MARGIN, _SPACING = 16, 2
"""Margin and spacing of a panel's header, in pixels."""
_NARROW = 280
"""Width above which the info button is shown; the sampler's menu offers the same."""
_NOTICE_GAP = 8
"""Margin of a notice within the picture, in pixels."""
_LEAST_WORDS = 40
"""Least number of characters to which a notice is shortened."""
_LEAST_NAME = 60
"""Least width of a panel's name, in pixels."""
_BEHIND_LENS = 0.3
"""Opacity of particles, target and handles while the lens shows laws of x_0."""


@final
class SamplerPanel(QFrame):
    """Panel of one sampler: heading and picture.

    Args:
        about: the sampler.
        controller: of the handles.
        reset_view: shows the whole problem again.
        is_bare: without buttons in the heading.
    """

    picked = Signal(str)
    explained = Signal(object)
    """The user asks for the sampler's card."""
    enlarged = Signal(str)
    """The user wants to enlarge this panel, or to show all again."""
    replaced = Signal(str, str)
    """The user chooses another sampler for this panel: old and new key."""
    asked = Signal(str, object)
    """The user clicked a point of the plane: the sampler's key and a QPointF."""
    resized = Signal()

    def __init__(
        self, about: About, controller: HandleController, reset_view: Callable[[], object], *, is_bare: bool = False
    ) -> None:
        super().__init__(objectName="card")
        self.about, self._is_bare = about, is_bare
        self.setProperty("selected", False)
        self._heading = Heading(((),), "")
        self._headline = QLabel()
        theme.set_font(self._headline, 12)
        self._headline.setTextFormat(Qt.TextFormat.RichText)
        self._headline.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._headline.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.title = SamplerButton(about, controller)
        theme.set_length(self.title, "setMinimumWidth", _LEAST_NAME)
        self.title.chosen.connect(lambda key: self.replaced.emit(about.key, key))
        self.title.explained.connect(lambda: self.explained.emit(about))
        self.title.enlarged.connect(lambda: self.enlarged.emit(about.key))
        header = QHBoxLayout()
        header.setContentsMargins(4, 4, 6, 0)
        header.setSpacing(_SPACING)
        self._name = _name(about) if is_bare else self.title
        header.addWidget(self._name)
        header.addWidget(self._headline, 1)
        self.info = info_button(about.label)
        self.info.clicked.connect(lambda: self.explained.emit(about))
        header.addWidget(self.info)

        self.view = PlaneView(controller, reset_view)
        self.view.setAccessibleName(f"Particles of {about.label}")
        self.view.scene().sigMouseClicked.connect(lambda _: self.picked.emit(about.key))
        self.view.handles.pressed.connect(lambda: self.picked.emit(about.key))
        self.view.handles.clicked.connect(lambda _: self.picked.emit(about.key))
        self.view.asked.connect(lambda point: self.asked.emit(about.key, point))
        self.box = self.view.box
        self.particles = ParticlesItem(about.colour)
        self._prior, self._target, self._lens = DrawingItem(), DrawingItem(), DrawingItem()
        self._heat, self._marks = HeatItem(), MarksItem(self.view.handles.boxes)
        self._layers: Sequence[pg.GraphicsObject] = (self._heat, self._prior, self.particles, self._target)
        every: Sequence[pg.GraphicsObject] = (*self._layers, self._lens, self._marks)
        for depth, item in enumerate(every):
            item.setZValue(depth)
            self.box.addItem(item, ignoreBounds=True)
        self.line = LinePart(about, self.view, self.box)
        self.law = LawLayer(about.colour, self.box, self.particles)
        self._strips: list[QGraphicsPolygonItem] = []
        self._surface = ""
        self._measured: object = None
        """Values that the measurement strips were drawn from."""
        self._notice = plain_label(parent=self.view, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._notice.setProperty("role", "error")
        self._notice.hide()
        self._lay_out(header)

    def _lay_out(self, header: QHBoxLayout) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 0, 1, 8)
        layout.setSpacing(0)
        layout.addLayout(header)
        layout.addWidget(self.view, LINE_SHARES[0])
        layout.addWidget(self.line.map, LINE_SHARES[1])
        if self._is_bare:
            self.info.hide()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Select the sampler."""
        self.picked.emit(self.about.key)
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Enlarge the panel on a double click on its header; the picture handles its own clicks."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.enlarged.emit(self.about.key)

    def changing(self) -> list[QWidget]:
        """Return the parts that depend on the frame."""
        return [self._headline, self.view, self.line.map]

    def show_overlay(self, overlay: Overlay, place: QRectF, point: tuple[float, float] | None) -> None:
        """Show a heat map over a rectangle of the plane, marks over the particles, and the probed point."""
        self._heat.show_image(overlay.heat, place)
        self._marks.show_marks(replace(overlay.marks, point=point))

    @property
    def lens_card(self) -> LensCard:
        """The card of the lens, over the picture."""
        return self.view.findChild(LensCard) or LensCard(self.view)

    def show_lens(self, drawing: Drawing | None) -> None:
        """Draw the lens, with everything else faint, or remove it and its card (None)."""
        self._lens.set_drawing(drawing or Drawing())
        laws = self.law.contours, self.law.ratio, self.line.law
        for item in (*self._layers, *laws, self.view.handles, self.line.histogram):
            item.setOpacity(1.0 if drawing is None else _BEHIND_LENS)
        if drawing is None and (card := self.view.findChild(LensCard)) is not None:
            card.hide()

    def mark(self, selected: bool) -> None:
        """Mark the panel as the selected one."""
        self.setProperty("selected", selected)
        self.style().unpolish(self)
        self.style().polish(self)

    def set_scene(self, scene: Scene, prior: Drawing, target: Drawing) -> None:
        """Draw prior, target and measurement; all panels share the drawings."""
        if self._surface != theme.current().surface:  # Qt would repaint each time
            self._surface = theme.current().surface
            self.view.setBackground(self._surface)
            self.info.setIcon(theme.icon("information-outline", colour=theme.current().muted))
        self._prior.set_drawing(prior)
        self._target.set_drawing(target)
        self.line.set_active(scene.peak is not None)
        self._place_line()
        far = _far(scene)
        measured = scene.measured, scene.noise, far, scene.peak is None
        if self._measured != measured:
            self._measured = measured
            for item in self._strips:
                self.box.removeItem(item)
            self._strips = _strips(scene, far) if scene.peak is None else []
            for item in self._strips:
                self.box.addItem(item, ignoreBounds=True)

    def set_target(self, target: Drawing) -> None:
        """Draw the target's contours at another t."""
        self._target.set_drawing(target)

    def set_heading(self, heading: Heading) -> None:
        """Set the heading at the cursor's t; :meth:`show_form` displays it."""
        self._heading = heading
        self._headline.setToolTip(heading.tip)
        self._notice.setVisible(bool(heading.notice))
        self._notice.setToolTip(auto_text(heading.notice))
        if heading.notice:
            self._place_notice()

    def richest_form(self) -> int:
        """Return the index of the longest version of the heading that fits without cutting a number."""
        is_wide = self.width() > _NARROW and not self._is_bare
        self.info.setVisible(is_wide)
        margin = _MARGIN + _SPACING + self.info.sizeHint().width() if is_wide else _MARGIN
        room = self.width() - self._name.sizeHint().width() - margin
        fits = (
            self._headline.fontMetrics().horizontalAdvance("  ".join(f"{name} {text}" for name, text in form)) <= room
            for form in self._heading.forms
        )
        return next((index for index, does in enumerate(fits) if does), len(self._heading.forms) - 1)

    def show_form(self, index: int) -> None:
        """Show one version of the heading."""
        muted = theme.current().muted
        parts = [f'<span style="color:{muted}">{name}</span> {text}' for name, text in self._heading.forms[index]]
        self._headline.setText("&nbsp;&nbsp;".join(parts))

    def _place_notice(self) -> None:
        """Place the notice over the picture, whose size must equal that of the other panels."""
        width, room = self.view.width() - 2 * _NOTICE_GAP, self.view.height() - 2 * _NOTICE_GAP
        words = self._heading.notice
        self._notice.setText(words)
        while (height := self._notice.heightForWidth(width)) > room and len(words) > _LEAST_WORDS:
            words = words[: len(words) * 9 // 10]
            self._notice.setText(f"{words.rstrip()}…")
        self._notice.setGeometry(_NOTICE_GAP, self.view.height() - height - _NOTICE_GAP, width, height)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Announce the new size, so that headings are fitted again."""
        super().resizeEvent(event)
        self._place_line()
        self._place_notice()
        self.resized.emit()

    def _place_line(self) -> None:
        """Show the time map where there is room for it."""
        self.line.make_room(self.height())


def _name(about: About) -> QWidget:
    """Return a sampler's name as text, which is sharp at every size."""
    words = f'<span style="color:{about.colour}">●</span>&nbsp; {rich_text(about.short_label)}'
    label = heading(words, rich=True)
    label.setContentsMargins(8, 4, 0, 2)
    return label


def _far(scene: Scene) -> float:
    """Return a length beyond every view, a power of ten so that it rarely changes."""
    return 10.0 ** (2 + math.ceil(math.log10(max(scene.extent.width, scene.extent.height, 1.0))))


def _strips(scene: Scene, far: float) -> list[QGraphicsPolygonItem]:
    """Return items for the bands ``|H x - y| <= sigma_y`` and ``<= 2 sigma_y``, and for their centre line."""
    items = []
    for a, b, value in scene.measured:
        size = math.hypot(a, b)
        across = QPointF(a / size, b / size)
        along = QPointF(-across.y(), across.x())
        middle = across * (value / size)
        for width, opacity in ((2.0, 26), (1.0, 34), (0.0, 120)):
            half = across * (width * scene.noise / size)
            ends = (along * far, along * -far)
            corners = [
                middle + half + ends[0],
                middle + half + ends[1],
                middle - half + ends[1],
                middle - half + ends[0],
            ]
            colour = QColor(STRIP)
            colour.setAlpha(opacity)
            item = (QGraphicsPolygonItem if width else ScaledOutline)(QPolygonF(corners))
            item.setPen(pg.mkPen(colour, width=1) if width == 0 else QPen(Qt.PenStyle.NoPen))
            item.setBrush(pg.mkBrush(colour) if width else pg.mkBrush(None))
            item.setZValue(-1)
            items.append(item)
    return items
