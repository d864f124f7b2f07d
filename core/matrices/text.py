"""Matrices as text: numbers in the notations of spreadsheets, NumPy, MATLAB, CSV and this program, without eval.

A few texts can be read in two ways: ``0,5`` is two numbers or one with a decimal comma. Where the shape that is wanted
fits only one of them, it decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from core.data.layout import Layout, guess_numbers, is_missing, number_reader
from core.errors import ScenarioError
from core.text.user_text import quoted

MOST_SIDE = 64
"""Rows, and columns."""
MOST_CHARACTERS = 1 << 18

Rows: TypeAlias = list[list[float]]
Fits: TypeAlias = Callable[[int, int], bool]
"""Whether numbers of rows and columns are those of a shape that is wanted."""
_Records: TypeAlias = list[list[str]]
"""The cells of each row."""

_SIGNS = {**dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f"), " "), ord("−"): "-", ord("\ufeff"): None}
"""Typographers' spaces and minus sign; a byte order mark."""
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
"""What follows the numbers in a call: the type, the device."""
_MOST_PARTS = 3 * MOST_SIDE**2
"""Words, or signs of one kind: more are not even looked at one by one."""
_JUDGED = 16
"""Rows by which the decimal sign is judged."""
_LEAST_WRAPPED = 40
"""Characters of a line that NumPy breaks, which is at 75 unless it is told otherwise."""
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
        fits: which shapes are wanted; of two ways to read a text, the one that fits is taken.

    Raises:
        ScenarioError: it is no matrix of finite real numbers, or too large; what is wrong, and where.
    """
    found, error = _all_readings(text)
    fitting = [rows for rows in found if fits is None or fits(len(rows), len(rows[0]))]
    if error is not None and (fits is None or not fitting):
        raise error
    return (fitting or found)[0]


def parse_vector(text: str, length: int) -> list[float]:
    """Read a vector from text: one row or one column; otherwise as :func:`parse_matrix`.

    Args:
        text: in any of the notations.
        length: that is wanted; only texts that can be read in two ways depend on it.
    """
    rows = parse_matrix(text, lambda height, width: {height, width} == {1, length})
    if len(rows) > 1 and len(rows[0]) > 1:
        raise ScenarioError("", "", f"must be one row or one column of numbers (is {len(rows)} by {len(rows[0])})")
    return [value for row in rows for value in row]


def parse_readings(text: str) -> list[Rows]:
    """Return the matrices as which a text can be read, the most likely first; errors as of :func:`parse_matrix`."""
    found, error = _all_readings(text)
    if error is not None and not found:
        raise error
    return found


def _all_readings(text: str) -> tuple[list[Rows], ScenarioError | None]:
    """The matrices as which a text can be read, and what is wrong with the most likely reading."""
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
    """The cells of each row, in each of the ways in which the text can be divided."""
    if len(text) > MOST_CHARACTERS:
        raise ScenarioError("", "", f"must have at most {MOST_CHARACTERS:,} characters (has {len(text):,})")
    text = _LINE_ENDS.sub("\n", text.translate(_SIGNS))
    if _LEFT_OUT.search(text):
        raise ScenarioError("", "", "is not whole: “...” stands for numbers that were left out")
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
    """Text without the name that it is assigned to, and without the call that makes an array of it."""
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
    """Semicolons between rows, or between the cells of several lines; in one line, rows are more likely."""
    if len(lines) > 1 and any(";" in line.rstrip("; ") for line in lines):
        closed = all(line.endswith(";") for line in lines)
        return [_with_decimals([_split(line[:-1] if closed else line, ";") for line in lines])]
    rows = [row for line in lines for row in line.split(";") if row.strip()]
    found = _lines(rows)
    if len(lines) == 1 and len(rows) > 1 and _TIGHT.search(lines[0]):
        found.append(_with_decimals([_split(lines[0], ";")], certain=True))
    return found


def _lines(lines: Sequence[str]) -> list[_Records]:
    """Commas or spaces between cells; a comma between digits may begin the decimals instead."""
    found = [[_cells(line) for line in lines]]
    tight = any(_TIGHT.search(line) for line in lines)
    if tight and not any(re.search(r",(?!\d)|(?<!\d),", line) for line in lines):
        found.append(_with_decimals([line.split() for line in lines], certain=True))
    return found


def _cells(row: str) -> list[str]:
    """The cells of a row between commas or spaces, or both."""
    cells: list[str] = []
    for part in row.strip().removesuffix(",").split(","):
        cells += part.split() or [""]
    return cells


def _split(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in line.split(separator)]


def _with_decimals(records: _Records, *, certain: bool = False) -> _Records:
    """Cells with decimal points, where a spreadsheet of another country wrote them otherwise.

    Args:
        records: the cells; commas are part of numbers here.
        certain: a comma begins the decimals, whatever follows it.

    Raises:
        ScenarioError: it cannot be told which sign begins the decimals.
    """
    records = [[cell[1:-1] if cell[:1] == cell[-1:] == '"' else cell for cell in record] for record in records]
    cells = [cell for record in records for cell in record]
    signs = {sign for sign in ",.' " if any(sign in cell for cell in cells)}
    if signs <= {"."}:
        return records
    layout = Layout("\t", ",", "") if certain else guess_numbers(records[:_JUDGED], Layout("\t"))[0]
    doubtful = next((cell for cell in cells if _DOUBTFUL.fullmatch(cell)), "")
    if doubtful and not certain and not any(set(cell) & set(",.") and not _DOUBTFUL.fullmatch(cell) for cell in cells):
        raise ScenarioError("", "", f"“{doubtful}” may have decimals or thousands; write points for decimals")
    if layout.decimal == "," and signs == {","}:  # the usual, and quicker
        return [[cell.replace(",", ".") if cell.count(",") == 1 else cell for cell in record] for record in records]
    number = number_reader(layout.decimal or ".", layout.thousands or "")
    return [[cell if (value := number(cell)) is None else repr(value) for cell in record] for record in records]


# Brackets


def _bracketed(text: str) -> list[_Records]:
    """Rows in brackets of their own, or one bracket with rows between semicolons or lines."""
    skeleton, leaves = _skeleton(text)
    if _ONE_GROUP.fullmatch(skeleton):
        return _flat(leaves[0])
    if _NESTED.fullmatch(skeleton) or (_SIDE_BY_SIDE.fullmatch(skeleton) and set(text) & set("[({") == {"["}):
        return [[_cells(leaf) for leaf in leaves]]
    if "[[[" in skeleton or "[[R" in skeleton:
        raise ScenarioError("", "", "must be one matrix (brackets are nested more than two deep)")
    raise ScenarioError("", "", _FORMS)


def _skeleton(text: str) -> tuple[str, list[str]]:
    """Brackets without spaces, with R for each innermost one, and what stands in those."""
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
                raise ScenarioError("", "", f"has a bracket {char} without its counterpart")
            start = open_at.pop()
            if closed_at < start:  # nothing was closed inside
                while outside.pop() != "[":
                    pass
                outside.append("R")
                leaves.append(text[start + 1 : at])
                if char == ")" and _NUMBER.fullmatch(leaves[-1].strip()):  # as accountants write -5
                    reason = f"has a single number in parentheses, {quoted(text[start : at + 1])}, which may mean minus"
                    raise ScenarioError("", "", reason)
            else:
                outside.append("]")
            closed_at = at
        elif not char.isspace():
            outside.append(char)
    if open_at:
        raise ScenarioError("", "", f"has a bracket {text[open_at[-1]]} without its counterpart")
    return "".join(outside), leaves


def _flat(inner: str) -> list[_Records]:
    """One bracket: rows between semicolons or lines; NumPy breaks the lines of a long vector, too."""
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
    """The numbers of some cells.

    Raises:
        ScenarioError: a cell is none, the rows differ in length, or there are too many.
    """
    if len(records) > MOST_SIDE or any(len(record) > MOST_SIDE for record in records):
        has = f"{len(records)} rows" if len(records) > MOST_SIDE else f"{max(map(len, records))} columns"
        raise ScenarioError("", "", f"must have at most {MOST_SIDE} rows and {MOST_SIDE} columns (has {has})")
    rows = [[_number(cell, i, j) for j, cell in enumerate(row, start=1)] for i, row in enumerate(records, start=1)]
    for i, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise ScenarioError(
                "", "", f"must have as many numbers in each row (row 1 has {len(rows[0])}, row {i} has {len(row)})"
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
