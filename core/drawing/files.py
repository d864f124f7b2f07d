"""Files of figures: SVG, PDF and PNG; equal figures are equal files.

PDF files embed their typefaces as TrueType, so that text can be searched and edited. SVG files have text as outlines:
a browser, slide program or journal without the typeface would set the labels otherwise, and move them.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping

from matplotlib.figure import Figure

from core.drawing.style import Style, applied

VECTOR = (".svg", ".pdf")
ENDINGS = (*VECTOR, ".png")
"""Endings of the files of figures."""
DPI = 300
"""Dots per inch of PNG files, and of what is painted as an image within vector files."""
LEAST_DPI, MOST_DPI = 36, 1200
_UNDATED: dict[str, dict[str, str | None]] = {
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
    ".png": {"Software": None},
}


def figure_bytes(
    figure: Figure, ending: str, style: Style, *, dpi: float = DPI, metadata: Mapping[str, str | None] | None = None
) -> bytes:
    """Return the content of a figure's file.

    Args:
        figure: drawn in the style.
        ending: one of :data:`ENDINGS`.
        style: typefaces, and colour of the background.
        dpi: dots per inch.
        metadata: as matplotlib's ``savefig`` takes it.
    """
    file = io.BytesIO()
    with applied(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name may be in any script
        figure.savefig(
            file, format=ending.removeprefix("."), dpi=dpi, metadata={**_UNDATED[ending], **(metadata or {})}
        )
    return file.getvalue()
