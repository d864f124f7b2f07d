from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.datasets import load_iris

from core.data import FittedPrior, Table, best, fits, parse_csv, read_table, table_of
from core.errors import ScenarioError
from core.scenario.scenario import Scenario

SCENARIOS = Path(__file__).parents[3] / "resources" / "scenarios"
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
TABLES = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=NUMBERS)


def load_builtin(key: str) -> Scenario:
    return Scenario.load(SCENARIOS / f"{key}.toml")


def three_clusters(count: int = 120) -> np.ndarray:
    chance = np.random.default_rng(0)
    centres = np.array([[-3.0, 0.0], [3.0, 0.5], [0.0, 4.0]])
    return np.concatenate([centre + 0.4 * chance.normal(size=(count, 2)) for centre in centres])


# Reading


@given(TABLES, st.sampled_from([",", ";", "\t", " "]), st.booleans())
def test_csv_round_trip_keeps_values_and_column_names(values: np.ndarray, delimiter: str, header: bool) -> None:
    lines = [delimiter.join(repr(float(value)) for value in row) for row in values]
    names = [f"name{index}" for index in range(values.shape[1])]
    table = parse_csv("\n".join([delimiter.join(names)] * header + lines))
    np.testing.assert_array_equal(table.values, values)
    assert table.columns == tuple(names if header else [f"x{index + 1}" for index in range(values.shape[1])])
    assert table.wrong == {}


@given(st.text(max_size=200))
@settings(max_examples=300)
def test_any_text_parses_or_raises_one_line_error(text: str) -> None:
    refusal, table = None, Table("", (), np.zeros((0, 0)), {})
    try:
        table = parse_csv(text, "some.csv")
    except ScenarioError as error:
        refusal = str(error)
    assert refusal is None or (refusal.startswith("some.csv: ") and "\n" not in refusal)
    for index in range(len(table.columns)):
        assert (index in table.usable) == bool(np.isfinite(table.values[:, index]).all())


@given(TABLES)
def test_numpy_savetxt_output_is_read(values: np.ndarray) -> None:
    text = io.StringIO()
    names = [f"name{index}" for index in range(values.shape[1])]
    np.savetxt(text, values, header=" ".join(names), fmt="%.17g")
    table = parse_csv(text.getvalue())
    np.testing.assert_array_equal(table.values, values)
    assert table.columns == tuple(names)


def test_decimal_commas_with_semicolon_separator() -> None:
    table = parse_csv("length;width\n1,5;2\n−3;0,25\n")
    np.testing.assert_array_equal(table.values, [[1.5, 2], [-3, 0.25]])


def test_text_column_is_listed_but_not_usable() -> None:
    table = parse_csv("length,kind\n1,setosa\n2,nan\n")
    assert table.columns == ("length", "kind")
    assert table.usable == [0]
    assert table.wrong == {1: "line 2, column kind: must be a number (is 'setosa')"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("1,2\n3\n", "line 2: must have 2 cells as the first (has 1)"),
        ('1,2\n"3,4\n', "line 2: cannot be read"),
        (",".join(["1"] * 65), "must have at most 64 columns (has 65)"),
    ],
)
def test_malformed_csv_is_rejected(text: str, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_csv(text)
    assert words in str(caught.value)


def test_npy_and_csv_files_are_read(tmp_path: Path) -> None:
    values = three_clusters()
    np.save(tmp_path / "points.npy", values.astype(np.float32))
    np.savetxt(tmp_path / "points.csv", values, delimiter=",", header="u,v")
    table = read_table(tmp_path / "points.npy")
    assert (table.source, table.columns) == ("points.npy", ("x1", "x2"))
    np.testing.assert_array_equal(table.values, values.astype(np.float32))
    table = read_table(tmp_path / "points.csv")
    assert (table.source, table.columns) == ("points.csv", ("u", "v"))
    np.testing.assert_allclose(table.values, values)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.csv", None, "cannot be read"),
        ("bytes.csv", b"\xff\xfe\x00", "is not a text file in UTF-8"),
        ("text.npy", b"1,2\n", "is not a NumPy array of numbers"),
    ],
)
def test_unreadable_file_error_names_file_and_reason(
    name: str, content: bytes | None, words: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ScenarioError) as caught:
        read_table(tmp_path / name)
    assert str(caught.value).startswith(f"{name}: {words}")


