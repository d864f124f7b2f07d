"""The page Spectrum: the setting on the left, its spectrum in the centre, W2 and its sources on the right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QHideEvent, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QScrollArea, QSplitter, QVBoxLayout, QWidget

from app.spectrum.analysis import Analysis
from app.spectrum.centre import KERNEL, Centre
from app.spectrum.document import SettingDocument, State
from app.spectrum.editor import SettingEditor
from app.spectrum.evidence import Evidence
from app.spectrum.handles import dragged, handles
from app.spectrum.jobs import Jobs
from app.spectrum.kept import Kept, first_state
from app.spectrum.predictor import Predictor, Wanted
from app.theme import theme
from app.widgets.banner import Banner
from core.errors import ScenarioError
from core.scenario.file_section import TomlFile
from core.spectrum.builtin import load_builtin_setting
from core.spectrum.optimum import Curve, parameters
from core.spectrum.sections import DataSetSection, NumbersSection
from core.spectrum.setting import SpectrumSetting
from core.spectrum.spectra import Spectrum
from core.text.user_text import file_name

_LATE_MS = 500
"""Time after which the numbers of the setting before are taken off."""
_LEAST_BESIDE = 540
"""Width right of the set-up in which plots and numbers stand side by side, in pixels."""
_LEAST_CENTRE, _LEAST_BELOW = 460, 420
"""Least heights of plots and numbers below each other, in pixels."""
_SETTINGS = "Spectrum settings (*.toml)"
_NUMBERS = "Eigenvalues, a covariance or points (*.npy *.csv *.tsv *.txt)"


@final
class SpectrumPage(QWidget):
    """Page of the Gaussian error analysis.

    Args:
        keep: file in which the last setting is kept; None: it lasts as long as the page.
    """

    studied = Signal(str)
    """The knob that the user wants to vary in a study of this setting."""

    def __init__(self, keep: Path | None = None) -> None:
        super().__init__()
        self.document = SettingDocument(first_state(keep), self)
        self._kept = Kept(keep, self.document)
        self.predictor = Predictor(self)
        self.banner = Banner()
        self.editor, self.centre, self.evidence = SettingEditor(self.document), Centre(), Evidence()
        self.jobs = Jobs(self.document, self.editor, self.centre, self.evidence, self)
        self.spectrum: Spectrum | None = None
        """Of the document's setting, once it is known."""
        self._late = QTimer(self, singleShot=True, interval=_LATE_MS)
        """Runs while a prediction is awaited."""
        self._dragged: tuple[SpectrumSetting, Spectrum] | None = None
        """Setting and spectrum before the drag under way."""
        self._build()
        self._connect()
        self.restyle()
        self._follow()

    def _build(self) -> None:
        self.setProperty("help page", "3d-spectrum.md")
        body = QWidget(objectName="problem")
        body.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(body)
        column.setContentsMargins(12, 10, 12, 12)
        column.addWidget(self.editor)
        column.addStretch()
        self.left = QScrollArea()
        self.left.setWidgetResizable(True)
        self.left.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        theme.set_length(self.left, "setFixedWidth", 328)
        self.left.setFrameShape(QScrollArea.Shape.NoFrame)
        self.left.setAccessibleName("Set-up")
        self.left.setWidget(body)
        self.split = QSplitter()
        self.split.setHandleWidth(1)
        self.split.setChildrenCollapsible(False)
        for widget, stretch in ((self.centre, 6), (self.evidence, 4)):
            self.split.addWidget(widget)
            self.split.setStretchFactor(self.split.count() - 1, stretch)
        self.split.setSizes([580, 390])
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.left)
        self.right = QScrollArea(widgetResizable=True)
        self.right.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.right.setFrameShape(QScrollArea.Shape.NoFrame)
        self.right.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.right.setWidget(self.split)
        middle.addWidget(self.right, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.banner)
        layout.addLayout(middle, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Arrange the columns for the new width."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Show the numbers beside the plots, or below them, where both are scrolled, if there is no room."""
        is_narrow = self.width() - self.left.width() < theme.scaled(_LEAST_BESIDE)
        self.split.setOrientation(Qt.Orientation.Vertical if is_narrow else Qt.Orientation.Horizontal)
        theme.set_length(self.evidence, "setMinimumHeight", _LEAST_BELOW if is_narrow else 0)
        theme.set_length(self.centre, "setMinimumHeight", _LEAST_CENTRE if is_narrow else 0)

    def _connect(self) -> None:
        self._action("Undo", self.undo, "Ctrl+Z")
        self._action("Redo", self.document.redo, "Ctrl+Shift+Z", "Ctrl+Y")
        self._action("New", self._new, "Ctrl+N")
        self._action("Open", self._choose_file, "Ctrl+O")
        self._action("Save", self.save, "Ctrl+S")
        self._escape = self._action("End the drag", self.cancel, "Esc")
        self._escape.setEnabled(False)
        self.document.changed.connect(self._follow)
        self.editor.varied.connect(self.vary)
        self.editor.studied.connect(self.studied)
        self.editor.kind_wanted.connect(self._choose_kind)
        file = self.editor.file
        file.builtin.activated.connect(lambda _: self._open_builtin(str(file.builtin.currentData())))
        file.new.clicked.connect(lambda _checked: self._new())
        file.open.clicked.connect(lambda _checked: self._choose_file())
        file.save.clicked.connect(lambda _checked: self.save())
        self.predictor.foreseen.connect(self._foresee)
        self.predictor.predicted.connect(self._show)
        self.predictor.drawn.connect(self._draw)
        self.predictor.failed.connect(self._fail_prediction)
        self._late.timeout.connect(lambda: self.evidence.show_waiting("computing …"))
        self.centre.plot.dragged.connect(self._drag)
        self.centre.plot.dropped.connect(self._drop)
        self.predictor.normed.connect(lambda both: self.centre.kernel.show_kernel(*both))
        self.centre.tab_chosen.connect(lambda: self._ask() if self.centre.tab == KERNEL else None)
        self.evidence.card.vary_chosen.connect(self._vary_chosen)
        self.jobs.started.connect(lambda: self.banner.say(None))
        self.jobs.simulator.failed.connect(self._fail)

    def _action(self, words: str, call: Callable[[], object], *keys: str) -> QAction:
        """Add keys that work while the page is shown."""
        action = QAction(words, self)
        action.setShortcuts([QKeySequence(each) for each in keys])
        action.triggered.connect(lambda _checked: call())
        self.addAction(action)
        return action

    def _new(self) -> None:
        self.document.load(State(SpectrumSetting()))

    def restyle(self) -> None:
        """Apply the theme's colours."""
        self._arrange()
        for part in (self.editor, self.centre, self.evidence):
            part.restyle()

    def close_all(self) -> None:
        """End the thread and the process, when the window closes."""
        self._kept.close()
        self._late.stop()
        self.predictor.close()
        self.jobs.close()

    # The setting

    def undo(self) -> None:
        """Undo the last edit; what is being typed is one."""
        self.window().setFocus()
        self.document.undo()

    def vary(self, key: str) -> None:
        """Draw W2 against a number of the setting."""
        self.evidence.card.show_setting(self.document.setting, key)
        self._vary_chosen()

    def _vary_chosen(self) -> None:
        self.jobs.follow()
        self._ask()

    def _open_builtin(self, key: str) -> None:
        if key:
            self.document.load(State(load_builtin_setting(key)))

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Open a spectrum setting", str(self.document.state.folder), _SETTINGS
        )
        if name:
            self.open_file(Path(name))

    def open_file(self, path: Path) -> None:
        """Open a setting; one that is not valid shows an error and changes nothing."""
        try:
            self.open_toml(TomlFile.read(path))
        except ScenarioError as error:
            self.banner.say(error)

    def open_toml(self, file: TomlFile) -> None:
        """Open a setting whose file has been read.

        Raises:
            ScenarioError: it is not valid.
        """
        self.document.load(State(SpectrumSetting.from_dict(file.data, str(file.path)), file.path))

    def open_numbers(self, path: Path) -> None:
        """Take the eigenvalues, the covariance or the points in a file as the spectrum."""
        self.editor.change("spectrum", {"kind": "file", "path": str(path)})

    def open_setting(self, setting: SpectrumSetting, vary: str | None = None) -> None:
        """Open a setting that has no file, with W2 against a number, by its key, where the setting has it."""
        self.document.load(State(setting))
        if vary in {each.key for each in parameters(setting)}:
            self.vary(str(vary))

    def save(self) -> bool:
        """Ask for a file and save the setting; return whether it was saved."""
        self.window().setFocus()  # commits what is being typed
        state = self.document.state
        proposed = str(state.path or f"{file_name(state.setting.name.lower())}.toml")
        name, _ = QFileDialog.getSaveFileName(self, "Save the setting", proposed, _SETTINGS)
        if not name:
            return False
        path = Path(name)
        try:
            self.document.save(path if path.suffix else path.with_suffix(".toml"))
        except ScenarioError as error:
            self.banner.say(error)
            return False
        self.banner.say(None)
        return True

    def _choose_kind(self, table: str, kind: str) -> None:
        """Take a kind of spectrum that needs more than defaults: a file, or the present values."""
        found: dict[str, Any] = {"kind": kind}
        if kind == "file":
            name, _ = QFileDialog.getOpenFileName(self, "Eigenvalues, a covariance or points", "", _NUMBERS)
            if not name:
                return
            found["path"] = name
        elif self.spectrum is not None:
            found["values"] = [float(f"{value:.6g}") for value in self.spectrum.eigenvalues.tolist()]
        self.editor.change(table, found)

    # Drags

    def _drag(self, which: int, to: float) -> None:
        if self._dragged is None:
            if self.spectrum is None:
                return
            self._dragged = self.document.setting, self.spectrum
            self._escape.setEnabled(True)
        setting, spectrum = self._dragged
        try:
            made = dragged(setting, spectrum.eigenvalues, handles(setting.spectrum, spectrum.eigenvalues), which, to)
            made.spectrum.build()
        except ScenarioError:  # beyond what a spectrum may be
            return
        self.document.edit(made, key="drag")

    def _drop(self) -> None:
        self._dragged = None
        self._escape.setEnabled(False)
        self.document.settle()
        self._show_spectrum()

    def cancel(self) -> None:
        """Return to what was before a drag."""
        self.document.cancel()
        self.centre.plot.end_drag()

    # Predictions

    def _follow(self) -> None:
        """Predict the document's setting."""
        if not self.document.is_in_progress:
            self.banner.say(None)
        section = self.document.setting.spectrum
        self.spectrum = None
        if not isinstance(section, DataSetSection | NumbersSection):  # these are read on the thread
            self.spectrum = section.build()
            self._show_spectrum()
        self.evidence.card.show_setting(self.document.setting)
        self.jobs.follow()
        self.centre.show_notes(self.document.setting.notes)
        self._ask()

    def _show_spectrum(self) -> None:
        spectrum = self.spectrum
        if spectrum is None:
            return
        section = self._dragged[0].spectrum if self._dragged is not None else self.document.setting.spectrum
        before = self._dragged[1] if self._dragged is not None else spectrum
        self.centre.plot.show_spectrum(spectrum, handles(section, before.eigenvalues))

    def _ask(self) -> None:
        if self.isVisible():
            shown = self.evidence.analysis
            if (shown is None or shown.setting != self.document.setting) and not self._late.isActive():
                self._late.start()
            self.predictor.want(Wanted(self.document.state, self.evidence.card.key, self.centre.tab == KERNEL))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Predict what was edited while the page was hidden."""
        super().showEvent(event)
        self._ask()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Let a drag go."""
        super().hideEvent(event)
        self._late.stop()
        if self._dragged is not None:
            self.centre.plot.end_drag()

    def _foresee(self, analysis: Analysis) -> None:
        self._learn_spectrum(analysis)
        self.centre.plot.show_analysis(analysis)

    def _show(self, analysis: Analysis) -> None:
        self._late.stop()
        self._learn_spectrum(analysis)
        self.centre.show_analysis(analysis)
        self.evidence.show_analysis(analysis)

    def _learn_spectrum(self, analysis: Analysis) -> None:
        """Take the spectrum that was read on the thread."""
        if self.spectrum is None and analysis.setting.spectrum == self.document.setting.spectrum:
            self.spectrum = analysis.spectrum
            self._show_spectrum()

    def _draw(self, curve: Curve) -> None:
        if curve.key == self.evidence.card.key:
            self.evidence.curve.show_curve(curve)
            self.jobs.show()

    def _fail_prediction(self, error: ScenarioError) -> None:
        self._late.stop()
        self.evidence.show_waiting("no prediction: the setting is not valid")
        self._fail(error)

    def _fail(self, error: ScenarioError) -> None:
        """Show why there is no prediction, beside the field that it names."""
        self.editor.show_error(error)
        self.banner.say(error)
