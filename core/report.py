"""What a finished experiment found, to keep: ``report.json``, ``curves.csv`` and ``evidence.png``."""

from __future__ import annotations

import csv
import json
import platform
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeAlias, final

import numpy as np
import torch
from numpy.typing import NDArray

from core.divergence import TERMS
from core.experiment import Experiment
from core.samplers import About
from core.version import product_version

SCHEMA = 1
"""Version of the report's layout."""
COLUMNS = ("kl", *TERMS, "observed_mismatch")
"""What is known of a sampler at each t, by its name in the report: nats, cumulative from T down."""
FILES = ("curves.csv", "evidence.png", "report.json")
"""What a report is made of."""

Column: TypeAlias = NDArray[np.float64]


class _Gap(NamedTuple):
    """Numbers that are unknown, and why."""

    columns: Sequence[str]
    frame: int
    """The first one; all later ones are unknown too."""
    note: str


@final
@dataclass(frozen=True, eq=False)
class Findings:
    """All that is known of one sampler; columns are (T + 1,), frame i at t = T - i, NaN where unknown."""

    about: About
    value: dict[str, Column]
    """By the names of :data:`COLUMNS`."""
    error: dict[str, Column]
    """Standard errors, likewise."""
    diverged_at: int | None
    """The first t whose particles are lost."""
    notes: list[str]
    """Why what is unknown is unknown: a plain sentence each, which names the field."""

    @classmethod
    def of(cls, experiment: Experiment, index: int) -> Self:
        """Collect what a finished experiment knows of the sampler at ``index``."""
        evidence, trace = experiment.evidence, experiment.trace
        value = {
            "kl": evidence.kl[index].copy(),
            **{name: evidence.value[name][index].copy() for name in TERMS},
            "observed_mismatch": trace.observed_mismatch[index].copy(),
        }
        error = {
            "kl": np.zeros_like(value["kl"]),
            **{name: evidence.error[name][index].copy() for name in TERMS},
            "observed_mismatch": trace.observed_error[index].copy(),
        }
        findings = cls(experiment.samplers[index].about, value, error, trace.diverged_at[index], [])
        findings._explain(experiment)
        return findings

    def _explain(self, experiment: Experiment) -> None:
        """Blank what is infinite or unknown, and note why."""
        steps = experiment.schedule.steps
        gaps = list(_gaps(experiment, self.diverged_at))
        for name in COLUMNS:
            known = min((gap.frame for gap in gaps if name in gap.columns), default=steps + 1)
            lost = np.flatnonzero(~np.isfinite(self.value[name][:known]))
            if lost.size:
                note = f"{name}: beyond double precision from t = {steps - lost[0]} down"
                gaps.append(_Gap([name], int(lost[0]), note))
        for columns, frame, note in gaps:
            for name in columns:
                self.value[name][frame:] = self.error[name][frame:] = np.nan
            self.notes.append(note)
        self._explain_errors(experiment.scenario.run.particles)

    def _explain_errors(self, particles: int) -> None:
        if particles == 1:
            self.error["observed_mismatch"][:] = np.nan
            self.notes.append("stderr.observed_mismatch: one particle alone has no standard error")
            return
        for name in COLUMNS:
            if bool((np.isfinite(self.value[name]) & ~np.isfinite(self.error[name])).any()):
                self.notes.append(f"stderr.{name}: beyond double precision where it is missing")

    @property
    def steps(self) -> int:
        """T."""
        return self.value["kl"].size - 1

    def at(self, t: int) -> dict[str, Any]:
        """Return every term at t, as the report holds it."""
        frame = self.steps - t
        value = {name: _number(self.value[name][frame]) for name in COLUMNS}
        error = {name: _number(self.error[name][frame]) for name in COLUMNS}
        kl = value.pop("kl")
        kind = "none" if kl is None else "exact"
        return {
            "kl": {"kind": kind, "value": kl, "lower": kl, "upper": kl, "stderr": error.pop("kl")},
            **value,
            "stderr": error,
        }


def _gaps(experiment: Experiment, diverged_at: int | None) -> Iterator[_Gap]:
    """What cannot be known of a sampler, before any of its numbers is looked at."""
    steps = experiment.schedule.steps
    if not experiment.evidence.exact:
        yield _Gap(["kl"], 0, "kl: the KL of a mixture is not yet estimated")
    if experiment.problem.target.is_singular:
        columns = ["kl", "bound", "discretisation"]
        yield _Gap(columns, steps, "at.0, kl, bound, discretisation: the target has no density at t = 0")
    if diverged_at is not None:
        note = f"observed_mismatch: the particles diverged at t = {diverged_at}; nothing is observed from there on"
        yield _Gap(["observed_mismatch"], steps - diverged_at, note)


def findings(experiment: Experiment) -> list[Findings]:
    """Return what an experiment knows of each of its samplers.

    Raises:
        ValueError: the experiment has not run to its end.
    """
    steps = experiment.schedule.steps
    if min(experiment.trace.completed, experiment.evidence.completed) <= steps:
        raise ValueError("only a finished experiment can be reported")
    return [Findings.of(experiment, index) for index in range(len(experiment.samplers))]


