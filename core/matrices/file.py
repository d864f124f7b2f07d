"""Matrices read from files: NPY, or text in any supported notation, optionally with row and column names."""

from __future__ import annotations

from pathlib import Path

from core.data import is_array, parse_bytes, parse_npy
from core.data.encoding import encoding_of
from core.data.table import Table
from core.errors import ScenarioError
from core.matrices.text import MOST_SIDE, Rows, parse_matrix
from core.system.files import read_bytes
from core.text.user_text import one_line

MOST_BYTES = 1 << 20


def read_matrix(path: Path) -> Rows:
    """Read a matrix from a file.

    Args:
        path: an NPY file, or a text file.

    Raises:
        ScenarioError: it cannot be read, or is not a matrix of numbers.
    """
    source = one_line(path.name, 80) or "file"
    try:
        content = read_bytes(path, MOST_BYTES)
        if is_array(path, content):
            return _rows(parse_npy(content))
        return _from_text(content)
    except ScenarioError as error:
        raise ScenarioError(source, error.field, error.reason) from None


def _from_text(content: bytes) -> Rows:
    """Return a matrix from text; where it has row or column names, by the table reader."""
    text = content.decode(encoding_of(content, "")[0])
    try:
        return parse_matrix(text)
    except ScenarioError as error:
        try:
            table = parse_bytes(content)
        except ScenarioError:
            raise error from None
        named = [index for index in table.wrong if index > 0 or not _names_rows(table)]
        if not table.layout.header or named or table.doubts:
            raise error from None
        return _rows(table, [index for index in table.usable if index not in table.counters])


def _names_rows(table: Table) -> bool:
    """Return whether the first column holds row names, that is, no number at all."""
    return 0 in table.wrong and 0 not in table.mostly


def _rows(table: Table, columns: list[int] | None = None) -> Rows:
    if table.wrong and columns is None:
        raise ScenarioError("", "", next(iter(table.wrong.values())))
    values = table.values if columns is None else table.values[:, columns]
    if len(values) > MOST_SIDE:
        raise ScenarioError("", "", f"must have at most {MOST_SIDE} rows (has {len(values):,})")
    rows: Rows = values.tolist()
    return rows
