"""Settings that persist between starts (QSettings)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, final

from PySide6.QtCore import QSettings, QStandardPaths

from core.system.files import is_file

_MOST_RECENT = 8


def user_folder() -> Path:
    """Return where this user's settings and recovery files live."""
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation))


@final
class Settings:
    """Persistent key-value store; an unreadable settings file is renamed and replaced.

    Args:
        folder: of the settings file; None: nothing is stored.
    """

    def __init__(self, folder: Path | None) -> None:
        self.warning: str | None = None
        """Message for the user where the settings file could not be read; else None."""
        self._store: QSettings | None = None
        if folder is not None:
            path = folder / "settings.ini"
            self._store = self._open(path)
            if self._store.status() != QSettings.Status.NoError or not _is_text(path):
                self._store = self._set_aside(path)

    @staticmethod
    def _open(path: Path) -> QSettings:
        return QSettings(str(path), QSettings.Format.IniFormat)

    def _set_aside(self, path: Path) -> QSettings | None:
        aside = path.with_name(f"{path.name}.broken")
        try:
            path.replace(aside)
        except OSError as error:
            self.warning = f"{path}: the settings cannot be read ({error.strerror}) and will not be saved."
            return None
        self.warning = f"The settings could not be read; the file was renamed to {aside}."
        return self._open(path)

    def value(self, key: str) -> Any:  # noqa: ANN401 - whatever was kept, or whatever someone wrote there
        """Return the value stored under a key, or None."""
        return None if self._store is None else self._store.value(key)

    def keep(self, key: str, value: object) -> None:
        """Store a value under a key."""
        if self._store is not None:
            self._store.setValue(key, value)

    def write(self) -> None:
        """Write the settings file now rather than when the process ends."""
        if self._store is not None:
            self._store.sync()

    def forget(self, *keys: str) -> None:
        """Remove the values of some keys."""
        for key in keys if self._store is not None else ():
            self._store.remove(key)  # type: ignore[union-attr]

    def trusts(self, fingerprint: str) -> bool:
        """Return True if the user has allowed code with this SHA-256 fingerprint to run."""
        return self.value(f"trusted/{fingerprint}") is not None

    def trust(self, fingerprint: str) -> None:
        """Store that the user allows code with this SHA-256 fingerprint to run."""
        self.keep(f"trusted/{fingerprint}", True)

    @property
    def recent(self) -> list[Path]:
        """Recently opened or saved files that still exist, the latest first."""
        return [path for name in self._recent_names if is_file(path := Path(name))]

    @property
    def recent_folders(self) -> list[Path]:
        """Folders of recent files, without a check that they still exist."""
        return [Path(name).parent for name in self._recent_names]

    @property
    def _recent_names(self) -> list[str]:
        kept = self.value("recent")
        return [kept] if isinstance(kept, str) else [str(name) for name in kept] if isinstance(kept, list) else []

    def add_recent(self, path: Path) -> None:
        """Put a file first in the list of recent files."""
        path = path.resolve()
        others = [other for other in self.recent if other != path]
        self.keep("recent", [str(each) for each in [path, *others][:_MOST_RECENT]])


def _is_text(path: Path) -> bool:
    """Return False if the settings file is not UTF-8 text: Qt parses binary data without an error."""
    try:
        path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    except (OSError, UnicodeDecodeError):
        return False
    return True
