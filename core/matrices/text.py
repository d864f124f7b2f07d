"""Parser of matrices in the notations of spreadsheets, NumPy, MATLAB, CSV and this program, without eval.

A few texts are ambiguous: ``0,5`` is two numbers or one with a decimal comma. Where the expected shape
fits only one reading, it decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from core.data.layout import Layout, guess_numbers, is_missing, number_reader
from core.errors import ScenarioError
from core.text.user_text import quoted

MOST_SIDE = 64
"""Largest number of rows and of columns."""
MOST_CHARACTERS = 1 << 18

Rows: TypeAlias = list[list[float]]
Fits: TypeAlias = Callable[[int, int], bool]
"""Function that tells whether a number of rows and of columns is an expected shape."""
_Records: TypeAlias = list[list[str]]
"""The cells of each row."""

_SIGNS = {**dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f"), " "), ord("−"): "-", ord("\ufeff"): None}
"""Unicode spaces, minus sign and byte order mark, mapped to ASCII."""
_LINE_ENDS = re.compile(r"\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_COMMENT = re.compile(r"(?:^|(?<=\s))#(?=\s|$).*|^[ \t]*%.*", re.MULTILINE)
_LEFT_OUT = re.compile(r"\.\.\.|[…⋯⋮⋱]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?", re.ASCII)
_COMPLEX = re.compile(r"[+-]?[\d.]+(?:[eE][+-]?\d+)?(?:[+-][\d.]+(?:[eE][+-]?\d+)?)?\*?[ijIJ]", re.ASCII)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\s*=(?!=)", re.ASCII)
_CALL = re.compile(r"(?:[A-Za-z_]\w*\.)*(?:array|asarray|matrix|asmatrix|tensor|Array|Tensor|Matrix)\s*\(", re.ASCII)
_SCALAR = re.compile(r"(?:np|numpy)\.(?:float|int)\d+\(([^()\[\]]*)\)")
"""A number as NumPy 2 writes it in a list."""
_ARGUMENTS = re.compile(r"(?:\s*,\s*(?:\w+\s*=\s*)?[A-Za-z'\"<][\w.'\":<>]*)*\s*,?\s*\)\s*;?", re.ASCII)
"""Keyword arguments after the numbers in a call, such as dtype and device."""
_MOST_PARTS = 3 * MOST_SIDE**2
"""Largest number of words or of separators of one kind; longer texts are rejected before parsing."""
_JUDGED = 16
"""Number of rows from which the decimal sign is guessed."""
_LEAST_WRAPPED = 40
"""Shortest line that NumPy may have wrapped; its default width is 75."""
_PAIRS = {"[": "]", "(": ")", "{": "}"}
_ONE_GROUP, _NESTED, _SIDE_BY_SIDE = (re.compile(form) for form in (r"R[;,]?", r"\[R(?:,?R)*,?\];?", r"R(?:[,;]?R)+;?"))
_TIGHT = re.compile(r"(?<=\d),(?=\d)", re.ASCII)
"""A comma that may begin the decimals."""
_DOUBTFUL = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
"""A number whose comma may begin the decimals, or separate thousands."""
_FORMS = "must be rows of numbers, as in 1, 0; 0, 1 or [[1, 0], [0, 1]] or [1 0; 0 1]"


def parse_matrix(text: str, fits: Fits | None = None) -> Rows:
    """Read a matrix from text.

    Args:
        text: a block of cells from a spreadsheet, CSV, or a matrix as NumPy, MATLAB or this program writes it.
        fits: tells which shapes are expected; of two readings, the one that fits is taken.

    Raises:
        ScenarioError: it is not a matrix of finite real numbers, or too large.
    """
    found, error = _all_readings(text)
    fitting = [rows for rows in found if fits is None or fits(len(rows), len(rows[0]))]
    if error is not None and (fits is None or not fitting):
        raise error
    return (fitting or found)[0]


def parse_vector(text: str, length: int) -> list[float]:
    """Read a vector from text, one row or one column; errors as of :func:`parse_matrix`.

    Args:
        text: in any of the notations.
        length: expected length; used for ambiguous texts only.
    """
    rows = parse_matrix(text, lambda height, width: {height, width} == {1, length})
    if len(rows) > 1 and len(rows[0]) > 1:
        raise ScenarioError("", "", f"must be one row or one column of numbers (is {len(rows)} by {len(rows[0])})")
    return [value for row in rows for value in row]


def parse_readings(text: str) -> list[Rows]:
    """Return the possible readings of a text, the most likely first; errors as of :func:`parse_matrix`."""
    found, error = _all_readings(text)
    if error is not None and not found:
        raise error
    return found


def _all_readings(text: str) -> tuple[list[Rows], ScenarioError | None]:
    """Return the possible readings of a text, and the error of the most likely one if it has none."""
    found: list[Rows] = []
    errors: list[ScenarioError | None] = []
    for records in _readings(text):
        try:
            rows = _numbers(records)
        except ScenarioError as error:
            errors.append(error)
        else:
            errors.append(None)
            found += [] if rows in found else [rows]
    return found, errors[0]


# Rows and cells


def _readings(text: str) -> list[_Records]:
    """Return the cells of each row, for each way to divide the text."""
    if len(text) > MOST_CHARACTERS:
        raise ScenarioError("", "", f"must have at most {MOST_CHARACTERS:,} characters (has {len(text):,})")
    text = _LINE_ENDS.sub("\n", text.translate(_SIGNS))
    if _LEFT_OUT.search(text):
        raise ScenarioError("", "", "must be complete: “...” stands for omitted numbers")
    if max(len(text.split()), *map(text.count, ",;\t[({")) > _MOST_PARTS:
        raise ScenarioError("", "", f"must have at most {MOST_SIDE} rows and {MOST_SIDE} columns")
    if "#" in text or "%" in text:
        text = _COMMENT.sub("", text)
    text = text.strip("\n")
    text = _unwrapped(_SCALAR.sub(r"\1", text))
    if not text.strip(" \n\t,;"):
        raise ScenarioError("", "", "is empty")
    if any(sign in text for sign in "[](){}"):
        return _bracketed(text.strip())
    lines = [line for line in text.split("\n") if line.strip(" ")]
    if any("\t" in line for line in lines):
        return [_with_decimals([[cell.strip() for cell in line.split("\t")] for line in lines])]
    if ";" in text:
        return _with_semicolons([line.strip() for line in lines])
    return _lines(lines)


def _unwrapped(text: str) -> str:
    """Return text without an assignment's left side and without the call around an array."""
    start = text.strip()
    if match := _ASSIGNMENT.match(start):
        text = start = start[match.end() :].strip()
    match = _CALL.match(start)
    if match is None:
        return text
    inner = start[match.end() :]
    end = inner.rfind("]") + 1 or max(inner.rfind(")"), 0)
    if len(inner) - end > 200 or not _ARGUMENTS.fullmatch(inner, end):
        raise ScenarioError("", "", _FORMS)
    return inner[:end]


