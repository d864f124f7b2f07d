"""How the text of a table is laid out: what separates cells, how numbers are written, whether there is a header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, final

from core.errors import ScenarioError
from core.text.user_text import one_line

SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "spaces"}
"""What may stand between cells, and what it is called."""
DECIMALS: Final = {".": "point", ",": "comma"}
"""What may begin the decimals."""
THOUSANDS: Final = {"": "none", ",": "comma", ".": "point", " ": "space", "'": "apostrophe"}
"""What may stand between groups of three digits."""

Record: TypeAlias = Sequence[str]
Number: TypeAlias = Callable[[str], float | None]
"""Reads a cell; None where it is no number."""

_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f"), " ") | {ord("’"): "'", ord("−"): "-"}
"""Typographers' spaces, apostrophe and minus sign."""
_MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "-", "–", "?", "."}
_INFINITE = {"inf", "infinity", "1.#inf", "1.#qnan"}
_EXPONENT = r"(?:[eEdD][+-]?\d+)?"
_NUMERIC = re.compile(
    rf"[+-]?(?=[.,]?\d)(?:\d{{1,3}}([.,' ])\d{{3}}(?:\1\d{{3}})*|\d*)(?:[.,]\d*)?{_EXPONENT}", re.ASCII
)
"""A number in any of the notations."""
_NAMES = re.compile(r"\d+", re.ASCII)
_ROWS_TO_JUDGE = 100


@final
@dataclass(frozen=True)
class Layout:
    """How a text is read; None: as the text itself suggests."""

    separator: str | None = None
    """One of SEPARATORS."""
    decimal: str | None = None
    """One of DECIMALS."""
    thousands: str | None = None
    """One of THOUSANDS."""
    header: bool | None = None
    """Whether the first row names the columns."""

    def check(self) -> None:
        """Refuse signs that contradict each other.

        Raises:
            ScenarioError: which.
        """
        for sign, allowed, word in (
            (self.separator, SEPARATORS, "separator"),
            (self.decimal, DECIMALS, "decimal sign"),
            (self.thousands, THOUSANDS, "thousands sign"),
        ):
            if sign is not None and sign not in allowed:
                raise ScenarioError("", word, f"must be one of: {', '.join(allowed.values())}")
        if self.decimal is not None and self.decimal == self.thousands:
            raise ScenarioError("", "thousands sign", "must differ from the decimal sign")


