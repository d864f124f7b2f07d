"""Stage: panels, evidence or both of a run with a view, with an optional heading above and a caption below."""

from __future__ import annotations

from typing import Literal, final

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPalette, QRegion, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.document.document import Document
from app.planes.grid import fullest_shape, picture_side
from app.planes.planes import PlanesWidget
from app.planes.viewed import show_view
from app.stage.evidence import StageEvidence
from app.stage.time_mark import TimeMark
from app.theme import theme
from app.widgets.user_text import plain_label
from core.geometry.time_scale import TimeScale
from core.reporting.heading import headings
from core.runs.results import Results
from core.snapshot.view import View

What = Literal["panels", "panel", "panels and evidence", "evidence"]
"""Content of the stage: all panels, the view's or the first panel alone, panels beside or above the plot, or plots."""

BASE = QSize(1280, 720)
"""Size in which a picture is laid out, before all of it is enlarged or made smaller."""
_LEAST_RATIO = 0.75
_MARGIN, _GAP = 16, 8
_BESIDE, _BELOW = (0.34, 340), (0.36, 200)
"""Share of the width, or of the height, that the evidence takes, and its least in pixels at 100 % text size."""
_LEGEND = 24
"""Height of the legend below the panels, in pixels at 100 % text size."""
_MOST_SHARE = 0.5
"""Largest share that the evidence takes, whatever the text size."""
_MOST_PAINTS = 4
"""Times that a picture is painted at most until axes have room for their numbers."""
_MOST_LAYOUTS = 3
_MOST_PIXELS = 8192


