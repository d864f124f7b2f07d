"""Tables read from delimited text (CSV and variants) with Python's csv module.

The module handles quoting, keeps records as they are (so that errors name a cell's line, and a row of another length is
not padded), and adds no dependency; pandas (86 MB, 0.6 s to import) and polars (181 MB) misread a
header of numbers and a ``sep=`` line as well, and lose the line numbers.
"""

from __future__ import annotations

import csv
import io
import math
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain, islice
from typing import TypeAlias, final

import numpy as np

from core.data.encoding import encoding_of
from core.data.layout import (
    DECIMALS,
    GUESSED,
    SEPARATORS,
    THOUSANDS,
    Layout,
    Record,
    counts_rows,
    guess_header,
    guess_numbers,
    guess_separator,
    is_missing,
    number_reader,
)
from core.data.table import Table, column_name, column_names
from core.errors import ScenarioError
from core.text.user_text import quoted

MOST_COLUMNS = 64
MOST_CELLS = 20_000_000
"""Largest number of cells; eight bytes each in memory."""
LARGEST = 1e100
"""Largest absolute value: squares of larger numbers overflow."""
_LONGEST_LINE = 1 << 20
_LONGEST_RECORD = 1000
"""Longest record in lines: quoted cells may hold line breaks."""
_SAMPLE = 1000
"""Number of records from which separator, number notation and header are guessed."""
_BLOCK = 20_000
"""Number of records between two progress reports."""
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)

NumberedRecord: TypeAlias = tuple[int, list[str]]
"""Line number of a record's first line, and its cells."""


@final
class _Lines(Iterator[str]):
    """Iterator over the lines of a text for the csv reader; skips blank lines and comments between records."""

    def __init__(self, content: bytes, encoding: str, separator: str) -> None:
        self._bytes = io.BytesIO(content)
        self._text = io.TextIOWrapper(self._bytes, encoding, newline="")
        self._size, self._spaced = max(len(content), 1), separator == " "
        self.line, self.start = 0, 1
        """Line numbers of the last line read, and of the first line of the current record."""
        self.between = True
        """True if the next line begins a record."""
        self.skipped: list[tuple[str, int, str]] = []
        """Lines skipped since the last record: kind, line number, text."""

    @property
    def share(self) -> float:
        """The share of the text that is read, from 0 to 1."""
        return self._bytes.tell() / self._size

    def __next__(self) -> str:
        while line := self._text.readline(_LONGEST_LINE + 1):
            self.line += 1
            if len(line) > _LONGEST_LINE:
                raise _line_error(self.line, f"must have at most {_LONGEST_LINE:,} characters")
            if self.line - self.start > _LONGEST_RECORD and not self.between:
                raise _line_error(self.start, "has a quotation mark that is not closed")
            if self.between and (what := self._idle(line)):
                self.skipped.append((what, self.line, line))
                continue
            if self.between:
                self.between, self.start = False, self.line
            return line.replace("\t", " ").strip(" \r\n") + "\n" if self._spaced else line
        raise StopIteration

    def _idle(self, line: str) -> str:
        """Return the kind of a line without cells, or '' where it has some."""
        if self.line == 1 and _SEPARATOR_LINE.fullmatch(line):
            return "separator line"
        if line.lstrip().startswith("#"):
            return "comment line"
        return "" if line.strip() else "empty line"


def _line_error(line: int, reason: str) -> ScenarioError:
    return ScenarioError("", f"line {line}", reason)


def _records(lines: _Lines, separator: str) -> Iterator[NumberedRecord]:
    """Yield the records of a text that have a non-empty cell.

    Raises:
        ScenarioError: quotation marks are unbalanced, or a cell is too long.
    """
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=separator != "\t", strict=True)
    while True:
        lines.between = True
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise _line_error(lines.start, f"cannot be read ({error})") from None
        if record is None:
            return
        cells = [cell.strip() for cell in record]
        if any(cells):
            yield lines.start, cells
        else:
            lines.skipped.append(("empty line", lines.start, ""))


@final
class _Text:
    """A text with its encoding and separator."""

    def __init__(self, content: bytes, source: str, asked: Layout) -> None:
        self.content, self.source = content, source
        self.encoding, self.encoding_name = encoding_of(content, source)
        self.layout = replace(asked, separator=asked.separator or self._separator())

    def _separator(self) -> str:
        lines = _Lines(self.content, self.encoding, ",")
        next(lines, None)
        for what, _, line in lines.skipped:
            if what == "separator line" and (found := _SEPARATOR_LINE.fullmatch(line)) and found[1] in SEPARATORS:
                return found[1]
        return guess_separator(lambda separator: [record for _, record in self.sample(separator, strict=False)])

    def sample(self, separator: str, *, strict: bool = True) -> list[NumberedRecord]:
        """Return the first records; where not strict, those before the first error."""
        found: list[NumberedRecord] = []
        try:
            for placed in islice(_records(_Lines(self.content, self.encoding, separator), separator), _SAMPLE):
                found.append(placed)  # noqa: PERF402 - keeps what came before an error
        except ScenarioError:
            if strict:
                raise
        return found


