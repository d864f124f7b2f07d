"""Edits by direct manipulation on a plane: functions from a handle and its new position to a scenario. No Qt here.

A plane is given by its basis, (k, d) with orthonormal rows; k is 1 for a line. Places are points of
the plane, lengths on the screen are in pixels, and ``pixel`` is the length in the plane that one pixel
covers. Edited numbers are rounded to three digits for display.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from core.errors import ScenarioError
from core.scenario.edits import Edit, patched
from core.scenario.scenario import Scenario
from core.scenario.schema import MixtureSection

Array = NDArray[np.float64]

REACH = 2.0
"""Radius of the ellipse with the covariance handles, in standard deviations."""
STALK = 16.0
"""Pixels between that ellipse and its handles, so that a singular component has handles, too."""
SNAP, SNAP_ANGLE = 0.1, math.radians(15)
LINE_HEIGHT, VALUE_HEIGHT = -0.25, 0.9
"""Vertical positions of handles on a line, where densities reach from 0 to 1: below the densities and their particles
for components, at the peak of the likelihood for y."""
_ARROW_START, _ARROW_RANGE = 28.0, 110.0
"""Pixels: length of a row's arrow at gain zero, and its increase at infinite gain."""
_LEAST_GAIN, _LARGEST_GAIN = 0.01, 99.0
_LARGEST_DEVIATION = 900.0
_LARGEST_NUMBER = 1e6
"""Limit of numbers in the scenario file."""
_NEARLY_ROUND = 2e-3
"""Smallest relative difference of variances at which principal axes are determined beyond rounding."""
_NO_LENGTH = 1e-5
"""Relative length below which a principal axis counts as zero."""


Mixture = Literal["prior", "target"]
"""Key of a mixture of the scenario."""


@final
@dataclass(frozen=True)
class Handle:
    """Handle on a plane, named by what it edits: mean or axis of a component, value or direction of a row of H."""

    kind: Literal["mean", "axis", "value", "row"]
    index: int
    """Index of the component or of the row."""
    axis: int = 0
    mixture: Mixture = "prior"
    """Mixture of the component."""

    @property
    def component(self) -> Handle | None:
        """The handle of the component's mean; None for a row of H."""
        return Handle("mean", self.index, mixture=self.mixture) if self.kind in {"mean", "axis"} else None


@final
@dataclass(frozen=True)
class HandlePosition:
    """Position of a handle: a place of the plane and an offset in pixels (right, up)."""

    handle: Handle
    anchor: tuple[float, float]
    offset: tuple[float, float] = (0.0, 0.0)

    def place(self, pixel: float) -> tuple[float, float]:
        """Return the position in the plane at a scale."""
        return self.anchor[0] + pixel * self.offset[0], self.anchor[1] + pixel * self.offset[1]


# Positions of handles


def section(scenario: Scenario, mixture: Mixture) -> MixtureSection:
    """Return a mixture section of the scenario by its key."""
    found = getattr(scenario, mixture)
    assert isinstance(found, MixtureSection)
    return found


def components(scenario: Scenario) -> list[Handle]:
    """Return the mean handles of all components: the prior's, then those of a given target."""
    held: list[Mixture] = ["prior"] if scenario.target is None else ["prior", "target"]
    return [
        Handle("mean", index, mixture=mixture)
        for mixture in held
        for index in range(len(section(scenario, mixture).weights))
    ]


def component_in_plane(scenario: Scenario, component: Handle, basis: Array) -> tuple[Array, Array]:
    """Return mean (k,) and covariance (k, k) of one component projected on the plane."""
    held = section(scenario, component.mixture)
    mean, covariance = (np.asarray(part[component.index]) for part in (held.means, held.matrices))
    return basis @ mean, basis @ covariance @ basis.T


