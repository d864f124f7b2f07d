"""A run on the page Explore, as the export dialog takes it; no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, final

from matplotlib.figure import Figure

from app.export.taken import Contents, Taken
from core.drawing.style import Style
from core.figures.code import command_line, needed_plugins, python_script
from core.figures.figures import What, figure, shown_frame
from core.figures.numbers import Arrays, array_columns, run_table
from core.reporting.report import report_bytes
from core.runs.results import Results
from core.snapshot.snapshot import Snapshot
from core.snapshot.view import View
from core.text.table_files import TABLE_ENDINGS, TableForm, csv_bytes, npz_bytes

_FIGURES: Mapping[str, str] = {
    "page": "page: panels, plot and table",
    "panels": "all panels",
    "panel": "one panel",
    "headline": "mismatch, bound and KL against t",
    "per-step": "mismatch of each step",
    "composition": "terms of each bound",
    "weights": "component weights",
    "table": "table",
}
NUMBERS = {
    "table": "table at t",
    "curves": "curves, at every t",
    "particles": "particles",
    "law": "law on its grid",
    "bracket": "brackets of the KL",
    "report": "report.json, at t = 1",
}


@final
@dataclass(frozen=True)
class TakenRun(Taken):
    """Run and view."""

    results: Results
    view: View
    snapshot: Snapshot
    is_settled: bool
    """True if the run is complete, and nothing more will be known about it."""
    source: str
    """The scenario on a command line: its file, the key of a built-in one, or a snapshot."""

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return self.results.scenario.name

    @property
    def figures(self) -> Mapping[str, str]:
        """The page, and each of its plots."""
        return _FIGURES

    @property
    def numbers(self) -> Mapping[str, str]:
        """Table, arrays and report."""
        return NUMBERS

    def figure(self, what: str, style: Style) -> Figure:
        """Draw the run as the view shows it."""
        return figure(self.results, self.view, cast("What", what), style)

    def contents(self, what: str, form: TableForm, *, every_t: bool) -> Contents:
        """Return the text of the table, CSV and NPZ of arrays, or JSON of the report."""
        results = self.results
        frame = shown_frame(results, self.view)
        if what == "table":
            return {TABLE_ENDINGS[form]: lambda: run_table(results, frame, form).encode()}
        if what == "report":
            return {".json": lambda: report_bytes(results)}
        arrays = cast("Arrays", what)
        shown = None if every_t or what in {"curves", "bracket"} else frame
        return {
            ".csv": lambda: csv_bytes(array_columns(results, arrays, shown)),
            ".npz": lambda: npz_bytes(array_columns(results, arrays, shown)),
        }

    def script(self) -> str:
        """Return a script that runs the scenario."""
        return python_script(self.results.scenario, self.view)

    def command(self) -> str:
        """Return the command that draws the page."""
        return command_line(self.source, self.view, "page", needed_plugins(self.results.scenario))