def build_report(experiment: Experiment) -> dict[str, Any]:
    """Return the content of ``report.json``: plain numbers, lists and strings; None for what is unknown.

    Raises:
        ValueError: the experiment has not run to its end.
    """
    found = findings(experiment)
    singular = experiment.problem.target.is_singular
    return {
        "schema": SCHEMA,
        "scenario": experiment.scenario.to_dict(),
        "versions": {
            "mismatch-lab": product_version(),
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "device": str(experiment.device),
        },
        "schedule": {
            "alpha": experiment.schedule.alpha.tolist(),
            "alpha_bar": experiment.schedule.alpha_bar[1:].tolist(),
        },
        "target": {
            name: getattr(experiment.problem.target, name).tolist() for name in ("weights", "means", "covariances")
        },
        "samplers": {
            each.about.key: {
                "diverged_at": each.diverged_at,
                "at": {"1": each.at(1), "0": None if singular else each.at(0)},
                "curves": {
                    "t": list(range(experiment.schedule.steps, -1, -1)),
                    **{name: [_number(value) for value in each.value[name]] for name in COLUMNS},
                },
                "notes": each.notes,
            }
            for each in found
        },
        "notes": [f"{each.about.key}: {note}" for each in found for note in each.notes],
    }


def headline(found: Sequence[Findings]) -> list[dict[str, str]]:
    """Return a row for each sampler at t = 1, where the theory states its results: texts by column title."""
    return [_row(each) for each in found]


def _row(each: Findings) -> dict[str, str]:
    value, error = ({name: column[-2] for name, column in part.items()} for part in (each.value, each.error))
    return {
        "sampler": each.about.label,
        "KL": show(value["kl"], error["kl"]),
        "bound": show(value["bound"], error["bound"]),
        **{title: show(value[name]) for title, name in _TITLES.items()},
        "diverged": "" if each.diverged_at is None else f"t = {each.diverged_at}",
    }


_TITLES = {
    "init": "initialisation",
    "disc": "discretisation",
    "var": "variance",
    "mismatch": "mismatch",
    "range": "mismatch_range",
    "null": "mismatch_null",
    "observed": "observed_mismatch",
}


def show(value: float, error: float = 0.0) -> str:
    """Return a number of nats to three digits, with its standard error where that shows in them.

    Unknown numbers are a dash; what rounding alone could have made is zero.
    """
    if not np.isfinite(value):
        return "–"
    text = _three_digits(value)
    if not error > 5e-4 * abs(value):
        return text
    return f"{text} ± {error:,.0f}" if error >= 10 else f"{text} ± {error:.1g}"


def _three_digits(value: float) -> str:
    if abs(value) < 1e-12:
        return "0"
    if 1000 <= abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.1g}"


def _number(value: float | np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None


def write_report(experiment: Experiment, folder: Path) -> None:
    """Write the report's files into ``folder``, which is made if need be.

    Nothing appears in ``folder`` before all of the report is on the disk: what fails or is
    interrupted leaves an earlier report as it was.

    Raises:
        OSError: the files cannot be written.
        ValueError: the experiment has not run to its end.
    """
    from core.figure import save_evidence  # noqa: PLC0415 - matplotlib takes a second to load

    with tempfile.TemporaryDirectory(prefix=".mismatch-lab-", dir=_nearest_folder(folder)) as temporary:
        staged = Path(temporary)
        text = json.dumps(build_report(experiment), indent=2, allow_nan=False, ensure_ascii=False)
        (staged / "report.json").write_text(text + "\n", encoding="utf-8")
        found = findings(experiment)
        _write_curves(found, staged / "curves.csv")
        save_evidence(experiment.scenario.name, found, staged / "evidence.png")
        require_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            (staged / name).replace(folder / name)


def require_folder(folder: Path) -> None:
    """Check that a report could be written to ``folder``, and leave no trace of having done so.

    Raises:
        OSError: it could not.
    """
    for path in (folder / name for name in FILES):
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder, and would have to be a file of the report")
    with tempfile.TemporaryFile(dir=_nearest_folder(folder)):
        pass


def _nearest_folder(folder: Path) -> Path:
    """The folder itself or the nearest one above it that exists: on one disk with it, so that files can move."""
    folder = folder.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists() or path.is_symlink())
    if not existing.is_dir():
        raise NotADirectoryError(f"{existing} is not a folder")
    return existing


def _write_curves(found: Sequence[Findings], path: Path) -> None:
    """Write a row for each sampler and t, a column for each number; unknown ones are empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["sampler", "t", *COLUMNS, *(f"{name}_stderr" for name in COLUMNS)])
        for each in found:
            columns = [*(each.value[name] for name in COLUMNS), *(each.error[name] for name in COLUMNS)]
            for frame, row in enumerate(zip(*columns, strict=True)):
                writer.writerow([each.about.key, each.steps - frame, *(_number(value) for value in row)])
