"""Menu entries that make a number of the scenario an axis of a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from app.widgets.user_text import auto_text, button_text

if TYPE_CHECKING:
    from core.studies.proposals import Offer

SUBMENU = "Vary in a study"


def add_offers(menu: QMenu, offers: Sequence[Offer], vary: Callable[[str], object]) -> None:
    """Add an entry for one knob, or a submenu for several, at the end of a menu.

    Args:
        menu: to be extended.
        offers: the knobs.
        vary: called with the chosen knob.
    """
    if not offers:
        return
    if not menu.isEmpty():
        menu.addSeparator()
    target = menu if len(offers) == 1 else menu.addMenu(SUBMENU)
    target.setToolTipsVisible(True)
    for offer in offers:
        action = target.addAction(button_text(offer.words if target is not menu else f"Vary {offer.words} in a study"))
        action.setToolTip(auto_text(offer.meaning))
        action.triggered.connect(lambda _checked, knob=offer.knob: vary(knob))
