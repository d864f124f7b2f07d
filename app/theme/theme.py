"""Light and dark palettes, typeface, style sheet and icons of the application."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Literal, final

import pyqtgraph as pg
import qtawesome
from PySide6.QtCore import QCoreApplication, QEvent, QLocale, QObject, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QIcon, QPalette, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QWidget

from app.theme.sizes import sizes
from core.drawing.palette import DARK, LIGHT, Palette

ICONS = "mdi6"

_FRAME = QSize(8, 40)
"""Assumed size of a dialog's frame."""
_BASE = 13
"""Size of the application's font at 100 %, in pixels."""
_SIZE, _WEIGHT, _LENGTHS, _DIALOG = "fontSize", "fontWeight", "lengths", "dialogSize"
"""Dynamic properties of widgets whose font, lengths by their setters, or size follow the text size."""


@final
class ColourScheme(QObject):
    """Colour scheme of the application: the system's, unless the user chooses one."""

    changed = Signal()
    """Another palette, or another size of text or lines, has been applied."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen = Qt.ColorScheme.Unknown
        """The user's choice; Unknown: the system's scheme."""
        self._shown: Palette | None = None

    def choose(self, chosen: Qt.ColorScheme) -> None:
        """Choose a scheme and apply it."""
        self.chosen = chosen
        QGuiApplication.styleHints().setColorScheme(chosen)  # for title bars, where the platform can
        self.follow()

    def follow(self) -> None:
        """Apply the current palette if it has changed."""
        application = QApplication.instance()
        if isinstance(application, QApplication) and current() != self._shown:
            self._shown = current()
            apply(application)
            self.changed.emit()


scheme = ColourScheme()
"""Colour scheme of the process."""


def current() -> Palette:
    """Return the palette of the current colour scheme."""
    wanted = scheme.chosen
    if wanted == Qt.ColorScheme.Unknown:
        wanted = QGuiApplication.styleHints().colorScheme()
    return DARK if wanted == Qt.ColorScheme.Dark else LIGHT


def icon(name: str, *, colour: str | None = None) -> QIcon:
    """Return an icon of the icon font in the theme's ink, or in ``colour``."""
    palette = current()
    return qtawesome.icon(f"{ICONS}.{name}", color=colour or palette.ink, color_disabled=palette.faint)


Weight = Literal["regular", "medium", "semibold"]
_WEIGHTS = {"regular": QFont.Weight.Normal, "medium": QFont.Weight.Medium, "semibold": QFont.Weight.DemiBold}


def font(size: float, weight: Weight = "regular") -> QFont:
    """Return the interface font with tabular figures; ``size`` in pixels at 100 %."""
    chosen = QFont(QApplication.font())
    chosen.setPixelSize(scaled(size))
    chosen.setWeight(_WEIGHTS[weight])
    return chosen


def set_font(widget: QWidget, size: float, weight: Weight = "regular") -> None:
    """Set a widget's font to :func:`font`; it follows when another text size is chosen."""
    widget.setFont(font(size, weight))
    widget.setProperty(_SIZE, size)
    widget.setProperty(_WEIGHT, weight)


Length = Literal[
    "setFixedWidth",
    "setFixedHeight",
    "setMinimumWidth",
    "setMinimumHeight",
    "setMaximumWidth",
    "setMaximumHeight",
    "setDefaultSectionSize",
]
"""Setter of a widget's length."""


def set_length(widget: QWidget, setter: Length, pixels: float) -> None:
    """Set a length that must hold text, in pixels at 100 %; it follows when another text size is chosen."""
    getattr(widget, setter)(scaled(pixels))
    widget.setProperty(_LENGTHS, (widget.property(_LENGTHS) or {}) | {setter: pixels})


def resize(dialog: QWidget, width: float, height: float) -> None:
    """Give a dialog a size in pixels at 100 % text size, within its screen; it follows another text size."""
    room = dialog.screen().availableSize() - _FRAME
    dialog.resize(QSize(scaled(width), scaled(height)).boundedTo(room))
    dialog.setProperty(_DIALOG, [width, height])


def scaled(pixels: float) -> int:
    """Return a length that must hold text, in pixels, for the chosen text size."""
    return round(pixels * sizes.text)


def _resize_text() -> None:
    """Apply the chosen sizes to all widgets, and have plots drawn anew."""
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        return
    base = QFont(application.font())
    base.setPixelSize(scaled(_BASE))
    with _nothing_collected():
        application.setFont(base)
        apply(application)  # or widgets without a font of their own would keep the old one
        for widget in application.allWidgets():
            if widget.property(_DIALOG) is not None:
                resize(widget, *widget.property(_DIALOG))
            for setter, pixels in (widget.property(_LENGTHS) or {}).items():
                getattr(widget, setter)(scaled(pixels))
    scheme.changed.emit()
    # Before anything is painted with new icons in its old place.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)


