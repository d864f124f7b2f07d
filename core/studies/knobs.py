"""Knobs: functions that set one parameter of a scenario to a value (theory.md section 11).

A knob is named by a word (``noise``, ``distance``, ``steps``, ...), some with the number of a component or coordinate
after a colon (``scale:2``), or by the path of a number in a scenario file (``run.particles``, ``prior.means[2][1]``,
``samplers.dps.zeta``). Numbers of components and entries count from 1, as in error messages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from core.errors import ScenarioError, suggest
from core.samplers import SAMPLERS
from core.scenario.edits import patched, with_dimension
from core.scenario.scenario import Scenario
from core.scenario.schema import MOST_DIMENSIONS
from core.spectrum.optimum import PARAMETERS
from core.text.user_text import quoted

Value = float | str
Array = NDArray[np.float64]


@final
class Knob(NamedTuple):
    """A parameter that a study varies."""

    name: str
    """As study files name it."""
    label: str
    """On axes of figures."""
    meaning: str
    """One sentence for help and tooltips."""
    is_whole: bool = False
    """Values are whole numbers."""
    is_positive: bool = False
    """Values are positive, so that a logarithmic axis is possible."""


_NAMED: dict[str, tuple[Knob, Callable[[Scenario, Any, int | None], Scenario]]] = {}


def _knob(
    name: str, label: str, meaning: str, *, is_whole: bool = False, is_positive: bool = False
) -> Callable[[Callable[[Scenario, Any, int | None], Scenario]], Callable[[Scenario, Any, int | None], Scenario]]:
    def register(change: Callable[[Scenario, Any, int | None], Scenario]) -> Callable[..., Scenario]:
        _NAMED[name] = Knob(name, label, meaning, is_whole, is_positive), change
        return change

    return register


NFE = "nfe"
"""Knob of a spectrum: evaluations of the score, from which every method gets its steps."""
_OF_SPECTRA = {
    NFE: Knob(
        NFE, "score evaluations", "Score evaluations of one sample; methods take the steps they allow.", True, True
    ),
    "spectrum.dimension": Knob("spectrum.dimension", "dimension d", "Number of eigenvalues.", True, True),
    "spectrum.side": Knob("spectrum.side", "side of the field", "Pixels along a side of the field.", True, True),
    **{
        each.key: Knob(
            each.key, each.label, f"The {each.label} of a spectrum setting.", each.is_whole, each.is_logarithmic
        )
        for each in PARAMETERS
    },
}


def spectrum_knobs() -> list[Knob]:
    """Return the knobs of spectrum settings that have a label of their own."""
    return list(_OF_SPECTRA.values())


def named_knobs() -> list[Knob]:
    """Return the knobs of scenarios that have a name of their own."""
    return [knob for knob, _ in _NAMED.values()]


def find_knob(name: str) -> Knob:
    """Return the knob of a name or path.

    Raises:
        ScenarioError: there is no such knob.
    """
    word, number = _split(name)
    if word in _NAMED:
        knob = _NAMED[word][0]
        return knob if number is None else knob._replace(name=name, label=f"{knob.label}, no. {number}")
    if name in _OF_SPECTRA:
        return _OF_SPECTRA[name]
    if "." not in name or not all(_STEP.fullmatch(part) for part in name.split(".")):
        paths = "or the path of a number, such as run.particles or prior.means[2][1]"
        raise ScenarioError("", "knob", f"there is no knob {quoted(name)}{suggest(name, _NAMED)}, {paths}")
    return Knob(name, name, f"The field {name}.")


def turned(scenario: Scenario, name: str, value: Value) -> Scenario:
    """Return a scenario with a knob set to a value.

    Raises:
        ScenarioError: there is no such knob, or the scenario does not allow the value.
    """
    word, number = _split(name)
    if isinstance(value, float) and not math.isfinite(value):
        raise ScenarioError("", name, f"must be a finite number (is {value})")
    if word not in _NAMED:
        find_knob(name)
        return _at_path(scenario, name, value)
    knob, change = _NAMED[word]
    if isinstance(value, str):
        raise ScenarioError("", name, f"must be a number (is {quoted(value)})")
    if knob.is_whole:
        if value != int(value):
            raise ScenarioError("", name, f"must be a whole number (is {value:g})")
        value = int(value)
    return change(scenario, value, number)


def _split(name: str) -> tuple[str, int | None]:
    """Return a knob's word and the number after its colon."""
    word, colon, number = name.partition(":")
    return (word, int(number)) if colon and number.isdecimal() and len(number) < 9 else (name, None)


