"""Files that appear together or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def staged(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """Give a temporary folder to write the named files to; they move to ``folder`` once all of them are there.

    Nothing appears in ``folder`` before: what fails or is interrupted leaves earlier files as they were.

    Raises:
        OSError: the files cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix=".mismatch-lab-", dir=_nearest_folder(folder)) as temporary:
        yield Path(temporary)
        require_places(folder, names)
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (Path(temporary) / name).replace(folder / name)


def require_places(folder: Path, names: Sequence[str]) -> None:
    """Check that the named files could be written to ``folder``, and leave no trace of having done so.

    Raises:
        OSError: they could not.
    """
    for path in (folder / name for name in names):
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder, and would have to be a file")
    with tempfile.TemporaryFile(dir=_nearest_folder(folder)):
        pass


def _nearest_folder(folder: Path) -> Path:
    """The folder itself or the nearest one above it that exists: on one disk with it, so that files can move."""
    folder = folder.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists() or path.is_symlink())
    if not existing.is_dir():
        raise NotADirectoryError(f"{existing} is not a folder")
    return existing
