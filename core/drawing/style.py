"""Style of figures: palette, width, typeface and size of type; lines and gaps follow from the type."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, final

from core.drawing.palette import DARK, LIGHT, legible

Look = Literal["paper", "light", "dark"]

INCH = 25.4
"""Millimetres."""
COLUMN, TEXT = 84.0, 174.0
"""Widths in millimetres of a column and of the text of a journal with two columns."""
SLIDE = 254.0
"""Width in millimetres of a figure for slides, which fills one of 16 to 9."""
NARROWEST, WIDEST = 60.0, 1000.0
"""Widths in millimetres in which figures are drawn."""
SMALLEST, LARGEST = 4.0, 40.0
"""Sizes of type in points in which figures are drawn."""
_BASE = 12.5
"""Size of type in points in which lengths, widths of lines and other sizes of the layouts are given."""
_PAPER_TYPE, _SLIDE_TYPE = 8.0, 12.0
_SANS = ("DejaVu Sans",)
_SERIF = ("STIXGeneral", "DejaVu Serif", "DejaVu Sans")
"""Typefaces that come with matplotlib, so that figures are the same everywhere; later ones have missing letters."""
_INKS = {
    "paper": ("#FFFFFF", "#1B2430", "#56606D", "#E4E8ED"),
    **{
        name: (palette.surface, palette.ink, palette.muted, palette.line)
        for name, palette in (("light", LIGHT), ("dark", DARK))
    },
}
"""By look: colours of surface, ink, secondary text and grid lines."""


@final
@dataclass(frozen=True)
class Style:
    """Look and size of a figure."""

    look: Look = "paper"
    """``paper``: white, 8 points, without a title; ``light``, ``dark``: colours of the screen, for slides."""
    width: float | None = None
    """In millimetres; None: :data:`TEXT` on paper, :data:`SLIDE` on slides."""
    serif: bool = False
    points: float | None = None
    """Size of type; None: 8 on paper, 12 on slides."""
    title: bool | None = None
    """Write the name of what is shown above it; None: on slides."""

    @property
    def millimetres(self) -> float:
        """Width of the figure."""
        return self.width or (TEXT if self.look == "paper" else SLIDE)

    @property
    def inches(self) -> float:
        """Width of the figure."""
        return self.millimetres / INCH

    @property
    def type(self) -> float:
        """Size of type in points."""
        return self.points or (_PAPER_TYPE if self.look == "paper" else _SLIDE_TYPE)

    @property
    def has_title(self) -> bool:
        """True if a title is written."""
        return self.look != "paper" if self.title is None else self.title

    @property
    def scale(self) -> float:
        """Size of type relative to the one in which layouts are given."""
        return self.type / _BASE

    @property
    def room(self) -> float:
        """Width in the inches of layouts, which are scaled with the type."""
        return self.inches / self.scale

    def pt(self, size: float) -> float:
        """Return a size of type or width of a line, given for layouts, in points."""
        return size * self.scale

    # Colours

    @property
    def surface(self) -> str:
        """Background."""
        return _INKS[self.look][0]

    @property
    def ink(self) -> str:
        """Text, the target, and axes."""
        return _INKS[self.look][1]

    @property
    def muted(self) -> str:
        """Secondary text."""
        return _INKS[self.look][2]

    @property
    def faint(self) -> str:
        """Grid lines."""
        return _INKS[self.look][3]

    @property
    def pale(self) -> str:
        """Lines of the prior."""
        return (DARK if self.look == "dark" else LIGHT).faint

    def words(self, colour: str) -> str:
        """Return a colour in which text is legible on the surface."""
        return legible(colour, self.surface)

    def settings(self) -> dict[Any, Any]:
        """Return matplotlib's settings of this style."""
        return {
            "font.family": list(_SERIF if self.serif else _SANS),
            "font.size": self.type,
            "mathtext.fontset": "stix" if self.serif else "dejavusans",
            "text.color": self.ink,
            "axes.edgecolor": self.faint,
            "axes.facecolor": self.surface,
            "axes.labelcolor": self.muted,
            "axes.linewidth": self.pt(0.8),
            "axes.labelpad": self.pt(4),
            "axes.unicode_minus": True,
            "figure.facecolor": self.surface,
            "savefig.facecolor": self.surface,
            "xtick.color": self.muted,
            "ytick.color": self.muted,
            "patch.linewidth": self.pt(1),
            "lines.linewidth": self.pt(1.5),
            "lines.markersize": self.pt(6),
            "lines.dash_capstyle": "round",
            "lines.solid_capstyle": "round",
            "pdf.fonttype": 42,
            "svg.fonttype": "path",
            "svg.hashsalt": "mismatch-lab",
        }


REPORT = Style("paper", 12 * INCH, points=_BASE, title=True)
"""Style of the figures in the folders of reports."""
_current = ContextVar("figure_style", default=REPORT)
_lock = threading.RLock()


def current() -> Style:
    """Return the style in which a figure is being drawn."""
    return _current.get()


def pt(size: float) -> float:
    """Return a size of type or width of a line, given for layouts, in points of the current style."""
    return current().pt(size)


@contextmanager
def applied(style: Style) -> Iterator[Style]:
    """Draw and save figures in a style until the end of the block.

    Matplotlib's settings belong to the process, so that other threads wait meanwhile.
    """
    from matplotlib import rc_context  # noqa: PLC0415 - matplotlib takes a second to load

    with _lock, rc_context(style.settings()):
        token = _current.set(style)
        try:
            yield style
        finally:
            _current.reset(token)
