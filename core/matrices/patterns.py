"""Patterns that fill a matrix: covariances by their correlations, H by what it measures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, final

import numpy as np

from core.errors import ScenarioError
from core.matrices.checks import Array
from core.matrices.text import parse_matrix, parse_vector
from core.text.user_text import quoted


@final
@dataclass(frozen=True)
class Parameter:
    """A parameter of a pattern, typed by the user."""

    name: str
    tip: str
    default: str


@final
@dataclass(frozen=True)
class Pattern:
    """A rule that fills a whole matrix from a few parameters."""

    title: str
    parameters: tuple[Parameter, ...]
    build: Callable[[int, int, Sequence[str]], Array]
    """Function of rows, columns and the parameters' texts; raises ScenarioError for a parameter that is not allowed."""


def _refuse(name: str, allowed: str, text: str) -> NoReturn:
    raise ScenarioError("", name, f"{allowed} (is {quoted(text.strip())})")


def _value(text: str, name: str, low: float, high: float, allowed: str) -> float:
    """Return the number in ``text``, which must lie within inclusive limits."""
    try:
        (value,) = parse_vector(text, 1)
    except ValueError:  # ScenarioError is one, too; or several numbers
        _refuse(name, "must be one number", text)
    if not low <= value <= high:
        _refuse(name, allowed, text)
    return value


def _variance(text: str) -> float:
    return _value(text, "variance", 0.0, 1e6, "must be from 0 to 1000000")


def _zeros(rows: int, columns: int, _texts: Sequence[str]) -> Array:
    return np.zeros((rows, columns))


def _identity(rows: int, columns: int, _texts: Sequence[str]) -> Array:
    return np.eye(rows, columns)


def _isotropic(rows: int, _columns: int, texts: Sequence[str]) -> Array:
    return _variance(texts[0]) * np.eye(rows)


def _exponential(rows: int, _columns: int, texts: Sequence[str]) -> Array:
    rho = _value(texts[1], "ρ", -1.0, 1.0, "must be from −1 to 1")
    index = np.arange(rows)
    correlations: Array = rho ** np.abs(index[:, None] - index)
    return _variance(texts[0]) * correlations


def _equicorrelated(rows: int, _columns: int, texts: Sequence[str]) -> Array:
    least = -1 / (rows - 1) if rows > 1 else -1.0
    shown = f"−{math.floor(-least * 1e4) / 1e4:g}" if rows > 1 else "−1"
    rho = _value(texts[1], "ρ", least, 1.0, f"must be from {shown} to 1 in {rows} dimensions")
    return _variance(texts[0]) * ((1 - rho) * np.eye(rows) + rho)


def _averages(rows: int, columns: int, _texts: Sequence[str]) -> Array:
    """Return H for averages over blocks of consecutive coordinates, whose sizes differ by one at most."""
    if rows > columns:
        raise ScenarioError("", "rows", f"must be at most {columns}, the number of coordinates (are {rows})")
    matrix = np.zeros((rows, columns))
    for row, block in enumerate(np.array_split(np.arange(columns), rows)):
        matrix[row, block] = 1 / len(block)
    return matrix


def _selection(_rows: int, columns: int, texts: Sequence[str]) -> Array:
    """Return H with one unit row for each of the listed coordinates."""
    allowed = f"must be whole numbers from 1 to {columns}, separated by spaces"
    try:
        (chosen,) = parse_matrix(texts[0])
    except ValueError:  # ScenarioError is one, too; or several rows
        _refuse("coordinates", allowed, texts[0])
    if not all(value.is_integer() and 1 <= value <= columns for value in chosen):
        _refuse("coordinates", allowed, texts[0])
    return np.eye(columns)[[int(value) - 1 for value in chosen]]


_VARIANCE = Parameter("variance", "Variance of each coordinate", "1")
_RHO = Parameter("ρ", "Correlation", "0.5")
_ZERO, _ONE = Pattern("Zeros", (), _zeros), Pattern("Identity", (), _identity)
COVARIANCES: Final = (
    _ONE,
    Pattern("Isotropic", (_VARIANCE,), _isotropic),
    Pattern("Exponential correlation ρ^|i−j|", (_VARIANCE, _RHO), _exponential),
    Pattern("Equicorrelated ρ", (_VARIANCE, _RHO), _equicorrelated),
    _ZERO,
)
"""Patterns of a covariance, (d, d)."""
MEASUREMENTS: Final = (
    _ONE,
    Pattern("Averages of blocks", (), _averages),
    Pattern("Selected coordinates", (Parameter("coordinates", "Numbers of the coordinates", "1 2"),), _selection),
    _ZERO,
)
"""Patterns of H, (m, d)."""
