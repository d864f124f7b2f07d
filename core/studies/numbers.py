"""Numbers of a study for papers and programs: its tables in several forms, and its summary as columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.studies.study import Study
from core.studies.summary import Point, Table
from core.studies.text_table import text_tables
from core.text.table_files import TableForm, table_text


def study_tables(study: Study, table: Table, form: TableForm) -> str:
    """Return a table for each metric, a row a place of the axes and a column a sampler, and what is fitted to curves.

    Args:
        study: with its base in place.
        table: summary of its cells.
        form: ``latex`` needs the package booktabs; ``tsv`` is for spreadsheets, with each title on a line of its own.
    """
    parts = list[str]()
    for each in text_tables(study, table):
        title = f"{each.title}\n" if form == "tsv" else ""
        parts.append(title + table_text(each.title, each.header, each.rows, form))
    return "\n".join(parts)


def summary_columns(study: Study, table: Table) -> dict[str, NDArray[Any]]:
    """Return columns of equal length by name: a row a sampler, metric and place, with mean, error, limits and kind.

    Args:
        study: with its base in place.
        table: summary of its cells.
    """
    found: list[tuple[str, str, tuple[float | str, ...], Point]] = [
        (sampler, column, place, point)
        for sampler, by_column in table.items()
        for column, points in by_column.items()
        for place, point in points.items()
    ]
    return {
        "sampler": np.array([sampler for sampler, *_ in found], dtype=str),
        "metric": np.array([column for _, column, *_ in found], dtype=str),
        **{axis.knob: np.array([place[at] for *_, place, _ in found]) for at, axis in enumerate(study.axes)},
        **{
            name: np.array([getattr(point, name) for *_, point in found])
            for name in ("mean", "error", "lower", "upper")
        },
        "kind": np.array([point.kind for *_, point in found], dtype=str),
        "replicates": np.array([point.known for *_, point in found], dtype=np.int64),
    }
