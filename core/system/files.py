"""Reading and atomic writing of the user's files: regular files of limited size."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from core.errors import ScenarioError
from core.system.leftovers import temporary_file

LARGEST_TEXT = 16 << 20
"""Largest size in bytes of a scenario or sampler file; data files have their own limit."""


def read_bytes(path: Path, largest: int = LARGEST_TEXT) -> bytes:
    """Return the content of a regular file; pipes and devices are not opened.

    Args:
        path: the file.
        largest: bytes that it may have.

    Raises:
        ScenarioError: it cannot be read, is not a regular file, or is too large.
    """
    source = str(path)
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise ScenarioError(source, "", "cannot be read (is a directory)")
        if not stat.S_ISREG(found.st_mode):
            raise ScenarioError(source, "", "must be a regular file, not a device or a pipe")
        if found.st_size > largest:
            raise ScenarioError(source, "", f"must have at most {largest >> 20} MiB (has {found.st_size >> 20})")
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise ScenarioError(source, "", f"cannot be read ({why(error)})") from None
    except ScenarioError:
        raise
    except ValueError:  # a zero byte in the name
        raise ScenarioError(source, "", "cannot be read (the name is not a valid file name)") from None
    if len(content) > largest:
        raise ScenarioError(source, "", f"must have at most {largest >> 20} MiB")
    return content


def read_text(path: Path, largest: int = LARGEST_TEXT) -> str:
    """Return the text of a file in UTF-8, with its line ends; a byte order mark at its start is left out.

    Raises:
        ScenarioError: as :func:`read_bytes`, or it is not UTF-8.
    """
    try:
        return read_bytes(path, largest).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ScenarioError(str(path), "", "is not a text file in UTF-8") from None


def write_whole(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file atomically; symbolic links are followed and permissions are kept.

    Args:
        path: the file.
        content: all of it.
        durable: wait until it is on the disk, so that it survives a power failure, not only the program's end.

    Raises:
        ScenarioError: it cannot be written; an existing file is unchanged.
    """
    try:
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            raise ScenarioError(str(path), "", "cannot be written (is not a regular file)")
        with temporary_file(target.parent) as temporary:
            with temporary.open("wb") as file:
                file.write(content)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~umask)
            temporary.replace(target)
    except ScenarioError:
        raise
    except (OSError, ValueError) as error:
        reason = why(error) if isinstance(error, OSError) else "the name is not a valid file name"
        raise ScenarioError(str(path), "", f"cannot be written ({reason})") from None


def is_file(path: Path) -> bool:
    """Return whether a path is a regular file; False for invalid names and folders without access."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def why(error: OSError) -> str:
    """Return the reason of an operating system error in a few words."""
    return (error.strerror or "unknown error").lower()
