"""A study on the page Studies, as the export dialog takes it; no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from matplotlib.figure import Figure

from app.export.taken import Contents, Taken
from core.drawing.style import Style
from core.errors import ScenarioError
from core.snapshot.snapshot import Snapshot
from core.studies.code import study_command, study_script
from core.studies.export import csv_text, json_bytes, parquet_bytes
from core.studies.numbers import study_tables, summary_columns
from core.studies.spectrum_metrics import ALL_METRICS
from core.studies.store import Store
from core.studies.study import Study
from core.studies.study_figure import part_of, study_figure
from core.studies.summary import Table
from core.text.table_files import TABLE_ENDINGS, TableForm, csv_bytes, npz_bytes

_NUMBERS = {
    "table": "tables: means and intervals",
    "summary": "curves and maps: a row a point",
    "rows": "rows: every cell, sampler and replicate",
    "report": "study.json",
}


@final
@dataclass(frozen=True)
class TakenStudy(Taken):
    """A study with what is measured of it so far."""

    study: Study
    table: Table
    samplers: tuple[str, ...]
    """Samplers that are shown."""
    store: Path
    """File of its rows."""
    plugins: tuple[Path, ...]
    """Sampler files that it needs."""
    fingerprints: tuple[str, ...]
    source: str
    """The study on a command line, where it is to be measured: its file, the key of a built-in one, or a snapshot."""
    snapshot: Snapshot

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.study.name

    @property
    def numbers(self) -> Mapping[str, str]:
        """Table, arrays and report."""
        return _NUMBERS

    @property
    def figures(self) -> Mapping[str, str]:
        """All charts, and those of each metric."""
        labels = {name: ALL_METRICS[name].label for name in self.study.metrics}
        return {"page": "page: all charts", **(labels if len(labels) > 1 else {})}

    @property
    def _measured(self) -> Table:
        """Summary of the samplers that are shown.

        Raises:
            ScenarioError: nothing is measured yet.
        """
        if not self.table:
            raise ScenarioError("", "", "nothing is measured yet: start the study first")
        return {key: columns for key, columns in self.table.items() if key in self.samplers}

    def figure(self, what: str, style: Style) -> Figure:
        """Draw the charts of the samplers that are shown."""
        return study_figure(part_of(self.study, what, self.samplers), self._measured, style)

    def contents(self, what: str, form: TableForm, *, every_t: bool) -> Contents:
        """Return tables, the summary as columns, or all rows."""
        del every_t
        study, table = self.study, self._measured
        if what == "table":
            return {TABLE_ENDINGS[form]: lambda: study_tables(study, table, form).encode()}
        if what == "summary":
            return {
                ".csv": lambda: csv_bytes(summary_columns(study, table)),
                ".npz": lambda: npz_bytes(summary_columns(study, table)),
            }
        if what == "report":
            return {".json": lambda: self._of_store("json")}
        return {".csv": lambda: self._of_store("csv"), ".parquet": lambda: self._of_store("parquet")}

    def _of_store(self, form: str) -> bytes:
        """Return rows of the store, which may have become more meanwhile."""
        with Store.open(self.store, self.study, self.fingerprints) as store:
            cells = store.cells()
            if form == "json":
                return json_bytes(store, cells)
        return csv_text(self.study, cells).encode() if form == "csv" else parquet_bytes(self.study, cells)

    def script(self) -> str:
        """Return a script that measures the study."""
        return study_script(self.study, self.plugins)

    def command(self) -> str:
        """Return the command that draws the rows, or that measures them where there are none."""
        if self.table:
            shown = () if set(self.samplers) == set(self.study.abouts()) else self.samplers
            return study_command(str(self.store), "page", shown, self.plugins)
        return study_command(self.source, plugins=self.plugins)
