"""Export dialog: films, figures, numbers and code of what a page shows, with a preview of each choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFontDatabase, QGuiApplication, QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.export.filming import Filming
from app.export.forms import CodeFields, FigureFields, FilmFields, Form, NumbersFields
from app.export.plans import FilmPlan, Plan
from app.export.taken import Taken
from app.export.taken_run import TakenRun
from app.film.job import format_of
from app.run.task import Task
from app.theme import theme
from app.widgets.segmented_control import SegmentedControl
from app.widgets.user_text import plain_label
from core.errors import ScenarioError
from core.system.files import write_whole
from core.text.user_text import file_name

_KINDS = {
    "Film": "MP4, animated WebP or GIF, or numbered PNG files",
    "Figure": "Vector or pixel figures for papers and slides",
    "Numbers": "Tables and arrays, each number with its error and kind",
    "Code": "A script, a command line, or a snapshot",
}
_FILMS = "MP4 (*.mp4);;Animated WebP (*.webp);;Animated GIF (*.gif);;A folder of PNG files (*)"
_WAIT_MS = 120
"""Time without a further change after which the preview is drawn."""


@final
class Picture(QLabel):
    """Preview of a picture, as large as there is room."""

    def __init__(self) -> None:
        super().__init__(alignment=Qt.AlignmentFlag.AlignCenter, accessibleName="Preview")
        self.setMinimumSize(320, 240)
        self._whole = QPixmap()

    def show_picture(self, content: bytes) -> None:
        """Show a PNG picture."""
        self._whole = QPixmap.fromImage(QImage.fromData(content))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Fit the picture."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if not self._whole.isNull():
            ratio = self.devicePixelRatioF()
            size = (self.size() * ratio).boundedTo(self._whole.size())
            keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            shown = self._whole.scaled(size, keep, smooth)
            shown.setDevicePixelRatio(ratio)
            self.setPixmap(shown)


@final
class ExportDialog(QDialog):
    """Dialog of all exports of what a page shows; films are those of runs.

    Args:
        parent: the window.
        take: returns what is on the screen, or raises ScenarioError.
    """

    def __init__(self, parent: QWidget, take: Callable[[], Taken]) -> None:
        super().__init__(parent, windowTitle="Export")
        self._take = take
        self._taken: Taken | None = None
        self.shown: Plan | FilmPlan | None = None
        """Plan of the preview."""
        self.kinds = SegmentedControl("Kind of export", _KINDS)
        self.film = FilmFields()
        figure, numbers, code = FigureFields(), NumbersFields(), CodeFields()
        self.forms: dict[str, Form] = {"Film": self.film, "Figure": figure, "Numbers": numbers, "Code": code}
        self.picture, self.text = Picture(), QPlainTextEdit(readOnly=True, objectName="notes")
        self.error = plain_label(wordWrap=True, visible=False)
        self.error.setProperty("role", "error")
        self.status = plain_label(wordWrap=True)
        self.status.setProperty("role", "muted")
        self.copy = QPushButton("Copy", toolTip="Copy the picture or the text")
        self.save = QPushButton(
            "Save…", toolTip="Save in a file, which carries its snapshot where the format allows it"
        )
        self._pages, self._preview = QStackedWidget(), QStackedWidget()
        self.drawing, self.saving = Task(self), Task(self)
        self.filming = Filming(self)
        self._due = QTimer(self, singleShot=True, interval=_WAIT_MS)
        self._build()
        self._connect()

    def _build(self) -> None:
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        for form in self.forms.values():
            self._pages.addWidget(form)
        for preview in (self.picture, self.text):
            self._preview.addWidget(preview)
        left = QVBoxLayout()
        left.setSpacing(12)
        left.addWidget(self.kinds)
        scrolled = QScrollArea(widgetResizable=True)  # large text on a small screen
        scrolled.setFrameShape(QScrollArea.Shape.NoFrame)
        scrolled.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scrolled.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scrolled.setWidget(self._pages)
        left.addWidget(scrolled, 1)
        left.addWidget(self.filming.bar)
        left.addWidget(self.status)
        left.addWidget(self.error)
        row = QHBoxLayout()
        row.addStretch()
        for button in (self.copy, self.save):
            row.addWidget(button)
        left.addLayout(row)
        side = QWidget()
        theme.set_length(side, "setFixedWidth", 340)
        side.setLayout(left)
        left.setContentsMargins(0, 0, 0, 0)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(16)
        layout.addWidget(side)
        layout.addWidget(self._preview, 1)
        self.save.setDefault(True)
        theme.resize(self, 1020, 620)

    def _connect(self) -> None:
        self.kinds.chosen.connect(self._pages.setCurrentIndex)
        self.kinds.chosen.connect(lambda _: self._due.start())
        for form in self.forms.values():
            form.changed.connect(self._due.start)
        self._due.timeout.connect(self._draw)
        self.drawing.yielded.connect(self._show)
        self.drawing.failed.connect(self._fail)
        self.saving.yielded.connect(self._saved)
        self.saving.failed.connect(self._fail)
        self.filming.drawn.connect(self._show)
        self.filming.failed.connect(self._fail)
        self.filming.told.connect(self.status.setText)
        self.copy.clicked.connect(lambda _checked: self._copy())
        self.save.clicked.connect(lambda _checked: self._save())

    def open_now(self) -> None:
        """Take what is on the screen and show the dialog.

        Raises:
            ScenarioError: nothing is on the screen yet.
        """
        self._taken, self.shown = self._take(), None
        for form in self.forms.values():
            form.take(self._taken)
        is_run = isinstance(self._taken, TakenRun)
        self.kinds.buttons[0].setVisible(is_run)
        if not is_run and self.form is self.film:
            self.kinds.choose("Figure")
        self.status.clear()
        self.show()
        self.raise_()
        self.activateWindow()
        self._draw()

    @property
    def form(self) -> Form:
        """The form that is shown."""
        return self.forms[self.kinds.choice]

    # Preview

    def _draw(self) -> None:
        if self._taken is None or not self.isVisible():
            return
        taken, plan = self._taken, self.form.plan()
        self._say(None)
        self.copy.setVisible(not isinstance(plan, FilmPlan))
        self.filming.forget()
        self.drawing.cancel()
        if isinstance(plan, FilmPlan):
            assert isinstance(taken, TakenRun)
            self.filming.draw(plan, taken)
            return

        def work() -> Iterator[tuple[Plan, bytes]]:
            yield plan, plan.preview(taken)

        self.drawing.start(work())

    def _show(self, drawn: tuple[Plan | FilmPlan, bytes]) -> None:
        self.shown, content = drawn
        is_picture = isinstance(self.shown, FilmPlan) or self.shown.is_picture
        self._preview.setCurrentWidget(self.picture if is_picture else self.text)
        if is_picture:
            self.picture.show_picture(content)
        else:
            self.text.setPlainText(content.decode())
        self.copy.setEnabled(True)
        self.save.setEnabled(True)

    def _fail(self, error: ScenarioError) -> None:
        self._say(error)
        self.copy.setEnabled(False)
        self.save.setEnabled(False)

    def _say(self, error: ScenarioError | None) -> None:
        self.error.setText("" if error is None else str(error))
        self.error.setVisible(error is not None)

    # Taking away

    def _copy(self) -> None:
        """Copy the picture at its resolution, or the whole text."""
        if self._taken is None:
            return
        taken, plan = self._taken, self.form.plan()
        if isinstance(plan, FilmPlan):
            return
        is_picture = plan.is_picture

        def work() -> Iterator[tuple[bool, bytes]]:
            files = plan.files(taken)
            yield is_picture, (files[".png"] if is_picture else next(iter(files.values())))()

        self.status.setText("Copying…")
        self.saving.start(work())

    def _save(self) -> None:
        """Ask for a file, and write it whole on another thread."""
        if self._taken is None:
            return
        taken, plan = self._taken, self.form.plan()
        if isinstance(plan, FilmPlan):
            assert isinstance(taken, TakenRun)
            self._save_film(plan, taken)
            return
        try:
            files = plan.files(taken)
        except ScenarioError as error:
            self._fail(error)
            return
        first = next(iter(files))
        proposed = f"{file_name(taken.name.lower())}{first}"
        filters = ";;".join(f"{ending.removeprefix('.').upper()} (*{ending})" for ending in files)
        name, chosen = QFileDialog.getSaveFileName(self, "Export", proposed, filters)
        if not name:
            return
        path = Path(name)
        if path.suffix.lower() not in files:
            wanted = next((ending for ending in files if f"*{ending})" in chosen), first)
            path = path.with_name(f"{path.name}{wanted}")

        def work() -> Iterator[Path]:
            write_whole(path, files[path.suffix.lower()]())
            yield path

        self.status.setText("Saving…")
        self.saving.start(work())

    def _save_film(self, plan: FilmPlan, taken: TakenRun) -> None:
        """Ask for a file, and have the film made by another process."""
        proposed = f"{file_name(taken.name.lower())}.mp4"
        name, _ = QFileDialog.getSaveFileName(self, "Export a film", proposed, _FILMS)
        if not name:
            return
        try:
            path = Path(name)
            self.filming.make(plan.job(taken, format_of(path)), path, taken)
        except ScenarioError as error:
            self._say(error)

    def _saved(self, done: Path | tuple[bool, bytes]) -> None:
        if isinstance(done, Path):
            self.status.setText(f"Saved: {done}")
            return
        is_picture, content = done
        clipboard = QGuiApplication.clipboard()
        if is_picture:
            clipboard.setImage(QImage.fromData(content))
        else:
            clipboard.setText(content.decode())
        self.status.setText("On the clipboard.")

    def end(self) -> None:
        """Stop drawing and saving."""
        self._due.stop()
        self.drawing.close()
        self.saving.close()
        self.filming.close()
        self.close()
