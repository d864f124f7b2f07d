"""Edits by dragging: handles end where they are dropped, and every result is a valid scenario."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.errors import ScenarioError
from core.scenario.builtin import builtin_scenarios, load_builtin
from core.scenario.plane_edits import (
    LINE_HEIGHT,
    REACH,
    STALK,
    VALUE_HEIGHT,
    Array,
    Drag,
    Handle,
    added,
    component_in_plane,
    deleted,
    deviations,
    directions,
    duplicated,
    equally_weighted,
    handle_positions,
    made_round,
    move,
    principal_angle,
    rows_in_plane,
)
from core.scenario.scenario import Scenario

PIXEL = 0.02
PLANE = np.eye(2)
OBLIQUE = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0][:2]
THREE = load_builtin("three-components")
SOLID = load_builtin("two-measurements-3d")
PLANES = {"2d": (THREE, PLANE), "3d": (SOLID, np.eye(3)[[0, 2]]), "3d oblique": (SOLID, OBLIQUE)}

coordinates = st.floats(-5, 5).map(lambda value: round(value, 2))
places = st.tuples(coordinates, coordinates)
wild = st.floats(-1e7, 1e7)


@st.composite
def scenarios(draw: st.DrawFn) -> tuple[Scenario, Array]:
    """Draw a scenario with any covariances, including singular ones, and a plane of its space."""
    dimension, count = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = 10.0 ** draw(st.integers(-3, 1))
    factors = [random.normal(size=(dimension, draw(st.integers(0, dimension)))) * scale for _ in range(count)]
    data: dict[str, Any] = {
        "prior": {
            "weights": [1.0] * count,
            "means": random.normal(size=(count, dimension)).tolist(),
            "covariances": [(factor @ factor.T).tolist() for factor in factors],
        },
        "measurement": {"matrix": [random.normal(size=dimension).tolist()], "noise": 0.2},
    }
    if dimension < 3:
        return Scenario.from_dict(data), np.eye(dimension)
    if draw(st.booleans()):
        return Scenario.from_dict(data), np.eye(dimension)[[0, 2]]
    return Scenario.from_dict(data), np.linalg.qr(random.normal(size=(dimension, 2)))[0].T


@settings(max_examples=150)
@given(scenarios(), st.tuples(wild, wild) | places, st.booleans(), st.data())
def test_any_handle_dropped_anywhere_gives_valid_scenario(
    seen: tuple[Scenario, Array], place: tuple[float, float], snap: bool, data: st.DataObject
) -> None:
    scenario, basis = seen
    position = data.draw(st.sampled_from(handle_positions(scenario, basis, Handle("mean", 0), 0.0)))
    new = move(scenario, position.handle, place, basis, pixel=PIXEL, snap=snap)
    assert new.problem().target.components == len(scenario.prior.weights)
    assert new.run == scenario.run
    handle_positions(new, basis, Handle("mean", 0), 0.0)


@settings(max_examples=100)
@given(scenarios(), places)
def test_drag_keeps_coordinates_outside_plane(seen: tuple[Scenario, Array], place: tuple[float, float]) -> None:
    scenario, basis = seen
    outside = np.eye(basis.shape[1]) - basis.T @ basis
    moved = move(scenario, Handle("mean", 0), place, basis, pixel=PIXEL)
    np.testing.assert_allclose(
        outside @ moved.prior.means[0],
        outside @ np.array(scenario.prior.means[0]),
        atol=0.005 * math.sqrt(len(outside)),
    )
    if len(basis) == 2:
        bent = move(scenario, Handle("axis", 0, 0), place, basis, pixel=PIXEL)
        size = np.abs(bent.prior.covariances[0]).max()
        before, after = (outside @ np.array(each.prior.covariances[0]) @ outside for each in (scenario, bent))
        np.testing.assert_allclose(after, before, atol=0.005 * len(outside) * (1 + size))


@pytest.mark.parametrize("plane", PLANES)
@settings(max_examples=60)
@given(place=places)
def test_dragged_mean_ends_at_drop_point(plane: str, place: tuple[float, float]) -> None:
    scenario, basis = PLANES[plane]
    mean, _ = component_in_plane(move(scenario, Handle("mean", 1), place, basis, pixel=PIXEL), Handle("mean", 1), basis)
    np.testing.assert_allclose(mean, place, atol=0.01)


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("axis", [0, 1])
@settings(max_examples=60)
@given(angle=st.floats(-math.pi, math.pi), length=st.floats(0.2, 4))
def test_dragged_covariance_handle_ends_at_drop_point(plane: str, axis: int, angle: float, length: float) -> None:
    scenario, basis = PLANES[plane]
    mean, before = component_in_plane(scenario, Handle("mean", 2), basis)
    other = deviations(before, principal_angle(before, 0.0))[1 - axis]
    tip = mean + (REACH * length + STALK * PIXEL) * np.array([math.cos(angle), math.sin(angle)])
    new = move(scenario, Handle("axis", 2, axis), (float(tip[0]), float(tip[1])), basis, pixel=PIXEL)
    _, spread = component_in_plane(new, Handle("mean", 2), basis)
    turned = directions(angle - axis * math.pi / 2)
    expected = turned @ np.diag([length, other] if axis == 0 else [other, length]) ** 2 @ turned.T
    np.testing.assert_allclose(spread, expected, atol=0.01 * (1 + length**2))
    handle = next(
        position
        for position in handle_positions(new, basis, Handle("mean", 2), angle - axis * math.pi / 2)
        if position.handle == Handle("axis", 2, axis)
    )
    assume(abs(length - other) > 0.05)
    np.testing.assert_allclose(handle.place(PIXEL), tip, atol=0.1 * (1 + length))


@pytest.mark.parametrize("axis", [0, 1])
def test_point_mass_can_be_stretched_and_flattened_again(axis: int) -> None:
    points = load_builtin("point-masses")
    mean = np.array(points.prior.means[1])
    position = next(
        s for s in handle_positions(points, PLANE, Handle("mean", 1), 0.0) if s.handle == Handle("axis", 1, axis)
    )
    assert math.dist(position.place(PIXEL), mean) == pytest.approx(STALK * PIXEL), (
        "the handle can be dragged although its width is zero"
    )
    tip = mean + directions(0.0)[:, axis] * (STALK * PIXEL + REACH * 0.5)
    wide = move(points, position.handle, (float(tip[0]), float(tip[1])), PLANE, pixel=PIXEL)
    expected = np.zeros((2, 2))
    expected[axis, axis] = 0.25
    np.testing.assert_allclose(wide.prior.covariances[1], expected, atol=1e-3)
    flat = move(wide, position.handle, (float(mean[0]), float(mean[1])), PLANE, pixel=PIXEL)
    assert not np.any(flat.prior.covariances[1])


@settings(max_examples=60)
@given(place=places)
def test_dragged_measurement_strip_passes_through_drop_point(place: tuple[float, float]) -> None:
    new = move(THREE, Handle("value", 0), place, PLANE, pixel=PIXEL)
    assert new.measurement.value is not None
    assert new.measurement.value[0] == pytest.approx(0.8 * place[0] + 0.6 * place[1], abs=0.01)
    assert new.measurement.matrix == THREE.measurement.matrix


@settings(max_examples=60)
@given(angle=st.floats(-math.pi, math.pi), length=st.floats(30, 135))
def test_dragged_h_arrow_ends_at_drop_point_and_keeps_y(angle: float, length: float) -> None:
    tip = (PIXEL * length * math.cos(angle), PIXEL * length * math.sin(angle))
    new = move(THREE, Handle("row", 0), tip, PLANE, pixel=PIXEL)
    arrow = next(
        position for position in handle_positions(new, PLANE, None, 0.0) if position.handle == Handle("row", 0)
    )
    np.testing.assert_allclose(arrow.place(PIXEL), tip, atol=PIXEL)
    assert new.measurement.value == THREE.measurement.value


def test_dragged_h_arrow_keeps_gain_within_limits() -> None:
    for tip in ((0.0, 0.0), (1e6, 0.0)):
        row = move(THREE, Handle("row", 0), tip, PLANE, pixel=PIXEL).measurement.matrix[0]
        assert 0.005 < math.hypot(*row) < 100


def test_row_dragged_in_plane_of_3d_problem_stays_in_plane() -> None:
    plane = np.eye(3)[[0, 2]]
    turned = move(SOLID, Handle("row", 0), (0.0, 1.5), plane, pixel=PIXEL)
    assert turned.measurement.matrix[0][1] == 0
    assert turned.measurement.matrix[1] == SOLID.measurement.matrix[1]
    kinds = [(position.handle.kind, position.handle.index) for position in handle_positions(SOLID, plane, None, 0.0)]
    assert ("row", 0) in kinds
    assert ("value", 0) in kinds
    assert ("value", 1) not in kinds, "the second row leaves this plane"


def test_plane_spanned_by_directions_of_h_has_no_arrow() -> None:
    one = Scenario.from_dict(
        SOLID.to_dict() | {"measurement": {"matrix": [[1.0, 2.0, 2.0]], "noise": 0.2, "value": [0.5]}}
    )
    basis = one.problem().measurement.right_basis.mT[[0, 1]].numpy()
    kinds = {position.handle.kind for position in handle_positions(one, basis, None, 0.0)}
    assert kinds == {"mean", "value"}


@pytest.mark.parametrize(
    ("handle", "place", "found"),
    [
        (Handle("mean", 0), (0.333, -1.18), lambda new: new.prior.means[0] == (0.3, -1.2)),
        (Handle("value", 0), (0.1, 0.77), lambda new: new.measurement.value == (0.5,)),
        (
            Handle("row", 0),
            (0.93, 0.99),
            lambda new: math.atan2(*new.measurement.matrix[0]) == pytest.approx(math.pi / 4),
        ),
    ],
)
def test_shift_snaps_dragged_handle(handle: Handle, place: tuple[float, float], found: Any) -> None:
    assert found(move(THREE, handle, place, PLANE, pixel=PIXEL, snap=True))
    assert not found(move(THREE, handle, place, PLANE, pixel=PIXEL))


def test_shift_snaps_an_axis_to_angle_and_length() -> None:
    mean = np.array(THREE.prior.means[0])
    tip = mean + (STALK * PIXEL + REACH * 0.78) * np.array([math.cos(0.83), math.sin(0.83)])
    new = move(THREE, Handle("axis", 0, 0), (float(tip[0]), float(tip[1])), PLANE, pixel=PIXEL, near=0.7, snap=True)
    _, spread = component_in_plane(new, Handle("mean", 0), PLANE)
    angle = principal_angle(spread, 0.8)
    assert math.degrees(angle) == pytest.approx(45, abs=0.5)
    assert deviations(spread, angle)[0] == pytest.approx(0.8, abs=0.005)


@settings(max_examples=60)
@given(place=st.tuples(st.floats(-9, 9), st.floats(-9, 9)))
def test_dragged_values_have_at_most_three_digits(place: tuple[float, float]) -> None:
    mean = move(THREE, Handle("mean", 0), place, PLANE, pixel=PIXEL).prior.means[0]
    bent = move(THREE, Handle("axis", 0, 0), place, PLANE, pixel=PIXEL).prior.covariances[0]
    entries = (
        [entry for row in bent for entry in row] if np.linalg.cond(bent) < 200 else []
    )  # nearly singular ones need more digits
    for value in (*mean, *entries):
        digits = f"{abs(value):.12g}".replace(".", "").lstrip("0").partition("e")[0]
        assert len(digits) <= 3 or abs(value) >= 10, value


def test_nearly_singular_covariance_keeps_more_digits() -> None:
    thin = Scenario.from_dict(
        THREE.to_dict()
        | {"prior": {"weights": [1.0], "means": [[0.0, 0.0]], "covariances": [[[1.0, 0.0], [0.0, 0.0]]]}}
    )
    new = move(thin, Handle("axis", 0, 0), (1.0, 1.7), PLANE, pixel=PIXEL)
    smallest, largest = np.linalg.eigvalsh(new.prior.covariances[0])
    assert abs(smallest) < 1e-4 * largest, "still thin"
    assert all(round(entry, 6) == entry for row in new.prior.covariances[0] for entry in row), "still readable"


def test_principal_axes_neither_swap_nor_flip() -> None:
    spread = np.diag([1.0, 0.25])
    for near in np.linspace(-7, 7, 100):
        angle = principal_angle(spread, float(near))
        assert abs(angle - near) <= math.pi / 4 + 1e-9
        assert math.sin(2 * angle) == pytest.approx(0, abs=1e-9)
    assert principal_angle(np.eye(2), 0.3) == 0.3, "a round one has no directions of its own"


def test_one_dimensional_problem_has_handles_of_mean_width_and_value() -> None:
    line = Scenario.from_dict(
        {
            "prior": {"weights": [1.0], "means": [[0.5]], "covariances": [[[1.0]]]},
            "measurement": {"matrix": [[2.0]], "noise": 0.2, "value": [1.0]},
        }
    )
    found = {position.handle: position.anchor for position in handle_positions(line, np.eye(1), Handle("mean", 0), 0.0)}
    assert found == {
        Handle("mean", 0): (0.5, LINE_HEIGHT),
        Handle("axis", 0): (0.5 + REACH, LINE_HEIGHT),
        Handle("value", 0): (0.5, VALUE_HEIGHT),
    }
    assert Handle("axis", 0) not in [position.handle for position in handle_positions(line, np.eye(1), None, 0.0)], (
        "only of a selected one"
    )
    assert move(line, Handle("mean", 0), (1.25, 7.0), np.eye(1), pixel=PIXEL).prior.means == ((1.25,),)
    assert move(line, Handle("value", 0), (0.7, 7.0), np.eye(1), pixel=PIXEL).measurement.value == (1.4,)
    for side in (1, -1):
        tip = 0.5 + side * (0.3 * REACH + STALK * PIXEL)
        assert move(line, Handle("axis", 0), (tip, 7.0), np.eye(1), pixel=PIXEL).prior.covariances == (((0.09,),),)
    assert move(line, Handle("axis", 0), (0.5, 0.0), np.eye(1), pixel=PIXEL).prior.covariances == (((0.0,),),)


def test_y_drawn_from_seed_is_set_only_by_its_own_handle() -> None:
    data = THREE.to_dict()
    del data["measurement"]["value"]
    drawn = Scenario.from_dict(data)
    assert move(drawn, Handle("mean", 0), (0.0, 0.0), PLANE, pixel=PIXEL).measurement.value is None
    assert move(drawn, Handle("value", 0), (0.0, 0.0), PLANE, pixel=PIXEL).measurement.value == (0.0,)


def test_rows_in_plane_finds_rows_of_h() -> None:
    matrix = np.array([[0.8, 0.6, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    assert rows_in_plane(matrix, np.eye(3)[:2]) == {0: (0.8, 0.6)}
    assert rows_in_plane(matrix, np.eye(3)[[0, 2]]) == {1: (0.0, 2.0)}


def test_drag_to_invalid_place_keeps_last_valid_scenario() -> None:
    point = {"weights": [1.0], "means": [[0.0, 0.0]], "covariances": [[[1.0, 0.0], [0.0, 0.0]]]}
    measured = {"matrix": [[1.0, 0.0], [0.0, 1.0]], "noise": 0.0, "value": [0.5, 0.0]}
    scenario = Scenario.from_dict(THREE.to_dict() | {"prior": point, "measurement": measured})
    first, second = (Drag(scenario, Handle("value", index), PLANE, 0.0) for index in (0, 1))
    assert second.to((0.0, 0.4), pixel=PIXEL, snap=False) == scenario, "no x of this prior has x2 = 0.4"
    assert first.to((0.9, 0.0), pixel=PIXEL, snap=False).measurement.value == (0.9, 0.0)
    held = Drag(scenario, Handle("mean", 0), PLANE, 0.0)
    along = held.to((0.3, 0.0), pixel=PIXEL, snap=False)
    assert along != scenario
    assert held.to((0.3, 0.7), pixel=PIXEL, snap=False) == along, "the last place that was valid"


# Commands


@pytest.mark.parametrize("key", builtin_scenarios())
def test_components_are_added_duplicated_and_deleted(key: str) -> None:
    scenario = load_builtin(key)
    basis, count = np.eye(scenario.dimension)[:2], len(scenario.prior.weights)
    more = added(scenario, (0.5, -0.25), 0.5, basis)
    assert len(more.prior.weights) == count + 1
    np.testing.assert_allclose(component_in_plane(more, Handle("mean", count), basis)[0], [0.5, -0.25][: len(basis)])
    np.testing.assert_allclose(more.prior.covariances[count], 0.25 * np.eye(scenario.dimension))
    assert deleted(more, Handle("mean", count)).prior == scenario.prior
    twice = duplicated(scenario, Handle("mean", 0), 0.3, basis)
    assert twice.prior.covariances[count] == scenario.prior.covariances[0]
    np.testing.assert_allclose(
        component_in_plane(twice, Handle("mean", count), basis)[0]
        - component_in_plane(scenario, Handle("mean", 0), basis)[0],
        [0.3, -0.3][: len(basis)],
        atol=0.01,
    )


def test_last_component_cannot_be_deleted() -> None:
    one = load_builtin("one-gaussian")
    assert deleted(one, Handle("mean", 0)) is one
    assert deleted(THREE, Handle("mean", 1)).prior.weights == (THREE.prior.weights[0], THREE.prior.weights[2])


def test_made_round_keeps_total_variance() -> None:
    assert made_round(SOLID, Handle("mean", 1)).prior.covariances[1] == ((0.317, 0, 0), (0, 0.317, 0), (0, 0, 0.317))
    assert made_round(SOLID, Handle("mean", 1)).prior.covariances[0] == SOLID.prior.covariances[0]


def test_equally_weighted_sets_equal_weights() -> None:
    assert equally_weighted(THREE, "prior").prior.weights == (0.333, 0.333, 0.333)


def test_deleting_only_compatible_point_mass_is_rejected() -> None:
    noiseless = {"matrix": [[1.0, 0.0]], "noise": 0.0, "value": [1.2]}
    points = Scenario.from_dict(load_builtin("point-masses").to_dict() | {"measurement": noiseless})
    with pytest.raises(ScenarioError):  # no other point mass gives this y
        deleted(points, Handle("mean", 0))
    assert deleted(points, Handle("mean", 3)) != points
