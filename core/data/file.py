"""Data files: tables of points as text or NPY, from regular files of limited size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.data.array import parse_npy
from core.data.layout import GUESSED, Layout
from core.data.table import Table
from core.data.text import MOST_COLUMNS, steps
from core.errors import ScenarioError
from core.system.files import read_bytes
from core.text.user_text import one_line

MOST_BYTES = 200 << 20
_MAGIC = b"\x93NUMPY"


def content_of(path: Path) -> bytes:
    """Return the content of a file of points.

    Raises:
        ScenarioError: it cannot be read, is no regular file, or is too large.
    """
    try:
        return read_bytes(path, MOST_BYTES)
    except ScenarioError as error:
        raise ScenarioError(source_of(path), error.field, error.reason) from None


def source_of(path: Path) -> str:
    """Return the name of a file as messages show it."""
    return one_line(path.name, 80) or "file"


def is_array(path: Path, content: bytes) -> bool:
    """Return whether a file is an NPY file by content or by name."""
    return path.suffix.lower() == ".npy" or content.startswith(_MAGIC)


def read_steps(
    path: Path, content: bytes, asked: Layout = GUESSED, most_columns: int = MOST_COLUMNS
) -> Iterator[float | Table]:
    """Read a table from a file's content; yield a preview, then progress from 0 to 1, then the whole table.

    Args:
        path: where the content comes from.
        content: all of it.
        asked: layout of a text file; what is None is guessed.
        most_columns: limit of the number of columns.

    Raises:
        ScenarioError: it is no table.
    """
    if is_array(path, content):
        yield parse_npy(content, source_of(path), most_columns)
    else:
        yield from steps(content, source_of(path), asked, most_columns)


def parse(path: Path, content: bytes, asked: Layout = GUESSED, most_columns: int = MOST_COLUMNS) -> Table:
    """Read a table from a file's content in one call; arguments and errors as of :func:`read_steps`."""
    *_, table = read_steps(path, content, asked, most_columns)
    assert isinstance(table, Table)
    return table


def read_table(path: Path, asked: Layout = GUESSED, most_columns: int = MOST_COLUMNS) -> Table:
    """Read a table from a file.

    Args:
        path: a CSV file or one of its relatives, or an NPY file.
        asked: layout of a text file; what is None is guessed.
        most_columns: limit of the number of columns.

    Raises:
        ScenarioError: it cannot be read, or holds no table of numbers.
    """
    return parse(path, content_of(path), asked, most_columns)
