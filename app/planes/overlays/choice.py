"""Choice of overlays: a button with a popup of check boxes, and the legend of active overlays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, final

from PySide6.QtCore import QPoint, QRect, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QFrame,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from app.planes.overlays.items import heat_colours
from app.planes.overlays.ratio_scale import RatioScale
from app.theme import theme
from app.widgets.controls import ComboBox
from app.widgets.keys import Key
from core.diagnostics.score_field import Part
from core.drawing.palette import DARK
from core.geometry.fields import HEAT_DECADES
from core.text.number_format import number


@final
@dataclass(frozen=True)
class OverlayKind:
    """Label, key and explanation of one kind of overlay."""

    name: str
    key: Qt.Key
    words: str


KINDS = {
    "target": OverlayKind("Target at t", Qt.Key.Key_C, "contours of q<sub>t|y</sub>; if off, of the target at t = 1"),
    "trails": OverlayKind("Trails", Qt.Key.Key_T, "positions of the particles in earlier frames"),
    "mismatch": OverlayKind(
        "Mismatch",
        Qt.Key.Key_M,
        "β<sub>t</sub>/2 |Δ<sub>t</sub>(x)|², arrows Δ<sub>t</sub> = s<sub>t|y</sub> − g<sub>t</sub>",
    ),
    "used": OverlayKind("Score used", Qt.Key.Key_S, "g<sub>t</sub>(x), arrows in the sampler’s colour"),
    "exact": OverlayKind("Exact score", Qt.Key.Key_X, "s<sub>t|y</sub>(x), arrows in the colour of Exact"),
    "twins": OverlayKind("Coupling to Exact", Qt.Key.Key_D, "lines to Exact’s particle with the same random numbers"),
    "law": OverlayKind(
        "Law", Qt.Key.Key_P, "contours of the sampler’s law p<sub>t</sub>, at the target’s levels; always in 1-D"
    ),
    "ratio": OverlayKind(
        "Law against target",
        Qt.Key.Key_Q,
        "log q<sub>t|y</sub> − log p<sub>t</sub>: where it misses mass, where it makes mass up",
    ),
    "weights": OverlayKind("Weights", Qt.Key.Key_W, "sampled and exact, at the target’s components"),
    "lens": OverlayKind(
        "Lens",
        Qt.Key.Key_L,
        "click: the exact law of x<sub>0</sub> given x<sub>t</sub> and y, and what the sampler assumes",
    ),
}
PARTS: dict[Part, str] = {"all": "all directions", "measured": "measured only", "unmeasured": "unmeasured only"}
AT_FIRST = "target trails"
"""Overlays that are active at the first start."""
_TIP = (
    "Overlays of the panels, at the cursor’s t. In more than two dimensions, fields are evaluated in the plane "
    "through the target’s mean."
)


@final
class OverlayPopup(QFrame):
    """Popup with a check box per overlay; Escape or a click elsewhere closes it."""

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup, objectName="popup")
        self.setAccessibleName("Overlays")
        self.boxes: dict[str, QCheckBox] = {}
        layout = QGridLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setHorizontalSpacing(14)
        layout.setVerticalSpacing(8)
        for row, (name, kind) in enumerate(KINDS.items()):
            key = Key(kind.key, "", lambda: None).name
            box = QCheckBox(kind.name, accessibleName=f"{kind.name} ({key})")
            box.setChecked(name in AT_FIRST.split())
            box.toggled.connect(lambda _: self.changed.emit())
            self.boxes[name] = box
            letter, meaning = QLabel(key), QLabel(kind.words)
            for label in (letter, meaning):
                label.setProperty("role", "muted")
            for column, widget in enumerate((box, letter, meaning)):
                layout.addWidget(widget, row, column)
        self.part = ComboBox("Directions of Δ that are shown")
        self.part.setAccessibleName("Directions of the mismatch")
        for part, words in PARTS.items():
            self.part.addItem(words, part)
        self.part.activated.connect(lambda _: self._choose_part())
        layout.addWidget(self.part, len(KINDS), 2, Qt.AlignmentFlag.AlignLeft)
        label = QLabel("Mismatch in")
        label.setIndent(24)
        layout.addWidget(label, len(KINDS), 0)

    def _choose_part(self) -> None:
        """Activate the mismatch overlay when its directions are chosen."""
        self.boxes["mismatch"].setChecked(True)
        self.changed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Close the popup on Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)


@final
class OverlayButton(QToolButton):
    """Button that opens the popup and holds the choice of overlays."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__(objectName="picker", toolTip=_TIP, accessibleName="Overlays")
        self.choice = OverlayPopup(self)
        self.choice.changed.connect(self._tell)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._open)
        self._write()
        self.keys = [
            Key(kind.key, f"Overlay: {kind.name}", self.choice.boxes[name].toggle) for name, kind in KINDS.items()
        ]
        """Keys that the window passes on to the overlays."""

    @property
    def shown(self) -> set[str]:
        """Keys of :data:`KINDS` that are active."""
        return {name for name, box in self.choice.boxes.items() if box.isChecked()}

    @property
    def part(self) -> Part:
        """Directions in which the mismatch is shown."""
        return cast("Part", self.choice.part.currentData())

    def restyle(self) -> None:
        """Apply the theme's icon."""
        self.setIcon(theme.icon("chevron-up"))

    @property
    def state(self) -> str:
        """The choice as a string for :meth:`restore`."""
        return " ".join([self.part, *(name for name in KINDS if name in self.shown)])

    def restore(self, state: object) -> None:
        """Restore a choice from :attr:`state`; unknown parts are ignored."""
        words = str(state).split()
        with QSignalBlocker(self.choice):
            for name, box in self.choice.boxes.items():
                box.setChecked(name in words)
            self.choice.part.setCurrentIndex(next((i for i, part in enumerate(PARTS) if part in words), 0))
        self._tell()

    def _tell(self) -> None:
        self._write()
        self.changed.emit()

    def _write(self) -> None:
        count = len(self.shown - set(AT_FIRST.split()))
        self.setText(f"Overlays ({count})" if count else "Overlays")

    def _open(self) -> None:
        """Open the popup above the button, within the screen."""
        choice = self.choice
        size = choice.sizeHint()
        corner = self.mapToGlobal(QPoint(self.width() - size.width(), -size.height() - 4))
        choice.setGeometry(QRect(corner, size))
        choice.show()
        choice.boxes["target"].setFocus()


