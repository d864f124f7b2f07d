"""Reading of a study's file while another process writes it: only cells that are new are read each time."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, final

from core.errors import ScenarioError
from core.studies.measure import Row
from core.studies.store import StoredCell, measured_of, reason_of
from core.studies.study import Cell, Study
from core.studies.summary import Table, table_of


@final
class StudyResults(NamedTuple):
    """A study's results so far."""

    table: Table
    completed: int
    """Cells with an outcome, failed ones among them."""
    total: int
    failed: tuple[tuple[Cell, str], ...]
    """Cells that failed, with the reasons, in the study's order."""
    seconds: float
    """Mean seconds of a cell; 0 before the first."""
    obsolete: int
    """Stored cells that do not belong to the study as it is now."""


@final
class StoreReader:
    """Reader of a study's file, which need not exist yet.

    Args:
        path: of the file.
        study: with its base scenario in place.
        plugins: fingerprints of the user's sampler files that the study uses.
    """

    def __init__(self, path: Path, study: Study, plugins: Sequence[str] = ()) -> None:
        self._path, self.study, self._plugins = path, study, tuple(plugins)
        self._cells: dict[str, Cell] | None = None
        self._found: dict[Cell, StoredCell] = {}
        self._last, self._obsolete = 0, 0

    def read(self) -> bool:
        """Read the cells that have been stored since the last call; return whether there were any.

        Raises:
            ScenarioError: the file is not a study's, or cannot be read.
        """
        if self._cells is None:
            self._cells = {self.study.key(cell, self._plugins): cell for cell in self.study.cells()}
        if not self._path.is_file():
            return False
        try:
            # Read and write, since a file whose writer was killed is put in order first; nothing is written.
            address = f"{self._path.absolute().as_uri()}?mode=rw"
            with closing(sqlite3.connect(address, uri=True, timeout=10, isolation_level=None)) as connection:
                connection.execute("PRAGMA query_only = 1")
                connection.execute("BEGIN")
                return self._take(connection)
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):  # its writer has just begun
                return False
            raise ScenarioError(str(self._path), "", reason_of(error)) from None
        except sqlite3.Error as error:
            raise ScenarioError(str(self._path), "", reason_of(error)) from None

    def _take(self, connection: sqlite3.Connection) -> bool:
        assert self._cells is not None
        outcomes = connection.execute(
            "SELECT rowid, key, reason, seconds FROM cells WHERE rowid > ? ORDER BY rowid", (self._last,)
        ).fetchall()
        rows: dict[str, list[Row]] = {}
        for key, sampler, name, *values, kind, note in connection.execute(
            "SELECT cell, sampler, name, value, error, lower, upper, kind, note FROM rows "
            "JOIN cells ON rows.cell = cells.key WHERE cells.rowid > ?",
            (self._last,),
        ):
            rows.setdefault(key, []).append(Row(sampler, name, measured_of(values, kind, note)))
        for number, key, reason, seconds in outcomes:
            self._last = number
            cell = self._cells.get(key)
            if cell is None:
                self._obsolete += 1
            else:
                self._found[cell] = StoredCell(cell, rows.get(key, []), reason, seconds)
        return bool(outcomes)

    def results(self) -> StudyResults:
        """Return the results read so far."""
        known = [self._found[cell] for cell in self.study.cells() if cell in self._found]
        failed = tuple((each.cell, each.reason) for each in known if each.reason)
        seconds = sum(each.seconds for each in known) / len(known) if known else 0.0
        return StudyResults(table_of(known), len(known), self.study.count, failed, seconds, self._obsolete)
