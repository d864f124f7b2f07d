"""Tables read from NPY files, whose header is checked before any number is read."""

from __future__ import annotations

import io
import math
import warnings

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from core.data.table import Table, column_name, column_names
from core.data.text import LARGEST, MOST_CELLS, MOST_COLUMNS
from core.errors import ScenarioError
from core.text.user_text import one_line, quoted

_LONGEST_HEADER = 10_000


def parse_npy(content: bytes, source: str = "", most_columns: int = MOST_COLUMNS) -> Table:
    """Read a table from an NPY file's content.

    Raises:
        ScenarioError: it is not an array, or not a table of real numbers.
    """
    shape, by_columns, kind, start = _header(content, source)
    if len(shape) not in {1, 2} or kind.kind not in "fiu":
        raise _no_table(shape, kind, source)
    count = math.prod(shape)  # of Python's integers, since NumPy's overflow
    if count == 0:
        raise ScenarioError(source, "", "is empty")
    if min(shape) < 0 or count * kind.itemsize != len(content) - start:
        reason = f"its shape {_words(shape)} does not fit its {len(content) - start:,} bytes of numbers"
        raise ScenarioError(source, "", f"is not a NumPy array of numbers ({reason})")
    array = np.frombuffer(content, kind, count, start).reshape(shape, order="F" if by_columns else "C")
    return table_of(array, source, most_columns)


def _header(content: bytes, source: str) -> tuple[tuple[int, ...], bool, np.dtype[np.generic], int]:
    """Return shape, whether the order is Fortran's, data type, and offset of the numbers of an NPY file."""
    file = io.BytesIO(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about headers written by Python 2, and outdated type names
            version = npy.read_magic(file)
            if version not in {(1, 0), (2, 0)}:
                raise ScenarioError(source, "", "must be an NPY file of version 1.0 or 2.0")
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, by_columns, kind = read(file, max_header_size=_LONGEST_HEADER)
    except ScenarioError:
        raise
    except Exception as error:  # a malformed header may raise anything
        reason = one_line(str(error).split(".")[0].split("\n")[0], 120) or type(error).__name__
        raise ScenarioError(source, "", f"is not a NumPy array of numbers ({reason})") from None
    if kind.hasobject:
        raise ScenarioError(source, "", "is not a NumPy array of numbers (it holds Python objects, which are not read)")
    return shape, by_columns, kind, file.tell()


def table_of(array: NDArray[np.generic], source: str = "", most_columns: int = MOST_COLUMNS) -> Table:
    """Return an array as a table with one point per row.

    Raises:
        ScenarioError: it is no table of real numbers.
    """
    if array.ndim not in {1, 2} or array.dtype.kind not in "fiu":
        raise _no_table(array.shape, array.dtype, source)
    if array.size == 0:
        raise ScenarioError(source, "", "is empty")
    width = 1 if array.ndim == 1 else array.shape[1]
    if width > most_columns:
        raise ScenarioError(source, "", f"must have at most {most_columns} columns (has {width})")
    if array.size > MOST_CELLS:
        raise ScenarioError(source, "", f"must have at most {MOST_CELLS:,} cells; choose fewer rows or columns")
    with np.errstate(over="ignore"):
        values = array.reshape(len(array), -1).astype(np.float64)
    usable = np.abs(values) < LARGEST
    columns, wrong = column_names([""] * width), {}
    for index in np.flatnonzero(~usable.all(0)).tolist():
        row = int(np.argmin(usable[:, index]))
        value = values[row, index]
        reason = f"must be within ±{LARGEST:g}" if np.isfinite(value) else "must be a number"
        wrong[index] = f"row {row + 1}, column {column_name(columns[index])}: {reason} (is '{value}')"
    values[~usable] = np.nan
    return Table(source, columns, values, wrong).look()


def _no_table(shape: tuple[int, ...], kind: np.dtype[np.generic], source: str) -> ScenarioError:
    what = one_line(str(kind), 40)
    return ScenarioError(source, "", f"must be a table of real numbers (is {what} of shape {_words(shape)})")


def _words(shape: tuple[int, ...]) -> str:
    return one_line(f"({', '.join(map(quoted, shape))})", 60)
