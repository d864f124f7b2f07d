"""How numbers are written into fields and read again."""

from __future__ import annotations

import pytest

from app.widgets.fields import format_matrix, format_number, parse_matrix, parse_number, parse_vector

HARD = [0.1 + 0.2, 1e-12, 1 / 3, 1e6, -1e6, 123456.78901234567, 5e-324, -0.0, 2 / 7, 1e-7, 99999.95, 1234567e-1, 0.0]


@pytest.mark.parametrize("value", HARD)
def test_hard_floats_parse_to_the_same_value_after_formatting(value: float) -> None:
    assert parse_number(format_number(value)) == value
    matrix = [[value, 1.5], [0.1 + 0.2, value]]
    assert parse_matrix(format_matrix(matrix)) == matrix


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1, 2", [1, 2]),
        (" [1.5 ,-2e-3] ", [1.5, -2e-3]),
        ("(1 2\t3)", [1, 2, 3]),
        ("−1; x", [-1]),
        ("1, two", [1, "two"]),
        ("", []),
    ],
)
def test_vectors_are_parsed_from_common_notations(text: str, numbers: list[object]) -> None:
    assert parse_vector(text.split(";", maxsplit=1)[0]) == numbers
