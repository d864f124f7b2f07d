"""Matrices as text: every notation is read exactly, anything else is rejected with one line."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.errors import ScenarioError
from core.matrices.text import MOST_CHARACTERS, Rows, parse_matrix, parse_readings, parse_vector
from tests.nasty import NASTY

UNIT: Rows = [[1.0, 0.0], [0.0, 1.0]]
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    "text",
    [
        "1\t0\n0\t1",
        "1\t0\r\n0\t1\r\n",
        "1.0\t0.00\n.0\t1.\n\n",
        "array([[1, 0], [0, 1]])",
        "array([[1., 0.],\n       [0., 1.]], dtype=float32)",
        "H = np.array([[1, 0],\n [0, 1]], float)",
        "np.array(((1, 0), (0, 1)))",
        "tensor([[1., 0.],\n        [0., 1.]], device='cuda:0', dtype=torch.float64)",
        "[[1. 0.]\n [0. 1.]]",
        "[[np.float64(1.0), 0], [0, np.float64(1.0)]]",
        "[1 0; 0 1]",
        "[1, 0; 0, 1];",
        "A = [1 0\n     0 1];",
        "A =\n\n     1     0\n     0     1\n",
        "1, 0; 0, 1",
        "1,0;0,1",
        "1;0\n0;1",
        "1;0;\n0;1;\n",
        "1,0\n0,1\n",
        "1 0\n0 1",
        "# saved\n1.000000000000000000e+00 0.0\n0.0 1d0\n",
        "% saved\n1 0\n0 1",
        "matrix = [[1.0, 0.0], [0.0, 1.0]] # H",
        "{{1, 0}, {0, 1}}",
        "[1, 0]\n[0, 1]",
        "\ufeff1\u00a0 −0\n0 1",
    ],
)
def test_every_matrix_notation_is_read(text: str) -> None:
    assert parse_matrix(text) == UNIT


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("1,5;0,25\n0,25;1,5", [[1.5, 0.25], [0.25, 1.5]]),
        ("1,5\t0,25\n0\t1", [[1.5, 0.25], [0.0, 1.0]]),
        ('"1,5";"2"\n"0";"1,25"', [[1.5, 2.0], [0.0, 1.25]]),
        ("1.234,5\t2", [[1234.5, 2.0]]),
        ("1,234.5\t2", [[1234.5, 2.0]]),
        ("1,000\t0,250", [[1.0, 0.25]]),
        ("[1 -2]", [[1.0, -2.0]]),
        ("[1;2]", [[1.0], [2.0]]),
        ("array([1, 2, 3])", [[1.0, 2.0, 3.0]]),
        ("(1 2\t3)", [[1.0, 2.0, 3.0]]),
        ("1.125; 2.125", [[1.125], [2.125]]),
        ("7", [[7.0]]),
    ],
)
def test_decimal_commas_and_vectors_are_read(text: str, rows: Rows) -> None:
    assert parse_matrix(text) == rows


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("[]", "is empty"),
        ("[[1, 2], [3]]", "equally many numbers in each row (row 1 has 2, row 2 has 1)"),
        ("1 2\n3", "row 2 has 1"),
        ("1,2\n3", "row 2 has 1"),
        ("1\t\t2", "row 1, column 2: is empty"),
        ("1, 2; 3, x", "row 2, column 2: must be a number (is 'x')"),
        ("x1,x2\n1,0", "row 1, column 1: must be a number (is 'x1')"),
        ("1+2j 0\n0 1", "row 1, column 1: must be a real number (is '1+2j')"),
        ("[1 2i; 0 1]", "row 1, column 2: must be a real number (is '2i')"),
        ("nan 0\n0 1", "row 1, column 1: must be a finite number (is 'nan')"),
        ("1 0\n0 -Inf", "row 2, column 2: must be a finite number (is '-Inf')"),
        ("1e999", "must be a finite number (is '1e999')"),
        ("#N/A\t1\n2\t3", "row 1, column 1: must be a finite number"),
        ("50%\t1", "must be a number (is '50%')"),
        ("1,000\t2,000", "“1,000” has a decimal or a thousands comma"),
        ("1.5\t2,5", "must be a number (is '2,5')"),
        ("[[1. 0. ... 0.]\n [0. 1. ... 0.]]", "“...” stands for omitted numbers"),
        ("[[1 2], 3]", "must be rows of numbers"),
        ("[[[1, 2], [3, 4]]]", "nested more than two deep"),
        ("[1 2", "an unmatched bracket ["),
        ("1 2]", "an unmatched bracket ]"),
        ("[1; 2]'", "must be rows of numbers"),
        ("sin([1, 2])", "must be rows of numbers"),
        ("__import__('os').system('true')", "must be rows of numbers"),
        ("(5)", "may be negative"),
        ("1:3", "must be a number (is '1:3')"),
        ("1_000", "must be a number"),
        ("٣", "must be a number"),
        ("1.0e+03 *\n\n 1 2", "must be a number (is '*')"),
        ("0 " * 65, "at most 64 rows and 64 columns (has 65 columns)"),
        ("0\n" * 65, "at most 64 rows and 64 columns (has 65 rows)"),
        ("1 " * 20_000, "at most 64 rows and 64 columns"),
        ("0" * (MOST_CHARACTERS + 1), "at most 262,144 characters"),
        ("\n " * 60_000, "is empty"),
    ],
)
def test_malformed_matrix_text_is_rejected_with_one_line(text: str, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_matrix(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_expected_shape_resolves_ambiguous_text() -> None:
    assert parse_matrix("0,5") == [[0.0, 5.0]]
    assert parse_vector("0,5", 1) == [0.5]
    assert parse_vector("0,5", 2) == [0.0, 5.0]
    assert parse_vector("0,5;1,25", 2) == [0.5, 1.25]
    assert parse_matrix("0,5;1,25", lambda rows, columns: rows == columns == 2) == [[0.0, 5.0], [1.0, 25.0]]
    assert parse_vector("0,5\n0,25\n1,5", 3) == [0.5, 0.25, 1.5]
    assert parse_matrix("1,5 0\n0 1,5", lambda rows, columns: rows == columns == 2) == [[1.5, 0.0], [0.0, 1.5]]
    assert parse_vector("1\n2\n3", 3) == parse_vector("[1; 2; 3]", 3) == [1, 2, 3]
    with pytest.raises(ScenarioError, match="one row or one column of numbers"):
        parse_vector("1, 0; 0, 1", 2)


def test_numpy_vector_wrapped_over_lines_is_one_vector() -> None:
    for size in (26, 40):
        values = np.arange(size) / 8
        assert parse_vector(str(values), size) == values.tolist()
        assert parse_vector(repr(values), size) == values.tolist()


# Round trips


def _own(rows: Rows) -> str:
    return "; ".join(", ".join(map(repr, row)) for row in rows)


def _tabs(rows: Rows) -> str:
    return "\n".join("\t".join(map(repr, row)) for row in rows)


def _numpy(rows: Rows) -> str:
    return repr(np.array(rows))


def _printed(rows: Rows) -> str:
    return str(np.array(rows))


def _saved(rows: Rows) -> str:
    buffer = io.StringIO()
    np.savetxt(buffer, np.array(rows))
    return buffer.getvalue()


NOTATIONS: dict[str, Callable[[Rows], str]] = {
    "own": _own,
    "spreadsheet": _tabs,
    "spreadsheet with decimal commas": lambda rows: _tabs(rows).replace(".", ","),
    "CSV": lambda rows: _tabs(rows).replace("\t", ","),
    "CSV with decimal commas": lambda rows: _tabs(rows).replace(".", ",").replace("\t", ";"),
    "Python": repr,
    "TOML": lambda rows: f"matrix = {rows!r}\n",
    "NumPy": _numpy,
    "print": _printed,
    "savetxt": _saved,
    "MATLAB": lambda rows: f"A = [{_own(rows).replace(',', '')}];",
    "MATLAB in lines": lambda rows: f"[{_own(rows).replace('; ', chr(10))}]",
}


@st.composite
def matrices(draw: st.DrawFn) -> Rows:
    width = draw(st.integers(1, 5))
    return draw(st.lists(st.lists(NUMBERS, min_size=width, max_size=width), min_size=1, max_size=5))


@pytest.mark.parametrize("name", NOTATIONS)
@given(rows=matrices())
@settings(max_examples=20)
@example(rows=[[0.1 + 0.2, -0.0], [5e-324, 1.7976931348623157e308]])
@example(rows=[[1.234, 2.345], [3.456, 4.567]])
@example(rows=[[float(i * j) for i in range(16)] for j in range(16)])
def test_matrix_text_round_trips_exactly(name: str, rows: Rows) -> None:
    with np.printoptions(floatmode="unique", threshold=10**6):
        text = NOTATIONS[name](rows)
    if name.endswith("decimal commas") and re.search(r"\b[1-9]\d{0,2},\d{3}\b", text):
        return  # ambiguous: may be a thousands separator
    found = parse_readings(text)
    assert rows in found
    assert len(rows) == 1 or len(rows[0]) == 1 or rows == found[0]


@given(st.text(alphabet="0123456789.,;-+eE[](){}\t\n ajinf#%'\"=ary…", max_size=60) | st.text(max_size=40))
@settings(max_examples=300)
@example("[" * 5000)
@example("\x00")
@example("\ud800")
def test_any_text_parses_or_raises_one_short_error(text: str) -> None:
    said, rows = "", [[0.0]]
    try:
        rows = parse_matrix(text)
    except ScenarioError as error:
        said = str(error)
        assert said
    assert "\n" not in said
    assert len(said) < 300
    assert len({len(row) for row in rows}) == 1
    assert np.isfinite(rows).all()


@pytest.mark.parametrize("text", NASTY)
def test_hostile_texts_are_rejected(text: str) -> None:
    with pytest.raises(ScenarioError):
        parse_matrix(text)
