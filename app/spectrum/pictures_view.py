"""What the difference looks like: clouds of both Gaussians where they differ most, and samples as pictures."""

from __future__ import annotations

import math
from typing import final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.spectrum.analysis import Analysis
from app.spectrum.plot import PRODUCED, Plot, dot_pen, line_pen, shade
from app.theme import theme
from app.widgets.pictures import Drawing
from core.geometry.shapes import Line
from core.spectrum.views import PICTURES, clouds, sample_pictures

_CAPTION, _GAP = 20, 8
"""Height of captions and space between pictures, in pixels."""


@final
class CloudPlot(Plot):
    """Both Gaussians along the two eigenvectors with the largest errors, from the same random numbers."""

    def __init__(self) -> None:
        super().__init__("Clouds", "", "")
        self.axes: tuple[int, int] = 0, 0
        """Indices of the two eigenvectors."""
        self.plot.setAspectLocked(lock=True)
        self._analysis: Analysis | None = None

    def restyle(self) -> None:
        """Apply the theme's colours."""
        super().restyle()
        if self._analysis is not None:
            self.show_analysis(self._analysis)

    def show_analysis(self, analysis: Analysis) -> None:
        """Show a prediction; a spectrum of one eigenvalue has one axis only."""
        self._analysis = analysis
        found = clouds(analysis.prediction)
        self.axes = found.axes
        inks = theme.current().ink, PRODUCED
        dots = [(points, _cloud(colour)) for points, colour in zip(found.points, inks, strict=True)]
        turn = np.linspace(0, 2 * math.pi, 181)
        circle = np.stack([np.cos(turn), np.sin(turn)])
        lines: list[tuple[Line, QPen]] = []
        for widths, colour in zip(found.widths, inks, strict=True):
            for times in (1.0, 2.0):
                x, y = times * widths * circle
                lines.append(((x, y), line_pen(colour, 1.4)))
        self.set_label("bottom", f"along direction {found.axes[0] + 1}")
        self.set_label("left", f"along direction {found.axes[1] + 1}")
        self.set_range((-found.reach, found.reach), (-found.reach, found.reach))
        self.set_drawing(Drawing(lines, dots))


def _cloud(colour: str) -> QPen:
    pen = dot_pen(colour, 2.6)
    pen.setColor(shade(colour, 120))
    return pen


@final
class SamplePictures(QWidget):
    """Samples of a spectrum of pictures: above of the data, below of the sampler, from the same random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.images: list[list[QImage]] = []
        """Rows true and produced."""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.set_font(self, 11)
        self.setAccessibleName("Samples as pictures: true above, produced below")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the usual size."""
        return QSize(320, 220)

    def show_analysis(self, analysis: Analysis) -> None:
        """Show samples of a prediction whose spectrum has pictures."""
        levels = sample_pictures(analysis.prediction)
        assert levels is not None
        self.images = [[_grey(each) for each in row] for row in levels]
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the pictures as large as there is room."""
        if not self.images:
            return
        painter = QPainter(self)
        width = (self.width() - (PICTURES - 1) * _GAP) / PICTURES
        height = (self.height() - 2 * _CAPTION - _GAP) / 2
        side = max(min(width, height), 1.0)
        for row, words in enumerate(("true", "produced, same random numbers")):
            top = row * (side + _CAPTION + _GAP)
            painter.setPen(QColor(theme.current().muted))
            painter.drawText(QRectF(0, top, self.width(), _CAPTION), Qt.AlignmentFlag.AlignVCenter, words)
            for column, image in enumerate(self.images[row]):
                painter.drawImage(QRectF(column * (side + _GAP), top + _CAPTION, side, side), image)


def _grey(levels: NDArray[np.uint8]) -> QImage:
    height, width = levels.shape
    return QImage(np.ascontiguousarray(levels).data, width, height, width, QImage.Format.Format_Grayscale8).copy()


@final
class PicturesView(QWidget):
    """Clouds, and beside them samples as pictures where the spectrum has them."""

    def __init__(self) -> None:
        super().__init__()
        self.cloud, self.samples = CloudPlot(), SamplePictures()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(self.cloud, 1)
        layout.addWidget(self.samples, 1)

    def restyle(self) -> None:
        """Apply the theme's colours."""
        self.cloud.restyle()
        self.samples.update()

    def show_analysis(self, analysis: Analysis) -> None:
        """Show a prediction."""
        self.cloud.show_analysis(analysis)
        has_pictures = analysis.spectrum.picture is not None
        self.samples.setVisible(has_pictures)
        if has_pictures:
            self.samples.show_analysis(analysis)
