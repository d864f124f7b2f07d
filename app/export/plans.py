"""Plans of an export: what a form says at one moment, and the files and previews that follow from it; no Qt."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, final

from app.export.taken import CodeForm, Contents, Taken
from app.export.taken_run import TakenRun
from app.film.job import FilmJob, Format
from core.drawing.files import ENDINGS
from core.drawing.style import Style
from core.figures.figures import figure_content
from core.text.table_files import TableForm

_PREVIEW_DPI = 110
_MOST_LINES, _LONGEST_LINE = 30, 400
"""Lines of a file that the preview shows, and letters of a line."""


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
    def files(self, taken: Taken) -> Contents:
        """Return what makes the content of a file, by its ending, the usual one first."""


@final
@dataclass(frozen=True)
class FigurePlan(Plan):
    """A figure for a paper or a slide."""

    what: str
    style: Style
    dpi: int
    is_picture = True

    def preview(self, taken: Taken) -> bytes:
        """Return the figure as a small PNG picture."""
        return figure_content(taken.figure(self.what, self.style), ".png", self.style, dpi=_PREVIEW_DPI)

    def files(self, taken: Taken) -> Contents:
        """Return vector and pixel formats."""

        def content(ending: str) -> bytes:
            drawn = taken.figure(self.what, self.style)
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

    def job(self, taken: TakenRun, form: Format = "mp4") -> FilmJob:
        """Return the film.

        Raises:
            ScenarioError: a field is not valid.
        """
        scenario, view = taken.results.scenario.to_dict(), taken.view.to_dict()
        scene = {**dict(self.scene), "scenario": scenario, "view": view}
        return FilmJob.from_dict({**dict(self.looks), "format": form, "scenes": [scene]})

    def picture(self, taken: TakenRun) -> FilmJob:
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
    """Numbers of what is shown: a table, arrays, or the report."""

    what: str
    form: TableForm = "latex"
    every_t: bool = False
    """Particles and laws at every t; curves always are."""

    def preview(self, taken: Taken) -> bytes:
        """Return the first lines."""
        lines = next(iter(self.files(taken).values()))().decode().splitlines()
        more = [] if len(lines) <= _MOST_LINES else [f"… {len(lines) - _MOST_LINES} more lines"]
        return "\n".join([*(line[:_LONGEST_LINE] for line in lines[:_MOST_LINES]), *more]).encode()

    def files(self, taken: Taken) -> Contents:
        """Return the text of a table, CSV and others of arrays, or JSON of the report."""
        return taken.contents(self.what, self.form, every_t=self.every_t)


@final
@dataclass(frozen=True)
class CodePlan(Plan):
    """Code that computes again, or opens again, what is on the screen."""

    form: CodeForm

    def preview(self, taken: Taken) -> bytes:
        """Return the code."""
        return next(iter(self.files(taken).values()))()

    def files(self, taken: Taken) -> Contents:
        """Return a script, a command line, or the snapshot's text."""
        if self.form == "python":
            return {".py": taken.script().encode}
        if self.form == "command":
            return {".sh": f"{taken.command()}\n".encode}
        return {".txt": f"{taken.snapshot.to_text()}\n".encode}
