"""Numbers of a run for papers and programs: the table at one t, and curves, particles, laws and brackets as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from core.bounds.terms import TERMS
from core.errors import ScenarioError
from core.reporting.terms_table import TermsCells
from core.runs.results import Results
from core.text.table_files import TableForm, table_text

Arrays = Literal["curves", "particles", "law", "bracket"]

ARRAYS: tuple[Arrays, ...] = get_args(Arrays)
"""What can be written as CSV or NPZ."""


# The table


def run_table(results: Results, frame: int, form: TableForm) -> str:
    """Return the table at a frame: a row a sampler, a column a quantity, as on the screen, with errors and kinds.

    Args:
        results: the run.
        frame: a computed frame.
        form: ``latex`` needs the package booktabs; ``tsv`` is for spreadsheets.
    """
    cells = TermsCells(results, frame)
    titles = cells.titles()
    if "kind" not in titles:  # a file says it of every number
        titles = {"kl": "KL", "kind": "kind of KL", **{name: title for name, title in titles.items() if name != "kl"}}
    rows = [
        [sampler.about.label, *(cells.cell(name, column).text for name in titles)]
        for column, sampler in enumerate(results.samplers)
    ]
    t = results.t(frame)
    near = results.t(results.kl.nearest_frame(frame))
    about = f"{results.scenario.name}: nats, ± 1 standard error, at t = {t}"
    about += f"; the KL at t = {near}" if near != t else ""
    return table_text(about, ["sampler", *titles.values()], rows, form)


# Arrays


def array_columns(results: Results, what: Arrays, frame: int | None) -> dict[str, NDArray[Any]]:
    """Return columns of equal length by name: one row a sampler and t, particle, node or limit.

    Args:
        results: a run, or what there is of one.
        what: one of :data:`ARRAYS`.
        frame: a computed frame; None: all of them. Of brackets all are returned.

    Raises:
        ScenarioError: there is no such thing in this run.
    """
    frames = range(results.completed) if frame is None else [frame]
    if what == "curves":
        return _curves(results, frames)
    if what == "particles":
        return _particles(results, frames)
    return _laws(results, frames) if what == "law" else _brackets(results)


def _keys(results: Results) -> list[str]:
    return [sampler.about.key for sampler in results.samplers]


def _curves(results: Results, frames: Iterable[int]) -> dict[str, NDArray[Any]]:
    """Return KL with kind and error, bound, its terms, and observed mismatch, with standard errors."""
    shown = np.array(list(frames))
    count = len(results.samplers)
    told = [results.kl.at(index, int(frame)) for index in range(count) for frame in shown]
    tables = {name: (results.terms.value[name], results.terms.error[name]) for name in TERMS}
    tables["observed_mismatch"] = results.trace.observed_mismatch, results.trace.observed_error
    return {
        "sampler": np.repeat(_keys(results), len(shown)),
        "t": np.tile(results.schedule.steps - shown, count),
        "kl": np.array([each.value if each.kind != "reverse" else each.low for each in told]),
        "kl_kind": np.array([each.kind for each in told]),
        "kl_error": np.array([each.error for each in told]),
        "kl_lower": np.array([each.low for each in told]),
        "kl_upper": np.array([each.high for each in told]),
        **{
            f"{name}{suffix}": table[:, shown].ravel()
            for name, pair in tables.items()
            for suffix, table in zip(("", "_stderr"), pair, strict=True)
        },
    }


def _particles(results: Results, frames: Iterable[int]) -> dict[str, NDArray[Any]]:
    shown, keys = list(frames), _keys(results)
    clouds = [results.trace.particles(index, frame).numpy() for index in range(len(keys)) for frame in shown]
    count = clouds[0].shape[1]
    return {
        "sampler": np.repeat(keys, len(shown) * count),
        "t": np.tile(np.repeat([results.t(frame) for frame in shown], count), len(keys)),
        "particle": np.tile(np.arange(count), len(shown) * len(keys)),
        **{
            f"x{axis + 1}": np.concatenate([cloud[axis] for cloud in clouds])
            for axis in range(results.scenario.dimension)
        },
    }


def _laws(results: Results, frames: Iterable[int]) -> dict[str, NDArray[Any]]:
    """Return the nodes of every known law with its log density."""
    rows: list[tuple[NDArray[Any], ...]] = []
    for frame in frames:
        for index, key in enumerate(_keys(results)):
            law = results.law(index, frame)
            if law is None:
                continue
            mesh = np.stack(np.meshgrid(*(axis.nodes for axis in law.axes), indexing="ij")).reshape(len(law.axes), -1)
            x, size = law.basis @ mesh, mesh.shape[1]
            kind = "exact" if results.terms.exact[index] else "computed"
            labels = np.full(size, key), np.full(size, results.t(frame)), np.full(size, kind)
            rows.append((*labels, *x, law.log_density.reshape(-1).astype(np.float64)))
    if not rows:
        reasons = "; ".join(dict.fromkeys(filter(None, map(results.law_note, range(len(results.samplers))))))
        raise ScenarioError("", "", f"no sampler's law is known{f': {reasons}' if reasons else ''}")
    names = ["sampler", "t", "kind", *(f"x{axis + 1}" for axis in range(results.scenario.dimension)), "log_density"]
    return {name: np.concatenate(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def _brackets(results: Results) -> dict[str, NDArray[Any]]:
    """Return the limits of the KL at each t at which they are sought, and the last round's estimates."""
    bracket = results.bracket
    if bracket is None:
        raise ScenarioError("", "", "this run has no bracket of a KL: all are in closed form, or run.kl_rounds is 0")
    keys, times = _keys(results), bracket.times
    told = [results.kl.at(index, results.frame(t)) for index in range(len(keys)) for t in times]
    return {
        "sampler": np.repeat(keys, len(times)),
        "t": np.tile(times, len(keys)),
        "kind": np.array([each.kind for each in told]),
        "lower": np.array([each.low for each in told]),
        "upper": np.array([each.high for each in told]),
        **{
            f"{name}_estimate{suffix}": getattr(getattr(bracket, name), part).ravel()
            for name in ("lower", "paths", "kernels", "reverse")
            for suffix, part in (("", "value"), ("_stderr", "error"))
        },
    }