def install(application: QApplication) -> None:
    """Load the typeface, apply style and palette, and follow the system's colour scheme.

    The C locale is set, so that numbers are written as in scenario files.
    """
    QLocale.setDefault(QLocale.c())
    for file in (files("resources") / "fonts").iterdir():
        if file.name.endswith(".otf"):
            QFontDatabase.addApplicationFontFromData(file.read_bytes())
    base = QFont("Inter")
    base.setPixelSize(scaled(_BASE))
    base.setFeature(QFont.Tag("tnum"), 1)
    application.setStyle("Fusion")
    application.setFont(base)
    application.setWindowIcon(QIcon(_resource("icons", "app.svg")))
    pg.setConfigOptions(antialias=True)
    scheme.follow()
    QGuiApplication.styleHints().colorSchemeChanged.connect(lambda _: scheme.follow())
    sizes.changed.connect(_resize_text)


def apply(application: QApplication) -> None:
    """Apply the current palette and style sheet to the application."""
    palette = current()
    qt = QPalette()
    roles = QPalette.ColorRole
    for role, colour in (
        (roles.Window, palette.window),
        (roles.WindowText, palette.ink),
        (roles.Base, palette.surface),
        (roles.AlternateBase, palette.raised),
        (roles.Text, palette.ink),
        (roles.PlaceholderText, palette.faint),
        (roles.Button, palette.raised),
        (roles.ButtonText, palette.ink),
        (roles.ToolTipBase, palette.raised),
        (roles.ToolTipText, palette.ink),
        (roles.Highlight, palette.accent),
        (roles.HighlightedText, palette.on_accent),
        (roles.Link, palette.accent),
    ):
        qt.setColor(role, QColor(colour))
    for role in (roles.Text, roles.ButtonText, roles.WindowText):
        qt.setColor(QPalette.ColorGroup.Disabled, role, QColor(palette.faint))
    with _nothing_collected():
        application.setPalette(qt)
        application.setStyleSheet(_PIXELS.sub(_scaled_length, _style_sheet(palette)))
        for widget in application.allWidgets():  # to which another style sheet gives back their first fonts
            size = widget.property(_SIZE)
            if size is not None:
                widget.setFont(font(size, widget.property(_WEIGHT)))
                if isinstance(widget, QAbstractScrollArea):
                    widget.viewport().setFont(widget.font())  # with a style sheet it would keep its first one


_PIXELS = re.compile(r"(radius: )?\b(?!1px)(\d+)px")
"""Lengths of a style sheet that follow the text size: all but those of thin lines."""


def _scaled_length(found: re.Match[str]) -> str:
    """Return a length for the text size; Qt draws no corner whose radius exceeds half of a side with its thin lines."""
    pixels = int(found[2])
    return f"radius: {int((pixels - 1) * sizes.text) + 1}px" if found[1] else f"{scaled(pixels)}px"


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Keep the garbage collector away while Qt visits every widget: none may be deleted meanwhile."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _resource(*parts: str) -> str:
    return Path(str(files("resources").joinpath(*parts))).as_posix()


def _chevron(direction: str, palette: Palette) -> str:
    return _resource("icons", f"chevron-{direction}-{'dark' if palette is DARK else 'light'}.svg")


