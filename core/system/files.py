"""Files of the user, read and written without surprises: regular, of a stated size, whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from core.errors import ScenarioError
from core.system.leftovers import temporary_file

LARGEST_TEXT = 16 << 20
"""Bytes of a scenario or of a sampler's code; points of a data set have a limit of their own."""


def read_bytes(path: Path, largest: int = LARGEST_TEXT) -> bytes:
    """Return the content of a regular file; a pipe or a device is not even opened.

    Args:
        path: the file.
        largest: bytes that it may have.

    Raises:
        ScenarioError: it cannot be read, is no file, or is too large.
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
        raise ScenarioError(source, "", "cannot be read (no file has such a name)") from None
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
    """Write a file in one go: nobody ever finds half of it; what is linked to is replaced, permissions stay.

    Args:
        path: the file.
        content: all of it.
        durable: wait until it is on the disk, so that it outlives a power failure; else it outlives the program.

    Raises:
        ScenarioError: it cannot be written; an older one is as it was.
    """
    try:
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            raise ScenarioError(str(path), "", "cannot be written (is no regular file)")
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
        reason = why(error) if isinstance(error, OSError) else "no file can have such a name"
        raise ScenarioError(str(path), "", f"cannot be written ({reason})") from None


def is_file(path: Path) -> bool:
    """Whether there is a regular file; a name that no file can have, or a folder that may not be entered, is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def why(error: OSError) -> str:
    """Return an operating system's reason in a few words."""
    return (error.strerror or "unknown error").lower()
