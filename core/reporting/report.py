"""Report files of a finished run: ``report.json``, ``curves.csv`` and ``evidence.png``."""

from __future__ import annotations

import csv
import io
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch

from core.reporting.findings import COLUMNS, Findings, findings
from core.runs.results import Results
from core.system.staging import require_places, write_together
from core.text.number_format import known
from core.text.user_text import cell_text
from core.version import product_version

SCHEMA = 1
"""Version of the report's layout."""
_MOST_ENTRIES, _ALWAYS_WHOLE = 1 << 18, 64
"""Numbers of the target's covariances that a report holds at most, and the dimension up to which it holds them all."""
FILES = ("curves.csv", "evidence.png", "report.json")
"""File names of a report."""


def build_report(results: Results) -> dict[str, Any]:
    """Return the content of ``report.json``: plain numbers, lists and strings; None for what is unknown.

    Raises:
        ValueError: the run has not reached its end.
    """
    found = findings(results)
    singular = results.problem.target.is_singular
    return {
        "schema": SCHEMA,
        "scenario": results.scenario.to_dict(),
        "versions": {
            "mismatch-lab": product_version(),
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "device": str(results.device),
        },
        "schedule": {
            "alpha": results.schedule.alpha.tolist(),
            "alpha_bar": results.schedule.alpha_bar[1:].tolist(),
        },
        "target": _target_entry(results),
        "samplers": {
            each.about.key: {
                "label": each.about.label,
                "kind": sampler.kind.key,
                "parameters": sampler.parameters(),
                "diverged_at": each.diverged_at,
                **({} if each.fault is None else {"fault": each.fault}),
                "at": {"1": each.at(1), "0": None if singular else each.at(0)},
                "curves": {
                    "t": list(range(results.schedule.steps, -1, -1)),
                    **{name: [known(value) for value in each.value[name]] for name in COLUMNS},
                },
                "kl": [{"t": t, **entry} for t, entry in each.kl.items()],
                "asymptote": None
                if each.asymptote is None
                else {
                    **dict(zip(("value", "stderr"), each.asymptote, strict=True)),
                    "abar_1": float(results.schedule.alpha_bar[1]),
                    "meaning": results.limit_description.meaning,
                },
                "notes": each.notes,
            }
            for each, sampler in zip(found, results.samplers, strict=True)
        },
        "notes": [f"{each.about.key}: {note}" for each in found for note in each.notes],
    }


def _target_entry(results: Results) -> dict[str, Any]:
    """Return the report's entry of the target; covariances that would fill hundreds of megabytes are left out."""
    target = results.problem.target
    entry: dict[str, Any] = {name: getattr(target, name).tolist() for name in ("weights", "means")}
    if target.components * target.dimension**2 <= _MOST_ENTRIES or target.dimension <= _ALWAYS_WHOLE:
        return {**entry, "covariances": target.covariances.tolist()}
    size = f"{target.components} matrices of {target.dimension} by {target.dimension} numbers"
    note = f"covariances: left out, since {size} would not fit; Scenario.problem().target has them"
    return {**entry, "covariances": None, "note": note}


def write_report(results: Results, folder: Path) -> None:
    """Write the report's files into ``folder``, which is made if need be.

    Nothing appears in ``folder`` before all of the report is on the disk: a failed or
    interrupted call leaves an earlier report as it was.

    Raises:
        OSError: the files cannot be written.
        ValueError: the run has not reached its end.
    """
    from core.reporting.figure import save_evidence  # noqa: PLC0415 - matplotlib takes a second to load

    text = report_bytes(results)
    found = findings(results)
    picture = io.BytesIO()
    with io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") as file:
        _write_curves(found, file)
        file.flush()
        curves = file.buffer.getvalue()
    save_evidence(results.scenario.name, found, picture)
    contents = curves, picture.getvalue(), text
    write_together(folder, dict(zip(FILES, contents, strict=True)))


def report_bytes(results: Results) -> bytes:
    """Return ``report.json`` of a finished run.

    Raises:
        ValueError: the run has not reached its end.
    """
    return _json(build_report(results))


def _json(content: dict[str, Any]) -> bytes:
    """Return content as JSON, encoded piece by piece to limit memory."""
    text = bytearray()
    for piece in json.JSONEncoder(indent=2, allow_nan=False, ensure_ascii=False).iterencode(content):
        text += piece.encode()
    return bytes(text + b"\n")


def require_folder(folder: Path) -> None:
    """Check that a report could be written to ``folder``, without changing anything.

    Raises:
        OSError: it could not be written.
    """
    require_places(folder, FILES)


def _write_curves(found: Sequence[Findings], file: TextIO) -> None:
    """Write curves as CSV: a row for each sampler and t, a column for each number; unknown ones are empty."""
    writer = csv.writer(file)
    writer.writerow(["sampler", "t", *COLUMNS, *(f"{name}_stderr" for name in COLUMNS)])
    for each in found:
        columns = [*(each.value[name] for name in COLUMNS), *(each.error[name] for name in COLUMNS)]
        for frame, row in enumerate(zip(*columns, strict=True)):
            writer.writerow([cell_text(each.about.key), each.steps - frame, *(known(value) for value in row)])