GUESSED: Final = Layout()
"""Everything as the text suggests."""


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value, or none that is finite."""
    word = cell.strip().lower()
    return word in _MISSING or word.lstrip("+-") in _INFINITE


def number_reader(decimal: str, thousands: str) -> Number:
    """Return the function that reads a cell with these signs, strictly: a cell that does not fit is no number."""
    sign, group = re.escape(decimal), re.escape(thousands)
    whole = rf"(?:\d{{1,3}}(?:{group}\d{{3}})+|\d+)" if thousands else r"\d+"
    pattern = re.compile(rf"[+-]?(?:{whole}(?:{sign}\d*)?|{sign}\d+){_EXPONENT}", re.ASCII)
    plain = re.compile(rf"[{sign}dD]", re.ASCII)

    def read(cell: str) -> float | None:
        cell = cell.translate(_SPACES).strip()
        if not pattern.fullmatch(cell):
            return None
        if thousands:
            cell = cell.replace(thousands, "")
        return float(plain.sub(lambda found: "." if found[0] == decimal else "e", cell))

    return read


# Separator


def guess_separator(parse: Callable[[str], list[Record]]) -> str:
    """Return what separates cells: rows are then of one width, and most cells numbers.

    Args:
        parse: reads the first rows with a separator.
    """
    best, best_score = ",", (0.0, 0.0)
    for separator in (";", "\t", ",", "|", " "):
        records = parse(separator)
        widths = Counter(map(len, records))
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        if width < 2:
            continue
        fitting = [record for record in records if len(record) == width]
        cells = [cell for record in fitting[1:] or fitting for cell in record]  # the first may be names
        numeric = sum(_NUMERIC.fullmatch(cell.translate(_SPACES).strip(" %")) is not None for cell in cells)
        known = numeric + sum(map(is_missing, cells))
        score = (count / len(records) * (0.1 + known / len(cells)), numeric / len(cells))
        if score > best_score:
            best, best_score = separator, score
    return best


# Numbers


@dataclass
class _Votes:
    """What the cells of a text say about a sign."""

    decimal: int = 0
    """Cells in which it can only begin the decimals."""
    thousands: int = 0
    """Cells in which it can only separate groups."""
    either: str = ""
    """The first cell in which it may be either, as 1,000."""


def guess_numbers(records: Sequence[Record], layout: Layout) -> tuple[Layout, str]:
    """Return a layout with decimal and thousands sign, and what can be understood in two ways."""
    votes = {sign: _Votes() for sign in (",", ".", " ", "'")}
    whole = False
    for cell in (cell.translate(_SPACES).strip(" %") for record in records for cell in record):
        if _NUMERIC.fullmatch(cell):
            whole = _vote(cell, votes) or whole
    if layout.decimal is not None or layout.thousands is not None:
        return _completed(votes, layout), ""
    point, comma = votes["."], votes[","]
    doubt = ""
    if comma.decimal or point.thousands:
        decimal = "," if comma.decimal + point.thousands > point.decimal + comma.thousands else "."
    elif comma.either and not (point.decimal or comma.thousands):
        # Fixed decimals are written in every cell; whole numbers below 1000 have no sign, as groups want it.
        decimal = "." if whole or layout.separator == "," else ","
        doubt = comma.either
    else:
        decimal = "."
        if point.either and not point.decimal and (whole or layout.separator == ";"):
            doubt = point.either
    found = _completed(votes, replace(layout, decimal=decimal))
    if not doubt:
        return found, ""
    value = number_reader(found.decimal or ".", found.thousands or "")(doubt)
    return found, f"“{one_line(doubt, 20)}” is read as {value:.15g}; choose the other decimal sign if that is wrong"


def _vote(cell: str, votes: dict[str, _Votes]) -> bool:
    """Count what a cell says; return whether it is a whole number without any sign."""
    mantissa = re.split("[eEdD]", cell)[0].lstrip("+-")
    signs = [sign for sign in votes if sign in mantissa]
    if not signs:
        return mantissa == cell.lstrip("+-")
    last = max(signs, key=mantissa.rfind)
    for sign in signs:
        parts = mantissa.split(sign)
        head, groups = parts[0], parts[1:]
        grouped = 1 <= len(head) <= 3 and head.isdigit() and head[0] != "0"
        if sign != last or len(groups) > 1 or sign in " '":
            votes[sign].thousands += 1
        elif len(signs) == 1 and grouped and len(groups[0]) == 3 and mantissa == cell.lstrip("+-"):
            votes[sign].either = votes[sign].either or cell
        else:
            votes[sign].decimal += 1
    return False


def _completed(votes: dict[str, _Votes], layout: Layout) -> Layout:
    """Fill in what follows from the signs that are set."""
    decimal = layout.decimal or ("," if layout.thousands == "." or _means_comma(votes, layout.thousands) else ".")
    thousands = layout.thousands
    if thousands is None:
        found = [sign for sign, vote in votes.items() if sign != decimal and (vote.thousands or vote.either)]
        found = [sign for sign in found if not (sign == " " and layout.separator == " ")]
        thousands = max(found, key=lambda sign: votes[sign].thousands, default="")
    return replace(layout, decimal=decimal, thousands=thousands)


def _means_comma(votes: dict[str, _Votes], thousands: str | None) -> bool:
    """Whether decimals begin with a comma where the thousands sign is another."""
    comma = votes[","]
    return thousands != "," and bool(comma.decimal or comma.either) and not votes["."].decimal


# Header


def guess_header(records: Sequence[Record], number: Number) -> tuple[bool, str]:
    """Return whether the first row names the columns, and what can be understood in two ways."""
    first, below = records[0], records[1 : 1 + _ROWS_TO_JUDGE]
    words = [not is_missing(cell) and number(cell.rstrip(" %")) is None for cell in first]
    if all(number(cell.rstrip(" %")) is None for cell in first):
        return any(words), ""
    if not below:
        return False, ""
    numeric = [_is_numeric([record[index] for record in below], number) for index in range(len(first))]
    names = [
        word and column and not cell.lstrip(" +-.")[:1].isdigit()
        for cell, word, column in zip(first, words, numeric, strict=True)
    ]
    if any(names):
        return True, ""
    if _names_by_numbers(first, below, numeric, number):
        shown = one_line(", ".join(cell or "(empty)" for cell in first), 40)
        return True, f"the first row ({shown}) is taken for names; choose “no header” if it is a point"
    return False, ""


def _is_numeric(cells: Sequence[str], number: Number) -> bool:
    """Whether most cells that say something are numbers."""
    said = [cell for cell in cells if not is_missing(cell)]
    return 2 * sum(number(cell.rstrip(" %")) is not None for cell in said) > len(said)


def _names_by_numbers(first: Record, below: Sequence[Record], numeric: Sequence[bool], number: Number) -> bool:
    """Whether the first row has the numbers that programs give to columns without a name."""
    rest = first[1:] if not first[0].strip() else first
    if not rest or not all(_NAMES.fullmatch(cell.strip()) for cell in rest) or len(set(rest)) < len(rest):
        return False
    if not first[0].strip():  # pandas: an index without a name, and columns by number
        return not numeric[0] or counts_rows(number(record[0]) for record in below)
    counted = [int(cell) for cell in rest] in (list(range(len(rest))), list(range(1, len(rest) + 1)))
    decimals = sum(not _NAMES.fullmatch(cell.strip(" +-")) for record in below for cell in record)
    return len(rest) > 1 and counted and 2 * decimals > len(rest) * len(below)


def counts_rows(numbers: Iterable[float | None]) -> bool:
    """Whether numbers count from 0 or 1; there is at least one."""
    found = list(numbers)
    return bool(found) and found[0] in {0, 1} and all(each == found[0] + at for at, each in enumerate(found))
