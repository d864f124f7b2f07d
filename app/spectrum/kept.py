"""The last setting, kept in a file between starts, so that an edit is never lost."""

from __future__ import annotations

from pathlib import Path
from typing import final

from PySide6.QtCore import QObject, QTimer

from app.spectrum.document import SettingDocument, State, placed
from core.errors import ScenarioError
from core.spectrum.builtin import DEFAULT, load_builtin_setting
from core.spectrum.setting import SpectrumSetting
from core.system.files import is_file, write_whole

_IDLE_MS = 1000
"""Time without an edit after which the setting is written."""


@final
class Kept(QObject):
    """Writer of the document's setting.

    Args:
        path: of the file; None: nothing is kept.
        document: whose setting is kept.
    """

    def __init__(self, path: Path | None, document: SettingDocument) -> None:
        super().__init__(document)
        self._path, self._document = path, document
        self._timer = QTimer(self, interval=_IDLE_MS, singleShot=True)
        self._timer.timeout.connect(self._write)
        document.changed.connect(self._wait)

    def _wait(self) -> None:
        if self._path is not None:
            self._timer.start()

    def _write(self) -> None:
        assert self._path is not None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, placed(self._document.state).to_toml().encode(), durable=False)
        except (OSError, ScenarioError):
            return  # it can be saved by hand

    def close(self) -> None:
        """Write what has not been written yet."""
        if self._timer.isActive():
            self._timer.stop()
            self._write()


def first_state(path: Path | None) -> State:
    """Return the setting in the file; the default where there is none, or it cannot be read any more."""
    try:
        if path is not None and is_file(path):
            return State(SpectrumSetting.load(path))
    except ScenarioError:
        pass
    return State(load_builtin_setting(DEFAULT))