def directions(angle: float) -> Array:
    """Return the direction of an angle and its normal, (2, 2), in columns."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]])


def principal_angle(spread: Array, near: float) -> float:
    """Return the angle of a principal axis of a covariance (2, 2), of the four directions the nearest to ``near``."""
    variances, axes = np.linalg.eigh(spread)
    if variances[1] - variances[0] <= _NEARLY_ROUND * variances[1]:
        return near
    angle = math.atan2(axes[1, 0], axes[0, 0])
    quarter = math.pi / 2
    return angle + quarter * round((near - angle) / quarter)


def deviations(spread: Array, angle: float) -> Array:
    """Return the standard deviations (2,) along :func:`directions` of an angle."""
    axes = directions(angle)
    along: Array = np.sqrt(np.maximum((axes * (spread @ axes)).sum(axis=0), 0.0))
    return along


def rows_in_plane(matrix: Array, basis: Array) -> dict[int, tuple[float, float]]:
    """Return the rows of H that lie in the plane, as vectors of the plane (on a line, the second entry is zero)."""
    found = {}
    for index, row in enumerate(matrix):
        inside = basis @ row
        if np.linalg.norm(inside) > 0 and np.linalg.norm(row - inside @ basis) < 1e-9 * np.linalg.norm(row):
            found[index] = (float(inside[0]), float(inside[1]) if len(inside) > 1 else 0.0)
    return found


def handle_positions(scenario: Scenario, basis: Array, selected: Handle | None, near: float) -> list[HandlePosition]:
    """Return all handles of a plane: means, the selected component's axes, and the measurements in the plane."""
    found = []
    flat = len(basis) == 1
    for component in components(scenario):
        mean, spread = component_in_plane(scenario, component, basis)
        anchor = (float(mean[0]), LINE_HEIGHT if flat else float(mean[1]))
        found.append(HandlePosition(component, anchor))
        if component == selected:
            found += _axis_positions(component, mean, spread, near)
    value = scenario.with_value().values
    # In a plane whose basis depends on H, rows of H have no handle.
    fixed = not flat and np.count_nonzero(basis) == len(basis)
    for index, (a, b) in rows_in_plane(np.asarray(scenario.rows), basis).items():
        gain = math.hypot(a, b)
        foot = value[index] / gain**2
        found.append(HandlePosition(Handle("value", index), (foot * a, VALUE_HEIGHT if flat else foot * b)))
        if fixed:
            length = _ARROW_START + _ARROW_RANGE * gain / (1 + gain)
            found.append(HandlePosition(Handle("row", index), (0.0, 0.0), (length * a / gain, length * b / gain)))
    return found


def _axis_positions(component: Handle, mean: Array, spread: Array, near: float) -> list[HandlePosition]:
    if len(mean) == 1:
        end = float(mean[0]) + REACH * math.sqrt(float(spread[0, 0]))
        return [HandlePosition(replace(component, kind="axis"), (end, LINE_HEIGHT), (STALK, 0.0))]
    angle = principal_angle(spread, near)
    lengths, axes = deviations(spread, angle), directions(angle)
    ends = [mean + REACH * lengths[axis] * axes[:, axis] for axis in (0, 1)]
    return [
        HandlePosition(
            replace(component, kind="axis", axis=axis), (float(x), float(y)), tuple((STALK * axes[:, axis]).tolist())
        )
        for axis, (x, y) in enumerate(ends)
    ]


# Moving a handle


def move(
    scenario: Scenario,
    handle: Handle,
    place: tuple[float, float],
    basis: Array,
    *,
    pixel: float,
    near: float = 0.0,
    snap: bool = False,
) -> Scenario:
    """Return the scenario with a handle moved to a place, or as near as is valid.

    Args:
        scenario: the scenario at the start of the drag.
        handle: the handle that is moved.
        place: position of the handle now.
        basis: of the plane, (k, d).
        pixel: length in the plane that one pixel covers.
        near: angle of the selected component's axes at the start of the drag.
        snap: round to a grid, and to multiples of an angle.

    Raises:
        ScenarioError: the prior cannot give this measurement (only possible without noise).
    """
    point = np.array(place)
    match handle.kind:
        case "mean":
            return _moved_mean(scenario, handle, _snapped(point, snap)[: len(basis)], basis)
        case "axis" if len(basis) == 1:
            return _moved_width(scenario, handle, place[0], basis, gap=STALK * pixel, snap=snap)
        case "axis":
            return _moved_axis(scenario, handle, point, basis, gap=STALK * pixel, near=near, snap=snap)
        case "value":
            return _moved_value(scenario, handle.index, point[: len(basis)], basis, snap=snap)
        case "row":
            return _moved_row(scenario, handle.index, point / pixel, basis, snap=snap)


