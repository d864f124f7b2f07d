"""The window: problem on the left, planes in the middle, evidence on the right, transport below."""

from __future__ import annotations

import gc
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import final

from PySide6.QtCore import QIODevice, QSaveFile, QSize, Qt
from PySide6.QtGui import QAction, QCloseEvent, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.evidence import EvidenceDock
from app.library import builtin_scenarios, load_builtin
from app.planes import PlaneGrid
from app.problem_editor import ProblemEditor
from app.process import leave_a_core
from app.session import Session
from app.transport import Player, Transport
from core.experiment import Experiment
from core.known_kl import known_kl
from core.numbers import with_error
from core.refusal import ScenarioError
from core.scenario import Scenario

_FILES = "Scenarios (*.toml)"
_REWRITE_SECONDS = 0.06
"""While playing, figures change at most this often: nobody reads faster."""
_REDRAW_SECONDS = 0.1
"""The curves are drawn again at most this often while they are computed."""


@final
class MainWindow(QMainWindow):
    """One scenario, running and explained."""

    def __init__(self, scenario: Scenario, path: Path | None = None) -> None:
        super().__init__()
        self.scenario, self.path = scenario, path
        self.experiment: Experiment | None = None
        self._planes_are_old = True
        self._drawn_at = self._written_at = 0.0
        self.session = Session(self)
        self.player = Player(self)
        self.problem = ProblemEditor()
        self.planes = PlaneGrid()
        self.evidence = EvidenceDock()
        self.transport = Transport(self.player)
        self._build()
        self._connect()
        self._load(scenario, path)
        self.player.play()

    # Building

    def _build(self) -> None:
        self._split = QSplitter()
        self._split.setHandleWidth(1)
        self._split.setChildrenCollapsible(False)
        for widget, stretch in ((self.planes, 7), (self.evidence, 4)):
            self._split.addWidget(widget)
            self._split.setStretchFactor(self._split.count() - 1, stretch)
        self._split.setSizes([700, 400])
        self._banner = QLabel(wordWrap=True, visible=False)
        self._banner.setProperty("role", "error")
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.problem)
        middle.addWidget(self._split, 1)
        central = QWidget()
        layout = QVBoxLayout(central)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._top_bar())
        layout.addWidget(self._banner)
        layout.addLayout(middle, 1)
        layout.addWidget(self.transport)
        self.setCentralWidget(central)
        self.setMinimumSize(1080, 640)
        self.resize(QSize(1440, 900))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()

    def _top_bar(self) -> QWidget:
        bar = QWidget(objectName="topBar")
        bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        brand = QLabel("Mismatch Lab")
        brand.setFont(theme.font(14, "semibold"))
        self.picker = QToolButton(objectName="picker", toolTip="Choose a built-in scenario")
        self.picker.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.picker.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.picker.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.picker.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.picker.setMenu(self._scenario_menu())
        layout = QHBoxLayout(bar)
        layout.setContentsMargins(14, 7, 12, 7)
        layout.setSpacing(6)
        layout.addWidget(brand)
        layout.addSpacing(6)
        layout.addWidget(self.picker)
        layout.addWidget(self._tool("Open", "Open a scenario file", QKeySequence.StandardKey.Open, self.open_file))
        layout.addWidget(self._tool("Save", "Save the scenario", QKeySequence.StandardKey.Save, self.save_file))
        layout.addWidget(
            self._tool("Save as", "Save the scenario in another file", QKeySequence("Ctrl+Shift+S"), self.save_file_as)
        )
        leave = QAction("Quit", self)
        leave.setShortcut(QKeySequence.StandardKey.Quit)
        leave.triggered.connect(self.close)
        self.addAction(leave)
        layout.addStretch()
        layout.addWidget(
            self._tool("Fit view", "Show the whole problem again", QKeySequence(Qt.Key.Key_F), self.planes.fit)
        )
        return bar

    def _tool(
        self, text: str, tip: str, keys: QKeySequence | QKeySequence.StandardKey, call: Callable[[], None]
    ) -> QToolButton:
        action = QAction(text, self)
        action.setShortcut(keys)
        action.setToolTip(f"{tip} ({action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)})")
        action.triggered.connect(lambda _checked: call())
        button = QToolButton()
        button.setDefaultAction(action)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _scenario_menu(self) -> QMenu:
        menu = QMenu(self)
        for scenario in map(load_builtin, builtin_scenarios()):
            action = menu.addAction(scenario.name)
            action.setToolTip(scenario.notes)
            action.triggered.connect(lambda _checked, scenario=scenario: self._choose(scenario))
        menu.setToolTipsVisible(True)
        return menu

    def _connect(self) -> None:
        self.problem.edited.connect(self._edited)
        self.problem.refused.connect(lambda: self.transport.status.setText("not valid: last valid run"))
        self.session.began.connect(self._began)
        self.session.advanced.connect(self._advanced)
        self.session.finished.connect(self._finished)
        self.session.failed.connect(self.problem.show_error)
        self.player.moved.connect(self._show_frame)
        self.player.playing_changed.connect(lambda _: self._write(self.player.frame))
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        self.picker.setIcon(theme.icon("chevron-down"))
        for part in (self.transport, self.evidence, self.problem):
            part.restyle()
        self.planes.refresh()
        self.player.show_again()

    # Scenarios

    def _load(self, scenario: Scenario, path: Path | None) -> None:
        self.scenario, self.path = scenario, path
        self.setWindowModified(False)
        self._title()
        self._say(None)
        self.problem.show_scenario(scenario)
        self.planes.follow()
        self.session.start(scenario)

    def _choose(self, scenario: Scenario) -> None:
        self._load(scenario, None)
        self.player.restart()

    def _edited(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.setWindowModified(True)
        self.picker.setText(f"{scenario.name} (edited)")
        self._say(None)
        self.session.start(scenario)

    def _title(self) -> None:
        self.picker.setText(self.scenario.name)
        where = f" ({self.path.name})" if self.path else ""
        self.setWindowTitle(f"{self.scenario.name}{where}[*] – Mismatch Lab")

    def _say(self, error: ScenarioError | OSError | str | None) -> None:
        self._banner.setText(str(error or ""))
        self._banner.setVisible(error is not None)

    def open_file(self) -> None:
        """Ask for a scenario file and show it; a file that is not one changes nothing."""
        name, _ = QFileDialog.getOpenFileName(self, "Open a scenario", str(self.path or ""), _FILES)
        if name:
            self.open_path(Path(name))

    def open_path(self, path: Path) -> None:
        """Show a scenario file; one that is not a scenario changes nothing and says why."""
        try:
            scenario = Scenario.load(path)
        except ScenarioError as error:
            self._say(error)
            return
        self._load(scenario, path)
        self.player.restart()

    def save_file(self) -> None:
        """Save to the scenario's file; ask for one where it has none."""
        self.setFocus()  # what is still being typed is part of the scenario
        if self.path is None:
            self.save_file_as()
        else:
            self._save(self.path)

    def save_file_as(self) -> None:
        """Ask for a file and save to it."""
        self.setFocus()
        name, _ = QFileDialog.getSaveFileName(self, "Save the scenario", str(self.path or "scenario.toml"), _FILES)
        if name:
            path = Path(name)
            self._save(path if path.suffix else path.with_suffix(".toml"))

    def _save(self, path: Path) -> None:
        """Write the whole file or leave the old one as it was."""
        file = QSaveFile(str(path))
        content = self.scenario.to_toml().encode()
        if file.open(QIODevice.OpenModeFlag.WriteOnly) and file.write(content) == len(content) and file.commit():
            self.path = path
            self.setWindowModified(False)
            self._title()
            self._say(None)
        else:
            self._say(f"{path}: cannot be written ({file.errorString()})")

    # The run

    def _began(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.transport.show_schedule(experiment.schedule)
        self.evidence.show_experiment(experiment)
        self.player.begin(experiment.schedule.steps)
        self._planes_are_old = True

    def _advanced(self) -> None:
        assert self.experiment is not None
        if self._planes_are_old:  # not in one go with the rest: the interface would halt for too long
            self._planes_are_old = False
            self.planes.show_experiment(self.experiment)
        now = time.perf_counter()
        if now - self._drawn_at > _REDRAW_SECONDS:
            self._drawn_at = now
            self.evidence.advance()
        available = self.experiment.completed
        self.player.offer(available)
        self.transport.status.setText(f"computing {available - 1} / {self.experiment.schedule.steps}")

    def _finished(self, seconds: float) -> None:
        assert self.experiment is not None
        self.evidence.advance()
        steps = self.experiment.schedule.steps
        self.transport.status.setText(f"computed {steps} / {steps} in {seconds:.2f} s")

    def _show_frame(self, frame: int) -> None:
        experiment = self.experiment
        if experiment is None:
            return
        self.planes.show_frame(frame)
        self.evidence.show_frame(frame)
        now = time.perf_counter()
        if not self.player.is_playing or now - self._written_at > _REWRITE_SECONDS:
            self._written_at = now
            self._write(frame)

    def _write(self, frame: int) -> None:
        """Say in figures what holds at a frame."""
        experiment = self.experiment
        if experiment is None or self._planes_are_old:
            return
        self.evidence.write(frame)
        evidence, t = experiment.evidence, experiment.schedule.steps - frame
        for index, plane in enumerate(self.planes.planes.values()):
            known = known_kl(experiment, index, frame)
            kl = "" if known.kind == "none" else known.text
            bound = with_error(evidence.value["bound"][index, frame], evidence.error["bound"][index, frame])
            diverged = experiment.trace.diverged_at[index]
            plane.set_headline(kl, bound, diverged if diverged is not None and t <= diverged else None)

    # Keys and the end

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Space plays, arrows step, Home and End, 1 to 6 select a panel; typing comes first."""
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Home: -self.player.last,
            Qt.Key.Key_End: self.player.last,
        }
        key = Qt.Key(event.key())
        panel = event.key() - Qt.Key.Key_1
        if key == Qt.Key.Key_Space:
            self.player.toggle()
        elif key in steps:
            self.player.step(steps[key])
        elif 0 <= panel < len(self.planes.planes):
            self.planes.select(list(self.planes.planes)[panel])
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Stop the run and wait for its thread."""
        self.player.pause()
        self.session.close()
        super().closeEvent(event)


def open_window(scenario: Scenario, path: Path | None) -> int:
    """Open the window and stay until it is closed; return the exit status."""
    leave_a_core()
    # torch leaves a heap whose every full collection would stop the interface for a tenth of a second.
    gc.collect()
    gc.freeze()
    application = QApplication(sys.argv[:1])
    application.setApplicationName("Mismatch Lab")
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    theme.install(application)
    window = MainWindow(scenario, path)
    window.show()
    return application.exec()