def parse_csv(text: str, source: str = "", asked: Layout = GUESSED) -> Table:
    """Read a table from text.

    Args:
        text: columns between commas, semicolons, tabs, vertical bars or spaces, with a header or without.
        source: its name in errors.
        asked: its layout; what is None is guessed.

    Raises:
        ScenarioError: it is no table.
    """
    return parse_bytes(text.encode("utf-8", "replace"), source, asked)


def parse_bytes(content: bytes, source: str = "", asked: Layout = GUESSED) -> Table:
    """Read a table from a text file's bytes; arguments and errors as of :func:`parse_csv`."""
    *_, table = steps(content, source, asked)
    assert isinstance(table, Table)
    return table


def steps(content: bytes, source: str, asked: Layout, most_columns: int = MOST_COLUMNS) -> Iterator[float | Table]:
    """Read a table; yield a preview, then progress from 0 to 1, then the whole table.

    Args:
        content: of the file.
        source: its name in errors.
        asked: its layout; what is None is guessed.
        most_columns: limit of the number of columns.

    Raises:
        ScenarioError: it is no table.
    """
    try:
        asked.check()
        yield from _Parser(_Text(content, source, asked), most_columns).steps()
    except ScenarioError as error:
        raise error if error.source else ScenarioError(source, error.field, error.reason) from None


