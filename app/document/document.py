"""The one state that is edited: the scenario, its file, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

from PySide6.QtCore import QObject, Signal

from app.document.originals import title
from core.errors import ScenarioError
from core.scenario.edits import Edit, with_noise_of
from core.scenario.scenario import UNTITLED, Scenario
from core.scenario.toml import updated_toml
from core.system.files import read_text, write_whole

_MOST_STEPS = 500


@final
@dataclass(frozen=True)
class Revision:
    """One state of one scenario under edit: what the user saw when deciding on an edit."""

    load: int
    """How many scenarios have been opened."""
    change: int
    """How many changes there have been since."""


@final
class Document(QObject):
    """The scenario under edit: editors hand over functions of the present scenario, never a scenario.

    So an editor that has not heard of the latest change, or of another file, cannot bring an old scenario back.
    Scenarios never change: a step back is the scenario before.
    """

    loaded = Signal(object)
    """Another Scenario took the place of this one."""
    changed = Signal(object)
    """The Scenario after an edit, or after a step back or forth."""
    refused = Signal(object)
    """A ScenarioError: the step back or forth is not possible now, and was not made."""
    noted = Signal()
    """Name, file, what can be undone, or whether there is something to save may have changed."""

    def __init__(self, scenario: Scenario, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self.revision = Revision(0, 0)
        """Of what is seen now."""
        self.text = _text_of(path)
        """The file as it was read, whose comments are kept."""
        self._steps = [scenario]
        self._at = 0
        self._gesture = ""
        self._saved: Scenario | None = scenario
        self._may_be_tried = False

    @property
    def scenario(self) -> Scenario:
        """What is seen now."""
        return self._steps[self._at]

    @property
    def is_modified(self) -> bool:
        """Whether this is no longer what was opened or saved."""
        return self.scenario != self._saved

    @property
    def title(self) -> str:
        """What to call it: a name that stands for something else, opened or saved, says so."""
        saved, name = self._saved, self.scenario.name
        is_edited = self.is_modified and saved is not None and name == saved.name != UNTITLED
        return title(self.scenario, is_edited=is_edited)

    @property
    def is_worth_keeping(self) -> bool:
        """Whether something would be lost with this document."""
        saved = self._saved
        tried = self._may_be_tried and saved is not None and with_noise_of(saved, self.scenario) == self.scenario
        return self.is_modified and not tried

    def try_noises(self) -> None:
        """From now on another noise alone is nothing to keep: the tour asks for it, where no file is at stake."""
        self._may_be_tried = self.path is None and not self.is_modified

    # One scenario after another

    def load(self, scenario: Scenario, path: Path | None = None, text: str = "", *, saved: bool = True) -> None:
        """Start anew with a scenario.

        Args:
            scenario: what to edit.
            path: its file; None where it has none yet.
            text: whose comments and layout to keep; left out: the file's.
            saved: False where the file does not hold it, as after a crash.
        """
        self.path, self.text = path, text or _text_of(path)
        self._steps, self._at, self._gesture = [scenario], 0, ""
        self._saved = scenario if saved else None
        self._may_be_tried = False
        self.revision = Revision(self.revision.load + 1, 0)
        self.loaded.emit(scenario)
        self.noted.emit()

    def edit(self, edit: Edit, gesture: str = "", *, seen: Revision | None = None, rebase: bool = False) -> bool:
        """Apply an edit to the present scenario; those of one gesture that follow each other are undone together.

        Args:
            edit: what becomes of the scenario, whatever it is now.
            gesture: name of the slider or the drag that it belongs to.
            seen: what the user saw when deciding; left out: what is there now.
            rebase: the edit means the same after other edits of this scenario; after another one was opened, never.

        Returns:
            Whether the scenario is another one now.

        Raises:
            ScenarioError: the edit is not valid, or what the user saw is no longer there.
        """
        now = self.revision
        if seen is not None and (seen.load != now.load if rebase else seen != now):
            raise ScenarioError("", "", "the scenario has changed in the meantime; the edit was not made")
        scenario = edit(self.scenario)
        if scenario == self.scenario:
            return False
        del self._steps[self._at + 1 :]
        if gesture and gesture == self._gesture:
            self._steps[self._at] = scenario
        else:
            self._steps = [*self._steps[-_MOST_STEPS:], scenario]
        self._at = len(self._steps) - 1
        self._gesture = gesture
        self._announce()
        return True

    def refresh(self) -> None:
        """Have the scenario shown and run again: what its names stand for is no longer the same."""
        self._steps[self._at] = self.scenario.model_copy()  # not the one that is on screen already
        self._announce()

    # Back and forth

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether an edit has been taken back."""
        return self._at < len(self._steps) - 1

    def undo(self) -> None:
        """Take the last edit back."""
        self._go(-1 if self.can_undo else 0)

    def redo(self) -> None:
        """Make the edit again that was taken back last."""
        self._go(1 if self.can_redo else 0)

    def _go(self, step: int) -> None:
        if not step:
            return
        try:  # a sampler's file may have been loaded anew since
            Scenario.from_dict(self._steps[self._at + step].to_dict())
        except ScenarioError as error:
            self.refused.emit(error)
            return
        self._at += step
        self._gesture = ""
        self._announce()

    def _announce(self) -> None:
        self.revision = Revision(self.revision.load, self.revision.change + 1)
        self.changed.emit(self.scenario)
        self.noted.emit()

    # Saving

    @property
    def is_changed_on_disk(self) -> bool:
        """Whether someone else has written to the scenario's file, or removed it, since it was read or saved."""
        return self.path is not None and _text_of(self.path) != self.text

    def save(self, path: Path) -> None:
        """Write the whole file, with its comments, or leave the old one as it was.

        Raises:
            ScenarioError: the file cannot be written.
        """
        text = updated_toml(self.text, self.scenario)
        write_whole(path, text.encode())
        self.path, self.text = path, text
        self._saved, self._gesture = self.scenario, ""
        self.noted.emit()


def _text_of(path: Path | None) -> str:
    try:
        return read_text(path) if path else ""
    except ScenarioError:  # there is nothing to keep, then
        return ""