# The measurement


def _matrix(scenario: Scenario, name: str) -> Array:
    if scenario.measurement is None:
        raise ScenarioError("", name, "needs a measurement, which a shifted target does not have")
    return np.asarray(scenario.measurement.matrix)


def _measured(scenario: Scenario, **values: object) -> Scenario:
    return patched(scenario, {"measurement": values})


@_knob("noise", "σ_y", "Standard deviation of the measurement noise.", is_positive=True)
def _noise(scenario: Scenario, value: float, _: int | None) -> Scenario:
    _matrix(scenario, "noise")
    return _measured(scenario, noise=value)


@_knob("gain", "gain of H", "Factor by which H is multiplied.", is_positive=True)
def _gain(scenario: Scenario, value: float, _: int | None) -> Scenario:
    return _measured(scenario, matrix=(value * _matrix(scenario, "gain")).tolist())


@_knob(
    "angle",
    "angle of H, degrees",
    "Rows of H turned from the first right singular vector towards the first unmeasured direction; with a number "
    "after a colon, towards that coordinate axis.",
)
def _angle(scenario: Scenario, value: float, number: int | None) -> Scenario:
    matrix = _matrix(scenario, "angle")
    basis = np.linalg.svd(matrix)[2]
    first, rank = basis[0], int(np.linalg.matrix_rank(matrix))
    if number is None:
        if rank >= scenario.dimension:
            raise ScenarioError("", "angle", "needs an unmeasured direction; name a coordinate, as in angle:2")
        towards = basis[rank]
    else:
        towards = np.eye(scenario.dimension)[_index("angle", number, scenario.dimension)]
        towards = towards - (towards @ first) * first
        length = float(np.linalg.norm(towards))
        if length < 1e-9:
            raise ScenarioError("", f"angle:{number}", "names the direction that is measured already")
        towards /= length
    # Both vectors have a sign that the singular value decomposition leaves open.
    first, towards = (vector * math.copysign(1.0, vector[np.abs(vector).argmax()]) for vector in (first, towards))
    turn, radians = np.eye(scenario.dimension), math.radians(value)
    plane = np.stack([first, towards])
    inner = np.array([[math.cos(radians), math.sin(radians)], [-math.sin(radians), math.cos(radians)]])
    turn += plane.T @ (inner - np.eye(2)) @ plane
    return _measured(scenario, matrix=(matrix @ turn).tolist())


@_knob("distance", "distance of y, in its standard deviations", "Distance of y from its mean under the prior.")
def _distance(scenario: Scenario, value: float, _: int | None) -> Scenario:
    matrix = _matrix(scenario, "distance")
    weights, means, covariances = mixture_arrays(scenario)
    mean = weights @ means
    centred = means - mean
    covariance = np.einsum("k,kij->ij", weights, covariances) + (weights * centred.T) @ centred
    middle = matrix @ mean
    seen = matrix @ covariance @ matrix.T + scenario.measurement.noise**2 * np.eye(len(matrix))  # type: ignore[union-attr]
    variances, directions = np.linalg.eigh(seen)
    kept = variances > 1e-12 * variances.max()
    # A y that the prior can give lies in these directions.
    root = (directions[:, kept] * np.sqrt(variances[kept])) @ directions[:, kept].T
    inverse = (directions[:, kept] / np.sqrt(variances[kept])) @ directions[:, kept].T
    offset = inverse @ (np.asarray(scenario.with_value().values) - middle)
    length = float(np.linalg.norm(offset))
    unit = offset / length if length > 1e-9 else inverse @ root[:, 0] / np.linalg.norm(inverse @ root[:, 0])
    return _measured(scenario, value=(middle + value * root @ unit).tolist())


