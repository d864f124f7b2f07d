"""Files of a study: ``study.csv`` and ``study.parquet``, a row a cell, sampler and replicate, and ``study.json``.

``study.txt`` holds its summary as tables of words.
"""

from __future__ import annotations

import csv
import io
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch

from core.studies.metrics import Measured, columns
from core.studies.spectrum_metrics import ALL_METRICS
from core.studies.store import Store, StoredCell
from core.studies.study import Study
from core.studies.summary import table_of
from core.studies.text_table import plain_text, text_tables
from core.system.staging import write_together
from core.text.number_format import known
from core.text.user_text import cell_text
from core.version import product_version

SCHEMA = 1
"""Version of the files' layout."""
_PARTS = ("", "_error", "_lower", "_upper", "_kind")
"""Endings of the five columns of a metric."""
FIGURES = ("svg", "pdf", "png")
FILES = ("study.csv", "study.parquet", "study.json", "study.txt", *(f"study.{ending}" for ending in FIGURES))
"""File names of an export."""


def write_study(store: Store, folder: Path) -> None:
    """Write all files of a study into ``folder``, which is made if need be: all of them, or none.

    Raises:
        OSError: they cannot be written.
    """
    from core.studies.study_figure import study_figure_files  # noqa: PLC0415 - matplotlib takes a second to load

    cells = store.cells()
    figures = study_figure_files(store.study, table_of(cells), FIGURES)
    contents = {
        "study.csv": csv_text(store.study, cells).encode(),
        "study.parquet": parquet_bytes(store.study, cells),
        "study.json": json_bytes(store, cells),
        "study.txt": plain_text(text_tables(store.study, table_of(cells))).encode(),
        **{f"study.{ending}": picture for ending, picture in figures.items()},
    }
    write_together(folder, contents)


def header(study: Study) -> list[str]:
    """Return the names of a table's columns."""
    measured = [name + part for name in columns(study.metrics) for part in _PARTS]
    return [*(axis.knob for axis in study.axes), "replicate", "sampler", *measured, "note"]


def rows(study: Study, cells: Sequence[StoredCell]) -> list[list[Any]]:
    """Return a row for each cell, sampler and replicate, as :func:`header` names them; None for what is unknown.

    A cell that failed has one row without a sampler, with the reason as note.
    """
    names, found = columns(study.metrics), list[list[Any]]()
    order = {cell: index for index, cell in enumerate(_in_order(study, cells))}
    for stored in sorted(cells, key=lambda each: order[each.cell]):
        start = [*stored.cell.place, stored.cell.replicate]
        by_sampler: dict[str, dict[str, Measured]] = {}
        for row in stored.rows:
            by_sampler.setdefault(row.sampler, {})[row.column] = row.measured
        if stored.reason:
            found.append([*start, None, *[None] * (len(names) * len(_PARTS)), stored.reason])
        for sampler, measured in by_sampler.items():
            values = [part for name in names for part in _parts(measured.get(name))]
            notes = dict.fromkeys(f"{name}: {each.note}" for name, each in measured.items() if each.note)
            found.append([*start, sampler, *values, "; ".join(notes) or None])
    return found


def _in_order(study: Study, cells: Sequence[StoredCell]) -> list[Any]:
    """Return cells by place and replicate, in the order of the axes' values."""
    positions = [{value: index for index, value in enumerate(axis.values)} for axis in study.axes]
    return sorted(
        (each.cell for each in cells),
        key=lambda cell: ([at[value] for at, value in zip(positions, cell.place, strict=True)], cell.replicate),
    )


def _parts(measured: Measured | None) -> list[float | str | None]:
    if measured is None:
        return [None] * len(_PARTS)
    numbers = measured.value, measured.error, measured.lower, measured.upper
    return [*(None if np.isnan(each) else each for each in numbers), measured.kind]


def units(study: Study) -> dict[str, str]:
    """Return the unit of every metric's column that has one."""
    named = {name: ALL_METRICS[metric].unit for metric in study.metrics for name in columns((metric,))}
    return {name: unit for name, unit in named.items() if unit}


def csv_text(study: Study, cells: Sequence[StoredCell]) -> str:
    """Return the rows as CSV, with units in comments before the header."""
    file = io.StringIO(newline="")
    made = f"mismatch-lab {product_version()}"
    file.write(f"# {', '.join(filter(None, (cell_text(' '.join(study.name.split())), made, study.when)))}\r\n")
    file.write("".join(f"# unit of {name}: {unit}\r\n" for name, unit in units(study).items()))
    writer = csv.writer(file)
    writer.writerow(header(study))
    for row in rows(study, cells):
        writer.writerow([_cell(value) for value in row])
    return file.getvalue()


def _cell(value: float | str | None) -> str | float:
    if value is None:
        return ""
    return cell_text(value) if isinstance(value, str) else value


def parquet_bytes(study: Study, cells: Sequence[StoredCell]) -> bytes:
    """Return the rows as Parquet, with the study and units among its metadata."""
    import pyarrow as pa  # noqa: PLC0415 - only exports need it
    from pyarrow import parquet  # noqa: PLC0415

    names, table, unit = header(study), rows(study, cells), units(study)
    fields, arrays = [], []
    for index, name in enumerate(names):
        values = [row[index] for row in table]
        words = name.endswith("_kind") or name in {"sampler", "note"} or any(isinstance(each, str) for each in values)
        kind = pa.string() if words else pa.int64() if name == "replicate" else pa.float64()
        arrays.append(pa.array([str(each) if words and each is not None else each for each in values], type=kind))
        metadata = {"unit": unit[name]} if name in unit else None
        fields.append(pa.field(name, kind, metadata=metadata))
    about = {"name": study.name, "study": study.to_toml(), "mismatch-lab": product_version(), "t": str(study.at)}
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=about)), file)
    return file.getvalue()


def json_bytes(store: Store, cells: Sequence[StoredCell]) -> bytes:
    """Return the study, its summary and the versions as JSON."""
    summary = [
        {
            "sampler": sampler,
            "metric": column,
            "place": dict(zip((axis.knob for axis in store.study.axes), place, strict=True)),
            **{name: known(getattr(point, name)) for name in ("mean", "error", "lower", "upper")},
            "kind": point.kind,
            "count": point.known,
        }
        for sampler, by_column in table_of(cells).items()
        for column, points in by_column.items()
        for place, point in points.items()
    ]
    content = {
        "schema": SCHEMA,
        "study": store.study.to_dict(),
        "versions": {
            "mismatch-lab": product_version(),
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "joblib": joblib.__version__,
        },
        "cells": {"total": store.study.count, "completed": store.completed, "obsolete": store.obsolete},
        "failed": [
            {"place": list(each.cell.place), "replicate": each.cell.replicate, "reason": each.reason}
            for each in cells
            if each.reason
        ],
        "summary": summary,
    }
    return (json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()
