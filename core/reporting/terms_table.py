"""Table of KL, bound, mismatch and sample metrics of each sampler at one t, as screens, figures and files show it."""

from __future__ import annotations

import math
from typing import NamedTuple, final

from core.kl.law_frames import LawMeasures
from core.reporting.words import WITHIN_ERROR, bound_texts, why_no_bound, why_no_limit
from core.runs.results import Results
from core.text.number_format import SURE, number, with_error

ROWS = {
    "kl": ("KL", "KL(target ‖ samples), in nats."),
    "kind": (
        "kind of KL",
        "exact: in closed form; computed: from the sampler's law on grids, with an error from two of them;\n"
        "bracket: between two limits, each widened by three standard errors; lower only, upper only: one limit;\n"
        "reversed: KL(samples ‖ target), for samplers that add no noise.",
    ),
    "bound": ("bound on the KL", "Upper bound: the sum of initialisation, discretisation, step variance and mismatch."),
    "mismatch": (
        "mismatch",
        "Term of the bound that comes from the wrong score, accumulated along the target path (W bias in the theory).",
    ),
    "limit": ("limit, ᾱ₁ fixed", "Limit of the mismatch at t = 1 as the steps are refined at fixed ᾱ₁."),
    "w2": ("W₂ at t = 1", "Wasserstein-2 distance: the least root mean square move of particles to exact samples."),
    "weights": ("weights, t = 1", "Total variation between the components' sampled and exact weights."),
    "mmd": (
        "MMD² at t = 1",
        "Squared maximum mean discrepancy of particles from exact samples; zero if the laws agree.",
    ),
    "variation": (
        "variation, t = 1",
        "Total variation: half the integral of the distance between the sampler's density and the target's, computed.",
    ),
    "inside": (
        "in 95 %, t = 1",
        "The law's mass inside the target's highest-density region of 95 %, computed: 0.95 if the laws agree.",
    ),
    "diverged": ("diverged at", "The first t at which particles are far beyond the scale of the problem."),
}
"""Row titles and their tooltips."""
_KINDS = {
    "exact": "exact",
    "computed": "computed",
    "bracket": "bracket",
    "lower only": "lower only",
    "upper only": "upper only",
    "reverse": "reversed",
    "none": "–",
}
_LATER = "Computed after the run."
_UNLIKE = (
    "W₂ measures how far particles must move, the KL how the densities differ:\n"
    "too narrow a distribution changes W₂ little and the KL much."
)
_MUCH = 5.0
"""Ratio of two KLs from which a similar W₂ (less than twice as large) is explained."""
_OF_LAW = {"variation", "inside"}
"""Rows that only a computed law fills."""
_COMPUTED = "Computed from the sampler's law on grids, without particles; the error is from two grids."
_ONE_GRID = 0.02
"""Relative error of a number that one grid alone gives."""


class Cell(NamedTuple):
    """Text, tooltip and value of a table cell."""

    text: str
    tip: str
    most: float = math.nan
    """Upper limit of the number, at three standard errors."""


def _half_sum(apart: LawMeasures | None) -> float:
    """Return the error of the distance of two vectors of weights."""
    return math.nan if apart is None else 0.5 * float(apart.weights.sum())


def _measured(value: float, error: float, remark: str = "") -> Cell:
    full = with_error(value, error)
    return Cell(full, f"{full}\n{remark}" if remark else full, value + SURE * error)


