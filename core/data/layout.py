"""Layout of a text table: separator, number notation and header, given or guessed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, final

from core.errors import ScenarioError
from core.text.user_text import one_line

SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "spaces"}
"""Cell separators by character, with their display names."""
DECIMALS: Final = {".": "point", ",": "comma"}
"""Decimal signs, with their display names."""
THOUSANDS: Final = {"": "none", ",": "comma", ".": "point", " ": "space", "'": "apostrophe"}
"""Thousands separators, with their display names."""

Record: TypeAlias = Sequence[str]
Number: TypeAlias = Callable[[str], float | None]
"""Function that parses a cell; returns None where it is not a number."""

_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f"), " ") | {ord("’"): "'", ord("−"): "-"}
"""Unicode spaces, apostrophe and minus sign, mapped to ASCII."""
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
    """Layout with which a text is read; None stands for a guess."""

    separator: str | None = None
    """One of SEPARATORS."""
    decimal: str | None = None
    """One of DECIMALS."""
    thousands: str | None = None
    """One of THOUSANDS."""
    header: bool | None = None
    """True if the first row names the columns."""

    def check(self) -> None:
        """Raise an error for contradictory signs.

        Raises:
            ScenarioError: a sign is not allowed, or decimal and thousands sign are the same.
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
"""Layout in which everything is guessed."""


def is_missing(cell: str) -> bool:
    """Return whether a cell is empty or stands for a missing or infinite value."""
    word = cell.strip().lower()
    return word in _MISSING or word.lstrip("+-") in _INFINITE


def number_reader(decimal: str, thousands: str) -> Number:
    """Return a strict parser of cells with these signs, which returns None for any other notation."""
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
    """Return the separator for which rows have one width and most cells are numbers.

    Args:
        parse: splits the first rows by a separator.
    """
    best, best_score = ",", (0.0, 0.0)
    for separator in (";", "\t", ",", "|", " "):
        records = parse(separator)
        widths = Counter(map(len, records))
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        if width < 2:
            continue
        fitting = [record for record in records if len(record) == width]
        cells = [cell for record in fitting[1:] or fitting for cell in record]  # the first may be a header
        numeric = sum(_NUMERIC.fullmatch(cell.translate(_SPACES).strip(" %")) is not None for cell in cells)
        known = numeric + sum(map(is_missing, cells))
        score = (count / len(records) * (0.1 + known / len(cells)), numeric / len(cells))
        if score > best_score:
            best, best_score = separator, score
    return best


# Numbers


@dataclass
class _Votes:
    """Counts of cells that determine the role of a sign (point or comma)."""

    decimal: int = 0
    """Number of cells in which it can only be the decimal sign."""
    thousands: int = 0
    """Number of cells in which it can only be the thousands sign."""
    either: str = ""
    """The first ambiguous cell, such as 1,000."""


def guess_numbers(records: Sequence[Record], layout: Layout) -> tuple[Layout, str]:
    """Return the layout with decimal and thousands sign filled in, and a sentence about an ambiguity or ''."""
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
        # Fixed decimals appear in every cell; with a thousands sign, whole numbers below 1000 have none.
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
    """Count a cell's evidence for each sign; return whether it is a whole number without any sign."""
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
    """Return the layout with signs that follow from those already set."""
    decimal = layout.decimal or ("," if layout.thousands == "." or _means_comma(votes, layout.thousands) else ".")
    thousands = layout.thousands
    if thousands is None:
        found = [sign for sign, vote in votes.items() if sign != decimal and (vote.thousands or vote.either)]
        found = [sign for sign in found if not (sign == " " and layout.separator == " ")]
        thousands = max(found, key=lambda sign: votes[sign].thousands, default="")
    return replace(layout, decimal=decimal, thousands=thousands)


def _means_comma(votes: dict[str, _Votes], thousands: str | None) -> bool:
    """Return whether the decimal sign is a comma."""
    comma = votes[","]
    return thousands != "," and bool(comma.decimal or comma.either) and not votes["."].decimal


# Header


def guess_header(records: Sequence[Record], number: Number) -> tuple[bool, str]:
    """Return whether the first row is a header, and a sentence about an ambiguity or ''."""
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
        return True, f"the first row ({shown}) is read as column names; choose “no header” if it is a point"
    return False, ""


def _is_numeric(cells: Sequence[str], number: Number) -> bool:
    """Return whether most cells that are not empty are numbers."""
    said = [cell for cell in cells if not is_missing(cell)]
    return 2 * sum(number(cell.rstrip(" %")) is not None for cell in said) > len(said)


def _names_by_numbers(first: Record, below: Sequence[Record], numeric: Sequence[bool], number: Number) -> bool:
    """Return whether the first row holds automatic column numbers, as pandas writes them."""
    rest = first[1:] if not first[0].strip() else first
    if not rest or not all(_NAMES.fullmatch(cell.strip()) for cell in rest) or len(set(rest)) < len(rest):
        return False
    if not first[0].strip():  # pandas: an index without a name, and columns by number
        return not numeric[0] or counts_rows(number(record[0]) for record in below)
    counted = [int(cell) for cell in rest] in (list(range(len(rest))), list(range(1, len(rest) + 1)))
    decimals = sum(not _NAMES.fullmatch(cell.strip(" +-")) for record in below for cell in record)
    return len(rest) > 1 and counted and 2 * decimals > len(rest) * len(below)


def counts_rows(numbers: Iterable[float | None]) -> bool:
    """Return whether numbers are consecutive from 0 or 1; there is at least one."""
    found = list(numbers)
    return bool(found) and found[0] in {0, 1} and all(each == found[0] + at for at, each in enumerate(found))