def _style_sheet(palette: Palette) -> str:
    return f"""
    QToolTip {{ background: {palette.raised}; color: {palette.ink}; border: 1px solid {palette.line};
        padding: 4px 6px; }}
    QMainWindow, QDialog, QScrollArea, #dockBody, #gallery {{ background: {palette.window}; border: none; }}
    #topBar, #transport, #problem {{ background: {palette.surface}; }}
    #topBar {{ border-bottom: 1px solid {palette.line}; }}
    #transport {{ border-top: 1px solid {palette.line}; }}
    #problem {{ border-right: 1px solid {palette.line}; }}
    #card {{ background: {palette.surface}; border: 1px solid {palette.line}; border-radius: 8px; }}
    #popup {{ background: {palette.surface}; border: 1px solid {palette.faint}; border-radius: 10px; }}
    QPushButton[role="primary"], QPushButton[role="primary"]:focus, QPushButton[role="primary"]:pressed {{
        background: {palette.accent}; color: {palette.on_accent}; }}
    QPushButton[role="primary"]:hover, QPushButton[role="primary"]:focus {{
        background: {palette.accent}; color: {palette.on_accent}; border-color: {palette.ink}; }}
    QWidget#help, QDialog {{ background: {palette.window}; }}
    QListWidget#contents, QListWidget#scenes {{ background: transparent; border: none; outline: none; }}
    QListWidget#scenes::item {{ padding: 6px; border: 2px solid transparent; border-radius: 8px;
        color: {palette.ink}; }}
    QListWidget#scenes::item:selected {{ background: {palette.line}; border-color: {palette.accent};
        color: {palette.ink}; }}
    QListWidget#contents::item {{ padding: 7px 8px; border-radius: 6px; color: {palette.ink}; }}
    QListWidget#contents::item:selected {{ background: {palette.line}; color: {palette.ink}; }}
    QTreeWidget#library {{ background: {palette.surface}; border: 1px solid {palette.line}; border-radius: 6px;
        outline: none; }}
    QTreeWidget#library:focus {{ border-color: {palette.accent}; }}
    QTreeWidget#library::item {{ padding: 3px 6px; color: {palette.ink}; }}
    QTreeWidget#library::item:selected {{ background: {palette.line}; color: {palette.ink}; }}
    QTreeWidget#library QLineEdit {{ border-radius: 0; padding: 0 4px; min-height: 0; }}
    QProgressBar {{ background: {palette.line}; border: none; border-radius: 4px; }}
    QProgressBar::chunk {{ background: {palette.accent}; border-radius: 4px; }}
    #legend {{ background: transparent; }}
    #offer {{ background: {palette.raised}; border-bottom: 1px solid {palette.line}; }}
    #offer QPushButton {{ background: {palette.surface}; border-color: {palette.faint}; }}
    #card[selected="true"] {{ border: 1px solid {palette.accent}; }}
    QLabel[role="muted"] {{ color: {palette.muted}; }}
    QLabel[role="error"] {{ color: {palette.danger}; background: {palette.danger_surface};
        border-radius: 6px; padding: 6px 8px; }}
    QLabel#bannerError {{ border-radius: 0; padding: 4px 14px; }}
    QToolButton, QPushButton {{ background: transparent; border: 1px solid transparent; border-radius: 6px;
        icon-size: 16px; padding: 4px 8px; color: {palette.ink}; }}
    QPushButton {{ background: {palette.raised}; border-color: {palette.line}; }}
    QToolButton:hover, QPushButton:hover {{ background: {palette.raised}; border-color: {palette.faint}; }}
    QToolButton:pressed, QPushButton:pressed {{ background: {palette.line}; }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QPushButton#sample {{ background: {palette.surface}; border: 1px solid {palette.line}; border-radius: 8px; }}
    QPushButton#sample:hover {{ border-color: {palette.faint}; }}
    QPushButton#sample:focus {{ border: 2px solid {palette.accent}; }}
    QPushButton#section {{ background: transparent; border-color: transparent; padding: 4px 0; text-align: left; }}
    QPushButton#section:focus {{ border-color: {palette.accent}; }}
    QToolButton:checked {{ background: {palette.raised}; border-color: {palette.line}; }}
    QToolButton:focus, QPushButton:focus {{ border-color: {palette.accent}; }}
    QPushButton:disabled, QToolButton:disabled {{ color: {palette.faint}; background: transparent; }}
    QToolButton::menu-indicator {{ image: none; width: 0; }}
    QToolButton#info, QToolButton#matrixButton {{ padding: 2px; }}
    QToolButton#sampler {{ padding: 2px 6px 2px 2px; }}
    QToolButton#picker {{ background: {palette.raised}; padding: 5px 10px; border-color: {palette.line}; }}
    QToolButton#play {{ background: {palette.accent}; border-radius: 18px; min-width: 34px; min-height: 34px;
        padding: 0; }}
    QToolButton#play:hover {{ border-color: {palette.ink}; }}
    QPushButton#chip {{ border-radius: 12px; padding: 3px 10px 3px 8px; color: {palette.muted};
        background: transparent; }}
    QPushButton#chip:checked {{ background: {palette.raised}; color: {palette.ink}; }}
    QPushButton#chip[role="sampler"] {{ padding-right: 24px; }}
    QPushButton#chip:disabled {{ color: {palette.faint}; border-color: {palette.line}; }}
    QToolButton#chevron {{ padding: 1px; border-radius: 8px; }}
    QToolButton#chevron:hover {{ background: {palette.line}; border-color: transparent; }}
    QPushButton#chip:hover, QPushButton#chip:focus {{ border-color: {palette.accent}; }}
    QMenu {{ background: {palette.surface}; color: {palette.ink}; border: 1px solid {palette.line}; padding: 4px; }}
    QMenu::item {{ padding: 6px 24px 6px 12px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {palette.raised}; }}
    QMenu::item:disabled {{ color: {palette.faint}; }}
    QMenu::separator {{ height: 1px; background: {palette.line}; margin: 4px 8px; }}
    QLineEdit, QAbstractSpinBox, QComboBox {{ background: {palette.raised}; color: {palette.ink};
        border: 1px solid {palette.line}; border-radius: 6px; padding: 3px 6px; min-height: 18px;
        selection-background-color: {palette.accent}; selection-color: {palette.on_accent}; }}
    QPlainTextEdit#words {{ background: transparent; color: {palette.ink}; border: 1px solid transparent;
        border-radius: 6px; selection-background-color: {palette.accent}; selection-color: {palette.on_accent}; }}
    QPlainTextEdit#notes {{ background: {palette.raised}; color: {palette.ink}; border: 1px solid {palette.line};
        border-radius: 6px; padding: 2px 4px; }}
    QPlainTextEdit#notes:focus {{ border-color: {palette.accent}; }}
    QPlainTextEdit#words[role="muted"] {{ color: {palette.muted}; }}
    QPlainTextEdit#words:hover {{ border-color: {palette.line}; }}
    QPlainTextEdit#words:focus {{ background: {palette.raised}; border-color: {palette.accent}; }}
    QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus {{ border-color: {palette.accent}; }}
    QLineEdit:disabled, QComboBox:disabled {{ color: {palette.faint}; background: transparent; }}
    QLineEdit[invalid="true"]:focus {{ border-color: {palette.danger}; }}
    QAbstractSpinBox QLineEdit {{ border: none; padding: 0; min-height: 0; background: transparent; }}
    QTableWidget QLineEdit, QTableView#matrix QLineEdit {{ border-radius: 0; padding: 0 2px; }}
    QComboBox::drop-down, QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; width: 18px; }}
    QComboBox::down-arrow, QAbstractSpinBox::down-arrow {{ image: url({_chevron("down", palette)}); width: 12px; }}
    QAbstractSpinBox::up-arrow {{ image: url({_chevron("up", palette)}); width: 12px; }}
    QComboBox QAbstractItemView {{ background: {palette.surface}; color: {palette.ink}; outline: none;
        border: 1px solid {palette.line}; selection-background-color: {palette.raised};
        selection-color: {palette.ink}; }}
    QComboBox QAbstractItemView::item {{ min-height: 24px; padding-left: 6px; border-radius: 4px; }}
    QComboBox QAbstractItemView::item:selected {{ background: {palette.raised}; color: {palette.ink}; }}
    *[invalid="true"], *[invalid="true"]:focus {{ border: 1px solid {palette.danger}; }}
    QTableWidget, QTableView#matrix {{ background: {palette.surface}; border: 1px solid {palette.line};
        border-radius: 6px; gridline-color: {palette.line}; }}
    QTableView#matrix:focus {{ border-color: {palette.accent}; }}
    QTableWidget#plain {{ border: none; }}
    QTableWidget[invalid="true"] {{ border: 1px solid {palette.danger}; }}
    QTableWidget::item:selected {{ background: {palette.raised}; color: {palette.ink}; }}
    QTableWidget#plain::item {{ padding: 0; }}
    QHeaderView {{ background: transparent; color: {palette.muted}; }}
    QHeaderView::section {{ background: transparent; border: none; padding: 3px 4px; }}
    QTableCornerButton::section {{ background: transparent; border: none; }}
    QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
    QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
    QScrollBar::handle {{ background: {palette.line}; border-radius: 4px; min-height: 24px; min-width: 24px;
        margin: 1px; }}
    QScrollBar::handle:hover {{ background: {palette.faint}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QCheckBox::indicator {{ width: 13px; height: 13px; }}
    #popup QCheckBox::indicator {{ width: 13px; height: 13px; border: 1px solid {palette.faint}; border-radius: 3px; }}
    #popup QCheckBox::indicator:checked {{ background: {palette.accent}; border-color: {palette.accent}; }}
    #popup QCheckBox:focus {{ color: {palette.accent}; }}
    QSlider:horizontal {{ min-height: 14px; }}
    QSlider::groove:horizontal {{ height: 4px; background: {palette.line}; border-radius: 2px; }}
    QSlider::sub-page:horizontal {{ background: {palette.accent}; border-radius: 2px; }}
    QSlider::handle:horizontal {{ background: {palette.ink}; width: 14px; height: 14px; margin: -5px 0;
        border-radius: 7px; }}
    QSlider::handle:horizontal:hover {{ background: {palette.accent}; }}
    QSplitter::handle {{ background: transparent; }}
    """


def dot_pen() -> QPen:
    """Return the faint pen for the points of a data set."""
    pen = QPen(QColor(current().muted))
    pen.setWidthF(3)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    return pen


def dot(colour: str) -> QIcon:
    """Return a filled circle, the sign of a sampler."""
    return qtawesome.icon(f"{ICONS}.circle", color=colour, scale_factor=0.7)


def ring(colour: str) -> QIcon:
    """Return an open circle, the sign of a sampler that does not run."""
    return qtawesome.icon(f"{ICONS}.circle-outline", color=colour, scale_factor=0.7)
