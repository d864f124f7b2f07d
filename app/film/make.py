"""Making a film: compute what is not there, render, encode, and move the finished file to its place."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, final

from app.film.encoders import EncodingError, PictureEncoder, VideoEncoder, sample_places
from app.film.job import FilmJob, FilmScene
from app.film.pictures import Pictures
from core.errors import ScenarioError
from core.runs.experiment import Experiment
from core.runs.results import Results
from core.scenario.scenario import Scenario
from core.system.files import why
from core.system.leftovers import PREFIX, remove_leftovers, temporary_folder
from core.system.stop import stop

_OURS = re.compile(r"\d{4,}\.png")
"""Names of the files in a folder of pictures."""


@final
class Progress(NamedTuple):
    """Progress of a film."""

    what: str
    """In words: what is being done."""
    done: int
    total: int | None
    """None: unknown."""
    seconds_left: float | None = None


Report = Callable[[Progress], object]
Known = tuple[Scenario, Results]
"""A scenario and its complete results."""


def make_film(job: FilmJob, out: Path, report: Report, known: Sequence[Known] = ()) -> None:
    """Make a film; until it is complete nothing is at its place, or what was there before.

    Args:
        job: the film.
        out: file, or folder of the format ``png``, which may hold pictures of an earlier film.
        report: called after every picture and every step of a run.
        known: what need not be computed.

    Raises:
        ScenarioError: a scenario cannot be run, or the file cannot be written or encoded.
    """
    runs = Runs(report, known)
    out = Path(os.path.realpath(out))
    try:
        require_place(out, job)
        remove_leftovers([out.parent])
        with temporary_folder(out.parent) as place:
            _render(job, place, runs, report)
            stop.check()
            with stop.delayed():
                _move(place, out, job)
                stop.outcome = f"after {out} had been written"
    except OSError as error:
        raise ScenarioError(str(out), "", f"cannot be written ({why(error)})") from None
    except EncodingError as error:
        raise ScenarioError(str(out), "", f"cannot be encoded ({error})") from None


def require_place(out: Path, job: FilmJob) -> None:
    """Check that a film could be written, without changing anything.

    Raises:
        ScenarioError: its place is taken by something else.
        OSError: its folder cannot be written to.
    """
    if job.format == "png" and out.exists():
        names = [each.name for each in out.iterdir()] if out.is_dir() else [""]
        if not all(_OURS.fullmatch(name) for name in names):
            raise ScenarioError(str(out), "", "must be a new folder, an empty one, or one with pictures of a film only")
    elif out.is_dir():
        raise ScenarioError(str(out), "", "is a folder; a file must be written under this name")
    if not out.parent.is_dir():
        raise ScenarioError(str(out), "", f"the folder {out.parent} does not exist")
    with tempfile.TemporaryFile(dir=out.parent):
        pass


def _render(job: FilmJob, place: Path, runs: Runs, report: Report) -> None:
    """Write the film's file or files into a folder."""
    size, total = (job.width, job.height), job.count
    pictures = Pictures(job, runs.of)
    encoder: VideoEncoder | PictureEncoder
    try:
        if job.format == "png":
            encoder = PictureEncoder(place, size, total)
        else:
            samples = pictures.some(sample_places(total, size)) if job.format == "gif" else []
            encoder = VideoEncoder(
                place / _FILM, size, job.fps, job.format, job.snapshot, loops=job.loop, samples=samples
            )
        try:
            began = 0.0
            for done, picture in enumerate(pictures.all(), start=1):
                encoder.add(*picture)
                stop.check()
                began = began or time.monotonic()
                left = (time.monotonic() - began) / max(done - 1, 1) * (total - done) if done > 1 else None
                report(Progress("pictures", done, total, left))
            encoder.finish()
        except BaseException:
            encoder.abandon()
            raise
    finally:
        pictures.close()


_FILM = "film"
"""Name of the file within its temporary folder."""


def _move(place: Path, out: Path, job: FilmJob) -> None:
    """Move what is complete to its place."""
    umask = os.umask(0)
    os.umask(umask)
    if job.format != "png":
        film = place / _FILM
        film.chmod(0o666 & ~umask)
        film.replace(out)
        return
    place.chmod(0o777 & ~umask)
    if out.exists():
        old = Path(tempfile.mkdtemp(prefix=PREFIX, dir=out.parent))
        out.replace(old)
        place.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    else:
        place.rename(out)


@final
class Runs:
    """Results of the scenes' scenarios; of those that are computed, only the latest is kept.

    Args:
        report: called after every step.
        known: what need not be computed.
    """

    def __init__(self, report: Report, known: Sequence[Known]) -> None:
        self._report, self._known = report, known
        self._latest: tuple[Scenario, Results] | None = None

    def of(self, scene: FilmScene) -> Results:
        """Return a scene's complete results.

        Raises:
            ScenarioError: it cannot be run.
        """
        scenario = scene.scenario
        for each, results in self._known:
            if each == scenario:
                return results
        if self._latest is None or self._latest[0] != scenario:
            self._latest = None
            self._latest = scenario, self._computed(scenario)
        return self._latest[1]

    def _computed(self, scenario: Scenario) -> Results:
        experiment = Experiment(scenario, keep_frames=True)
        total = experiment.results.schedule.steps + 1
        for done, _ in enumerate(experiment.run(), start=1):
            stop.check()
            self._report(Progress(f"{scenario.name}: steps", done, total, experiment.seconds_left))
        for done, _ in enumerate(experiment.refine(), start=1):
            stop.check()
            self._report(Progress(f"{scenario.name}: the KL", done, None))
        for sampler in experiment.results.samplers:
            sampler.silence()  # as where results come from another process
        return experiment.results