def test_pickled_npy_is_rejected(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ScenarioError, match="is not a NumPy array of numbers"):
        read_table(tmp_path / "objects.npy")


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 2, 2)), "must be a table of real numbers"),
        (np.zeros((2, 2), dtype=complex), "must be a table of real numbers"),
        (np.zeros((0, 3)), "is empty"),
    ],
)
def test_unsupported_arrays_are_rejected(array: np.ndarray, words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        table_of(array)


def test_first_non_finite_cell_of_each_column_is_named() -> None:
    table = table_of(np.array([[1.0, 2.0], [1.0, np.nan], [np.inf, np.nan]]))
    assert table.wrong == {
        0: "row 3, column x1: must be a number (is 'inf')",
        1: "row 2, column x2: must be a number (is 'nan')",
    }


# Choosing columns


@pytest.mark.parametrize(
    ("values", "columns", "words"),
    [
        (three_clusters(), [], "choose at least one column"),
        (np.array([[1.0, np.nan]] * 9), [1], "row 1, column x2: must be a number"),
        (three_clusters(1), [0, 1], "must have at least 6 different points (has 3)"),
        (np.stack([np.arange(9.0), np.full(9, 2.0)], 1), [0, 1], "column x2 is constant"),
        (three_clusters() * 1000, [0, 1], "standardise the columns"),
        (three_clusters() * 1e-5, [0, 1], "standardise the columns"),
    ],
)
def test_columns_that_cannot_be_fitted_are_rejected(values: np.ndarray, columns: list[int], words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        table_of(values).points(columns)
    assert words in str(caught.value)


@pytest.mark.parametrize("scale", [1e-90, 1.0, 1e90])
def test_standardised_columns_have_mean_0_and_deviation_1(scale: float) -> None:
    points = table_of(three_clusters() * scale).points([1, 0], standardised=True)
    np.testing.assert_allclose(points.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(points.std(0), 1)
    assert np.corrcoef(points[:, 0], three_clusters()[:, 1])[0, 1] == pytest.approx(1)


# Fitting


def test_bic_selects_true_number_of_clusters() -> None:
    fit = best(fits(three_clusters(), range(1, 6), seed=0))
    assert fit.components == 3
    found = sorted(fit.prior.means)
    np.testing.assert_allclose(found, [[-3, 0], [0, 4], [3, 0.5]], atol=0.15)
    for covariance in fit.prior.covariances:
        np.testing.assert_allclose(covariance, 0.16 * np.eye(2), atol=0.05)


def test_same_seed_gives_same_fit() -> None:
    points = np.random.default_rng(1).normal(size=(200, 2))
    first, second = (best(fits(points, [6], seed=5)) for _ in range(2))
    assert first == second
    assert first != best(fits(points, [6], seed=6))


def test_component_count_is_limited_by_number_of_points() -> None:
    assert [fit.components for fit in fits(three_clusters(3), range(1, 11), seed=0)] == [1, 2, 3]


def test_rounding_keeps_small_eigenvalues_of_covariances() -> None:
    points = np.random.default_rng(0).normal(size=(500, 2)) @ np.array([[1.0, 1.0], [0.0, 0.02]])
    prior = best(fits(points, [1], seed=0)).prior
    exact = np.linalg.eigvalsh(np.cov(points.T, bias=True))
    np.testing.assert_allclose(np.linalg.eigvalsh(np.array(prior.covariances[0])), exact, rtol=0.05)


# Scenarios with a fitted prior


def fitted(points: np.ndarray) -> FittedPrior:
    return FittedPrior(best(fits(points, [2], seed=0)), points, "points.csv")


def test_fitted_prior_of_same_dimension_keeps_h_and_redraws_y() -> None:
    base = load_builtin("three-components")
    made = fitted(three_clusters()).scenario(base)
    assert made.measurement.matrix == base.measurement.matrix
    assert made.measurement.noise == base.measurement.noise
    assert made.measurement.value is not None
    assert made.measurement.value != base.measurement.value
    assert made.run == base.run
    assert made.data is not None
    np.testing.assert_allclose(made.data.points, three_clusters(), atol=0.01)
    assert Scenario.from_toml(made.to_toml()) == made


def test_fitted_prior_of_other_dimension_measures_first_coordinate() -> None:
    made = fitted(three_clusters()).scenario(load_builtin("two-measurements-3d"))
    assert made.measurement.matrix == ((1.0, 0.0),)
    assert made.measurement.noise == pytest.approx(three_clusters()[:, 0].std() / 3, rel=0.1)


def test_scenario_keeps_1000_of_many_data_points() -> None:
    made = fitted(three_clusters(1000)).scenario(load_builtin("three-components"))
    assert made.data is not None
    assert len(made.data.points) == 1000


def test_iris_scenario_matches_scikit_learn_data_and_fit() -> None:
    petals = load_iris().data[:, 2:]
    scenario = load_builtin("iris-petals")
    assert scenario.data is not None
    np.testing.assert_array_equal(scenario.data.points, petals)
    fit = best(fits(petals, range(1, 11), seed=0))
    assert fit.components == len(scenario.prior.weights) == 3
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(getattr(scenario.prior, name), getattr(fit.prior, name), atol=0.01)


def test_data_points_of_wrong_dimension_are_rejected() -> None:
    data = load_builtin("iris-petals").to_dict()
    data["data"]["points"][7] = [1.0]
    with pytest.raises(ScenarioError, match=r"data\.points: must have 2 coordinates each"):
        Scenario.from_dict(data)


def test_usable_columns_exclude_wrong_ones() -> None:
    assert Table("", ("a", "b"), np.zeros((3, 2)), {0: "no"}).usable == [1]
