from __future__ import annotations

import contextlib
import tracemalloc

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.number_list import MOST_NUMBERS, whole_numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("50", [50]),
        (" 5, 7 ,6", [5, 7, 6]),
        ("10,20,...,45", [10, 20, 30, 40]),
        ("10,20,...,10", [10]),
        ("40,30,...,10", [40, 30, 20, 10]),
        ("20,10,...,30", []),
    ],
)
def test_lists_and_arithmetic_progressions_are_parsed(text: str, numbers: list[int]) -> None:
    assert whole_numbers(text) == numbers


@pytest.mark.parametrize(
    "text", ["1,2,...,100000000", "1,2,...,1001", "5,4,...,-99999999", "7," * 1000 + "7", f"0,1,...,{'9' * 4000}"]
)
def test_too_long_lists_are_rejected_without_allocating_them(text: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(click.BadParameter, match=f"at most {MOST_NUMBERS} numbers"):
            whole_numbers(text)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@given(st.text("0123456789,. -_x", max_size=30) | st.lists(st.integers().map(str) | st.just("...")).map(",".join))
def test_any_text_is_parsed_within_the_limit_or_rejected(text: str) -> None:
    with contextlib.suppress(click.BadParameter):
        assert len(whole_numbers(text)) <= MOST_NUMBERS