# The prior


def mixture_arrays(scenario: Scenario) -> tuple[Array, Array, Array]:
    """Return the prior's weights (K,), means (K, d) and covariances (K, d, d)."""
    prior = scenario.problem().prior
    return prior.weights.numpy(), prior.means.numpy(), prior.covariances.numpy()


@_knob(
    "correlation",
    "correlation of measured and unmeasured part",
    "Largest canonical correlation between what H sees and what it does not, in every component; with a number after "
    "a colon, in that component.",
)
def _correlation(scenario: Scenario, value: float, number: int | None) -> Scenario:
    if not -1 < value < 1:
        raise ScenarioError("", "correlation", f"must lie between -1 and 1 (is {value:g})")
    matrix = _matrix(scenario, "correlation")
    rank = int(np.linalg.matrix_rank(matrix))
    if not 0 < rank < scenario.dimension:
        raise ScenarioError("", "correlation", "needs measured and unmeasured directions")
    basis = np.linalg.svd(matrix)[2]
    _, _, covariances = mixture_arrays(scenario)
    for index in _chosen("correlation", number, len(covariances)):
        rotated = basis @ covariances[index] @ basis.T
        covariances[index] = basis.T @ _correlated(rotated, rank, value) @ basis
    return patched(scenario, {"prior": {"covariances": _symmetric(covariances)}})


def _correlated(covariance: Array, rank: int, value: float) -> Array:
    """Return a covariance whose first directions and the others have a given largest canonical correlation."""
    measured, unseen = (_roots(part) for part in (covariance[:rank, :rank], covariance[rank:, rank:]))
    cross = measured[1] @ covariance[:rank, rank:] @ unseen[1]
    largest = float(np.linalg.norm(cross, 2))
    if largest < 1e-9:
        cross = np.zeros_like(cross)
        cross[0, 0] = largest = 1.0
    found = covariance.copy()
    found[:rank, rank:] = measured[0] @ (value / largest * cross) @ unseen[0]
    found[rank:, :rank] = found[:rank, rank:].T
    return found


def _roots(covariance: Array) -> tuple[Array, Array]:
    """Return the square root of a covariance and its inverse.

    Raises:
        ScenarioError: the covariance is singular.
    """
    variances, directions = np.linalg.eigh(covariance)
    if variances.min() <= 0:
        raise ScenarioError("", "correlation", "needs covariances with a density in all directions")
    return (directions * np.sqrt(variances)) @ directions.T, (directions / np.sqrt(variances)) @ directions.T


@_knob(
    "scale",
    "scale of the prior",
    "Factor of the standard deviations, of one component with a number after a colon.",
    is_positive=True,
)
def _scale(scenario: Scenario, value: float, number: int | None) -> Scenario:
    _, _, covariances = mixture_arrays(scenario)
    for index in _chosen("scale", number, len(covariances)):
        covariances[index] *= value * value
    return patched(scenario, {"prior": {"covariances": _symmetric(covariances)}})


@_knob("weight", "weight", "Weight of a component, weight:1 for the first; the others keep their ratios.")
def _weight(scenario: Scenario, value: float, number: int | None) -> Scenario:
    weights = mixture_arrays(scenario)[0]
    index = _index("weight", number or 1, len(weights))
    if not 0 < value < 1 or len(weights) == 1:
        allowed = "needs two components or more" if len(weights) == 1 else f"must lie between 0 and 1 (is {value:g})"
        raise ScenarioError("", "weight", allowed)
    weights = weights * (1 - value) / (1 - weights[index])
    weights[index] = value
    return patched(scenario, {"prior": {"weights": weights.tolist()}})


