"""Files of sweeps: ``sweep.png`` with the figure and ``sweep.csv`` with its numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from core.studies.sweep import Sweep
from core.system.staging import write_together
from core.text.number_format import known
from core.text.user_text import cell_text

FILES = ("sweep.csv", "sweep.png")
"""File names of a sweep's output."""


def write_sweeps(sweeps: Sequence[Sweep], folder: Path) -> None:
    """Write the figure and its numbers into ``folder``, which is made if need be: both or nothing.

    Raises:
        OSError: they cannot be written.
    """
    from core.studies.sweep_figure import save_sweeps  # noqa: PLC0415 - matplotlib takes a second to load

    numbers, picture = io.StringIO(newline=""), io.BytesIO()
    _write_numbers(sweeps, numbers)
    save_sweeps(sweeps, picture)
    contents = numbers.getvalue().encode(), picture.getvalue()
    write_together(folder, dict(zip(FILES, contents, strict=True)))


def _write_numbers(sweeps: Sequence[Sweep], file: TextIO) -> None:
    """Write numbers as CSV: a row for each scenario, sampler and T; unknown or infinite ones are empty."""
    writer = csv.writer(file)
    writer.writerow(["scenario", "sampler", "steps", "kl_lower", "kl_upper", "bound", "bound_stderr"])
    for sweep in sweeps:
        columns = np.stack([sweep.lower, sweep.upper, sweep.bound, sweep.bound_error], axis=-1)
        for sampler, table in zip(sweep.samplers, columns, strict=True):
            for steps, row in zip(sweep.steps, table, strict=True):
                numbers = (known(value) for value in row)
                writer.writerow([cell_text(sweep.scenario.name), cell_text(sampler.about.key), steps, *numbers])
