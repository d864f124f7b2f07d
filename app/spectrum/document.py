"""The setting that the page Spectrum shows: edits with undo, and its file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, final

from PySide6.QtCore import QObject, Signal

from core.spectrum.sections import NumbersSection
from core.spectrum.setting import SpectrumSetting
from core.system.files import write_whole

_MOST = 200
"""Number of edits that can be undone."""


@final
class State(NamedTuple):
    """A setting with its file."""

    setting: SpectrumSetting
    path: Path | None = None
    """File that it was read from or saved to; relative paths in it start at its folder."""

    @property
    def folder(self) -> Path:
        """The folder at which paths in the setting start."""
        return Path() if self.path is None else self.path.parent


@final
class SettingDocument(QObject):
    """Setting under edit; opening another one can be undone, too, so that nothing is ever lost."""

    changed = Signal()
    """Another setting, or another file."""

    def __init__(self, state: State, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self._before: list[State] = []
        self._after: list[State] = []
        self._open: str | None = None
        """Key of an edit in progress, such as a drag, whose steps are undone together."""

    @property
    def setting(self) -> SpectrumSetting:
        """The setting."""
        return self.state.setting

    @property
    def is_in_progress(self) -> bool:
        """True while an edit, such as a drag, goes on."""
        return self._open is not None

    @property
    def can_undo(self) -> bool:
        """True if an edit can be undone."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """True if an undone edit can be redone."""
        return bool(self._after)

    def edit(self, setting: SpectrumSetting, *, key: str | None = None) -> None:
        """Take an edited setting.

        Args:
            setting: the new one; an equal one is no edit.
            key: of an edit in progress: its steps count as one until :meth:`settle`.
        """
        self._take(self.state._replace(setting=setting), key)

    def load(self, state: State) -> None:
        """Show another setting."""
        self._take(state, None)

    def settle(self) -> None:
        """End the edit in progress."""
        self._open = None

    def cancel(self) -> None:
        """Return to what was before the edit in progress."""
        if self._open is not None:
            self.undo()
            self._after.clear()

    def undo(self) -> None:
        """Undo the last edit."""
        self._step(self._before, self._after)

    def redo(self) -> None:
        """Redo the edit that was undone."""
        self._step(self._after, self._before)

    def save(self, path: Path) -> None:
        """Write the setting to a file.

        Raises:
            ScenarioError: it cannot be written.
        """
        setting = self.setting if path.parent == self.state.folder else placed(self.state)
        write_whole(path, setting.to_toml().encode())
        self.state = State(setting, path)
        self.changed.emit()

    def _take(self, state: State, key: str | None) -> None:
        if state == self.state:
            return
        if key is None or key != self._open:
            self._before = [*self._before[-_MOST + 1 :], self.state]
        self._open = key
        self._after.clear()
        self.state = state
        self.changed.emit()

    def _step(self, source: list[State], target: list[State]) -> None:
        self._open = None
        if source:
            target.append(self.state)
            self.state = source.pop()
            self.changed.emit()


def placed(state: State) -> SpectrumSetting:
    """Return a setting that means the same from any folder: the path of its numbers is absolute."""
    setting, spectrum = state.setting, state.setting.spectrum
    if not isinstance(spectrum, NumbersSection):
        return setting
    place = str((state.folder / spectrum.path).resolve())
    return setting.model_copy(update={"spectrum": spectrum.model_copy(update={"path": place})})
