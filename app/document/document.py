"""The document: the scenario under edit, its file, and the undo history."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

from PySide6.QtCore import QObject, Signal

from app.document.origin import title
from core.errors import ScenarioError
from core.scenario.edits import Edit, with_noise_of
from core.scenario.scenario import UNTITLED, Scenario
from core.scenario.toml import updated_toml
from core.system.files import read_text, write_whole

_MOST_STEPS = 500


@final
@dataclass(frozen=True)
class Revision:
    """Identifier of one state of the document, to detect edits that were decided on an older state."""

    load: int
    """Number of scenarios opened so far."""
    change: int
    """Number of changes since the last one was opened."""


@final
class Document(QObject):
    """The scenario under edit; every edit is a function of the present scenario.

    An editor that has not yet seen the latest change therefore cannot restore an old scenario.
    Scenarios are immutable; the undo history is a list of them.
    """

    loaded = Signal(object)
    """Another Scenario was opened."""
    changed = Signal(object)
    """The Scenario after an edit, an undo or a redo."""
    undo_failed = Signal(object)
    """A ScenarioError: the undo or redo is not valid any more and was not made."""
    state_changed = Signal()
    """Name, file, undo history or modified state may have changed."""

    def __init__(self, scenario: Scenario, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self.revision = Revision(0, 0)
        """Identifier of the present state."""
        self.text = _text_of(path)
        """Text of the file as read, whose comments are kept when saving."""
        self._steps = [scenario]
        self._at = 0
        self._gesture = ""
        self._saved: Scenario | None = scenario
        self._may_be_tried = False

    @property
    def scenario(self) -> Scenario:
        """The present scenario."""
        return self._steps[self._at]

    @property
    def is_modified(self) -> bool:
        """True if the scenario differs from what was opened or saved last."""
        return self.scenario != self._saved

    @property
    def title(self) -> str:
        """Display name; it is marked as edited where the name belongs to another scenario."""
        saved, name = self._saved, self.scenario.name
        is_edited = self.is_modified and saved is not None and name == saved.name != UNTITLED
        return title(self.scenario, is_edited=is_edited)

    @property
    def has_unsaved_work(self) -> bool:
        """True if closing the document would lose edits."""
        saved = self._saved
        tried = self._may_be_tried and saved is not None and with_noise_of(saved, self.scenario) == self.scenario
        return self.is_modified and not tried

    def ignore_noise_edits(self) -> None:
        """Ignore changes of the noise alone as unsaved work (the tour asks for them) where there is no file."""
        self._may_be_tried = self.path is None and not self.is_modified

    # Opening and editing

    def load(self, scenario: Scenario, path: Path | None = None, text: str = "", *, saved: bool = True) -> None:
        """Open a scenario and clear the undo history.

        Args:
            scenario: what to edit.
            path: its file; None: not saved yet.
            text: TOML text whose comments are kept; empty: the file's.
            saved: False where the file differs, as after a recovery.
        """
        self.path, self.text = path, text or _text_of(path)
        self._steps, self._at, self._gesture = [scenario], 0, ""
        self._saved = scenario if saved else None
        self._may_be_tried = False
        self.revision = Revision(self.revision.load + 1, 0)
        self.loaded.emit(scenario)
        self.state_changed.emit()

    def edit(self, edit: Edit, gesture: str = "", *, seen: Revision | None = None, rebase: bool = False) -> bool:
        """Apply an edit to the present scenario; consecutive edits of one gesture form one undo step.

        Args:
            edit: function from the present scenario to the next one.
            gesture: name of the slider or drag that it belongs to; empty: none.
            seen: revision on which the edit was decided; None: the present one.
            rebase: accept an older revision of the same scenario; one of another scenario is never accepted.

        Returns:
            Whether the scenario has changed.

        Raises:
            ScenarioError: the edit is not valid, or was decided on an outdated revision.
        """
        now = self.revision
        if seen is not None and (seen.load != now.load if rebase else seen != now):
            raise ScenarioError("", "", "the scenario has changed since the edit was begun; the edit was not applied")
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
        """Announce the scenario as changed, after a sampler that it names was reloaded."""
        self._steps[self._at] = self.scenario.model_copy()  # a new object, for views compare by identity
        self._announce()

    # Undo and redo

    @property
    def can_undo(self) -> bool:
        """True if there is an edit to undo."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """True if there is an edit to redo."""
        return self._at < len(self._steps) - 1

    def undo(self) -> None:
        """Undo the last edit."""
        self._go(-1 if self.can_undo else 0)

    def redo(self) -> None:
        """Redo the edit that was undone last."""
        self._go(1 if self.can_redo else 0)

    def _go(self, step: int) -> None:
        if not step:
            return
        try:  # a sampler may have been reloaded with other parameters
            Scenario.from_dict(self._steps[self._at + step].to_dict())
        except ScenarioError as error:
            self.undo_failed.emit(error)
            return
        self._at += step
        self._gesture = ""
        self._announce()

    def _announce(self) -> None:
        self.revision = Revision(self.revision.load, self.revision.change + 1)
        self.changed.emit(self.scenario)
        self.state_changed.emit()

    # Saving

    @property
    def is_changed_on_disk(self) -> bool:
        """Return True if another program has changed or removed the file since it was read or saved."""
        return self.path is not None and _text_of(self.path) != self.text

    def save(self, path: Path) -> None:
        """Save atomically to a file, keeping comments.

        Raises:
            ScenarioError: the file cannot be written.
        """
        text = updated_toml(self.text, self.scenario)
        write_whole(path, text.encode())
        self.path, self.text = path, text
        self._saved, self._gesture = self.scenario, ""
        self.state_changed.emit()


def _text_of(path: Path | None) -> str:
    try:
        return read_text(path) if path else ""
    except ScenarioError:  # no comments to keep
        return ""
