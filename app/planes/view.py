"""Graphics view of a panel, with keyboard control of the handles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import final

import pyqtgraph as pg
from pyqtgraph.GraphicsScene.mouseEvents import MouseClickEvent
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QContextMenuEvent, QFocusEvent, QKeyEvent

from app.planes.handles.controller import HandleController
from app.planes.handles.handles import HandlesItem
from app.planes.handles.menu import plane_menu
from app.widgets.keys import is_asked_for
from core.scenario.plane_edits import Handle

_ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Down: (0, -1), Qt.Key.Key_Up: (0, 1)}
_LARGE_NUDGE = 10


@final
class PlaneView(pg.GraphicsView):
    """Graphics view whose handles are focused by Tab, moved by arrow keys, and removed by Delete."""

    asked = Signal(object)
    """A point of the plane (a QPointF) whose scores are wanted: clicked, or the focused handle's on Enter."""

    def __init__(self, controller: HandleController, reset_view: Callable[[], object]) -> None:
        super().__init__()
        # A bare ViewBox is built four times as fast as a PlotItem.
        self.box = pg.ViewBox(enableMenu=False, lockAspect=True, defaultPadding=0)
        self.setCentralItem(self.box)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAcceptDrops(False)  # the window accepts dropped files
        self.controller, self._reset_view = controller, reset_view
        self._is_nudging = False
        self.handles = HandlesItem(controller)
        self.box.addItem(self.handles, ignoreBounds=True)
        self.handles.pressed.connect(self._take_keys)
        self.handles.clicked.connect(self._ask)
        self.scene().sigMouseClicked.connect(self._clicked)
        controller.changed.connect(self._say)

    def _say(self) -> None:
        """Set the accessible description to the focused handle and its value."""
        focused = self.hasFocus() and self.controller.handle is not None
        words = self.controller.describe(self.controller.handle) if focused else ""  # type: ignore[arg-type]
        if words != self.accessibleDescription():
            self.setAccessibleDescription(words)
            if focused:  # have screen readers read the new handle
                QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Focus))

    def _take_keys(self) -> None:
        self._is_nudging = False
        self.setFocus()

    # Mouse, away from handles

    def _clicked(self, event: MouseClickEvent) -> None:
        point = self.handles.mapFromScene(event.scenePos())
        if event.button() == Qt.MouseButton.RightButton:
            self._open_menu(self.handles.at(point), point)
        elif event.button() == Qt.MouseButton.LeftButton and not event.double():
            self._ask(point)

    def _ask(self, point: QPointF) -> None:
        """Clear the selection and ask for the scores at a point."""
        self.controller.focus(None)
        if self.hasFocus():
            self._give_keys_back()
        self.asked.emit(point)

    def _give_keys_back(self) -> None:
        self.window().setFocus()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Open the focused handle's menu on the menu key; right clicks are handled by pyqtgraph's click event."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.controller.handle is not None:
            self._open_menu(self.controller.handle, self.handles.place(self.controller.handle))

    def _open_menu(self, handle: Handle | None, point: QPointF) -> None:
        place, pixel = (point.x(), point.y()), self.handles.pixel
        menu = plane_menu(
            self.controller, handle, place, pixel, ask=lambda: self.asked.emit(point), fit=self._reset_view
        )
        menu.exec(self.viewport().mapToGlobal(self.mapFromScene(self.handles.mapToScene(point))))
        menu.deleteLater()

    # Keys

    def event(self, event: QEvent) -> bool:
        """Claim Escape during a drag."""
        if is_asked_for(event, Qt.Key.Key_Escape) and self.controller.is_dragging:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Move the focused handle (arrows), remove its component (Delete), show scores (Enter), cancel (Escape)."""
        key = Qt.Key(event.key())
        if key in _ARROWS and self.controller.handle is not None:
            self._nudge(_ARROWS[key], large=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace} and self.controller.selected is not None:
            self.controller.delete()
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self.controller.handle is not None:
            self.asked.emit(self.handles.place(self.controller.handle))
        elif key == Qt.Key.Key_Escape:
            self._is_nudging = False
            if not self.controller.cancel():
                self.controller.focus(None)
                self._give_keys_back()
        else:
            event.ignore()

    def _nudge(self, way: tuple[int, int], *, large: bool) -> None:
        """Drag by an arrow key; one edit until the key is released."""
        handle = self.controller.handle
        assert handle is not None
        if self.controller.is_dragging and not self._is_nudging:
            return  # dragged with the mouse
        if not self.controller.is_dragging:
            self.controller.start_drag(handle)
            self._is_nudging = True
            self._nudged = self.handles.place(handle)
        pixel = self.handles.pixel
        step = self._step(pixel) * (_LARGE_NUDGE if large else 1)
        self._nudged += QPointF(*way) * step
        self.controller.move((self._nudged.x(), self._nudged.y()), pixel=pixel, snap=False)

    def _step(self, pixel: float) -> float:
        """Return a round step of about a pixel."""
        return max(10.0 ** math.floor(math.log10(pixel)), 0.01)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """End the drag of a released arrow key."""
        if self._is_nudging and not event.isAutoRepeat():
            self._is_nudging = False
            self.controller.release()
        event.ignore()

    # Focus

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802 - Qt's name
        """Move the focus through the handles before it leaves the panel."""
        handles = [position.handle for position in self.controller.positions]
        place = (
            handles.index(self.controller.handle)
            if self.controller.handle in handles
            else -1
            if forward
            else len(handles)
        )
        place += 1 if forward else -1
        if 0 <= place < len(handles):
            self.controller.focus(handles[place])
            return True
        return super().focusNextPrevChild(forward)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Focus the first handle, or the last one on Shift+Tab."""
        super().focusInEvent(event)
        self.handles.has_focus = True
        handles = [position.handle for position in self.controller.positions]
        if handles and event.reason() in {Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason}:
            self.controller.focus(handles[0 if event.reason() == Qt.FocusReason.TabFocusReason else -1])
        self._say()
        self.handles.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """End a drag by keys."""
        super().focusOutEvent(event)
        self.handles.has_focus = False
        if self._is_nudging:
            self._is_nudging = False
            self.controller.release()
        self._say()
        self.handles.update()
