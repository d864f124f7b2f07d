"""Covariances as a scenario writes them: one number, the variances of d coordinates, or a d x d matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import Discriminator, Field, Strict, Tag

# Within these limits squares and products stay in the range of float32, the particles' type.
Number = Annotated[float, Strict(), Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
Vector = tuple[Number, ...]
Matrix = tuple[Vector, ...]

_NUMBER, _DIAGONAL, _MATRIX = FORMS = "covariance-number", "covariance-diagonal", "covariance-matrix"
"""Tags of the forms; pydantic puts them into the paths of errors."""


def _form(value: Any) -> str:  # noqa: ANN401 - any content of a file
    if not isinstance(value, list | tuple):
        return _NUMBER
    return _MATRIX if not value or isinstance(value[0], list | tuple) else _DIAGONAL


Covariance: TypeAlias = Annotated[
    Annotated[Number, Tag(_NUMBER)] | Annotated[Vector, Tag(_DIAGONAL)] | Annotated[Matrix, Tag(_MATRIX)],
    Discriminator(_form),
]
"""Of one component: a number c for ``c I``, the variances of uncorrelated coordinates, or the whole matrix."""


def as_matrix(covariance: float | Vector | Matrix, dimension: int) -> Matrix:
    """Return a covariance as rows (d, d)."""
    if isinstance(covariance, tuple) and covariance and isinstance(covariance[0], tuple):
        return covariance
    rows = np.diag(as_variances(covariance, dimension) or [])
    return tuple(tuple(row) for row in rows.tolist())


def as_variances(covariance: float | Vector | Matrix, dimension: int) -> list[float] | None:
    """Return the variances (d,) of a covariance that is written as one number or as variances; None for a matrix."""
    if not isinstance(covariance, list | tuple):
        return [float(covariance)] * dimension
    return None if not covariance or isinstance(covariance[0], list | tuple) else list(covariance)


def resized(covariance: Any, old: int, new: int) -> Any:  # noqa: ANN401 - one of the forms, as plain lists
    """Return a covariance for another dimension: new coordinates have variance one and are uncorrelated."""
    if not isinstance(covariance, list):
        return covariance if new <= old or covariance == 1 else [covariance] * old + [1.0] * (new - old)
    if _form(covariance) == _DIAGONAL:
        return [*covariance, *[1.0] * new][:new]
    rows = [[*row[:new], *[0.0] * (new - len(row))] for row in covariance[:new]]
    return rows + [[float(i == j) for j in range(new)] for i in range(len(rows), new)]


def in_old_forms(covariances: Sequence[Any], old: Sequence[Any], dimension: int) -> list[Any]:
    """Return edited covariances in the short forms that the old ones had, as far as they still can be.

    A matrix that equals an old covariance gets the form of that one; else the one with its index sets the form:
    one number as long as it is isotropic, variances as long as it is diagonal. New components are written short
    where all old ones were.

    Args:
        covariances: in any form.
        old: the covariances before the edit, in any form.
        dimension: d of both.
    """
    if all(_form(each) == _MATRIX for each in old):
        return list(covariances)
    known = [np.asarray(as_matrix(_tuples(each), dimension)) for each in old]
    forms = {_form(each) for each in old}
    last = next(form for form in (_MATRIX, _DIAGONAL, _NUMBER) if form in forms)
    found: list[Any] = []
    for index, each in enumerate(covariances):
        if _form(each) != _MATRIX or not _is_square(each, dimension):
            found.append(each)
            continue
        matrix = np.asarray(each, dtype=float)
        order = sorted(range(len(old)), key=lambda place: place != index)
        same = next((place for place in order if np.array_equal(known[place], matrix)), None)
        if same is not None:
            found.append(old[same])
        else:
            found.append(_shortened(each, matrix, _form(old[index]) if index < len(old) else last))
    return found


def _shortened(rows: Any, matrix: np.ndarray[Any, Any], form: str) -> Any:  # noqa: ANN401 - one of the forms
    """Return a matrix in a short form if it is diagonal; as one number only if that is the form asked for."""
    diagonal = matrix.diagonal()
    if form == _MATRIX or (matrix != np.diag(diagonal)).any():
        return rows
    if form == _NUMBER and (diagonal == diagonal[0]).all():
        return float(diagonal[0])
    return [float(value) for value in diagonal]


def _is_square(rows: Any, dimension: int) -> bool:  # noqa: ANN401 - any content of a file
    return len(rows) == dimension and all(
        isinstance(row, list | tuple)
        and len(row) == dimension
        and all(isinstance(value, float | int) and not isinstance(value, bool) for value in row)
        for row in rows
    )


def _tuples(covariance: Any) -> Any:  # noqa: ANN401 - one of the forms
    if not isinstance(covariance, list | tuple):
        return covariance
    return tuple(tuple(row) if isinstance(row, list | tuple) else row for row in covariance)
