"""A prior from data: points from a file, and the Gaussian mixture that describes them."""

from __future__ import annotations

import csv
import io
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from core.files import read_bytes
from core.refusal import ScenarioError
from core.scenario import Scenario
from core.sections import DataSection, PriorSection
from core.user_text import quoted

Points = NDArray[np.float64]
"""(n, d): a row a point, as files have them."""

MOST_COMPONENTS = 10
"""The Bayesian information criterion chooses among 1 to so many."""
_MOST_COLUMNS = 64
_MOST_BYTES = 200 << 20
_LARGEST = 1000.0
"""Squares of larger numbers are no covariances of a scenario."""
_MOST_SHOWN = 1000
_MOST_FITTED = 5000
_DIGITS = 3


@final
@dataclass(frozen=True)
class Table:
    """What a file of points holds: named columns, NaN where a cell is no number."""

    source: str
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    """(rows, columns)."""
    wrong: dict[int, str]
    """For each column with a cell that is no finite number: where the first one is, and what it says."""

    @property
    def usable(self) -> list[int]:
        """Columns that are numbers all through."""
        return [index for index in range(len(self.columns)) if index not in self.wrong]

    def points(self, columns: Sequence[int], *, standardised: bool = False) -> Points:
        """Return the points of some columns.

        Args:
            columns: which, in this order.
            standardised: shift and scale each to mean 0 and standard deviation 1.

        Raises:
            ScenarioError: no mixture can be fitted to them, and why.
        """
        if not columns:
            raise self._error("choose at least one column")
        for index in columns:
            if index in self.wrong:
                raise self._error(self.wrong[index])
        chosen = self.values[:, list(columns)]
        sample = chosen[:: 1 + len(chosen) // _MOST_FITTED]  # enough to tell, in no time
        distinct, least = len(np.unique(sample, axis=0)), 2 * (len(columns) + 1)
        if distinct < least:
            raise self._error(f"must have at least {least} different points (has {distinct})")
        size = np.abs(chosen).max(0)
        with np.errstate(over="ignore"):  # an infinite spread is one, too
            spread = np.ptp(chosen, axis=0)
        for index, constant in zip(columns, spread <= 1e-9 * size, strict=True):
            if constant:
                raise self._error(f"column {self.columns[index]} is the same everywhere")
        if standardised:
            chosen = chosen / size
            chosen = (chosen - chosen.mean(0)) / chosen.std(0)
        elif size.max() > _LARGEST or spread.min() < 1 / _LARGEST:
            raise self._error(f"has values beyond {_LARGEST:g} or within {1 / _LARGEST:g}; standardise the columns")
        return chosen

    def _error(self, reason: str) -> ScenarioError:
        return ScenarioError(self.source, "", reason)


# Reading


def read_table(path: Path) -> Table:
    """Read a CSV or NPY file.

    Raises:
        ScenarioError: it cannot be read, or holds no table of numbers.
    """
    source = path.name
    try:
        content = read_bytes(path, _MOST_BYTES)
    except ScenarioError as error:
        raise ScenarioError(source, "", error.reason) from None
    if path.suffix.lower() == ".npy":
        return table_of(_array(content, source), source)
    encoding = "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        return parse_csv(content.decode(encoding), source)
    except UnicodeDecodeError:
        raise ScenarioError(source, "", "is not a text file in UTF-8 or UTF-16") from None


def _array(content: bytes, source: str) -> NDArray[np.generic]:
    """The array of an NPY file whose header and size agree: a header alone could ask for all memory.

    Raises:
        ScenarioError: it is none, or its numbers are not all there.
    """
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = headers[version](file)
    except Exception:  # the header is an expression, and what is wrong with it may be anything
        raise ScenarioError(source, "", "is not a NumPy array of numbers (its header cannot be read)") from None
    if dtype.hasobject:
        raise ScenarioError(source, "", "is not a NumPy array of numbers (it holds objects, which are not read)")
    if dtype.kind not in "fiu" or len(shape) not in {1, 2}:
        raise ScenarioError(source, "", f"must be a table of real numbers (is {dtype} of shape {shape})")
    if min(shape) < 0 or math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise ScenarioError(source, "", f"has not the {dtype} numbers of shape {shape} that its header says")
    file.seek(0)
    array: NDArray[np.generic] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def table_of(array: NDArray[np.generic], source: str = "") -> Table:
    """Return the table that an array holds, a row a point.

    Raises:
        ScenarioError: it is no table of real numbers.
    """
    if array.ndim not in {1, 2} or array.dtype.kind not in "fiu":
        raise ScenarioError(source, "", f"must be a table of real numbers (is {array.dtype} of shape {array.shape})")
    if array.size == 0:
        raise ScenarioError(source, "", "is empty")
    values = array.reshape(len(array), -1).astype(np.float64)
    cells = [(row + 1, row, index) for row, index in np.argwhere(~_usable(values)).tolist()]
    names = [""] * values.shape[1]
    return _table(source, names, values, ((f"row {row}", index, f"{values[at, index]}") for row, at, index in cells))


def parse_csv(text: str, source: str = "") -> Table:
    """Read a table from text: columns between commas, semicolons, tabs or spaces, with a header or without.

    Raises:
        ScenarioError: it is no table.
    """
    lines = [(place, line) for place, line in enumerate(text.splitlines(), start=1) if line.strip()]
    body = [(place, line) for place, line in lines if not line.startswith("#")]
    if not body:
        raise ScenarioError(source, "", "is empty")
    # A comma beside semicolons or tabs is how half of the world writes a decimal point.
    delimiter = next((each for each in ";\t," if each in body[0][1]), None)
    rows = [(place, _cells(line, delimiter, f"line {place}", source)) for place, line in body]
    width = len(rows[0][1])
    for place, cells in rows:
        if len(cells) != width:
            raise ScenarioError(source, f"line {place}", f"must have {width} cells as the first (has {len(cells)})")
    names = [""] * width
    if all(_number(cell) is None for cell in rows[0][1]):
        names = rows.pop(0)[1]
    elif lines[0] != body[0]:  # NumPy writes its header as a comment
        above = _cells(lines[0][1].lstrip("# "), delimiter, "line 1", source)
        names = above if len(above) == width else names
    values = np.array([[_number(cell) for cell in cells] for _, cells in rows], dtype=np.float64).reshape(-1, width)
    wrong = ((f"line {rows[at][0]}", index, rows[at][1][index]) for at, index in np.argwhere(~_usable(values)).tolist())
    return _table(source, names, values, wrong)


def _table(source: str, names: Sequence[str], values: Points, wrong: Iterable[tuple[str, int, str]]) -> Table:
    """Name what has no name, and keep the first cell of each column that is no number."""
    if len(names) > _MOST_COLUMNS:
        raise ScenarioError(source, "", f"must have at most {_MOST_COLUMNS} columns (has {len(names)})")
    columns = tuple(name or f"x{index}" for index, name in enumerate(names, start=1))
    first: dict[int, str] = {}
    for place, index, cell in wrong:
        first.setdefault(index, f"{place}, column {columns[index]}: must be a number (is {quoted(cell)})")
    return Table(source, columns, values, first)


def _cells(line: str, delimiter: str | None, place: str, source: str) -> list[str]:
    if delimiter is None:
        return line.split()
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ScenarioError(source, place, f"cannot be read ({error})") from None
    return [cell.strip() if delimiter == "," else cell.strip().replace(",", ".") for cell in cells]


def _number(cell: str) -> float | None:
    try:
        return float(cell.replace("−", "-"))
    except ValueError:
        return None


def _usable(values: Points) -> NDArray[np.bool_]:
    """Which are finite."""
    return np.isfinite(values)


# Fitting


@final
@dataclass(frozen=True)
class Fit:
    """A mixture fitted to points."""

    prior: PriorSection
    bic: float
    """Bayesian information criterion: the lower, the better for its number of components."""

    @property
    def components(self) -> int:
        """Number K of components."""
        return len(self.prior.weights)


def fits(points: Points, counts: Iterable[int], seed: int) -> Iterator[Fit]:
    """Fit mixtures of so many components each; the same seed gives the same fits.

    Args:
        points: (n, d).
        counts: of components; those that the points cannot bear are left out.
        seed: of the starts, and of the choice of points where there are too many.
    """
    # It takes a second to load, and few need it.
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415

    seed %= 2**32
    used = _some(points, _MOST_FITTED, seed)
    floor = 1e-6 * float(used.var(0).min())
    bearable = len(np.unique(used, axis=0)) // (used.shape[1] + 1)
    for count in counts:
        if count > bearable:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a fit that still moves a little is a fit
            model = GaussianMixture(count, n_init=2, max_iter=300, reg_covar=floor, random_state=seed)
            try:
                model.fit(used)
            except ValueError:
                raise ScenarioError("", "", "the fit broke down; standardise the columns or take fewer") from None
        yield Fit(_rounded(model.weights_, model.means_, model.covariances_), float(model.bic(used)))


def best(found: Iterable[Fit]) -> Fit:
    """Return the fit whose criterion is lowest."""
    return min(found, key=lambda fit: fit.bic)


def _rounded(weights: Points, means: Points, covariances: Points) -> PriorSection:
    """Numbers that people can read, the heaviest component first."""
    order = np.argsort(-weights, kind="stable")
    places = _places(float(np.sqrt(np.einsum("kii->ki", covariances)).min()))
    return PriorSection(
        weights=tuple(max(round(float(weight), _DIGITS), 10.0**-_DIGITS) for weight in weights[order]),
        means=_tuples(np.round(means[order], places)),
        covariances=tuple(_tuples(_rounded_covariance(each)) for each in covariances[order]),
    )


def _rounded_covariance(covariance: Points) -> Points:
    """As few places as leave its narrowest direction what it is."""
    narrowest = float(np.linalg.eigvalsh(covariance).min())
    return np.round((covariance + covariance.T) / 2, _places(narrowest))


def _places(scale: float) -> int:
    """Decimal places that show so many digits of numbers of this scale."""
    return max(0, _DIGITS - 1 - math.floor(math.log10(scale)))


def _tuples(rows: Points) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in rows.tolist())


