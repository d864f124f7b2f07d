"""What is known of ``KL(Q_{t|y} || P_t)`` at a t, and of what kind that knowledge is; why a bound is missing."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.kl.bracket import SURE, Estimates
from core.runs.experiment import Experiment
from core.samplers.base import ScoreSampler
from core.samplers.probability_flow import ProbabilityFlow
from core.text.number_format import known, number, with_error

Kind = Literal["exact", "bracket", "lower only", "upper only", "reverse", "none"]
WITHIN_ERROR = (
    "The KL is never above its bound. Here it is above the bound's estimate, within the estimate's error: "
    "the bound lies between the KL's lower limit and the estimate with three standard errors."
)


class KnownKL(NamedTuple):
    """The KL of one sampler at one t, as far as it is known."""

    kind: Kind
    low: float
    high: float
    """What it lies between; both are the value where it is exact or reverse."""
    error: float = 0.0
    """Standard error of a reverse one; the limits of a bracket hold theirs already."""

    @property
    def text(self) -> str:
        """The number or the limits."""
        if self.kind == "bracket":
            return f"{number(self.low)} – {number(self.high)}"
        if self.kind == "lower only":
            return f"≥ {number(self.low)}"
        if self.kind == "upper only":
            return f"≤ {number(self.high)}"
        return with_error(self.low, self.error)

    @property
    def short(self) -> str:
        """The same in two figures; both ends of a bracket, the sign of a lone limit and that of an estimate stay."""
        if self.kind == "bracket":
            return f"{number(_rounded(self.low, ROUND_FLOOR), 2)}–{number(_rounded(self.high, ROUND_CEILING), 2)}"
        if self.kind == "upper only":
            return f"≤{number(_rounded(self.high, ROUND_CEILING), 2)}"
        if self.kind == "lower only":
            return f"≥{number(_rounded(self.low, ROUND_FLOOR), 2)}"
        if self.kind == "reverse":
            return f"≈{number(self.low, 2)}"
        return number(self.low, 2) if self.kind == "exact" else self.text

    @property
    def value(self) -> float:
        """The KL where it is exact, the middle of a bracket tighter than a fifth, else NaN."""
        middle = (self.low + self.high) / 2
        return middle if self.kind in {"exact", "bracket"} and self.high - self.low <= 0.2 * middle else math.nan

    def exceeds(self, bound: float) -> bool:
        """Whether it reads higher than the estimate of its bound, see :data:`WITHIN_ERROR`."""
        return self.kind in {"bracket", "lower only"} and bool(np.fmax(self.low, self.value) > bound)


def _rounded(limit: float, way: str) -> float:
    """A limit as two figures hold it, rounded away from the KL: to the nearest, it might claim too much."""
    if not math.isfinite(limit):
        return limit
    return float(Context(prec=2, rounding=way).create_decimal(repr(limit)))


UNKNOWN = KnownKL("none", math.nan, math.nan)
INFINITE = KnownKL("exact", math.inf, math.inf)
WHY_INFINITE = (
    "infinite, exactly: all samples have the same value along a singular direction of H, where the target has a density"
)
"""Clause on a law without a density, see :meth:`Experiment.collapses`."""


def is_bracketed(experiment: Experiment) -> bool:
    """Return whether there is a bracket with numbers in it."""
    bracket = experiment.bracket
    return bracket is not None and bracket.rounds > 0


def kl_frame(experiment: Experiment, frame: int) -> int:
    """Return the frame nearest to one at which the KL of every sampler is known: brackets are for a few t only."""
    bracket = experiment.bracket
    if experiment.evidence.all_exact or bracket is None or not bracket.rounds:
        return frame
    frames = experiment.schedule.steps - np.array(bracket.times)
    return int(frames[np.abs(frames - frame).argmin()])


def kl_limits(experiment: Experiment) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the bracket's limits, (samplers, times) each, the path bound taken into account."""
    evidence, bracket = experiment.evidence, experiment.bracket
    assert bracket is not None
    frames = experiment.schedule.steps - np.array(bracket.times)
    value, error = (part["bound"][:, frames] for part in (evidence.value, evidence.error))
    return bracket.limits(value + SURE * error)


def known_kl(experiment: Experiment, index: int, frame: int) -> KnownKL:
    """Return what is known of a sampler's KL at a frame, see :func:`kl_frame`."""
    evidence, bracket = experiment.evidence, experiment.bracket
    t = experiment.schedule.steps - frame
    if evidence.exact[index]:
        value = float(evidence.kl[index, frame])
        is_known = math.isfinite(value) or (math.isinf(value) and experiment.collapses(index, t))
        return KnownKL("exact", value, value) if is_known else UNKNOWN
    if t == 0 and experiment.collapses(index, t):  # known without any bracket
        return INFINITE
    if bracket is None or not bracket.rounds or t not in bracket.times:
        return UNKNOWN
    column = bracket.times.index(t)
    low, high = (float(limit[index, column]) for limit in kl_limits(experiment))
    reverse = float(bracket.reverse.value[index, column])
    if math.isinf(high) and experiment.collapses(index, t):
        return INFINITE
    if math.isinf(high) and math.isfinite(reverse):
        return KnownKL("reverse", reverse, reverse, float(bracket.reverse.error[index, column]))
    return between(low, high)


