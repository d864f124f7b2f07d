"""Files that carry a snapshot: PNG, SVG, PDF, MP4 and others that keep its text uncompressed among their metadata."""

from __future__ import annotations

import mmap
import re
import struct
import zlib
from pathlib import Path

from core.errors import ScenarioError
from core.snapshot.snapshot import LARGEST, MARK, Snapshot
from core.system.files import why

ENDINGS = (".png", ".svg", ".pdf", ".mp4", ".webp", ".gif")
"""Endings of files in which a snapshot is looked for; others may be its text, see :func:`carries_snapshot`."""
LARGEST_FILE = 4 << 30
"""Largest size in bytes of a file that is searched."""
KEY = "mismatch-lab"
"""Keyword of the text in a PNG file."""
_BEGINNING = b"mismatch-lab:"
"""Beginning of a snapshot's text in every version."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXT = re.compile(re.escape(MARK.encode()) + rb"[0-9A-Za-z_-]+")


def figure_metadata(ending: str, snapshot: Snapshot) -> dict[str, str | None]:
    """Return the metadata with which matplotlib's ``savefig`` writes a snapshot into a file.

    Dates are left out, so that equal figures are equal files.

    Args:
        ending: ``.png``, ``.svg`` or ``.pdf``.
        snapshot: what the figure shows.
    """
    text = snapshot.to_text()
    return {
        ".png": {KEY: text, "Software": None},
        ".svg": {"Description": text, "Date": None},
        ".pdf": {"Keywords": text, "CreationDate": None},
    }[ending]


def stamped_png(image: bytes, snapshot: Snapshot) -> bytes:
    """Return a PNG file with a snapshot in an uncompressed text chunk after its header.

    Source: Portable Network Graphics Specification (Third Edition), section 11.3.3.2 (tEXt).

    Raises:
        ValueError: the bytes are no PNG file.
    """
    if not image.startswith(_SIGNATURE) or image[12:16] != b"IHDR":
        raise ValueError("not a PNG file")
    body = b"tEXt" + KEY.encode() + b"\0" + snapshot.to_text().encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    end = len(_SIGNATURE) + 25  # the header's chunk has 13 bytes of data
    return image[:end] + chunk + image[end:]


def carries_snapshot(path: Path) -> bool:
    """Tell whether a snapshot is to be looked for in a file: one that was exported, or that begins like its text."""
    if path.suffix.lower() in ENDINGS:
        return True
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(_BEGINNING)) == _BEGINNING
    except (OSError, ValueError):  # such as a name that no file can have
        return False


def read_snapshot(path: Path) -> Snapshot:
    """Return the first snapshot within a file of any kind; nothing else of the file is interpreted.

    Raises:
        ScenarioError: the file cannot be read, is too large, or holds no whole snapshot.
    """
    source = str(path)
    try:
        if not path.is_file():
            raise ScenarioError(source, "", "is not a file")
        if path.stat().st_size > LARGEST_FILE:
            raise ScenarioError(source, "", f"must have at most {LARGEST_FILE >> 30} GiB")
        text = _snapshot_text(path)
    except OSError as error:
        raise ScenarioError(source, "", f"cannot be read ({why(error)})") from None
    return Snapshot.from_text(text, source)


def _snapshot_text(path: Path) -> str:
    """Return the first text of a snapshot's form within a file, as far as it goes; else an empty string."""
    if path.stat().st_size == 0:
        return ""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = content.find(MARK.encode())
        if start < 0:
            start = content.find(_BEGINNING)
            return "" if start < 0 else content[start : start + 40].decode("latin-1")
        found = _TEXT.match(content[start : start + 2 * LARGEST])
        return MARK if found is None else found[0].decode()