@final
class _Content(QWidget):
    """Area that panels and evidence share; the stage places them."""

    resized = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Announce the new size."""
        super().resizeEvent(event)
        self.resized.emit()


@final
class Stage(QWidget):
    """Run on a stage; theme and sizes of text and lines are the application's, and are followed.

    To render pictures, use a stage that is not shown: :meth:`image` gives it the size that the picture needs.

    Args:
        what: content.
        parent: widget that holds it; None for pictures.
    """

    def __init__(self, what: What = "panels and evidence", parent: QWidget | None = None) -> None:
        super().__init__(parent, objectName="stage")
        self.what = what
        self.view = View()
        self.results: Results | None = None
        self.frame = 0
        self._is_moving = False
        self._painted: tuple[int, int, float] | None = None
        """Size and ratio for which everything is laid out; None: nothing is."""
        self._image: QImage | None = None
        self._places: list[QRect] = []
        """The last picture, and what in it depends on the frame."""
        self.planes: PlanesWidget | None = None
        """The panels, once a run is shown."""
        self._content = _Content()
        self._content.resized.connect(self._arrange)
        self.evidence = StageEvidence(self._content)
        self.evidence.hide()  # until there is a run
        self.time = TimeMark()
        self.heading, self.caption = plain_label(wordWrap=True), plain_label(wordWrap=True)
        theme.set_font(self.heading, 22, "semibold")
        theme.set_font(self.caption, 16)
        for label in (self.heading, self.caption):
            label.hide()
        self.setAutoFillBackground(True)
        foot = QHBoxLayout()
        foot.setSpacing(24)
        foot.addWidget(self.caption, 1, Qt.AlignmentFlag.AlignVCenter)
        foot.addStretch()
        foot.addWidget(self.time, 0, Qt.AlignmentFlag.AlignBottom)
        column = QVBoxLayout(self)
        column.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        column.setSpacing(_GAP)
        column.addWidget(self.heading)
        column.addWidget(self._content, 1)
        column.addLayout(foot)
        theme.scheme.changed.connect(self.restyle)
        self.restyle()

    # Content

    def set_words(self, heading: str = "", caption: str = "") -> None:
        """Set heading and caption; an empty one takes no space."""
        for label, words in ((self.heading, heading), (self.caption, caption)):
            label.setText(words)
            label.setVisible(bool(words))
        self._painted = None

    def set_what(self, what: What) -> None:
        """Choose the content."""
        self.what = what
        self._take_view()

    def show_results(self, results: Results) -> None:
        """Show a run, with the present view and from its first frame; it need not be complete."""
        self.results, self.frame = results, 0
        if self.planes is None:
            self.planes = PlanesWidget(Document(results.scenario), self._content, is_bare=True)
            self.planes.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.planes.show_results(results, is_present=False)
        self.evidence.show_results(results)
        self._take_view()

    def apply(self, view: View) -> None:
        """Show overlays, panel, plane and axes of a view; its page and t are left to others."""
        self.view = view
        self._take_view()

    def _take_view(self) -> None:
        if self.results is None or self.planes is None:
            return
        view = self.view.model_copy(
            update={"overlays": tuple(name for name in self.view.overlays if name != "lens")}  # which follows a pointer
        )
        if self.what == "panel" and view.enlarged not in self.planes.panels:
            view = view.model_copy(update={"enlarged": next(iter(self.planes.panels), None)})
        self.planes.setVisible(self.what != "evidence")
        self.evidence.setVisible(self.what in {"panels and evidence", "evidence"})
        self.evidence.show_details(self.what == "evidence")
        self._arrange()
        self.planes.line.set_axis(view.time_axis)
        show_view(self.planes, view)
        self.evidence.apply(view)
        self.time.set_scale(TimeScale(self.results.schedule, view.time_axis))
        self._painted = None
        self._show()

    def show_frame(self, frame: int, *, is_moving: bool = False) -> None:
        """Show a frame, which must be computed.

        Args:
            frame: index.
            is_moving: true while frames follow each other, so that numbers that are known at a few t only are left out.
        """
        self.frame, self._is_moving = frame, is_moving
        self._show()

    def advance(self) -> None:
        """Show what has become known of the run since: more of the curves, laws, and limits of the KL."""
        if self.planes is not None:
            self.planes.advance()
            self.evidence.advance()
            self._show()

    def _show(self) -> None:
        results, planes, frame = self.results, self.planes, self.frame
        if results is None or planes is None or frame >= results.completed:
            return
        if self.what != "evidence":
            planes.show_frame(frame)
            planes.write(headings(results, frame, is_playing=self._is_moving))
        if self.what in {"panels and evidence", "evidence"}:
            self.evidence.show_frame(frame)
        self.time.show_frame(frame)

    # Looks

    def restyle(self) -> None:
        """Apply the theme's colours and sizes."""
        colours = self.palette()
        colours.setColor(QPalette.ColorRole.Window, QColor(theme.current().window))
        self.setPalette(colours)
        self.evidence.restyle()
        self._painted = None
        if self.planes is not None:
            self._arrange()
            self.planes.refresh()
            self.evidence.advance()
            self._show()

    def _arrange(self) -> None:
        """Give panels and evidence their places: all of the content, or beside or below each other."""
        whole = self._content.rect()
        places = whole, whole
        if self.what == "panels and evidence" and self.results is not None:
            is_enlarged = self.view.enlarged in {sampler.about.key for sampler in self.results.samplers}
            places = _shared(whole, 1 if is_enlarged else len(self.results.samplers))
        for part, place in zip((self.planes, self.evidence), places, strict=True):
            if part is not None:
                part.setGeometry(place)

    # Pictures

    def image(self, size: QSize) -> QImage:
        """Return the present frame as an image of exactly this size, the same at any size of a window.

        It is laid out as 1280 x 720 and drawn with as many more pixels, or fewer, down to three quarters: still smaller
        pictures have less room, so that text stays legible.
        """
        width, height = size.width(), size.height()
        if not (0 < width <= _MOST_PIXELS and 0 < height <= _MOST_PIXELS):
            raise ValueError(f"a picture must have 1 to {_MOST_PIXELS} pixels each way (is {width} x {height})")
        ratio = max(min(width / BASE.width(), height / BASE.height()), _LEAST_RATIO)
        needed = width, height, ratio
        if needed != self._painted or self._image is None or self._changing() != self._places:
            self._settle(needed)  # such as for a legend that has more lines than before
            self._places = self._changing()
            self._image = self._paint(*needed)
        else:  # only what depends on the frame
            region = QRegion()
            for place in self._places:
                region += place
            self._image.setDevicePixelRatio(ratio)
            self.render(self._image, region.boundingRect().topLeft(), region)
            self._image.setDevicePixelRatio(1.0)
        return self._image.copy()

    def _changing(self) -> list[QRect]:
        """Return the places of what depends on the frame, once all is laid out for it."""
        _lay_out()
        parts: list[QWidget] = [self.time]
        if self.what != "evidence" and self.planes is not None:
            parts += [self.planes.overlay_legend, *self.planes.panel_grid.changing()]
        if self.what in {"panels and evidence", "evidence"}:
            parts += self.evidence.changing()
        return [QRect(part.mapTo(self, QPoint(0, 0)), part.size()) for part in parts if part.isVisibleTo(self)]

    def _settle(self, needed: tuple[int, int, float]) -> None:
        """Lay everything out for a size, until nothing changes any more."""
        width, height, ratio = needed
        self._image = None
        if not self.isVisible():
            self.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
            self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
            self.show()  # layouts of hidden widgets do not follow what they hold
        self.resize(round(width / ratio), round(height / ratio))
        before = None
        for _ in range(_MOST_PAINTS):
            if self.planes is not None and self.results is not None:
                _lay_out()
                self.planes.refit()
                self.planes.line.complete()
                self.evidence.advance()
                self._show()
            _lay_out()
            image = self._paint(*needed)
            if image == before:
                break
            before = image
        self._painted = needed

    def _paint(self, width: int, height: int, ratio: float) -> QImage:
        image = QImage(width, height, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        image.fill(QColor(theme.current().window))
        self.render(image, QPoint(0, 0))
        image.setDevicePixelRatio(1.0)
        return image


def _lay_out() -> None:
    """Carry out the changes of layouts that are due, which the event loop would."""
    for _ in range(_MOST_LAYOUTS):  # widths decide on heights, and those on the places of others
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)


def _shared(whole: QRect, count: int) -> tuple[QRect, QRect]:
    """Return the places of panels and evidence, beside or below them, wherever the panels' pictures become larger.

    Args:
        whole: of both.
        count: of panels.
    """
    width, height = whole.width(), whole.height()
    beside, below = _part(width, *_BESIDE), _part(height, *_BELOW)
    rooms = QSize(width - beside - _GAP, height), QSize(width, height - below - _GAP)

    def side(room: QSize) -> float:
        across, down = room.width(), room.height() - theme.scaled(_LEGEND)
        return picture_side(*fullest_shape(count, across, down), across, down)

    room = max(rooms, key=side)
    panels = QRect(whole.topLeft(), room)
    if room is rooms[0]:
        return panels, whole.adjusted(room.width() + _GAP, 0, 0, 0)
    return panels, whole.adjusted(0, room.height() + _GAP, 0, 0)


def _part(whole: int, share: float, least: int) -> int:
    """Return the pixels that the evidence takes of a width or height."""
    return round(min(max(share * whole, theme.scaled(least)), _MOST_SHARE * whole))
