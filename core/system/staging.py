"""Atomic writing of several files: all appear or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.system.leftovers import temporary_folder
from core.system.stop import stop


def write_together(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files into ``folder``, which is made if need be: all of them, or none if writing fails.

    Raises:
        OSError: the files cannot be written.
    """
    names = list(contents)
    with temporary_folder(nearest_folder(folder)) as place:
        for name, content in contents.items():
            (place / name).write_bytes(content)
        require_places(folder, names)
        stop.check()
        with stop.delayed():
            if folder.exists():
                for name in names:
                    (place / name).replace(folder / name)
            else:  # a single rename is atomic
                folder.parent.mkdir(parents=True, exist_ok=True)
                umask = os.umask(0)
                os.umask(umask)
                place.chmod(0o777 & ~umask)
                place.rename(folder)
            stop.outcome = f"after {', '.join(names)} had been written to {folder}"
        stop.check()


def require_places(folder: Path, names: Sequence[str]) -> None:
    """Check that the named files could be written to ``folder``, without changing anything.

    Raises:
        OSError: they could not be written.
    """
    for path in (folder / name for name in names):
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder; a file must be written under this name")
    with tempfile.TemporaryFile(dir=nearest_folder(folder)):
        pass


def nearest_folder(folder: Path) -> Path:
    """Return the folder or its nearest existing parent, which is on the same disk, so that renames work."""
    folder = folder.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists() or path.is_symlink())
    if not existing.is_dir():
        raise NotADirectoryError(f"{existing} is not a folder")
    return existing