class BoundTexts(NamedTuple):
    """A bound at one t, as long as there is room for it."""

    full: str
    short: str
    """Three figures; without an error it says that it is an estimate."""
    briefest: str
    """Two figures, likewise."""


def bound_texts(experiment: Experiment, index: int, frame: int) -> BoundTexts:
    """Return a sampler's bound as screens and tables write it.

    An estimate with its error; where the KL's lower limit is above the estimate, though within its error, the two
    limits that both leave to the bound: KL and bound never contradict each other.
    """
    if experiment.fault(index) is not None:
        return BoundTexts(*[number(math.nan)] * 3)
    value, error = (
        float(part["bound"][index, frame]) for part in (experiment.evidence.value, experiment.evidence.error)
    )
    if not math.isfinite(value):
        return BoundTexts("none", "none", "none")
    low, high = known_kl(experiment, index, frame).low, value + SURE * error
    if value < low <= high and error > 0:
        limits = KnownKL("bracket", low, high)
        return BoundTexts(limits.text, limits.short, limits.short)
    full = with_error(value, error)
    if "±" not in full:
        return BoundTexts(full, full, number(value, 2))
    return BoundTexts(full, f"≈ {number(value)}", f"≈{number(value, 2)}")


def kl_times(experiment: Experiment) -> list[int]:
    """Return the t at which something is reported of every KL."""
    return [1, 0] if experiment.bracket is None else list(experiment.bracket.times)


def kl_entry(experiment: Experiment, index: int, t: int) -> dict[str, Any]:
    """Return what the report says of a sampler's KL at one t, see :func:`kl_times`.

    ``lower`` and ``upper`` are what all rounds leave over; the estimates beside them are the last round's.
    """
    told = known_kl(experiment, index, experiment.schedule.steps - t)
    finite = {name: known(value) for name, value in (("lower", told.low), ("upper", told.high))}
    bracket = experiment.bracket
    if told.kind in {"exact", "none"} or bracket is None:
        return {
            "kind": told.kind,
            "value": finite["lower"],
            **finite,
            "stderr": 0.0 if told.kind == "exact" else None,
            **({"infinite": True} if told == INFINITE else {}),
        }
    column = bracket.times.index(t)

    def estimate(table: Estimates) -> dict[str, float | None]:
        return {"value": known(table.value[index, column]), "stderr": known(table.error[index, column])}

    estimates = {f"{name}_estimate": estimate(getattr(bracket, name)) for name in ("lower", "paths", "kernels")}
    if told.kind == "reverse":
        value = {"value": told.low, "lower": None, "upper": None, "stderr": told.error, "of": "KL(samples || target)"}
    else:
        value = {"value": known(told.value), **finite, "stderr": known((told.high - told.low) / (2 * SURE))}
    kind = {"lower only": "lower", "upper only": "bracket"}.get(told.kind, told.kind)
    return {"kind": kind, **value, **estimates}


def between(low: float, high: float) -> KnownKL:
    """Return what two computed limits say of a KL; zero and infinity are no limits."""
    if math.isfinite(high):
        return KnownKL("bracket" if low > 0 else "upper only", low, high)
    return KnownKL("lower only", low, high) if low > 0 else UNKNOWN


def why_no_bound(experiment: Experiment, index: int, frame: int) -> str | None:
    """Return why a sampler has no finite bound at a frame, as a clause, or None where it has one."""
    if (fault := experiment.fault(index)) is not None:
        return f"its code stopped ({fault})"
    if not math.isinf(experiment.evidence.value["bound"][index, frame]):
        return None
    if isinstance(experiment.samplers[index], ProbabilityFlow):
        return "it adds no noise, so no bound exists"
    if math.isinf(experiment.evidence.value["mismatch"][index, frame]):
        return "a step has no noise in some direction, so no bound is finite"
    if experiment.problem.target.is_singular and frame == experiment.schedule.steps:
        return "the target has no density at t = 0; read t = 1"
    return "its bound is beyond double precision"


def why_no_limit(experiment: Experiment, index: int) -> str | None:
    """Return why a mismatch has no continuous-time limit, as a clause; None where it has one or none is known yet."""
    if (fault := experiment.fault(index)) is not None:
        return f"its code stopped ({fault})"
    if not experiment.asymptotes or experiment.asymptotes[index] is not None:
        return None
    sampler = experiment.samplers[index]
    if isinstance(sampler, ScoreSampler) and not sampler.has_limit and not sampler.is_users:  # theirs may have one
        return "no limit, since its mismatch increases without end as the steps are refined"
    return "no limit is known as the steps are refined"