@final
class TermsCells:
    """Cells of the table: a column a sampler, a row a quantity.

    Args:
        results: the run.
        frame: a computed frame.
    """

    def __init__(self, results: Results, frame: int) -> None:
        self.results, self.frame = results, frame

    def titles(self) -> dict[str, str]:
        """Return the titles of the rows that have a meaning for the problem."""
        results = self.results
        hidden = set() if self._is_mixed else {"kind"}
        if results.problem.target.components == 1:
            hidden.add("weights")
        if all(t is None for t in results.trace.diverged_at):
            hidden.add("diverged")
        if not results.computed:
            hidden |= _OF_LAW
        near = results.kl.nearest_frame(self.frame)
        kl = self._kl_title() if near == self.frame else f"{self._kl_title()}, t = {results.t(near)}"
        sliced = any(not found.w2_exact for found in results.metrics.get(1, [])) or not results.terms.all_exact
        sliced = sliced and results.scenario.dimension > 1
        special = {"kl": kl, "limit": results.limit_description.name, **({"w2": "sliced W₂, t = 1"} if sliced else {})}
        return {name: special.get(name, title) for name, (title, _) in ROWS.items() if name not in hidden}

    def cell(self, name: str, column: int) -> Cell:
        """Return the cell of a sampler (column) and quantity (name)."""
        if (fault := self.results.fault(column)) is not None:
            return Cell("stopped" if name == "kl" else "–", f"Its code failed: {fault}")
        if name in {"kl", "kind"}:
            return self._kl(name, column)
        if name in {"bound", "mismatch"}:
            return self._term(name, column)
        if name == "limit":
            return self._limit(column)
        if name == "diverged":
            t = self.results.trace.diverged_at[column]
            return (
                Cell("–", "Its particles did not diverge.")
                if t is None
                else Cell(f"t = {t}", f"Its particles are unknown from t = {t} down.")
            )
        return self._of_law(name, column) or self._distance(name, column)

    def _of_law(self, name: str, column: int) -> Cell | None:
        """Return the cell of a number that follows from the sampler's computed law, or None."""
        computed = self.results.computed.get(column)
        if computed is None or 1 not in computed.measures:
            return Cell("–", self.results.law_note(column) or _LATER) if name in _OF_LAW else None
        measures, apart = computed.measures[1], computed.measures_error.get(1)
        if name == "weights":
            value, error = measures.weights_error(self.results.problem.target), _half_sum(apart)
        elif name in {"variation", "inside", "w2"}:
            field = {"variation": "total_variation"}.get(name, name)
            value, error = getattr(measures, field), math.nan if apart is None else float(getattr(apart, field))
        else:
            return None
        if not math.isfinite(value):
            return None
        return _measured(value, error if math.isfinite(error) else _ONE_GRID * value, _COMPUTED)

    def _kl(self, name: str, column: int) -> Cell:
        known = self.results.kl.at(column, self.results.kl.nearest_frame(self.frame))
        notes = list(self.results.bracket.notes[column]) if self.results.bracket else []
        if (reason := self.results.law_note(column)) is not None:
            notes.append(f"Not computed on grids: {reason}.")
        if known.kind == "none" and not notes:
            notes = [_LATER]
        text = known.text if name == "kl" else _KINDS[known.kind]
        explanation = ROWS["kl"][1] if known.kind != "reverse" else "KL(samples ‖ target), in nats."
        tip = "\n".join([f"{known.precise} ({_KINDS[known.kind]})", explanation, *self._unlike(column), *notes])
        return Cell(text, tip, known.high if name == "kl" else math.nan)

    def _term(self, name: str, column: int) -> Cell:
        evidence = self.results.terms
        value, error = (float(part[name][column, self.frame]) for part in (evidence.value, evidence.error))
        why = why_no_bound(self.results, column, self.frame)
        if why and not math.isfinite(value):
            return Cell("none", f"No finite value: {why}.")
        remark = "Exact." if evidence.exact[column] else "Monte Carlo estimate over target paths."
        if name == "bound" and self.results.kl.at(column, self.frame).exceeds(value):
            remark += f"\n{WITHIN_ERROR}"
        if name == "bound":
            full = bound_texts(self.results, column, self.frame).full
            return Cell(full, f"{full}\n{remark}", value + SURE * error)
        return _measured(value, error, remark)

    def _limit(self, column: int) -> Cell:
        if not self.results.asymptotes:
            return Cell("–", _LATER)
        limit = self.results.asymptotes[column]
        if limit is None:
            word = "unknown" if self.results.samplers[column].is_users else "none"
            return Cell(word, f"{word.capitalize()}: {why_no_limit(self.results, column)}.")
        return _measured(limit.value, limit.error, self.results.limit_description.meaning)

    def _distance(self, name: str, column: int) -> Cell:
        if not self.results.metrics.get(1, []):
            return Cell("–", _LATER)
        found = self.results.metrics.get(1, [])[column]
        value, error, floor = {"w2": found.w2, "weights": found.weights_error, "mmd": found.mmd}[name]
        if not math.isfinite(value):
            return Cell("–", "\n".join(found.notes) or "Unknown.")
        remarks = []
        if name == "w2":
            remarks.append("Exact." if found.w2_exact else "Sliced W₂: mean over many one-dimensional projections.")
            remarks.extend(self._unlike(column))
        if floor > 0:
            remarks.append(f"As many exact samples would give about {number(floor)}.")
        return _measured(value, error, "\n".join(remarks))

    def _unlike(self, column: int) -> list[str]:
        """Return a remark where the KL at t = 1 is much larger than another sampler's but W₂ is not."""
        results = self.results
        if not results.metrics.get(1, []):
            return []
        kls = [results.kl.at(index, results.frame(1)) for index in range(len(results.samplers))]
        moved = [found.w2[0] for found in results.metrics.get(1, [])]
        others = zip(kls, moved, strict=True)
        is_unlike = any(kls[column].low > _MUCH * kl.high and moved[column] < 2 * w2 for kl, w2 in others)
        return [_UNLIKE] if is_unlike else []

    @property
    def _is_mixed(self) -> bool:
        """Return True if the samplers' KLs are of different kinds."""
        return len(self._kl_kinds) > 1 or "reverse" in self._kl_kinds

    @property
    def _kl_kinds(self) -> set[str]:
        """Kinds of KL known at t = 1; all those with limits count as one."""
        results = self.results
        kinds = {results.kl.at(index, results.frame(1)).kind for index in range(len(results.samplers))}
        return {each if each in {"exact", "computed", "reverse"} else "limits" for each in kinds - {"none"}}

    def _kl_title(self) -> str:
        kinds = {"exact": "KL, exact", "computed": "KL, computed", "limits": "KL, bracket"}
        return kinds.get(next(iter(self._kl_kinds)), ROWS["kl"][0]) if len(self._kl_kinds) == 1 else ROWS["kl"][0]
