"""Spectra of real data: scikit-learn's data sets, and files of eigenvalues, of a covariance, or of points."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from core.data import Table, read_table
from core.errors import ScenarioError
from core.spectrum.spectra import MOST_EIGENVALUES, Array, Spectrum
from core.text.user_text import one_line

DataSet: TypeAlias = Literal["digits", "iris", "wine", "breast cancer", "diabetes"]
DATA_SETS: tuple[str, ...] = get_args(DataSet)
"""Data sets that come with scikit-learn."""
Holds: TypeAlias = Literal["eigenvalues", "covariance", "points"]
"""What the numbers of a file are."""


def data_set(name: DataSet, *, standardised: bool = False) -> Spectrum:
    """Return the spectrum of a data set of scikit-learn, with its eigenvectors.

    Args:
        name: one of :data:`DATA_SETS`; the digits are pictures of 8 x 8 pixels from 0 to 16.
        standardised: each feature is divided by its standard deviation, so that the covariance is the correlation.
    """
    points = _points(name)
    words = f"{name} ({'standardised' if standardised else 'not standardised'}, {len(points)} points)"
    return _of_points(points, words, standardised=standardised, picture=(8, 8) if name == "digits" else None)


def _points(name: DataSet) -> Array:
    from sklearn import datasets  # noqa: PLC0415 - takes a second to load

    loaders: dict[str, Callable[[], Any]] = {
        "digits": datasets.load_digits,
        "iris": datasets.load_iris,
        "wine": datasets.load_wine,
        "breast cancer": datasets.load_breast_cancer,
        "diabetes": lambda: datasets.load_diabetes(scaled=False),
    }
    return np.asarray(loaders[name]().data, dtype=np.float64)


def _of_points(
    points: Array, label: str, *, standardised: bool, picture: tuple[int, int] | None = None, remark: str = ""
) -> Spectrum:
    """Return the spectrum of points (n, d) around their mean; features that never vary stay at zero."""
    centred = points - points.mean(0)
    if standardised:
        spread = centred.std(0)
        centred = centred / np.where(spread > 1e-12 * np.abs(points).max(0), spread, np.inf)
    return Spectrum.of_covariance(centred.T @ centred / len(points), label, picture=picture, remark=remark)


def from_file(path: Path, holds: Holds | None = None, *, standardised: bool = False) -> Spectrum:
    """Return the spectrum in a file of numbers (.npy, .csv, .txt), which is read as data, never as code.

    Args:
        path: the file; a table as :mod:`core.data` reads it.
        holds: what its numbers are; None: eigenvalues where they are one row or one column, a covariance where they
            are a symmetric matrix, else points, one per row.
        standardised: divide each feature of points by its standard deviation.

    Raises:
        ScenarioError: it cannot be read, or is none of these.
    """
    table = read_table(path, most_columns=MOST_EIGENVALUES)
    columns = [index for index in range(len(table.columns)) if index not in table.counters]
    for index in columns:
        if index in table.wrong:
            raise ScenarioError(table.source, "", table.wrong[index])
    values = table.values[:, columns]
    kind = holds or _guess(values)
    remark = "" if holds else f"The file's numbers are read as {kind}; write holds = … to say otherwise."
    try:
        return _of_kind(kind, values, table, standardised=standardised, remark=remark)
    except ScenarioError as error:
        raise ScenarioError(table.source, error.field, error.reason) from None


def _guess(values: Array) -> Holds:
    if min(values.shape) == 1:
        return "eigenvalues"
    square = values.shape[0] == values.shape[1]
    if square and np.abs(values - values.T).max() <= 1e-9 * np.abs(values).max():
        return "covariance"
    return "points"


def _of_kind(kind: Holds, values: Array, table: Table, *, standardised: bool, remark: str) -> Spectrum:
    rows, columns = values.shape
    source = one_line(table.source, 60)
    if kind == "eigenvalues":
        if min(rows, columns) > 1:
            raise ScenarioError("", "", f"must be one row or one column of eigenvalues (is {rows} by {columns})")
        found = Spectrum.of(values, f"{source}, d = {values.size}", field="")
        return Spectrum(found.eigenvalues, found.label, remark=remark)
    if kind == "covariance":
        if rows != columns:
            raise ScenarioError("", "", f"must be a square matrix to be a covariance (is {rows} by {columns})")
        return Spectrum.of_covariance(values, f"{source}, d = {columns}", remark=remark)
    if rows < 2:
        raise ScenarioError("", "", "must have at least 2 points")
    said = "standardised" if standardised else "not standardised"
    return _of_points(values, f"{source} ({said}, {rows} points)", standardised=standardised, remark=remark)