def _with_semicolons(lines: Sequence[str]) -> list[_Records]:
    """Return cells where semicolons separate rows, or cells of several lines; in one line rows are more likely."""
    if len(lines) > 1 and any(";" in line.rstrip("; ") for line in lines):
        closed = all(line.endswith(";") for line in lines)
        return [_with_decimals([_split(line[:-1] if closed else line, ";") for line in lines])]
    rows = [row for line in lines for row in line.split(";") if row.strip()]
    found = _lines(rows)
    if len(lines) == 1 and len(rows) > 1 and _TIGHT.search(lines[0]):
        found.append(_with_decimals([_split(lines[0], ";")], certain=True))
    return found


def _lines(lines: Sequence[str]) -> list[_Records]:
    """Return cells separated by commas or spaces; a comma between digits may be the decimal sign instead."""
    found = [[_cells(line) for line in lines]]
    tight = any(_TIGHT.search(line) for line in lines)
    if tight and not any(re.search(r",(?!\d)|(?<!\d),", line) for line in lines):
        found.append(_with_decimals([line.split() for line in lines], certain=True))
    return found


def _cells(row: str) -> list[str]:
    """Return the cells of a row separated by commas, spaces or both."""
    cells: list[str] = []
    for part in row.strip().removesuffix(",").split(","):
        cells += part.split() or [""]
    return cells


def _split(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in line.split(separator)]


def _with_decimals(records: _Records, *, certain: bool = False) -> _Records:
    """Return cells with decimal points in place of another locale's decimal and thousands signs.

    Args:
        records: the cells; commas are part of numbers here.
        certain: the decimal sign is known to be a comma.

    Raises:
        ScenarioError: the decimal sign is ambiguous.
    """
    records = [[cell[1:-1] if cell[:1] == cell[-1:] == '"' else cell for cell in record] for record in records]
    cells = [cell for record in records for cell in record]
    signs = {sign for sign in ",.' " if any(sign in cell for cell in cells)}
    if signs <= {"."}:
        return records
    layout = Layout("\t", ",", "") if certain else guess_numbers(records[:_JUDGED], Layout("\t"))[0]
    doubtful = next((cell for cell in cells if _DOUBTFUL.fullmatch(cell)), "")
    if doubtful and not certain and not any(set(cell) & set(",.") and not _DOUBTFUL.fullmatch(cell) for cell in cells):
        raise ScenarioError("", "", f"“{doubtful}” has a decimal or a thousands comma; write points for decimals")
    if layout.decimal == "," and signs == {","}:  # fast path of the common case
        return [[cell.replace(",", ".") if cell.count(",") == 1 else cell for cell in record] for record in records]
    number = number_reader(layout.decimal or ".", layout.thousands or "")
    return [[cell if (value := number(cell)) is None else repr(value) for cell in record] for record in records]


