"""Edits that insert pasted matrices and numbers into a scenario."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, final

from core.errors import ScenarioError
from core.matrices.text import Rows, parse_matrix, parse_readings, parse_vector
from core.scenario.covariances import Matrix
from core.scenario.edits import patched
from core.scenario.scenario import Scenario
from core.scenario.schema import MeasurementSection, MixtureSection

MixtureColumn = Literal["weights", "means", "covariances"]


@final
@dataclass(frozen=True)
class MatrixField:
    """Reference to a matrix of a scenario: H, or the covariance of a component."""

    section: Literal["measurement", "prior", "target"]
    index: int = 0
    """Index of the component, from 0."""

    @property
    def field(self) -> str:
        """Name of the matrix in errors."""
        if self.section == "measurement":
            return "measurement.matrix"
        return f"{self.section}.covariances, component {self.index + 1}"

    @property
    def is_covariance(self) -> bool:
        """True if the matrix is a covariance, which is symmetric and of fixed size."""
        return self.section != "measurement"

    def find(self, scenario: Scenario) -> Matrix:
        """Return the matrix that a scenario holds here.

        Raises:
            ScenarioError: there is none.
        """
        section = getattr(scenario, self.section)
        if isinstance(section, MeasurementSection):
            return section.matrix
        if isinstance(section, MixtureSection) and self.index < len(section.covariances):
            return section.matrices[self.index]
        raise ScenarioError("", self.field, "no longer exists")

    def replaced(self, scenario: Scenario, rows: Rows, seen: Matrix | None = None) -> Scenario:
        """Return a scenario with this matrix replaced; y keeps its first values and gets zeros for new rows of H.

        Args:
            scenario: whatever is there now.
            rows: of the new matrix.
            seen: the matrix that the user saw and replaces; None: any.

        Raises:
            ScenarioError: the result is not valid, or the matrix has changed since it was seen.
        """
        present = self.find(scenario)
        if seen is not None and present != seen:
            raise ScenarioError("", self.field, "has changed since the editor was opened; the edit was not applied")
        if self.section == "measurement":
            return _with_measurement(scenario, rows, None)
        covariances = list(getattr(scenario, self.section).covariances)
        covariances[self.index] = rows
        return patched(scenario, {self.section: {"covariances": covariances}})


def _with_measurement(scenario: Scenario, matrix: Rows, value: Sequence[float] | None) -> Scenario:
    """Return a scenario with another H, and another y unless ``value`` is None."""
    patch: dict[str, object] = {"matrix": matrix}
    known = scenario.measurement.value if scenario.measurement else None
    if value is not None:
        patch["value"] = list(value)
    elif known is not None:
        patch["value"] = [*known, *[0.0] * len(matrix)][: len(matrix)]
    return patched(scenario, {"measurement": patch})


def with_measurement_block(scenario: Scenario, text: str, row: int, column: int) -> Scenario:
    """Return a scenario with a block of numbers pasted into the table of H and y.

    A block of the table's shape, with or without y, replaces all of it; another one is inserted at a cell if it fits;
    else one with as many columns as H replaces H.

    Args:
        scenario: whatever is there now.
        text: of the block.
        row: of the cell, from 0.
        column: of the cell, from 0; y is the last.

    Raises:
        ScenarioError: the text is not a matrix, or does not fit.
    """
    section = scenario.with_value().measurement
    if section is None:
        raise ScenarioError("", "measurement", "no longer exists")
    height, width = len(section.matrix), scenario.dimension
    table = [[*part, value] for part, value in zip(section.matrix, section.value or (), strict=True)]
    readings = _readings(text, "measurement.matrix")
    found = _placed(readings, (height, width + 1), (row, column), widths=(width, width + 1), field="measurement.matrix")
    if found is None:
        another = _chosen(readings, lambda rows: len(rows[0]) in {width, width + 1})
        if another is None:
            reason = _misfit(readings[0], (height, width + 1), (row, column))
            hint = f"; paste rows of {width} numbers, or of {width + 1} with y"
            raise ScenarioError("", "measurement.matrix", reason + hint)
        found = another, True
    rows, is_whole = found
    if is_whole and len(rows[0]) == width:
        return _with_measurement(scenario, rows, None)
    table = rows if is_whole else with_block(table, rows, row, column)
    has_y = is_whole or column + len(rows[0]) > width
    return _with_measurement(scenario, [part[:-1] for part in table], [part[-1] for part in table] if has_y else None)


def with_component_block(scenario: Scenario, section: str, text: str, row: int, column: MixtureColumn) -> Scenario:
    """Return a scenario with numbers pasted into the table of a mixture's components, from one component on.

    Args:
        scenario: whatever is there now.
        section: prior or target.
        text: a covariance; means, one per row; or weights.
        row: of the component, from 0.
        column: of the table.

    Raises:
        ScenarioError: the text does not fit the column, or there are too few components.
    """
    mixture: MixtureSection | None = getattr(scenario, section)
    if mixture is None or row >= len(mixture.weights):
        raise ScenarioError("", f"{section}.{column}", f"component {row + 1} no longer exists")
    field, size = f"{section}.{column}, component {row + 1}", scenario.dimension
    if column == "covariances":
        return MatrixField(section, row).replaced(scenario, covariance_of(text, size, field))  # type: ignore[arg-type]
    left = len(mixture.weights) - row
    readings = _readings(text, field)
    if column == "weights":
        column_of = _chosen(readings, lambda rows: len(rows[0]) == 1 and len(rows) <= left)
        is_row = len(readings) == len(readings[0]) == 1 and len(readings[0][0]) <= left
        if column_of is None and not is_row:
            raise ScenarioError("", field, f"must be one number for each component (at most {left} from here on)")
        values: list[object] = [value for part in column_of or readings[0] for value in part]
    else:  # one mean in any notation, or several, one per row
        means = [rows for rows in readings if len(rows[0]) == size and len(rows) <= left]
        columns = [rows for rows in readings if len(rows) == size and len(rows[0]) == 1 and rows not in means]
        if means and columns:
            raise _ambiguous(means[0], columns[0], field)
        values = [*means[0]] if means else [vector_of(text, size, field)]
    column_values: list[object] = list(getattr(mixture, column))
    column_values[row : row + len(values)] = values
    return patched(scenario, {section: {column: column_values}})


def covariance_of(text: str, size: int, field: str) -> Rows:
    """Return a covariance parsed from typed or pasted text.

    Raises:
        ScenarioError: it is not a matrix, or has another size.
    """
    try:
        rows = parse_matrix(text, lambda height, width: height == width == size)
    except ScenarioError as error:
        raise ScenarioError("", field, str(error)) from None
    if not len(rows) == len(rows[0]) == size:
        raise ScenarioError("", field, f"must be {size} by {size} (is {_size(rows)})")
    return rows


def vector_of(text: str, size: int, field: str) -> list[float]:
    """Return a mean parsed from typed or pasted text; errors as of :func:`covariance_of`."""
    if not text.strip():
        raise ScenarioError("", field, f"must have {size} coordinates (has none)")
    try:
        values = parse_vector(text, size)
    except ScenarioError as error:
        raise ScenarioError("", field, str(error)) from None
    if len(values) != size:
        raise ScenarioError("", field, f"must have {size} coordinates (has {len(values)})")
    return values


def block_for(text: str, shape: tuple[int, int], at: tuple[int, int]) -> tuple[Rows, bool]:
    """Return a block of numbers for a grid of cells, parsed from text.

    Args:
        text: of the block.
        shape: rows and columns of the grid.
        at: the cell where the block begins, from 0.

    Returns:
        The numbers, and whether they replace the whole grid.

    Raises:
        ScenarioError: the text is not a matrix, or does not fit there.
    """
    readings = parse_readings(text)
    found = _placed(readings, shape, at, widths=shape[1:])
    if found is None:
        raise ScenarioError("", "", _misfit(readings[0], shape, at))
    return found


def with_block(rows: Rows, block: Rows, row: int, column: int) -> Rows:
    """Return rows of numbers with a block inserted at a row and column."""
    changed = [list(each) for each in rows]
    for i, part in enumerate(block, start=row):
        changed[i][column : column + len(part)] = part
    return changed


# Ambiguous texts


def _readings(text: str, field: str) -> list[Rows]:
    try:
        return parse_readings(text)
    except ScenarioError as error:
        raise ScenarioError("", field, str(error)) from None


def _chosen(readings: Sequence[Rows], fits: Callable[[Rows], bool]) -> Rows | None:
    return next((rows for rows in readings if fits(rows)), None)


def _placed(
    readings: Sequence[Rows], shape: tuple[int, int], at: tuple[int, int], widths: Sequence[int], field: str = ""
) -> tuple[Rows, bool] | None:
    """Return the reading that fits a grid, wholly or from a cell on, and whether wholly; None where none does."""
    whole = [rows for rows in readings if len(rows) == shape[0] and len(rows[0]) in widths]
    there = [
        rows
        for rows in readings
        if rows not in whole and at[0] + len(rows) <= shape[0] and at[1] + len(rows[0]) <= shape[1]
    ]
    if (whole and any(len(rows) == len(rows[0]) == 1 for rows in there)) or (not whole and len(there) > 1):
        one, other = (whole + there)[:2]
        raise _ambiguous(one, other, field)
    if whole:
        return whole[0], True
    return (there[0], False) if there else None


def _ambiguous(one: Rows, other: Rows, field: str) -> ScenarioError:
    ways = f"{_size(one)} numbers or, with decimal commas, as {_size(other)}"
    return ScenarioError("", field, f"can be read as {ways}; write points for decimals, or spaces after commas")


def _misfit(rows: Rows, shape: tuple[int, int], at: tuple[int, int]) -> str:
    """Return the message that a block does not fit at a cell."""
    where = f"row {at[0] + 1}, column {at[1] + 1}"
    return f"the block of {_size(rows)} numbers does not fit into {shape[0]} × {shape[1]} cells from {where} on"


def _size(rows: Rows) -> str:
    return f"{len(rows)} × {len(rows[0])}"
