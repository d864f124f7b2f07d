"""Layout of the window: sizes, overlays and time axis, kept in the settings and restored at the next start."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QMainWindow, QSplitter

from app.planes.overlays.choice import AT_FIRST
from app.planes.planes import PlanesWidget
from app.settings import Settings
from app.theme.choice import MenuChoice, SizeChoice
from app.transport.transport import Transport
from app.window.docks import Docks
from app.window.size import WANTED, fit_to_screen

SPLIT = [700, 400]
"""Widths of planes and evidence at the first start, in proportion."""


@final
class WindowLayout:
    """Sizes and choices that outlast the window.

    Args:
        window: the window.
        split: splitter between planes and evidence.
        planes: whose overlays are kept.
        transport: whose time axis is kept.
        docks: shown again by a reset.
        choices: of theme and text size, reset as well.
        settings: where all of it is kept.
    """

    def __init__(
        self,
        window: QMainWindow,
        split: QSplitter,
        planes: PlanesWidget,
        transport: Transport,
        docks: Docks,
        choices: tuple[MenuChoice, SizeChoice],
        settings: Settings,
    ) -> None:
        self._window, self._split, self._planes, self._transport = window, split, planes, transport
        self._docks, self._choices, self._settings = docks, choices, settings

    def restore(self) -> None:
        """Restore what is kept."""
        for key, restore in (("geometry", self._window.restoreGeometry), ("split", self._split.restoreState)):
            kept = self._settings.value(key)
            if isinstance(kept, QByteArray):
                restore(kept)
        overlays = self._settings.value("overlays")
        if overlays is not None:
            self._planes.overlays.restore(overlays)
        self._transport.axis.choose(str(self._settings.value("time axis")))
        fit_to_screen(self._window)

    def keep(self) -> None:
        """Keep the present layout."""
        self._settings.keep("geometry", self._window.saveGeometry())
        self._settings.keep("split", self._split.saveState())
        self._settings.keep("overlays", self._planes.overlays.state)
        self._settings.keep("time axis", self._transport.axis.choice)
        self._settings.write()

    def reset(self) -> None:
        """Reset sizes, theme, text size, overlays and time axis to those of the first start."""
        self._settings.forget("geometry", "split", "overlays", "time axis")
        self._planes.overlays.restore(AT_FIRST)
        self._transport.axis.choose("t")
        self._window.showNormal()
        self._window.resize(WANTED)
        fit_to_screen(self._window)
        self._docks.show_all()
        self._split.setSizes(SPLIT)
        for choice in self._choices:
            choice.reset()
