"""Plans of an export: what a form says at one moment, and the files and previews that follow from it; no Qt."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, final

from app.film.job import FilmJob, Format
from core.drawing.files import ENDINGS
from core.drawing.style import Style
from core.figures.code import command_line, needed_plugins, python_script
from core.figures.figures import What, figure, figure_content, shown_frame
from core.figures.numbers import Arrays, TableForm, array_columns, csv_bytes, npz_bytes, table_text
from core.reporting.report import report_bytes
from core.runs.results import Results
from core.snapshot.snapshot import Snapshot
from core.snapshot.view import View

CodeForm = Literal["python", "command", "snapshot"]
Numbers = Literal["table", "curves", "particles", "law", "bracket", "report"]

TABLE_ENDINGS: dict[TableForm, str] = {"latex": ".tex", "markdown": ".md", "tsv": ".tsv"}
_PREVIEW_DPI = 110
_MOST_LINES = 30
"""Lines of a file that the preview shows."""


@final
@dataclass(frozen=True)
class Taken:
    """Run and view that the dialog exports."""

    results: Results
    view: View
    snapshot: Snapshot
    is_settled: bool
    """True if the run is complete, and nothing more will be known about it."""
    source: str
    """The scenario on a command line: its file, the key of a built-in one, or a snapshot."""


class Plan(ABC):
    """One export; its methods are called on another thread than the interface's."""

    is_picture = False
    """True if the preview is a PNG picture; else it is text in UTF-8."""

    @abstractmethod
    def preview(self, taken: Taken) -> bytes:
        """Return the preview.

        Raises:
            ScenarioError: there is nothing to export.
        """

    @abstractmethod
    def files(self, taken: Taken) -> dict[str, Callable[[], bytes]]:
        """Return what makes the content of a file, by its ending, the usual one first."""


@final
@dataclass(frozen=True)
class FigurePlan(Plan):
    """A figure for a paper or a slide."""

    what: What
    style: Style
    dpi: int
    is_picture = True

    def preview(self, taken: Taken) -> bytes:
        """Return the figure as a small PNG picture."""
        drawn = figure(taken.results, taken.view, self.what, self.style)
        return figure_content(drawn, ".png", self.style, dpi=_PREVIEW_DPI)

    def files(self, taken: Taken) -> dict[str, Callable[[], bytes]]:
        """Return vector and pixel formats."""

        def content(ending: str) -> bytes:
            drawn = figure(taken.results, taken.view, self.what, self.style)
            return figure_content(drawn, ending, self.style, taken.snapshot, dpi=self.dpi)

        return {ending: lambda ending=ending: content(ending) for ending in ENDINGS}


@final
@dataclass(frozen=True)
class FilmPlan:
    """A film of the run, which another process makes."""

    looks: tuple[tuple[str, Any], ...]
    """Fields of :class:`~app.film.job.FilmJob`."""
    scene: tuple[tuple[str, Any], ...]
    """Fields of :class:`~app.film.job.FilmScene`."""

    def job(self, taken: Taken, form: Format = "mp4") -> FilmJob:
        """Return the film.

        Raises:
            ScenarioError: a field is not valid.
        """
        scenario, view = taken.results.scenario.to_dict(), taken.view.to_dict()
        scene = {**dict(self.scene), "scenario": scenario, "view": view}
        return FilmJob.from_dict({**dict(self.looks), "format": form, "scenes": [scene]})

    def picture(self, taken: Taken) -> FilmJob:
        """Return a film of one picture, at the view's t or else at the end, as numbered PNG files.

        Raises:
            ScenarioError: a field is not valid.
        """
        job = self.job(taken, "png")
        scene = job.scenes[0]
        t = scene.stretch[1] if taken.view.t is None else taken.view.t
        still = scene.model_copy(update={"start": t, "end": t, "hold": 0.0, "seconds": 0.02, "speed": None})
        return job.model_copy(update={"scenes": (still,)})


@final
@dataclass(frozen=True)
class NumbersPlan(Plan):
    """Numbers of the run: the table, arrays, or the report."""

    what: Numbers
    form: TableForm = "latex"
    every_t: bool = False
    """Particles and laws at every t; curves always are."""

    def preview(self, taken: Taken) -> bytes:
        """Return the first lines."""
        lines = next(iter(self.files(taken).values()))().decode().splitlines()
        more = [] if len(lines) <= _MOST_LINES else [f"… {len(lines) - _MOST_LINES} more lines"]
        return "\n".join([*lines[:_MOST_LINES], *more]).encode()

    def files(self, taken: Taken) -> dict[str, Callable[[], bytes]]:
        """Return the text of the table, CSV and NPZ of arrays, or JSON of the report."""
        results, what = taken.results, self.what
        frame = shown_frame(results, taken.view)
        if what == "table":
            return {TABLE_ENDINGS[self.form]: lambda: table_text(results, frame, self.form).encode()}
        if what == "report":
            return {".json": lambda: report_bytes(results)}
        shown = None if self.every_t or what in {"curves", "bracket"} else frame
        arrays: Arrays = what
        return {
            ".csv": lambda: csv_bytes(array_columns(results, arrays, shown)),
            ".npz": lambda: npz_bytes(array_columns(results, arrays, shown)),
        }


@final
@dataclass(frozen=True)
class CodePlan(Plan):
    """Code that computes again what is on the screen."""

    form: CodeForm

    def preview(self, taken: Taken) -> bytes:
        """Return the code."""
        return next(iter(self.files(taken).values()))()

    def files(self, taken: Taken) -> dict[str, Callable[[], bytes]]:
        """Return a script, a command line, or the snapshot's text."""
        ending, text = self._written(taken)
        return {ending: text.encode}

    def _written(self, taken: Taken) -> tuple[str, str]:
        scenario = taken.results.scenario
        if self.form == "python":
            return ".py", python_script(scenario, taken.view)
        if self.form == "command":
            return ".sh", f"{command_line(taken.source, taken.view, 'page', needed_plugins(scenario))}\n"
        return ".txt", f"{taken.snapshot.to_text()}\n"
