"""Temporary files and folders, locked by their process, and removal of those whose process was killed."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.system.stop import stop

try:
    import fcntl
except ImportError:  # Windows: without locks the owner of a file is unknown, so nothing is removed
    fcntl = None  # type: ignore[assignment]

PREFIX = ".mismatch-lab-"
_OURS = re.compile(r"\.?mismatch-lab-[a-z0-9_]{8}")
"""Names that :mod:`tempfile` makes with the prefix."""
SHARED_MEMORY = Path("/dev/shm")
"""Folder of a memory file system, on systems that have it."""


@contextmanager
def temporary_folder(within: Path) -> Iterator[Path]:
    """Yield a temporary folder that is removed with its content at the end, unless it has been renamed.

    Raises:
        OSError: it cannot be made.
    """
    with stop.delayed():
        path, lock = _locked(lambda: tempfile.mkdtemp(prefix=PREFIX, dir=within))
    try:
        stop.check()
        yield path
    finally:
        with stop.delayed():
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


@contextmanager
def temporary_file(within: Path) -> Iterator[Path]:
    """Yield an empty temporary file that is removed at the end, unless it has been renamed.

    Raises:
        OSError: it cannot be made.
    """
    with stop.delayed():
        path, lock = _locked(lambda: _empty_file(within))
    try:
        stop.check()
        yield path
    finally:
        with stop.delayed():
            with suppress(OSError):
                path.unlink()
            os.close(lock)


def _empty_file(within: Path) -> str:
    handle, name = tempfile.mkstemp(prefix=PREFIX, dir=within)
    os.close(handle)
    return name


def _locked(make: Callable[[], str]) -> tuple[Path, int]:
    """Make a file or folder and lock it; return path and descriptor. Retry if it was removed meanwhile."""
    while True:
        path = Path(make())
        with suppress(FileNotFoundError):
            handle = os.open(path, os.O_RDONLY)
            if not _is_someone_elses(handle) and os.path.samestat(os.fstat(handle), path.lstat()):
                return path, handle
            os.close(handle)


def _is_someone_elses(handle: int) -> bool:
    """Try to lock a descriptor; return whether another process holds the lock (never without lock support)."""
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        pass
    return False


def remove_leftovers(folders: Iterable[Path] = ()) -> None:
    """Remove temporary files of this user's killed processes; errors are ignored.

    Only files and folders of files are removed that have the prefix, belong to this user and are not locked.

    Args:
        folders: folders to search, besides those for temporary files.
    """
    if fcntl is None:
        return
    places = [SHARED_MEMORY, *folders]
    with suppress(OSError):  # there is no usable temporary folder
        places.append(Path(tempfile.gettempdir()))
    for folder in dict.fromkeys(places):
        with suppress(OSError, ValueError):
            names = [entry.name for entry in os.scandir(folder) if _OURS.fullmatch(entry.name)]
            for name in names:
                with suppress(OSError):
                    _remove(folder / name)


def _remove(path: Path) -> None:
    """Remove a path if it is a leftover."""
    if not _may_be_ours(path.lstat()):
        return
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(handle)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _may_be_ours(found) or not os.path.samestat(found, path.lstat()):
            return
        if stat.S_ISREG(found.st_mode):
            path.unlink()
            return
        entries = list(os.scandir(handle))
        if all(entry.is_file(follow_symlinks=False) for entry in entries):
            for entry in entries:
                os.unlink(entry.name, dir_fd=handle)
            path.rmdir()
    finally:
        os.close(handle)


def _may_be_ours(found: os.stat_result) -> bool:
    """Return whether a path is a folder, or a file with a single link, of this user."""
    is_file = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
    return found.st_uid == os.geteuid() and (is_file or stat.S_ISDIR(found.st_mode))
