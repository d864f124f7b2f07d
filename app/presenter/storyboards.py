"""Storyboards of the window: made from what is on the screen, edited, kept, saved, opened and presented."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from app.presenter.strip import StoryboardStrip
from app.widgets.banner import Banner
from app.widgets.top_bar import TopBar
from app.widgets.user_text import button_text
from core.errors import ScenarioError
from core.scenario.scenario import Scenario
from core.snapshot.snapshot import Snapshot
from core.storyboard.builtin import builtin_titles, load_builtin_storyboard
from core.storyboard.storyboard import Scene, Storyboard
from core.system.files import is_file, write_whole
from core.text.user_text import file_name

_FILES = "Storyboards (*.toml)"
_MOST_STEPS = 200
_KEPT = "storyboard.toml"


@final
class Storyboards(QObject):
    """The storyboard under edit, and its commands.

    Args:
        place: page whose layout takes the strip, below what it shows, once there is a storyboard.
        bar: takes the entries of the menu.
        banner: shows errors.
        taken: returns the snapshot of what is on the screen, or raises ScenarioError.
        show: shows a snapshot in the window.
        is_playing: returns True while the run is played: a scene of it then ends where the run does.
        home: folder in which the storyboard is kept between starts; None: it is not.
    """

    presented = Signal(object, int)
    """A Storyboard that is to be presented from a scene on."""

    def __init__(
        self,
        place: QWidget,
        bar: TopBar,
        banner: Banner,
        taken: Callable[[], Snapshot],
        show: Callable[[Snapshot, str], None],
        is_playing: Callable[[], bool],
        home: Path | None,
    ) -> None:
        super().__init__(place)
        self._place, self._banner, self._taken, self._show = place, banner, taken, show
        self._is_playing = is_playing
        self._kept = None if home is None else home / _KEPT
        self._steps: list[Storyboard | None] = [None]
        """States of the storyboard, for undo; the last is the present one."""
        self._menu = bar.menu.addMenu("Storyboards")
        self._menu.aboutToShow.connect(self._list)
        self.add_action = bar.entry(
            "Add scene", "Add what is on the screen to the storyboard", self.add, "Ctrl+Shift+A"
        )
        self.present_action = bar.entry(
            "Present", "Show the storyboard, or this scenario, full screen", self.present, "F5"
        )

    @cached_property
    def strip(self) -> StoryboardStrip:
        """The strip, made at its first use."""
        strip = StoryboardStrip(self._place)
        layout = self._place.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.insertWidget(1, strip)
        strip.changed.connect(self._take_scenes)
        strip.renamed.connect(self._rename)
        strip.opened.connect(self.show_scene)
        add = strip.add_button
        add("Add scene", "Add what is on the screen (Ctrl+Shift+A)", self.add)
        add("Replace", "Replace the chosen scene by what is on the screen; caption and notes stay", self.replace)
        add("Show", "Show the chosen scene in the window (Enter)", lambda: self.show_scene(strip.row))
        add("Remove", "Leave the chosen scene out (Delete)", strip.remove)
        self._undo = add("Undo", "Undo the last change of the storyboard", self.undo)
        add("Save…", "Save the storyboard in a file", self.save)
        add("Present", "Show the storyboard full screen, from the chosen scene on (F5)", self.present)
        add("Close", "Hide the strip; the storyboard is kept", strip.hide)
        return strip

    @property
    def is_shown(self) -> bool:
        """True if the strip is shown."""
        return self.storyboard is not None and not self.strip.isHidden()

    def restyle(self) -> None:
        """Apply the theme's colours."""
        if self.storyboard is not None:
            self.strip.restyle()

    # The storyboard

    @property
    def storyboard(self) -> Storyboard | None:
        """The storyboard under edit; None without one."""
        return self._steps[-1]

    def _take(self, storyboard: Storyboard | None, row: int) -> None:
        self._steps = [*self._steps[-_MOST_STEPS:], storyboard]
        self._write(row)

    def _write(self, row: int) -> None:
        storyboard = self.storyboard
        self.strip.setVisible(storyboard is not None)
        self._undo.setEnabled(len(self._steps) > 1)
        if storyboard is not None:
            self.strip.show_storyboard(storyboard, max(row, 0))
            self._keep(storyboard)

    def _keep(self, storyboard: Storyboard) -> None:
        """Keep the storyboard for the next start; where that is not possible, it can be saved by hand."""
        if self._kept is not None:
            try:
                self._kept.parent.mkdir(parents=True, exist_ok=True)
                write_whole(self._kept, storyboard.to_toml().encode(), durable=False)
            except (OSError, ScenarioError):
                return

    def _change(self, change: Callable[[], Storyboard], row: int) -> None:
        """Make a change; one that is not valid is reported beside the fields and changes nothing."""
        try:
            changed = change()
        except ScenarioError as error:
            self.strip.show_error(str(error))
            return
        self.strip.show_error("")
        if changed != self.storyboard:
            self._take(changed, row)

    def _take_scenes(self, scenes: Sequence[Scene | dict[str, Any]]) -> None:
        storyboard = self.storyboard
        if storyboard is None:
            return
        if not scenes:
            self._take(None, 0)
            return
        row = self.strip.row
        self._change(lambda: storyboard.with_scenes(scenes), row)

    def _rename(self, name: str) -> None:
        storyboard = self.storyboard
        words = " ".join(name.split())
        if storyboard is not None and words and words != storyboard.name:
            self._take(storyboard.model_copy(update={"name": words}), self.strip.row)

    def undo(self) -> None:
        """Undo the last change."""
        if len(self._steps) > 1:
            self._steps.pop()
            self._write(self.strip.row)

    # Scenes from the screen

    def _scene(self) -> tuple[Scene, Scenario]:
        """Return what is on the screen as a scene, and its scenario.

        Raises:
            ScenarioError: another page than Explore is shown.
        """
        snapshot = self._taken()
        if snapshot.kind != "scenario":
            raise ScenarioError("", "", "scenes are made on the page Explore")
        scenario = Scenario.from_toml(snapshot.toml)
        end = None if snapshot.view.t in {None, 1} else snapshot.view.t
        if end == scenario.schedule.steps or self._is_playing():
            end = None
        view = snapshot.view.model_copy(update={"t": None})
        name = file_name(scenario.name.lower())
        return Scene(scenario=name, view=view, end=end, caption=scenario.name), scenario

    def add(self) -> None:
        """Add what is on the screen as the last scene."""
        try:
            scene, scenario = self._scene()
            now = self.storyboard
            new = Storyboard.first(scene, scenario) if now is None else now.with_scene(scene, scenario)
        except ScenarioError as error:
            self._banner.say(error)
            return
        self._take(new, len(new.scenes) - 1)

    def replace(self) -> None:
        """Replace the chosen scene by what is on the screen; its words stay."""
        now, row = self.storyboard, self.strip.row
        if now is None or row < 0:
            return
        try:
            scene, scenario = self._scene()
            more = now.with_scene(scene, scenario)
            *scenes, new = more.scenes
            kept = {key: getattr(scenes[row], key) for key in ("caption", "notes", "seconds", "hold", "plot")}
            scenes[row] = new.model_copy(update=kept)
            changed = more.with_scenes(scenes)
        except ScenarioError as error:
            self._banner.say(error)
            return
        self._take(changed, row)

    def show_scene(self, row: int) -> None:
        """Show a scene in the window, at the t where it ends."""
        storyboard = self.storyboard
        if storyboard is None or not 0 <= row < len(storyboard.scenes):
            return
        scene, scenario = storyboard.scenes[row], storyboard.shown[row]
        view = scene.view.model_copy(update={"t": storyboard.t_of(row)[1]})
        try:
            self._show(Snapshot("scenario", scenario.to_toml(), view), storyboard.name)
        except ScenarioError as error:
            self._banner.say(error)

    # Files

    def _list(self) -> None:
        self._menu.clear()
        for key, title in builtin_titles().items():
            action = self._menu.addAction(button_text(title))
            action.triggered.connect(lambda _checked, key=key: self.open(load_builtin_storyboard(key)))
        self._menu.addSeparator()
        self._menu.addAction("Open a storyboard…").triggered.connect(self._choose_file)
        last = self._menu.addAction("The last storyboard")
        last.setEnabled(self.storyboard is not None or (self._kept is not None and is_file(self._kept)))
        last.triggered.connect(self._show_last)

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self.strip.window(), "Open a storyboard", "", _FILES)
        if name:
            self.open_file(Path(name))

    def _show_last(self) -> None:
        if self.storyboard is not None:
            self._write(self.strip.row)
        elif self._kept is not None:
            self.open_file(self._kept)

    def open_file(self, path: Path) -> None:
        """Open a storyboard file; one that is not valid shows an error and changes nothing."""
        try:
            self.open(Storyboard.load(path))
        except ScenarioError as error:
            self._banner.say(error)

    def open(self, storyboard: Storyboard) -> None:
        """Show a storyboard in the strip; undo returns to the one before."""
        self._banner.say(None)
        self._take(storyboard, 0)

    def save(self) -> bool:
        """Ask for a file and save the storyboard; return whether it was saved."""
        storyboard = self.storyboard
        if storyboard is None:
            return False
        proposed = f"{file_name(storyboard.name.lower())}.toml"
        name, _ = QFileDialog.getSaveFileName(self.strip.window(), "Save the storyboard", proposed, _FILES)
        if not name:
            return False
        path = Path(name)
        try:
            write_whole(path if path.suffix else path.with_suffix(".toml"), storyboard.to_toml().encode())
        except ScenarioError as error:
            self._banner.say(error)
            return False
        return True

    # Presenting

    def present(self) -> None:
        """Present the storyboard from the chosen scene on, or what is on the screen where there is none."""
        storyboard = self.storyboard
        if storyboard is not None and self.is_shown:
            self.presented.emit(storyboard, max(self.strip.row, 0))
            return
        try:
            scene, scenario = self._scene()
            self.presented.emit(Storyboard.first(scene, scenario, scenario.name), 0)
        except ScenarioError as error:
            self._banner.say(error)