# Brackets


def _bracketed(text: str) -> list[_Records]:
    """Return cells of nested brackets, or of one bracket with rows separated by semicolons or lines."""
    skeleton, leaves = _skeleton(text)
    if _ONE_GROUP.fullmatch(skeleton):
        return _flat(leaves[0])
    if _NESTED.fullmatch(skeleton) or (_SIDE_BY_SIDE.fullmatch(skeleton) and set(text) & set("[({") == {"["}):
        return [[_cells(leaf) for leaf in leaves]]
    if "[[[" in skeleton or "[[R" in skeleton:
        raise ScenarioError("", "", "must be one matrix (brackets are nested more than two deep)")
    raise ScenarioError("", "", _FORMS)


def _skeleton(text: str) -> tuple[str, list[str]]:
    """Return the bracket structure, with R for each innermost bracket, and the contents of these."""
    open_at: list[int] = []
    closed_at = -1
    outside: list[str] = []
    leaves: list[str] = []
    for at, char in enumerate(text):
        if char in _PAIRS:
            open_at.append(at)
            outside.append("[")
        elif char in "])}":
            if not open_at or _PAIRS[text[open_at[-1]]] != char:
                raise ScenarioError("", "", f"has an unmatched bracket {char}")
            start = open_at.pop()
            if closed_at < start:  # an innermost bracket
                while outside.pop() != "[":
                    pass
                outside.append("R")
                leaves.append(text[start + 1 : at])
                if char == ")" and _NUMBER.fullmatch(leaves[-1].strip()):  # accounting notation of -5
                    reason = (
                        f"has a single number in parentheses, {quoted(text[start : at + 1])}, which may be negative"
                    )
                    raise ScenarioError("", "", reason)
            else:
                outside.append("]")
            closed_at = at
        elif not char.isspace():
            outside.append(char)
    if open_at:
        raise ScenarioError("", "", f"has an unmatched bracket {text[open_at[-1]]}")
    return "".join(outside), leaves


def _flat(inner: str) -> list[_Records]:
    """Return cells of one bracket with rows separated by semicolons or lines; NumPy also wraps long vectors."""
    joined = re.sub(r",[ \t]*\n", ", ", inner)
    rows = [row for row in re.split(r"[;\n]", joined) if row.strip()]
    if not rows:
        raise ScenarioError("", "", "is empty")
    found = [[_cells(row) for row in rows]]
    if ";" not in joined and len(rows) > 1 and len(rows[0]) > _LEAST_WRAPPED:
        found.append([[cell for row in rows for cell in _cells(row)]])
    return found


# Numbers


def _numbers(records: _Records) -> Rows:
    """Return cells converted to numbers.

    Raises:
        ScenarioError: a cell is not a number, the rows differ in length, or there are too many.
    """
    if len(records) > MOST_SIDE or any(len(record) > MOST_SIDE for record in records):
        has = f"{len(records)} rows" if len(records) > MOST_SIDE else f"{max(map(len, records))} columns"
        raise ScenarioError("", "", f"must have at most {MOST_SIDE} rows and {MOST_SIDE} columns (has {has})")
    rows = [[_number(cell, i, j) for j, cell in enumerate(row, start=1)] for i, row in enumerate(records, start=1)]
    for i, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise ScenarioError(
                "", "", f"must have equally many numbers in each row (row 1 has {len(rows[0])}, row {i} has {len(row)})"
            )
    return rows


def _number(cell: str, row: int, column: int) -> float:
    if _NUMBER.fullmatch(cell):
        value = float(cell.replace("d", "e").replace("D", "e"))
        if abs(value) != float("inf"):
            return value
    where = f"row {row}, column {column}"
    if not cell:
        raise ScenarioError("", where, "is empty")
    kind = "finite number" if _NUMBER.fullmatch(cell) or is_missing(cell) else "number"
    if len(cell) < 100 and _COMPLEX.fullmatch(cell):
        kind = "real number"
    raise ScenarioError("", where, f"must be a {kind} (is {quoted(cell)})")
