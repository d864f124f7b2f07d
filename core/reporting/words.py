"""Texts of bounds and of reasons for missing numbers, shared by screens, tables and reports."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from core.drawing.palette import STRIP
from core.kl.known_kl import KnownKL
from core.runs.results import Results
from core.samplers import ScoreSampler
from core.text.number_format import SURE, number, with_error

PARTS = {
    "initialisation": ("initialisation", "#516479"),
    "discretisation": ("discretisation", "#A5ACC2"),
    "variance": ("step variance", "#C0808F"),
    "mismatch_range": ("measured mismatch", STRIP),
    "mismatch_null": ("unmeasured mismatch", "#7B61C9"),
}
"""Bound terms from left to right: label and colour."""
WITHIN_ERROR = (
    "The KL's lower limit is above the estimate of the bound, within three standard errors of it: "
    "the bound lies between that limit and the estimate plus three standard errors."
)
WHY_INFINITE = (
    "exactly infinite: all samples have the same value along a singular direction of H, where the target has a density"
)
"""Clause on a law without a density where the target has one, see :attr:`~core.runs.results.Results.collapsed`."""


class BoundTexts(NamedTuple):
    """Texts of a bound at one t, in three lengths."""

    full: str
    short: str
    """Three significant figures; an estimate without its error is marked as one."""
    briefest: str
    """Two significant figures; an estimate is marked as one."""


def bound_texts(results: Results, index: int, frame: int) -> BoundTexts:
    """Return the texts of a sampler's bound for screens and tables.

    An estimate has its error; where the KL's lower limit is above the estimate, though within its error, the texts are
    the limits of the bound from both, so that KL and bound never contradict each other.
    """
    if results.fault(index) is not None:
        return BoundTexts(*[number(math.nan)] * 3)
    value, error = (float(part["bound"][index, frame]) for part in (results.terms.value, results.terms.error))
    if not math.isfinite(value):
        return BoundTexts("none", "none", "none")
    low, high = results.kl.at(index, frame).low, value + SURE * error
    if value < low <= high and error > 0:
        limits = KnownKL("bracket", low, high)
        return BoundTexts(limits.text, limits.short, limits.short)
    full = with_error(value, error)
    if "±" not in full:
        return BoundTexts(full, full, number(value, 2))
    return BoundTexts(full, f"≈ {number(value)}", f"≈{number(value, 2)}")


def why_no_bound(results: Results, index: int, frame: int) -> str | None:
    """Return why a sampler has no finite bound at a frame, as a clause, or None where it has one."""
    if (fault := results.fault(index)) is not None:
        return f"its code failed ({fault})"
    if not math.isinf(results.terms.value["bound"][index, frame]):
        return None
    if (reason := results.samplers[index].no_bound) is not None:
        return reason
    if math.isinf(results.terms.value["mismatch"][index, frame]):
        return "a step has no noise in some direction, so no bound is finite"
    if results.problem.target.is_singular and frame == results.schedule.steps:
        return "the target has no density at t = 0; see t = 1"
    return "its bound overflows double precision"


def why_no_limit(results: Results, index: int) -> str | None:
    """Return why a mismatch has no continuous-time limit, as a clause; None where it has one or none is known yet."""
    if (fault := results.fault(index)) is not None:
        return f"its code failed ({fault})"
    if not results.asymptotes or results.asymptotes[index] is not None:
        return None
    sampler = results.samplers[index]
    if isinstance(sampler, ScoreSampler) and not sampler.has_limit and not sampler.is_users:  # users' samplers may
        return "no limit, since its mismatch grows without bound as the steps are refined"
    return "no limit is known as the steps are refined"


def missing_curve_notes(results: Results, why: Callable[[int], str | None]) -> str:
    """Return one sentence per reason, naming the samplers without a curve.

    Args:
        results: the run.
        why: reason (a clause) why the sampler at an index has no curve; None if it has one.
    """
    reasons: dict[str, list[str]] = {}
    for index, sampler in enumerate(results.samplers):
        reason = why(index)
        if reason:
            reasons.setdefault(reason, []).append(sampler.about.short_label)
    return " ".join(f"{', '.join(labels)}: {reason}." for reason, labels in reasons.items())


def part_words(results: Results) -> dict[str, str]:
    """Return labels of the bound terms; without a measurement all mismatch is one term."""
    words = {name: text for name, (text, _) in PARTS.items()}
    if results.problem.measurement.rank:
        return words
    del words["mismatch_range"]
    return words | {"mismatch_null": "mismatch"}
