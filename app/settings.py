"""What is remembered from one start to the next."""

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
    """Remembered values; settings that cannot be read are set aside, never fatal.

    Args:
        folder: where they are kept; None: nowhere, and nothing is remembered.
    """

    def __init__(self, folder: Path | None) -> None:
        self.trouble: str | None = None
        """One sentence, where settings had to be set aside."""
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
            self.trouble = f"{path}: the settings cannot be read ({error.strerror}); nothing will be remembered."
            return None
        self.trouble = f"The settings could not be read and were set aside as {aside}."
        return self._open(path)

    def value(self, key: str) -> Any:  # noqa: ANN401 - whatever was kept, or whatever someone wrote there
        """Return what is remembered under a key, or None."""
        return None if self._store is None else self._store.value(key)

    def keep(self, key: str, value: object) -> None:
        """Remember a value."""
        if self._store is not None:
            self._store.setValue(key, value)

    def write(self) -> None:
        """Write what is remembered now, and not only when the process ends."""
        if self._store is not None:
            self._store.sync()

    def forget(self, *keys: str) -> None:
        """Remember nothing under these keys."""
        for key in keys if self._store is not None else ():
            self._store.remove(key)  # type: ignore[union-attr]

    def trusts(self, fingerprint: str) -> bool:
        """Whether the user has once let code of this content run."""
        return self.value(f"trusted/{fingerprint}") is not None

    def trust(self, fingerprint: str) -> None:
        """Remember that the user lets code of this content run."""
        self.keep(f"trusted/{fingerprint}", True)

    @property
    def recent(self) -> list[Path]:
        """Files opened or saved, the latest first, that are still there."""
        return [path for name in self._recent_names if is_file(path := Path(name))]

    @property
    def recent_folders(self) -> list[Path]:
        """Of files opened or saved, which may be there no more: nothing is looked up."""
        return [Path(name).parent for name in self._recent_names]

    @property
    def _recent_names(self) -> list[str]:
        kept = self.value("recent")
        return [kept] if isinstance(kept, str) else [str(name) for name in kept] if isinstance(kept, list) else []

    def add_recent(self, path: Path) -> None:
        """Remember a file as the latest."""
        path = path.resolve()
        others = [other for other in self.recent if other != path]
        self.keep("recent", [str(each) for each in [path, *others][:_MOST_RECENT]])


def _is_text(path: Path) -> bool:
    """Whether a settings file, where there is one, is text at all: Qt reads anything as something."""
    try:
        path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    except (OSError, UnicodeDecodeError):
        return False
    return True
