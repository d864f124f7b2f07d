"""Covariances written as one number, as variances, or as a matrix: reading, errors, edits and saving."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ScenarioError
from core.problem.mixture import SHARED_FROM
from core.scenario.covariances import as_matrix, as_variances, in_old_forms, resized
from core.scenario.edits import patched, with_dimension
from core.scenario.scenario import Scenario
from core.scenario.toml import updated_toml

TEXT = """\
[prior]  # three of a kind
weights = [1, 1, 1]
means = [[0, 0], [1, 1], [2, 2]]
covariances = [0.5, [1, 2], [[1, 0.5], [0.5, 1]]]  # one number, two, and all four

[measurement]
matrix = [[1, 0]]
noise = 0.1
value = [0.2]
"""
SHORT = (0.5, (1.0, 2.0), ((1.0, 0.5), (0.5, 1.0)))
LONG = (((0.5, 0.0), (0.0, 0.5)), ((1.0, 0.0), (0.0, 2.0)), ((1.0, 0.5), (0.5, 1.0)))


def scenario(covariances: object, size: int = 2, **prior: object) -> Scenario:
    count = len(covariances) if isinstance(covariances, list) else 1
    mixture = {"weights": [1.0] * count, "means": [[0.5] * size] * count, "covariances": covariances, **prior}
    return Scenario.from_dict({"prior": mixture, "measurement": {"matrix": [[1.0] * size], "noise": 0.1}})


def covariances_of(edited: Scenario) -> object:
    return edited.prior.model_dump(mode="json")["covariances"]


numbers = st.floats(0, 1e6, allow_subnormal=False)


@st.composite
def any_form(draw: st.DrawFn, size: int) -> Any:
    variances = draw(st.lists(numbers, min_size=size, max_size=size))
    rows = [[variances[i] if i == j else 0.0 for j in range(size)] for i in range(size)]
    return draw(st.sampled_from([variances[0], variances, rows]))


@st.composite
def any_mixture(draw: st.DrawFn) -> tuple[int, list[Any]]:
    size = draw(st.integers(1, 4))
    return size, draw(st.lists(any_form(size), min_size=1, max_size=4))


# Reading and writing


def test_forms_may_be_mixed_and_are_saved_as_written() -> None:
    found = Scenario.from_toml(TEXT)
    assert found.prior.covariances == SHORT
    assert found.prior.matrices == LONG
    assert Scenario.from_toml(found.to_toml()).prior.covariances == SHORT
    assert updated_toml(TEXT, patched(found, {"run": {"seed": 3}})).startswith(TEXT)


@settings(max_examples=60)
@given(any_mixture())
def test_every_form_survives_the_file(mixture: tuple[int, list[Any]]) -> None:
    size, covariances = mixture
    found = scenario(covariances, size)
    again = Scenario.from_toml(found.to_toml())
    assert again == found
    assert covariances_of(again) == covariances
    assert all(len(matrix) == size and all(len(row) == size for row in matrix) for matrix in again.prior.matrices)


@pytest.mark.parametrize("size", [2, SHARED_FROM + 1])
def test_short_forms_give_the_problem_of_their_matrices(size: int) -> None:
    variances = [0.1 + 0.2 * i for i in range(size)]
    short = scenario([0.5, variances], size)
    long = scenario([[list(row) for row in as_matrix(each, size)] for each in short.prior.covariances], size)
    one, other = short.with_value().problem(), long.with_value().problem()
    assert short.with_value().values == long.with_value().values
    for name in ("weights", "means", "covariances"):
        torch.testing.assert_close(getattr(one.target, name), getattr(other.target, name), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("covariances", "sentence"),
    [
        ("[0.5, 0.5]", "prior.covariances: must have one entry for each of the 3 weights (has 2)"),
        ("[1, 1, -1]", "prior.covariances, component 3: must not be negative (is -1)"),
        ("[[1, -2], 1, 1]", "prior.covariances, component 1, entry 2: must not be negative (is -2)"),
        (
            "[1, [1, 2, 3], 1]",
            "prior.covariances, component 2: must be one number, 2 variances, or 2 by 2 numbers (has 3 variances)",
        ),
        (
            "[1, [1], 1]",
            "prior.covariances, component 2: must be one number, 2 variances, or 2 by 2 numbers (has 1 variance)",
        ),
        ("['a', 1, 1]", "prior.covariances, component 1: must be a valid number (is 'a')"),
        ("[[1, 'x'], 1, 1]", "prior.covariances, component 1, entry 2: must be a valid number (is 'x')"),
        ("[[[1, 0], [0]], 1, 1]", "prior.covariances, component 1: must be 2 by 2"),
        ("[[], 1, 1]", "prior.covariances, component 1: must be 2 by 2"),
        ("[1, [[1, 0], 2], 1]", "prior.covariances, component 2, entry 2: must be a list (is 2)"),
        ("[[1, [2]], 1, 1]", "prior.covariances, component 1, entry 2: must be a valid number"),
        ("[true, 1, 1]", "prior.covariances, component 1: must be a valid number (is True)"),
        ("[1e7, 1, 1]", "prior.covariances, component 1: must be less than or equal to 1000000 (is 10000000.0)"),
        ("[nan, 1, 1]", "prior.covariances, component 1: must be a finite number (is nan)"),
        ("0.5", "prior.covariances: must be a list (is 0.5)"),
    ],
)
def test_wrong_forms_are_refused_in_one_sentence(covariances: str, sentence: str) -> None:
    text = TEXT.replace("[0.5, [1, 2], [[1, 0.5], [0.5, 1]]]", covariances)
    assert text != TEXT
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_toml(text)
    assert str(caught.value) == sentence


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=2)),
    max_leaves=8,
)


@settings(max_examples=150)
@given(st.lists(anything, max_size=4))
def test_anything_as_covariances_is_read_or_refused_in_one_sentence(covariances: list[Any]) -> None:
    sentence = ""
    try:
        assert len(scenario(covariances).prior.matrices) == len(covariances)
    except ScenarioError as error:
        sentence = str(error)
    assert "covariance-" not in sentence
    assert "\n" not in sentence


def test_more_than_1024_dimensions_are_refused() -> None:
    with pytest.raises(ScenarioError, match=r"prior\.means, component 1: must have at most 1024 coordinates"):
        scenario([0.5], 1025)
    assert scenario([0.5], 1024).dimension == 1024


# Edits


def test_edits_keep_short_forms_as_far_as_they_can() -> None:
    found = Scenario.from_toml(TEXT)

    def edited(*rows: object) -> object:
        return covariances_of(patched(found, {"prior": {"covariances": rows}}))

    long = [[list(row) for row in matrix] for matrix in LONG]
    assert edited(*long) == [0.5, [1.0, 2.0], [[1.0, 0.5], [0.5, 1.0]]]
    assert edited([[3, 0], [0, 3]], [[4, 0], [0, 4]], [[5, 0], [0, 5]]) == [3, [4, 4], [[5, 0], [0, 5]]]
    assert edited([[3, 0], [0, 4]], [[4, 1], [1, 4]], 0.25) == [[3, 4], [[4, 1], [1, 4]], 0.25]


def test_removed_and_copied_components_keep_their_forms() -> None:
    found = Scenario.from_toml(TEXT)
    long = [[list(row) for row in matrix] for matrix in LONG]
    fewer = {"weights": [1, 1], "means": [[0, 0], [1, 1]], "covariances": [long[1], long[0]]}
    assert covariances_of(patched(found, {"prior": fewer})) == [[1.0, 2.0], 0.5]


def test_new_components_are_short_where_all_others_are() -> None:
    unit, wide = [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]]
    assert in_old_forms([1.0, unit, wide], [1.0], 2) == [1.0, 1.0, [1.0, 2.0]]
    assert in_old_forms([[1.0, 2.0], [[3.0, 0.0], [0.0, 3.0]]], [[1.0, 2.0]], 2) == [[1.0, 2.0], [3.0, 3.0]]
    assert in_old_forms([1.0, wide, [[2.0, 0.0], [0.0, 2.0]]], [1.0, wide], 2)[2] == [[2.0, 0.0], [0.0, 2.0]]


@settings(max_examples=60)
@given(any_mixture(), st.data())
def test_forms_never_change_the_covariances(mixture: tuple[int, list[Any]], data: st.DataObject) -> None:
    size, old = mixture
    new = data.draw(st.lists(any_form(size), min_size=1, max_size=4))
    found = in_old_forms(new, old, size)
    for before, after in zip(scenario(new, size).prior.matrices, scenario(found, size).prior.matrices, strict=True):
        assert before == after


def test_changed_dimension_keeps_short_forms() -> None:
    found = Scenario.from_toml(TEXT)
    assert with_dimension(found, 3).prior.covariances[:2] == ((0.5, 0.5, 1.0), (1.0, 2.0, 1.0))
    assert with_dimension(found, 1).prior.covariances == (0.5, (1.0,), ((1.0,),))
    assert resized(1.0, 2, 40) == 1.0
    assert as_variances(1.0, 3) == [1.0, 1.0, 1.0]
