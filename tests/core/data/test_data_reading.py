"""Files of points in every notation: read exactly, read with a reported doubt, or rejected."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data import Layout, parse_bytes, parse_csv, parse_npy, read_table
from core.errors import ScenarioError

SIGNS = [(".", ""), (",", ""), (".", ","), (",", "."), (".", "'"), (",", " "), (".", " ")]
ROWS = st.integers(1, 3).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(-(10**9), 10**9), min_size=width, max_size=width), min_size=2, max_size=6
    )
)


def written(number: int, decimal: str, thousands: str, places: int) -> str:
    """Format ``number / 10**places`` with given decimal and thousands signs."""
    text = f"{number / 10**places:,.{places}f}"
    return text.translate({ord(","): thousands, ord("."): decimal})


def text_of(rows: Sequence[Sequence[str]], separator: str, quoting: int, end: str) -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=separator, quoting=quoting, lineterminator=end).writerows(rows)
    return file.getvalue()


@given(
    ROWS,
    st.sampled_from(SIGNS),
    st.integers(0, 4),
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    st.booleans(),
)
@settings(max_examples=100)
def test_numbers_in_every_notation_round_trip(
    rows: list[list[int]],
    signs: tuple[str, str],
    places: int,
    separator: str,
    quoting: int,
    end: str,
    encoding: str,
    header: bool,
) -> None:
    cells = [[written(number, *signs, places) for number in row] for row in rows]
    names = [f"größe {index}{end}in cm" for index in range(len(rows[0]))]
    content = text_of([names] * header + cells, separator, quoting, end).encode(encoding)
    expected = np.array(rows) / 10**places
    told = parse_bytes(content, asked=Layout(separator, *signs, header))
    np.testing.assert_allclose(told.values, expected, rtol=1e-12)
    if len(rows[0]) == 1:  # without a separator a decimal comma is ambiguous
        return
    guessed = parse_bytes(content)
    assert guessed.doubts or guessed.wrong or np.allclose(guessed.values, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "columns", "first"),
    [
        (",0,1\n0,1.2,3.4\n1,5.6,7.8\n", ("x1", "0", "1"), [0, 1.2, 3.4]),
        ("sep=;\na;b\n1,5;2\n3;4\n", ("a", "b"), [1.5, 2]),
        ('"a\nb",c\n1,2\n3,4\n', ("a\nb", "c"), [1, 2]),
        ("\ufeffa,b\r1,2\r3,4\r", ("a", "b"), [1, 2]),
        ('"x" "y"\n"1" 0.3 0.4\n"2" 0.5 0.6\n', ("x1", "x", "y"), [1, 0.3, 0.4]),
        ("Measured in May\n\nx,y\n1,2\n3,4\n", ("x", "y"), [1, 2]),
        ("# made by hand\nx\ty\n1\t2\n# not sure\n3\t4\n", ("x", "y"), [1, 2]),
        ("a;b\n1.234,5;2\n-2.345,25;3\n", ("a", "b"), [1234.5, 2]),
        ("share,b\n12%,1\n15%,2\n", ("share", "b"), [0.12, 1]),
        ("1,5 2,5\n3,5 4,25\n", ("x1", "x2"), [1.5, 2.5]),
        ("  1.0D+03   2.0\n  3.0   4.0\n", ("x1", "x2"), [1000, 2]),
        ("x,x\n1,2\n3,4\n", ("x", "x (2)"), [1, 2]),
    ],
)
def test_csv_dialects_of_common_programs_are_read(text: str, columns: tuple[str, ...], first: list[float]) -> None:
    table = parse_csv(text)
    assert table.columns == columns
    np.testing.assert_array_equal(table.values[0], first)


@pytest.mark.parametrize("text", ["a;b\n1,000;5\n2,500;7\n800;9\n", 'a,b\n"1,000",5\n"2,500",7\n', "1,234;2,345\n"])
def test_ambiguous_comma_is_reported_as_doubt(text: str) -> None:
    table = parse_csv(text)
    assert "is read as" in table.doubts[0]
    other = parse_csv(text, asked=Layout(decimal="." if table.layout.decimal == "," else ","))
    assert other.doubts == ()
    assert other.values[0, 0] == pytest.approx(table.values[0, 0] * 1000 ** (1 if table.layout.decimal == "," else -1))


def test_missing_value_in_first_row_is_not_taken_for_header() -> None:
    table = parse_csv(",2.5\n1.0,3.1\n2,4\n")
    assert len(table.values) == 3
    assert table.wrong == {0: "line 1, column x1: must be a number (is empty)"}


def test_remark_lists_skipped_lines() -> None:
    table = parse_csv("sep=;\n# one\n# two\na;b\n1;2\n;\n3;4\n")
    assert table.remarks[1] == "skipped: separator line 1, 2 comment lines (from line 2), empty line 6"


def test_long_file_yields_partial_table_before_complete_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.data.text import steps  # noqa: PLC0415

    monkeypatch.setattr("core.data.text._BLOCK", 500)
    content = "a,b\n" + "".join(f"{row},{row % 7}\n" for row in range(1500))
    found = list(steps(content.encode(), "long.csv", Layout()))
    tables = [each for each in found if not isinstance(each, float)]
    assert [(len(table.values), table.complete) for table in tables] == [(1000, False), (1500, True)]
    assert [each for each in found if isinstance(each, float)] == sorted(
        each for each in found if isinstance(each, float)
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a\0b,1\n", "is not a text file"),
        (b"PK\x03\x04 and so on", "is an archive or a spreadsheet; save it as CSV"),
        (b"a,b\n", "has no rows below the column names"),
        (b"1," * 600_000 + b"1\n", "line 1: must have at most 1,048,576 characters"),
        (b'1,2\n"' + b"x\n" * 2000, "line 2: has a quotation mark that is not closed"),
    ],
)
def test_non_tabular_files_are_rejected(content: bytes, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_bytes(content, "a.csv")
    assert str(caught.value).startswith(f"a.csv: {words}")


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "content",
    [
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99)}"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 2)}"),
        header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({'9' * 400},)}}"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 5000 + ",)}"),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}"),
        header("{[1]: 2}"),
        header("(" * 3000),
        b"\x93NUMPY\x09\x09",
        b"\x93NUM",
        b"",
    ],
)
def test_invalid_npy_header_is_rejected_before_allocation(content: bytes) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_npy(content, "a.npy")
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_fortran_order_npy_is_read() -> None:
    file, values = io.BytesIO(), np.arange(6, dtype=">i2").reshape(3, 2, order="F")
    np.save(file, values)
    np.testing.assert_array_equal(parse_npy(file.getvalue()).values, values)


def test_special_files_are_rejected_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
    for name in ("pipe.csv", "folder.csv", "gone.csv"):
        with pytest.raises(ScenarioError, match=name):
            read_table(tmp_path / name)
    with pytest.raises(ScenarioError, match="must be a regular file"):
        read_table(Path("/dev/zero"))


def test_file_over_size_limit_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(2 << 30)
    with pytest.raises(ScenarioError, match="must have at most 200 MiB"):
        read_table(path)
