"""Findings of a finished run by sampler: all numbers with errors, and reasons for unknown ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from core.bounds.asymptote import Asymptote, no_asymptote
from core.bounds.terms import TERMS
from core.diagnostics.sample_metrics import Distance, SampleMetrics
from core.kl.bracket import MOST_BRACKETED
from core.kl.computed import ComputedKL
from core.kl.known_kl import INFINITE, KnownKL
from core.kl.law_frames import LawMeasures
from core.reporting.kl_entry import kl_entry
from core.reporting.words import WHY_INFINITE, bound_texts
from core.runs.results import Results
from core.samplers import About
from core.text.number_format import known, number, with_error

COLUMNS = ("kl", *TERMS, "observed_mismatch")
"""Names in the report of a sampler's numbers at each t, in nats, accumulated from T down."""

Column: TypeAlias = NDArray[np.float64]


class _Unknown(NamedTuple):
    """Columns that are unknown from a frame on, and the reason."""

    columns: Sequence[str]
    frame: int
    """The first unknown frame; all later ones are unknown too."""
    note: str


@final
@dataclass(frozen=True, eq=False)
class Findings:
    """Findings on one sampler; columns are (T + 1,), frame i at t = T - i, NaN where unknown."""

    about: About
    value: dict[str, Column]
    """By the names of :data:`COLUMNS`."""
    error: dict[str, Column]
    """Standard errors, by the names of :data:`COLUMNS`."""
    diverged_at: int | None
    """The first t at which the particles have diverged."""
    notes: list[str]
    """Reasons for unknown numbers, one sentence each, beginning with the field's name."""
    kl: dict[int, dict[str, Any]]
    """By t: the report's entry of the KL; where no sampler needs a bracket, at t = 1 and t = 0 only."""
    headline: KnownKL
    """The KL at t = 1, for tables."""
    bound: str
    """The bound at t = 1, for tables."""
    asymptote: Asymptote | None
    """The mismatch in the continuous-time limit at fixed abar_1, and its error."""
    metrics: dict[int, SampleMetrics]
    """By t: distances to exact samples, at t = 1, and at t = 0 where the target has a density."""
    law: dict[int, dict[str, Any]]
    """By t: the report's entry of numbers that follow from the computed law."""
    fault: str | None = None
    """Error of its user code in one sentence; then nothing else is known."""

    @classmethod
    def of(cls, results: Results, index: int) -> Self:
        """Collect the findings on the sampler at ``index`` from finished results."""
        evidence, trace, computed = results.terms, results.trace, results.computed.get(index)
        value = {
            "kl": evidence.kl[index].copy() if computed is None else computed.value.copy(),
            **{name: evidence.value[name][index].copy() for name in TERMS},
            "observed_mismatch": trace.observed_mismatch[index].copy(),
        }
        error = {
            "kl": np.zeros_like(value["kl"]) if computed is None else computed.error.copy(),
            **{name: evidence.error[name][index].copy() for name in TERMS},
            "observed_mismatch": trace.observed_error[index].copy(),
        }
        findings = cls(
            results.samplers[index].about,
            value,
            error,
            trace.diverged_at[index],
            [],
            {t: kl_entry(results, index, t) for t in results.kl.times},
            results.kl.at(index, results.frame(1)),
            bound_texts(results, index, results.frame(1)).full,
            results.asymptotes[index] if results.asymptotes else None,
            {t: each[index] for t, each in results.metrics.items()},
            {} if computed is None else {t: _law_entry(computed, t) for t in computed.measures},
            results.fault(index),
        )
        findings._explain(results, index)
        return findings

    def _explain(self, results: Results, index: int) -> None:
        """Set infinite and unknown numbers to NaN, and note the reasons."""
        if self.fault is not None:
            self.notes.append(f"all: unknown, since the sampler's code failed: {self.fault}")
            return
        steps = results.schedule.steps
        unknowns = list(_unknowns(results, index))
        for name in COLUMNS:
            first = min((unknown.frame for unknown in unknowns if name in unknown.columns), default=steps + 1)
            lost = np.flatnonzero(~np.isfinite(self.value[name][:first]))
            if lost.size:
                t = steps - int(lost[0])
                is_infinite = name == "kl" and results.kl.at(index, int(lost[0])) == INFINITE
                note = f"kl: {WHY_INFINITE}" if is_infinite else f"{name}: overflows double precision from t = {t} down"
                unknowns.append(_Unknown([name], int(lost[0]), note))
        for columns, frame, note in unknowns:
            for name in columns:
                self.value[name][frame:] = self.error[name][frame:] = np.nan
            self.notes.append(note)
        self._explain_errors(results.scenario.run.particles)
        if not results.terms.exact[index]:
            infinite = [t for t in self.kl if results.kl.at(index, steps - t) == INFINITE]
            self.notes.extend(f"at.{t}.kl: {WHY_INFINITE}" for t in infinite)
        if results.precision_note is not None:
            self.notes.append(f"observed_mismatch, closeness: {results.precision_note}")
        if results.bracket is not None and index in results.kl.bracketed:
            self.notes.extend(f"kl, {note}" for note in results.bracket.notes[index])
        if (reason := no_asymptote(results.samplers[index])) is not None:
            self.notes.append(f"asymptote: {self.about.label} {reason}")
        self.notes.extend(dict.fromkeys(note for each in self.metrics.values() for note in each.notes))

    def _explain_errors(self, particles: int) -> None:
        if particles == 1:
            self.error["observed_mismatch"][:] = np.nan
            self.notes.append("stderr.observed_mismatch: not defined for a single particle")
            return
        for name in COLUMNS:
            if bool((np.isfinite(self.value[name]) & ~np.isfinite(self.error[name])).any()):
                self.notes.append(f"stderr.{name}: overflows double precision where it is null")

    @property
    def steps(self) -> int:
        """T."""
        return self.value["kl"].size - 1

    def at(self, t: int) -> dict[str, Any]:
        """Return the report's entry of every number at t."""
        frame = self.steps - t
        value = {name: known(self.value[name][frame]) for name in COLUMNS}
        error = {name: known(self.error[name][frame]) for name in COLUMNS}
        del value["kl"], error["kl"]
        close = self.metrics.get(t)
        return {
            "kl": self.kl[t],
            **value,
            "stderr": error,
            "closeness": None if close is None else _metrics_entry(close),
            **({"law": self.law[t]} if t in self.law else {}),
        }