@final
class HeatScale(QWidget):
    """Colour bar of the heat map with its end values."""

    def __init__(self) -> None:
        super().__init__()
        theme.set_font(self, 11)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.words = ("", "")
        self.hottest = 0.0

    def show_scale(self, hottest: float) -> None:
        """Set the upper end of the scale; the width is fixed, so that it does not move while playing."""
        if hottest != self.hottest:
            self.hottest = hottest
            self.words = (f"≤ {number(hottest / 10**HEAT_DECADES)}", f"{number(hottest)} nats a step")
            self.setAccessibleName(f"Mismatch from {' to '.join(self.words)}")
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of numbers and bar."""
        metrics = self.fontMetrics()
        return QSize(sum(map(metrics.horizontalAdvance, _WIDEST)) + _SCALE + 14, metrics.height() + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw bar and numbers."""
        painter = QPainter(self)
        painter.setPen(theme.current().muted)
        low = self.fontMetrics().horizontalAdvance(_WIDEST[0])
        colours = heat_colours(theme.current() is DARK)
        bar = QRect(low + 6, (self.height() - 9) // 2, _SCALE, 9)
        painter.drawImage(bar, QImage(colours.tobytes(), 256, 1, 1024, QImage.Format.Format_ARGB32_Premultiplied))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(QRect(0, 0, low, self.height()), right, self.words[0])
        painter.drawText(self.rect().adjusted(bar.right() + 7, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.words[1])


_GAP, _LEAST_WORDS = 14, 260
"""Distance of the parts of the legend, and width that words beside its colour bars have at least, in pixels."""
_SCALE = 88
"""Width of the colour bar, in pixels."""
_WIDEST = "≤ 5.0·10⁻¹⁰", "5.0·10⁻¹⁰ nats a step"
"""Widest texts at the ends of the colour bar."""


@final
class OverlayLegend(QWidget):
    """Legend of the active overlays, which is hidden if there are none."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.ratio = HeatScale(), RatioScale()
        self.words = QLabel(wordWrap=True)
        theme.set_font(self.words, 11)
        self.words.setProperty("role", "muted")
        self.words.setTextFormat(Qt.TextFormat.RichText)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(4, 0, 4, 0)
        self._row.addWidget(self.scale)
        self._row.addWidget(self.ratio)
        self._row.addWidget(self.words, 1)
        self.hide()

    def _arrange(self) -> None:
        """Set the words beside the colour bars, or below them where that would leave too little width."""
        shown = [bar.sizeHint().width() + _GAP for bar in (self.scale, self.ratio) if not bar.isHidden()]
        is_narrow = bool(shown) and sum(shown) + theme.scaled(_LEAST_WORDS) > self.width()
        directions = QBoxLayout.Direction
        self._row.setDirection(directions.TopToBottom if is_narrow else directions.LeftToRight)
        self._row.setSpacing(2 if is_narrow else _GAP)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Arrange the parts for the new width."""
        super().resizeEvent(event)
        self._arrange()

    def say(self, hottest: float | None, entries: list[str], *, ratio: bool = False) -> None:
        """Show the colour bar, unless ``hottest`` is None, that of log ratios, and further legend entries."""
        self.ratio.setVisible(ratio)
        self.scale.setVisible(hottest is not None)
        if hottest is not None:
            self.scale.show_scale(hottest)
        self.words.setText(" &nbsp;&nbsp; ".join(entries))
        self.words.setVisible(bool(entries))
        self._arrange()
        self.setVisible(hottest is not None or ratio or bool(entries))