def _snapped(value: Array, snap: bool, step: float = SNAP) -> Array:
    return step * np.round(value / step) if snap else value


def _moved_mean(scenario: Scenario, component: Handle, place: Array, basis: Array) -> Scenario:
    old = np.asarray(section(scenario, component.mixture).means[component.index])
    new = old + basis.T @ (place - basis @ old)
    return _with_component(scenario, component, "means", _short(new, old).tolist())


def axis_angle(arm: Array, axis: int) -> float:
    """Return the angle of the first principal axis for which a handle on ``axis`` lies in the direction of ``arm``."""
    return math.atan2(arm[1], arm[0]) - axis * math.pi / 2


def _moved_axis(
    scenario: Scenario, handle: Handle, tip: Array, basis: Array, *, gap: float, near: float, snap: bool
) -> Scenario:
    """Return the scenario with both axes turned with the handle, and the dragged one of the handle's length.

    The linear map that does this in the plane is applied to the whole space, so that the covariance
    stays positive semi-definite; an axis of length zero gets its variance added instead.
    """
    mean, spread = component_in_plane(scenario, handle, basis)
    before = principal_angle(spread, near)
    old = deviations(spread, before)
    arm = tip - mean
    after = float(_snapped(np.array(axis_angle(arm, handle.axis)), snap, SNAP_ANGLE)) if arm.any() else before
    new = old.copy()
    length = max(float(np.hypot(*arm)) - gap, 0.0) / REACH
    new[handle.axis] = min(float(_snapped(np.array(length), snap)), _LARGEST_DEVIATION)
    has_length = old > _NO_LENGTH * max(float(old.max()), 1e-9)
    scale = np.divide(new, old, out=np.ones(2), where=has_length)
    turned = directions(after)
    inside = (turned * scale) @ directions(before).T
    whole = np.eye(basis.shape[1]) + basis.T @ (inside - np.eye(2)) @ basis
    covariance = np.asarray(section(scenario, handle.mixture).matrices[handle.index])
    added = basis.T @ (turned * np.where(has_length, 0.0, new**2)) @ turned.T @ basis
    moved = _short_covariance(whole @ covariance @ whole.T + added, covariance)
    return _with_component(scenario, handle, "covariances", moved.tolist())


def _moved_width(scenario: Scenario, handle: Handle, tip: float, basis: Array, *, gap: float, snap: bool) -> Scenario:
    """Return the scenario with a component's standard deviation on a line set from its handle."""
    mean, variance = component_in_plane(scenario, handle, basis)
    length = max(abs(tip - float(mean[0])) - gap, 0.0) / REACH
    width = np.minimum(_snapped(np.array([[length]]), snap), _LARGEST_DEVIATION)
    return _with_component(scenario, handle, "covariances", _short_covariance(width**2, variance).tolist())


def _moved_value(scenario: Scenario, index: int, place: Array, basis: Array, *, snap: bool) -> Scenario:
    value = np.array(scenario.with_value().values)
    row = basis @ np.asarray(scenario.rows[index])
    new = value.copy()
    new[index] = float(_snapped(np.array(row @ place), snap))
    return _with(scenario, "measurement", value=_short(new, value).tolist())