def _unknowns(results: Results, index: int) -> Iterator[_Unknown]:
    """Yield what is unknown of a sampler whatever its numbers: no closed form, no density, or divergence."""
    steps, diverged_at = results.schedule.steps, results.trace.diverged_at[index]
    yield from _no_closed_form(results, index)
    yield from _degeneracy(results, index)
    if results.problem.target.is_singular:
        columns = ["kl", "bound", "discretisation"]
        yield _Unknown(columns, steps, "at.0, kl, bound, discretisation: the target has no density at t = 0")
    if diverged_at is not None:
        note = f"observed_mismatch: unknown from t = {diverged_at} down, where the particles diverged"
        yield _Unknown(["observed_mismatch"], steps - diverged_at, note)


def _no_closed_form(results: Results, index: int) -> Iterator[_Unknown]:
    """Yield where the KL of a sampler without closed form is not computed either."""
    if results.terms.exact[index]:
        return
    way = "a bracket is given" if results.bracket else "no bracket is computed (run.kl_rounds = 0)"
    if results.scenario.run.kl_rounds and results.scenario.dimension > MOST_BRACKETED:
        way = f"no bracket is computed in more than {MOST_BRACKETED} dimensions; the bound is an upper limit"
    reason, computed = results.law_note(index), results.computed.get(index)
    first = 0
    if computed is not None:
        known = np.isfinite(computed.value)
        first = len(known) if known[:-1].all() else int(known.argmin())
    if first <= results.frame(1):
        where = f" from t = {results.t(first)} down" if first else ""
        why = f", since it cannot be computed on grids: {reason}" if reason and results.bracket else ""
        yield _Unknown(["kl"], first, f"kl: has no closed form; {way}{where}{why}")


