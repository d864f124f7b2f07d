"""Store: the rows of a study in one SQLite file, written as they arrive, so that a killed study can be resumed.

Cells and their rows are written in one transaction that is on the disk before the next one begins. Cells are found by
:meth:`~core.studies.study.Study.key`, so that rows stay valid where a changed study still contains their cell.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self, final

from core.errors import ScenarioError
from core.studies.measure import Outcome, Row
from core.studies.metrics import Kind, Measured
from core.studies.study import Cell, Study

_APPLICATION = 0x4D4C5354
"""Mark of our files in SQLite's header."""
_TABLES = """
CREATE TABLE IF NOT EXISTS study (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cells (
    key TEXT PRIMARY KEY, place TEXT NOT NULL, replicate INTEGER NOT NULL, reason TEXT NOT NULL, seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS rows (
    cell TEXT NOT NULL, sampler TEXT NOT NULL, name TEXT NOT NULL, value REAL, error REAL, lower REAL, upper REAL,
    kind TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (cell, sampler, name)
) WITHOUT ROWID;
"""


@final
class StoredCell(NamedTuple):
    """A cell of the study with what was measured in it."""

    cell: Cell
    rows: list[Row]
    reason: str
    """Why there are no rows; empty where the cell was measured."""
    seconds: float


@final
class Store:
    """A study's SQLite file; one process writes, others may read at the same time.

    Args:
        connection: to the file.
        study: with its base scenario in place.
        plugins: fingerprints of the user's sampler files.
    """

    def __init__(self, connection: sqlite3.Connection, study: Study, plugins: Sequence[str] = ()) -> None:
        self._connection, self.study = connection, study
        self._keys = {study.key(cell, plugins): cell for cell in study.cells()}
        self._key_of = {cell: key for key, cell in self._keys.items()}

    @classmethod
    @contextmanager
    def open(cls, path: Path, study: Study, plugins: Sequence[str] = ()) -> Iterator[Self]:
        """Open a study's file, made where it is missing, and note the study in it.

        Raises:
            ScenarioError: it is no file of a study, or cannot be read or written.
        """
        try:
            connection = _connected(path)
        except sqlite3.Error as error:
            raise ScenarioError(str(path), "", reason_of(error)) from None
        try:
            with connection:
                connection.execute("INSERT OR REPLACE INTO study VALUES ('toml', ?)", (study.to_toml(),))
            yield cls(connection, study, plugins)
        except sqlite3.Error as error:
            raise ScenarioError(str(path), "", reason_of(error)) from None
        finally:
            connection.close()

    def pending(self) -> list[Cell]:
        """Return the cells without an outcome, in the study's order."""
        known = self._known()
        return [cell for key, cell in self._keys.items() if key not in known]

    @property
    def completed(self) -> int:
        """Number of cells with an outcome."""
        return len(self._known() & self._keys.keys())

    @property
    def obsolete(self) -> int:
        """Number of stored cells that do not belong to the study as it is now."""
        return len(self._known() - self._keys.keys())

    def _known(self) -> set[str]:
        return {key for (key,) in self._connection.execute("SELECT key FROM cells")}

    def add(self, cell: Cell, outcome: Outcome) -> None:
        """Write the outcome of a cell: all of its rows, or none if the process ends here."""
        self.add_together([(cell, outcome)])

    def add_together(self, measured: Sequence[tuple[Cell, Outcome]]) -> None:
        """Write the outcomes of several cells: all of them, or none if the process ends here."""
        with self._connection:
            for cell, outcome in measured:
                key = self._key_of[cell]
                self._connection.execute(
                    "INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?)",
                    (key, json.dumps(cell.place), cell.replicate, outcome.reason, outcome.seconds),
                )
                self._connection.executemany(
                    "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (key, row.sampler, row.column, *map(_stored, row.measured[:4]), *row.measured[4:])
                        for row in outcome.rows
                    ],
                )

    def forget_failed(self) -> None:
        """Remove the cells that failed, so that they are measured again."""
        with self._connection:
            self._connection.execute("DELETE FROM cells WHERE reason != ''")

    def cells(self) -> list[StoredCell]:
        """Return the study's cells with an outcome, in its order."""
        rows: dict[str, list[Row]] = {}
        for key, sampler, name, *values, kind, note in self._connection.execute(
            "SELECT cell, sampler, name, value, error, lower, upper, kind, note FROM rows"
        ):
            rows.setdefault(key, []).append(Row(sampler, name, measured_of(values, kind, note)))
        outcomes = {key: rest for key, *rest in self._connection.execute("SELECT key, reason, seconds FROM cells")}
        return [
            StoredCell(cell, rows.get(key, []), *outcomes[key]) for key, cell in self._keys.items() if key in outcomes
        ]


def stored_study(path: Path) -> Study:
    """Return the study that a file was last computed for.

    Raises:
        ScenarioError: it is no file of a study, or cannot be read.
    """
    try:
        if not path.is_file():
            raise ScenarioError(str(path), "", "there is no such file")
        connection = _connected(path)
        try:
            found = connection.execute("SELECT value FROM study WHERE name = 'toml'").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise ScenarioError(str(path), "", reason_of(error)) from None
    if found is None:
        raise ScenarioError(str(path), "", "holds no study")
    return Study.from_toml(found[0], str(path))


def _connected(path: Path) -> sqlite3.Connection:
    """Open a file and prepare its tables.

    Raises:
        ScenarioError: it is a database of another program.
    """
    connection = sqlite3.connect(path, timeout=30)
    try:
        (mark,) = connection.execute("PRAGMA application_id").fetchone()
        (count,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if mark != _APPLICATION and count:
            raise ScenarioError(str(path), "", "is a database of another program, not a study's file")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # on the disk, also when the power fails
        connection.executescript(f"PRAGMA application_id = {_APPLICATION};{_TABLES}")
    except BaseException:
        connection.close()
        raise
    return connection


def reason_of(error: sqlite3.Error) -> str:
    """Return why a file cannot be used, as the end of a sentence."""
    if "not a database" in str(error):
        return "is not a study's file"
    return f"cannot be read or written ({error})"


def _stored(value: float) -> float | None:
    return None if math.isnan(value) else value


def measured_of(values: Sequence[float | None], kind: Kind, note: str) -> Measured:
    """Return a value as it is stored, with NULL for NaN."""
    value, error, lower, upper = (math.nan if value is None else value for value in values)
    return Measured(value, error, lower, upper, kind, note)
