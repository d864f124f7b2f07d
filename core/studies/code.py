"""Code of a study: a Python script against the public interface of ``core``, and a command line."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from core.studies.study import Study
from core.text.code_text import PROGRAM, docstring_line, python_literal


def study_script(study: Study, plugins: Sequence[Path] = ()) -> str:
    """Return a script that measures a study, and prints mean and standard error of every metric at every place.

    Args:
        study: with its base in place.
        plugins: sampler files that it needs; they are named, and loaded from where they lie.
    """
    names = ["Study", *(["load_plugin"] if plugins else []), "measure_study"]
    lines = [
        f'"""{docstring_line(study.name)}: mean, standard error and kind of every metric."""',
        "",
        *(["from pathlib import Path", ""] if plugins else []),
        f"from core import {', '.join(sorted(names, key=str.lower))}",
        "",
        *(f"load_plugin(Path({str(path)!r}))  # its code is run" for path in plugins),
        *([""] if plugins else []),
        f"study = Study.from_toml({python_literal(study.to_toml())})",
        "table = measure_study(study)",
        "for sampler, metrics in table.items():",
        "    for metric, points in metrics.items():",
        "        for place, point in points.items():",
        "            print(sampler, metric, place, point.mean, point.error, point.kind)",
    ]
    return "\n".join(lines) + "\n"


def study_command(source: str, what: str = "", samplers: Sequence[str] = (), plugins: Sequence[Path] = ()) -> str:
    """Return the command that draws a study's measured rows, or measures it, quoted for a shell.

    Args:
        source: file of measured rows; or, to measure it, study file, key of a built-in study, or a snapshot's text.
        what: metric that is drawn, or ``page``; empty: the study is measured.
        samplers: that are drawn; none: all.
        plugins: sampler files that it needs.
    """
    words = [PROGRAM, "export", "figure", source, "--what", what] if what else [PROGRAM, "study", source]
    words += ["--sampler", ",".join(samplers)] if what and samplers else []
    for path in plugins:
        words += ["--plugin", str(path)]
    return shlex.join(words)