@final
class _Parser:
    """Parser of one text: guesses its layout, then reads its records."""

    def __init__(self, text: _Text, most_columns: int) -> None:
        self._text, self._source = text, text.source
        self._separator = text.layout.separator or ","
        sample = [record for _, record in text.sample(self._separator)]
        if not sample:
            raise ScenarioError(self._source, "", "is empty")
        self._width, self._titles = _shape(sample)
        if self._width > most_columns:
            raise ScenarioError(self._source, "", f"must have at most {most_columns} columns (has {self._width})")
        body = [_whole(record, self._width) for record in sample[self._titles :]]
        body = [
            record for record in body if len(record) == self._width
        ]  # records of other widths raise an error when they are read
        self.layout, *doubts = guess_numbers(body, text.layout)
        self._number = number_reader(self.layout.decimal or ".", self.layout.thousands or "")
        if self.layout.header is None:
            header, doubt = guess_header(body, self._number)
            self.layout = replace(self.layout, header=header)
            doubts.append(doubt)
        self._doubts = tuple(filter(None, doubts))
        rows = body[1:] if self.layout.header else body
        self._percents = [index for index in range(self._width) if _is_percent([record[index] for record in rows])]
        self._names = [""] * self._width
        self._header_line = 0
        self._skipped: dict[str, list[int]] = {}
        self._wrong: dict[int, str] = {}

    def steps(self) -> Iterator[float | Table]:
        """Yield a preview, then progress from 0 to 1, then the whole table."""
        lines = _Lines(self._text.content, self._text.encoding, self._separator)
        records = self._take_names(lines, _records(lines, self._separator))
        numbers = array("d")
        for count, (place, record) in enumerate(records, start=1):
            if len(record) != self._width:
                like = "as most lines" if self._titles else "as the first"
                raise _line_error(place, f"must have {self._width} cells {like} (has {len(record)})")
            numbers.extend(self._values(place, record))
            self._note_skipped(lines)
            if len(numbers) > MOST_CELLS:
                raise ScenarioError("", "", f"must have at most {MOST_CELLS:,} cells; choose fewer rows or columns")
            if count == _SAMPLE:
                yield self._table(numbers, complete=False)
            if count % _BLOCK == 0:
                yield lines.share
        self._note_skipped(lines)
        if not numbers:
            raise ScenarioError("", "", "has no rows below the column names")
        yield self._table(numbers, complete=True)

    # Lines above the points

    def _take_names(self, lines: _Lines, records: Iterator[NumberedRecord]) -> Iterator[NumberedRecord]:
        """Skip the lines above the first point, name the columns, and return the remaining records."""
        for place, _ in islice(records, self._titles):
            lines.skipped.append((f"line without {self._width} cells", place, ""))
        if self.layout.header:
            self._header_line, names = next(records)
            self._names = _whole(names, self._width)
            return records
        first = next(records)
        above = [each for each in lines.skipped if each[0] == "comment line"]
        if above:  # NumPy writes its header as a comment
            names = self._cells(above[-1][2].lstrip("# \t"))
            if len(names) == self._width and all(self._number(name) is None for name in names):
                self._names, self._header_line = names, above[-1][1]
                lines.skipped.remove(above[-1])
        return chain([first], records)

    def _cells(self, line: str) -> list[str]:
        words = line.split() if self._separator == " " else next(csv.reader([line], delimiter=self._separator), [])
        return [word.strip() for word in words]

    def _note_skipped(self, lines: _Lines) -> None:
        for what, place, _ in lines.skipped:
            seen = self._skipped.setdefault(what, [0, place])
            seen[0] += 1
        lines.skipped.clear()

    # Points

    def _values(self, place: int, record: list[str]) -> list[float]:
        joined = "".join(record)
        if self._is_usual and "_" not in joined and joined.isascii():
            try:
                values = list(map(float, record))
            except ValueError:
                pass
            else:
                if all(-LARGEST < value < LARGEST for value in values):
                    return values
        return [self._value(place, index, cell) for index, cell in enumerate(record)]

    @property
    def _is_usual(self) -> bool:
        """True if numbers are in Python's notation, so that float() reads them."""
        return self.layout.decimal == "." and not self.layout.thousands and not self._percents

    def _value(self, place: int, index: int, cell: str) -> float:
        per_cent = index in self._percents
        value = self._number(cell.rstrip("% ") if per_cent and cell.endswith("%") else cell)
        if value is not None and abs(value) < LARGEST and per_cent == cell.endswith("%"):
            return value / 100 if per_cent else value
        if index not in self._wrong:
            reason = "must be a number"
            if value is not None:
                reason = "must end in %, like the rest of its column" if per_cent else f"must be within ±{LARGEST:g}"
            said = f"is {quoted(cell)}" if cell else "is empty"
            self._wrong[index] = f"line {place}, column {column_name(self._columns[index])}: {reason} ({said})"
        return math.nan

    # The table

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        return column_names(self._names)

    def _table(self, numbers: array[float], *, complete: bool) -> Table:
        values = np.frombuffer(numbers if complete else numbers[:]).reshape(-1, self._width)
        names = ["" if name.startswith("Unnamed: ") else name for name in self._names]
        counters = [index for index, name in enumerate(names) if not name and counts_rows(values[:, index])]
        return Table(
            source=self._source,
            columns=self._columns,
            values=values,
            wrong=dict(self._wrong),
            layout=self.layout,
            remarks=tuple(self._remarks()),
            doubts=self._doubts,
            counters=tuple(counters) if len(values) > 2 and len(names) > 1 else (),
            complete=complete,
        ).look()

    def _remarks(self) -> Iterator[str]:
        thousands = self.layout.thousands or ""
        signs = f"decimal {DECIMALS[self.layout.decimal or '.']}"
        if thousands:
            signs += f", thousands {THOUSANDS[thousands]}"
        names = f"names from line {self._header_line}" if self._header_line else "no header"
        yield f"{self._text.encoding_name}, {SEPARATORS[self._separator]} between cells, {signs}, {names}"
        if self._skipped:
            yield "skipped: " + ", ".join(_said(what, *seen) for what, seen in self._skipped.items())
        if self._percents:
            names = ", ".join(column_name(self._columns[index]) for index in self._percents)
            yield f"percentages are divided by 100: {names}"


def _said(what: str, count: int, place: int) -> str:
    return f"{what} {place}" if count == 1 else f"{count:,} {what.replace('line', 'lines')} (from line {place})"


def _shape(sample: Sequence[Record]) -> tuple[int, int]:
    """Return the number of columns, and of the title lines above the table, which have another width and no number."""
    widths = Counter(map(len, sample))
    width = max(widths, key=lambda each: (widths[each], each == len(sample[0])))
    titles = next(index for index, record in enumerate(sample) if len(record) == width)
    if titles and _names_without_row_names(sample[titles - 1], sample[titles:], width):
        titles -= 1
    bare = number_reader(".", "")
    if any(bare(cell) is not None for record in sample[:titles] for cell in record):
        return len(sample[0]), 0  # its first rows are points, and later rows of another width are errors
    return width, titles


def _names_without_row_names(record: Record, below: Sequence[Record], width: int) -> bool:
    """Return whether a header lacks a name for the first column, as R writes tables with row names."""
    if len(record) != width - 1:
        return False
    bare, first = number_reader(".", ""), [row[0] for row in below]
    named = all(bare(name) is None for name in first) or counts_rows([bare(name) for name in first])
    return named and all(bare(cell) is None for cell in record)


def _whole(record: list[str], width: int) -> list[str]:
    """Return a header of R with an empty name for the first column added."""
    return ["", *record] if len(record) == width - 1 else record


def _is_percent(cells: Sequence[str]) -> bool:
    """Return whether all cells that are not empty are percentages."""
    said = [cell.endswith("%") for cell in cells if not is_missing(cell)]
    return bool(said) and all(said)