def _some(points: Points, most: int, seed: int) -> Points:
    """Not more than so many of the points, in their order."""
    if len(points) <= most:
        return points
    chosen = np.random.default_rng(seed).choice(len(points), most, replace=False)
    return points[np.sort(chosen)]


# A scenario of it


@final
@dataclass(frozen=True)
class Order:
    """What is to be fitted: which columns of which table, and how."""

    table: Table
    columns: tuple[int, ...]
    standardised: bool
    counts: tuple[int, ...]
    """Numbers of components to choose from."""
    seed: int

    def points(self) -> Points:
        """The points to fit to.

        Raises:
            ScenarioError: nothing can be fitted to them.
        """
        return self.table.points(self.columns, standardised=self.standardised)

    def fitted(self, fit: Fit, points: Points) -> Fitted:
        """A fit to these points, as one of this order."""
        return Fitted(fit, points, self.table.source)


@final
@dataclass(frozen=True)
class Fitted:
    """A fit and what it was made from."""

    fit: Fit
    points: Points
    source: str

    def scenario(self, base: Scenario) -> Scenario:
        """Return a scenario with this prior, and all else as in another where it fits.

        The measurement is kept where the dimension is, else the first coordinate is measured with
        noise of a third of its spread. Either way y is drawn from the model.
        """
        dimension, kept = self.points.shape[1], base.to_dict()
        kept.pop("target", None)
        measurement = kept.get("measurement")
        if measurement is None or base.dimension != dimension:
            spread = float(self.points[:, 0].std())
            noise = round(spread / 3, _places(spread / 3) - 1)
            measurement = {"matrix": [[1.0, *[0.0] * (dimension - 1)]], "noise": noise}
        measurement.pop("value", None)
        shown = _some(self.points, _MOST_SHOWN, 0)
        data = DataSection(source=self.source, points=_tuples(np.round(shown, _places(float(shown.std(0).min())) + 1)))
        return Scenario.from_dict(
            {
                **kept,
                "name": f"Prior from {self.source}",
                "group": "From data",
                "notes": f"{self.fit.components} components fitted to {len(self.points)} points of {self.source}.",
                "prior": self.fit.prior.model_dump(),
                "measurement": measurement,
                "data": data.model_dump(),
            }
        ).with_value()