def _moved_row(scenario: Scenario, index: int, arm: Array, basis: Array, *, snap: bool) -> Scenario:
    """Return the scenario with a row of H set from its arrow in pixels, whose length saturates with the gain."""
    share = min(max((float(np.hypot(*arm)) - _ARROW_START) / _ARROW_RANGE, 0.0), 0.99)
    gain = float(_snapped(np.array(share / (1 - share)), snap))
    angle = float(_snapped(np.array(math.atan2(arm[1], arm[0])), snap, SNAP_ANGLE))
    row = min(max(gain, SNAP if snap else _LEAST_GAIN), _LARGEST_GAIN) * directions(angle)[:, 0] @ basis
    rows = [list(each) for each in scenario.rows]
    rows[index] = _short(row, np.array(rows[index])).tolist()
    return _with(scenario, "measurement", matrix=rows)


@final
@dataclass
class Drag:
    """A drag of a handle, which stays at the last valid place where an edit would not be valid."""

    start: Scenario
    """Scenario without the drag; edits from elsewhere may change it meanwhile."""
    handle: Handle
    basis: Array
    near: float
    current: Scenario = field(init=False)
    edit: Edit = field(init=False)
    """The drag so far, as an edit."""

    def __post_init__(self) -> None:
        self.current, self.edit = self.start, _unchanged

    def to(self, place: tuple[float, float], *, pixel: float, snap: bool) -> Scenario:
        """Move the handle to a place, and return the scenario."""
        edit = partial(move, handle=self.handle, place=place, basis=self.basis, pixel=pixel, near=self.near, snap=snap)
        with suppress(ScenarioError):  # not valid where no x of the prior gives this y
            self.current, self.edit = edit(self.start), edit
        return self.current

    def rebase(self, start: Scenario) -> bool:
        """Continue from a scenario that was edited elsewhere; return whether the dragged quantity is unchanged."""
        if _held(self.start, self.handle) != _held(start, self.handle):
            return False
        try:
            self.start, self.current = start, self.edit(start)
        except ScenarioError:
            return False
        return True


def _unchanged(scenario: Scenario) -> Scenario:
    return scenario


def _held(scenario: Scenario, handle: Handle) -> object:
    """Return the numbers that moving a handle starts from: its component, or H and y; None where they are gone."""
    if handle.component is None:
        known = handle.index < len(scenario.rows)
        return (scenario.rows, scenario.with_value().values) if known else None
    if handle.component not in components(scenario):
        return None
    held = section(scenario, handle.mixture)
    return len(held.weights), held.means[handle.index], held.covariances[handle.index]


# Edits of menus and keys


def added(scenario: Scenario, place: tuple[float, float], deviation: float, basis: Array) -> Scenario:
    """Return the scenario with an isotropic component added at a place; off the plane it has the mixture's mean."""
    weights, means = (np.asarray(part) for part in (scenario.prior.weights, scenario.prior.means))
    centre = weights @ means / weights.sum()
    mean = centre + basis.T @ (np.array(place)[: len(basis)] - basis @ centre)
    variance = float(f"{min(deviation, _LARGEST_DEVIATION) ** 2:.2g}")
    covariance = (variance * np.eye(len(mean))).tolist()
    component = float(f"{weights.mean():.3g}"), _short(mean).tolist(), covariance
    return _with_components(scenario, "prior", [*_components(scenario, "prior"), component])


def duplicated(scenario: Scenario, component: Handle, step: float, basis: Array) -> Scenario:
    """Return the scenario with a copy of a component, shifted by a step right and down."""
    rows = _components(scenario, component.mixture)
    weight, mean, covariance = rows[component.index]
    old = np.asarray(mean)
    copy = weight, _short(old + np.array([step, -step])[: len(basis)] @ basis, old).tolist(), covariance
    return _with_components(scenario, component.mixture, [*rows, copy])


def deleted(scenario: Scenario, component: Handle) -> Scenario:
    """Return the scenario without a component; the last one of a mixture stays."""
    rows = _components(scenario, component.mixture)
    del rows[component.index]
    return _with_components(scenario, component.mixture, rows) if rows else scenario