def _degeneracy(results: Results, index: int) -> Iterator[_Unknown]:
    """Yield what is unknown after a step without variance in some direction, since no path bound exists."""
    value, steps = results.terms.value, results.schedule.steps
    infinite = np.isposinf(value["variance"][index])
    if not infinite.any():
        return
    frame = int(infinite.argmax())
    infinite_ones = ("bound", "variance", "mismatch", "mismatch_range", "mismatch_null")
    lost = [name for name in infinite_ones if np.isinf(value[name][index, frame])]
    lost += ["discretisation", "observed_mismatch"]  # finite, but not terms of a bound
    where = "any direction" if np.isinf(value["mismatch_null"][index, frame]) else "the measured directions"
    note = f"the step from t = {steps - frame + 1} has no variance in {where}"
    yield _Unknown(lost, frame, f"{', '.join(lost)}: no bound exists from t = {steps - frame} down, since {note}")


def findings(results: Results) -> list[Findings]:
    """Return the findings on each sampler of finished results.

    Raises:
        ValueError: the run is not finished.
    """
    steps = results.schedule.steps
    if results.completed <= steps:
        raise ValueError("only a finished run can be reported")
    return [Findings.of(results, index) for index in range(len(results.samplers))]


def headline(found: Sequence[Findings]) -> list[dict[str, str]]:
    """Return a table row for each sampler at t = 1, where the theory states its results: texts by column title."""
    return [_row(each) for each in found]


def _row(each: Findings) -> dict[str, str]:
    value, error = ({name: column[-2] for name, column in part.items()} for part in (each.value, each.error))
    return {
        "sampler": each.about.label,
        "KL": f"{each.headline.text} (P‖Q)" if each.headline.kind == "reverse" else each.headline.text,
        "bound": number(np.nan) if np.isnan(value["bound"]) else each.bound,
        **{title: _brief(value[name], error[name]) for title, name in _TITLES.items()},
        "limit": _brief(*each.asymptote) if each.asymptote else number(np.nan),
        "diverged": "" if each.diverged_at is None else f"t = {each.diverged_at}",
        "stopped": "by an error" if each.fault else "",
    }


def _brief(value: float, error: float) -> str:
    """Return a number without its error; an estimate is marked as one."""
    return f"≈{number(value)}" if "±" in with_error(value, error) else number(value)


_TITLES = {
    "init": "initialisation",
    "disc": "discretisation",
    "var": "variance",
    "mismatch": "mismatch",
    "range": "mismatch_range",
    "null": "mismatch_null",
    "observed": "observed_mismatch",
}


def _law_entry(computed: ComputedKL, t: int) -> dict[str, Any]:
    """Return the report's entry of what follows from a computed law at one t, with errors from two grids."""

    def entry(found: LawMeasures) -> dict[str, Any]:
        fields = {name: np.asarray(value).tolist() for name, value in found._asdict().items()}
        return {name: value for name, value in fields.items() if name != "w2" or known(value) is not None}

    error = computed.measures_error.get(t)
    return {**entry(computed.measures[t]), "error": None if error is None else entry(error)}


def _metrics_entry(close: SampleMetrics) -> dict[str, Any]:
    """Return the report's entry of a sampler's distances to exact samples."""

    def entry(distance: Distance) -> dict[str, float | None]:
        names = ("value", "stderr", "floor")
        return {name: known(number) for name, number in zip(names, distance, strict=True)}

    return {
        "weights": {
            "exact": close.exact_weights.tolist(),
            "sampled": [known(weight) for weight in close.sampled_weights],
            "stderr": [known(error) for error in close.sampled_error],
        },
        "weights_error": entry(close.weights_error),
        "w2" if close.w2_exact else "sliced_w2": entry(close.w2),
        "mmd2": entry(close.mmd),
    }
