"""The flow layout: its remembered heights follow every change of its items."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from superqt import QFlowLayout

from app.widgets.flow_layout import FlowLayout


def test_remembered_heights_equal_computed_ones_after_every_change(
    shown: Callable[..., QWidget], qapp: QApplication
) -> None:
    holder = QWidget()
    layout = FlowLayout(holder)
    buttons = [QPushButton("words " * (1 + index % 3), holder) for index in range(8)]
    for button in buttons:
        layout.addWidget(button)
    shown(holder, 260, 400)

    def check() -> list[int]:
        qapp.processEvents()
        heights = [layout.heightForWidth(width) for width in (120, 260, 900)]
        assert heights == [QFlowLayout.heightForWidth(layout, width) for width in (120, 260, 900)]
        bottom = max(button.geometry().bottom() for button in buttons if button.isVisible())
        assert holder.rect().contains(QRect(0, 0, 1, bottom + 1))
        return heights

    heights = check()
    for change in (
        lambda: buttons[0].hide(),
        lambda: buttons[0].show(),
        lambda: buttons[1].setText("many more words than before " * 3),
        lambda: buttons[2].setFixedHeight(90),
        lambda: layout.takeAt(3).widget().hide(),
        lambda: layout.addWidget(QPushButton("one more", holder)),
        lambda: layout.setContentsMargins(0, 20, 0, 20),
        lambda: holder.setStyleSheet("QPushButton { padding: 30px; }"),
    ):
        before = heights
        change()
        heights = check()
        assert heights != before, "the change is one of height"
