"""What the difference looks like: clouds of both Gaussians where they differ most, and samples as pictures."""

from __future__ import annotations

import math
from typing import final

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.spectrum.analysis import Analysis
from app.spectrum.plot import PRODUCED, Plot, dot_pen, line_pen, shade
from app.theme import theme
from app.widgets.pictures import Drawing
from core.geometry.shapes import Line
from core.spectrum.spectra import Array

_POINTS, _PICTURES, _SEED = 400, 3, 1
"""Points of a cloud, pairs of pictures, and the seed of both."""
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
        lam = analysis.spectrum.eigenvalues
        order = np.argsort(
            -np.where(np.isfinite(analysis.prediction.squares), analysis.prediction.squares, -1.0), kind="stable"
        )
        pair = sorted(order[:2].tolist()) if len(lam) > 1 else [0, 0]
        self.axes = pair[0], pair[1]
        normals = np.random.default_rng(_SEED).standard_normal((2, _POINTS))
        true, produced = (
            np.sqrt(np.where(np.isfinite(each[pair]), each[pair], 0.0))[:, None] for each in (lam, analysis.produced)
        )
        ink = theme.current().ink
        dots = [(true * normals, _cloud(ink)), (produced * normals, _cloud(PRODUCED))]
        turn = np.linspace(0, 2 * math.pi, 181)
        circle = np.stack([np.cos(turn), np.sin(turn)])
        lines: list[tuple[Line, QPen]] = []
        for widths, colour in ((true, ink), (produced, PRODUCED)):
            for times in (1.0, 2.0):
                x, y = times * widths * circle
                lines.append(((x, y), line_pen(colour, 1.4)))
        reach = 3.2 * float(max(true.max(), produced.max(), 1e-12))
        self.set_label("bottom", f"along direction {pair[0] + 1}")
        self.set_label("left", f"along direction {pair[1] + 1}")
        self.set_range((-reach, reach), (-reach, reach))
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
        spectrum = analysis.spectrum
        assert spectrum.picture is not None
        normals = np.random.default_rng(_SEED).standard_normal((spectrum.dimension, _PICTURES))
        produced = np.where(np.isfinite(analysis.produced), analysis.produced, 0.0)
        both = [spectrum.samples(normals), spectrum.samples(normals, produced)]
        reach = 1.05 * max(float(np.abs(both[0]).max()), 1e-300)
        self.images = [
            [_grey(each.T[index].reshape(spectrum.picture), reach) for index in range(_PICTURES)] for each in both
        ]
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the pictures as large as there is room."""
        if not self.images:
            return
        painter = QPainter(self)
        width = (self.width() - (_PICTURES - 1) * _GAP) / _PICTURES
        height = (self.height() - 2 * _CAPTION - _GAP) / 2
        side = max(min(width, height), 1.0)
        for row, words in enumerate(("true", "produced, same random numbers")):
            top = row * (side + _CAPTION + _GAP)
            painter.setPen(QColor(theme.current().muted))
            painter.drawText(QRectF(0, top, self.width(), _CAPTION), Qt.AlignmentFlag.AlignVCenter, words)
            for column, image in enumerate(self.images[row]):
                painter.drawImage(QRectF(column * (side + _GAP), top + _CAPTION, side, side), image)


def _grey(picture: Array, reach: float) -> QImage:
    """Return a picture in grey from -reach (black) to reach (white)."""
    levels = np.clip(127.5 * (1 + picture / reach), 0, 255).astype(np.uint8)
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