def made_round(scenario: Scenario, component: Handle) -> Scenario:
    """Return the scenario with an isotropic covariance of the same total variance."""
    covariance = np.asarray(section(scenario, component.mixture).matrices[component.index])
    variance = float(f"{np.trace(covariance) / len(covariance):.3g}")
    return _with_component(scenario, component, "covariances", (variance * np.eye(len(covariance))).tolist())


def weighted(scenario: Scenario, component: Handle, weight: float) -> Scenario:
    """Return the scenario with another weight of a component."""
    return _with_component(scenario, component, "weights", weight)


def equally_weighted(scenario: Scenario, mixture: Mixture) -> Scenario:
    """Return the scenario with equal weights in a mixture."""
    count = len(section(scenario, mixture).weights)
    return _with(scenario, mixture, weights=[float(f"{1 / count:.3g}")] * count)


def with_value_at(scenario: Scenario, index: int, place: tuple[float, float], basis: Array) -> Scenario:
    """Return the scenario with a row's y set to the noiseless measurement of a place."""
    return _moved_value(scenario, index, np.array(place)[: len(basis)], basis, snap=False)


def with_row_towards(scenario: Scenario, index: int, place: tuple[float, float], basis: Array) -> Scenario:
    """Return the scenario with a row of H pointing from the origin to a place, with its gain kept."""
    rows = [list(row) for row in scenario.rows]
    way = np.array(place) / np.hypot(*place) @ basis
    rows[index] = _short(np.linalg.norm(rows[index]) * way, np.array(rows[index])).tolist()
    return _with(scenario, "measurement", matrix=rows)


# Rounding, and edits of sections


def _short(new: Array, old: Array | float = math.nan, digits: int = 3) -> Array:
    """Return new numbers rounded to some digits (two decimals at least); unchanged ones stay unrounded."""
    least = 1e-9 * float(np.abs(new).max())
    places = [
        max(2, digits - 1 - math.floor(math.log10(abs(value)))) if abs(value) > least else 0 for value in new.flat
    ]
    rounded = [round(float(value), place) for value, place in zip(new.flat, places, strict=True)]
    kept = np.abs(new - old) <= 1e-12 * (1 + np.abs(old))
    limited = np.clip(np.reshape(rounded, new.shape), -_LARGEST_NUMBER, _LARGEST_NUMBER)
    return np.where(kept, old, limited + 0.0)  # adding zero turns -0 into 0


def _short_covariance(new: Array, old: Array) -> Array:
    """Return a covariance rounded to as few digits as keep it positive semi-definite."""
    variances, axes = np.linalg.eigh((new + new.T) / 2)
    exact = (axes * np.maximum(variances, 0.0)) @ axes.T
    exact = (exact + exact.T) / 2
    rounded = (_short(exact, old, digits) for digits in range(3, 16))
    return next((each for each in rounded if np.linalg.eigvalsh(each)[0] >= -1e-10 * np.abs(each).max()), exact)


Component = tuple[float, Sequence[float], object]
"""Weight, mean and covariance, the latter in any form."""


def _components(scenario: Scenario, mixture: Mixture) -> list[Component]:
    held = section(scenario, mixture)
    return list(zip(held.weights, held.means, held.covariances, strict=True))


def _with_components(scenario: Scenario, mixture: Mixture, rows: Sequence[Component]) -> Scenario:
    weights, means, covariances = zip(*rows, strict=True)
    return _with(scenario, mixture, weights=weights, means=means, covariances=covariances)


def _with_component(scenario: Scenario, component: Handle, part: str, value: object) -> Scenario:
    values = list(getattr(section(scenario, component.mixture), part))
    values[component.index] = value
    return _with(scenario, component.mixture, **{part: values})


def _with(scenario: Scenario, section: str, **values: object) -> Scenario:
    return patched(scenario, {section: values})