@_knob(
    "dimension",
    "dimension d",
    "Dimension; new coordinates are standard normal and unmeasured.",
    is_whole=True,
    is_positive=True,
)
def _dimension(scenario: Scenario, value: int, _: int | None) -> Scenario:
    if not 1 <= value <= MOST_DIMENSIONS:
        raise ScenarioError("", "dimension", f"must lie between 1 and {MOST_DIMENSIONS} (is {value:g})")
    return with_dimension(scenario, value)


def _symmetric(covariances: Array) -> list[Any]:
    found: list[Any] = ((covariances + covariances.transpose(0, 2, 1)) / 2).tolist()
    return found


def _chosen(name: str, number: int | None, count: int) -> list[int]:
    return list(range(count)) if number is None else [_index(name, number, count)]


def _index(name: str, number: int, count: int) -> int:
    if not 1 <= number <= count:
        raise ScenarioError("", f"{name}:{number}", f"must end with a number from 1 to {count}")
    return number - 1


# Schedule


@_knob("steps", "number of steps T", "Number of steps T.", is_whole=True, is_positive=True)
def _steps(scenario: Scenario, value: int, _: int | None) -> Scenario:
    return patched(scenario, {"schedule": {"steps": value}})


def _of_etc(scenario: Scenario, name: str, value: float) -> Scenario:
    if scenario.schedule.kind != "etc":
        raise ScenarioError("", name, f"needs the schedule etc (is {scenario.schedule.kind})")
    return patched(scenario, {"schedule": {name: value}})


@_knob("c", "c of the schedule", "Rate c of the schedule etc.", is_positive=True)
def _c(scenario: Scenario, value: float, _: int | None) -> Scenario:
    return _of_etc(scenario, "c", value)


@_knob("delta", "δ of the schedule", "First step β_1 = δ of the schedule etc.", is_positive=True)
def _delta(scenario: Scenario, value: float, _: int | None) -> Scenario:
    return _of_etc(scenario, "delta", value)


# Any field by its path

_STEP = re.compile(r"[\w+-]{1,60}(\[\d{1,6}\])*")


def _at_path(scenario: Scenario, path: str, value: Value) -> Scenario:
    """Return a scenario with the field at a path set; keys of tables may be new, entries of lists may not."""
    keys: list[str | int] = []
    for part in path.split("."):
        name, *numbers = re.split(r"[\[\]]+", part.rstrip("]"))
        keys += [name, *(int(number) - 1 for number in numbers)]
    data = scenario.to_dict()
    if keys[0] == "samplers" and len(keys) == 3 and keys[1] not in data.get("samplers", {}) and keys[1] in SAMPLERS:
        data.setdefault("samplers", {})[str(keys[1])] = {}
    inside: Any = data
    for key in keys[:-1]:
        inside = _entry(inside, key, path)
    last = keys[-1]
    old = inside.get(last) if isinstance(inside, Mapping) else _entry(inside, last, path)
    if (isinstance(inside, Mapping) and isinstance(last, int)) or isinstance(old, list | dict):
        raise ScenarioError("", path, "must name one number or word, not a table or a list")
    whole = isinstance(value, float) and value.is_integer() and not isinstance(old, float)
    inside[last] = int(value) if whole else value
    return Scenario.from_dict(data)


def _entry(inside: Any, key: str | int, path: str) -> Any:  # noqa: ANN401 - any content of a scenario
    """Return the entry of a table or list.

    Raises:
        ScenarioError: there is none.
    """
    is_there = (
        key in inside
        if isinstance(inside, Mapping)
        else isinstance(inside, list) and isinstance(key, int) and 0 <= key < len(inside)
    )
    if not is_there:
        named = f"entry {key + 1}" if isinstance(key, int) else quoted(key)
        raise ScenarioError("", path, f"there is no {named} in this scenario")
    return inside[key]
