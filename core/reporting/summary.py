"""Summary of a run at one t in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from core.runs.results import Results
from core.text.number_format import ROUNDING, SURE, number, percent

PARTS = ("initialisation", "discretisation", "variance", "mismatch_range", "mismatch_null")
"""Terms whose sum is the bound."""
_NEARLY_ALL, _MOST = 0.05, 0.5
"""Largest remaining shares of a term of which nearly all, or most, is removed."""
_WRONG_WEIGHTS = 0.05
"""Smallest error of component weights that is mentioned."""
_ALIKE = 0.01
"""Bounds with a smaller relative difference are named together."""


@final
@dataclass(frozen=True)
class SamplerSummary:
    """Numbers of one sampler at one t that the summary uses, in nats."""

    label: str
    bound: float
    """Infinite where none exists."""
    parts: Mapping[str, float]
    """Terms by the names of :data:`PARTS`."""
    error: float = 0.0
    """Standard error of the bound."""
    kl: float = math.nan
    """The KL where it is exact or tightly bracketed, else NaN."""
    exceeds: bool = False
    """True if the KL is above the estimate of its bound."""
    limits: tuple[float, float] = (0.0, math.inf)
    """Lower and upper limit of the KL."""
    weights: float = 0.0
    """Total variation between sampled and exact component weights at t = 1; zero if chance explains it."""
    diverged_at: int | None = None

    @property
    def mismatch(self) -> float:
        """Mismatch in measured and unmeasured directions together."""
        return self.parts["mismatch_range"] + self.parts["mismatch_null"]


@final
@dataclass(frozen=True)
class Context:
    """Time and problem that a summary is about."""

    t: int
    steps: int
    measured: int = 1
    """Number of measured directions; zero where there is no measurement."""
    unmeasured: int = 1
    singular: bool = False
    """True if the target has no density at t = 0."""


def summarise(results: Results, frame: int) -> str:
    """Return the summary of a frame of a run."""
    measurement, steps = results.problem.measurement, results.schedule.steps
    unmeasured = len(measurement.right_basis) - measurement.rank
    context = Context(steps - frame, steps, measurement.rank, unmeasured, results.problem.target.is_singular)
    if frame >= results.completed:
        return describe([], context)
    running = [index for index in range(len(results.samplers)) if results.fault(index) is None]
    summaries = [_summary_of(results, index, frame) for index in running]
    within = [f" {each.label}’s KL and bound agree within the bound’s error." for each in summaries if each.exceeds]
    return (
        describe(summaries, context) + _by_kl(summaries) + _by_weights(summaries) + "".join(within) + _stopped(results)
    )


def _stopped(results: Results) -> str:
    """Return a sentence about samplers whose user code failed, or ''."""
    labels = {sampler.about.key: sampler.about.short_label for sampler in results.samplers}
    faults = "; ".join(f"{labels[key]} ({fault})" for key, fault in results.faults.items())
    return f" Stopped by an error in the code, without results: {faults}." if faults else ""


def _by_kl(summaries: Sequence[SamplerSummary]) -> str:
    """Return a sentence where the KL orders two samplers differently from their bounds, or ''."""
    bounded = [each for each in summaries if math.isfinite(each.bound)]
    for better in bounded:
        for worse in bounded:
            if better.bound > worse.bound and better.limits[1] < worse.limits[0]:
                limits = " – ".join(number(limit) for limit in dict.fromkeys(worse.limits))
                return (
                    f" The KL of {worse.label} ({limits}) is larger than that of {better.label} "
                    f"({_below(better.limits)}), although its bound is smaller."
                )
    return ""


def _below(limits: tuple[float, float]) -> str:
    low, high = limits
    return number(low) if low == high else f"≤ {number(high)}" if low <= 0 else f"{number(low)} – {number(high)}"


def _by_weights(summaries: Sequence[SamplerSummary]) -> str:
    """Return a sentence about wrong component weights, which small bounds and KLs may hide, or ''."""
    wrong = [each for each in summaries if each.weights > _WRONG_WEIGHTS]
    if not wrong:
        return ""
    return (
        " Error of the component weights at t = 1 (total variation): "
        f"{', '.join(f'{each.label} {each.weights:.2g}' for each in wrong)}."
    )


def _summary_of(results: Results, index: int, frame: int) -> SamplerSummary:
    value, error = (part["bound"][index, frame] for part in (results.terms.value, results.terms.error))
    parts = {name: float(results.terms.value[name][index, frame]) for name in PARTS}
    known = results.kl.at(index, frame)
    exceeds = known.exceeds(value)
    kl = math.nan if exceeds else known.value  # it would seem to contradict KL <= bound
    diverged_at = results.trace.diverged_at[index]
    reached = diverged_at is not None and results.t(frame) <= diverged_at
    label = results.samplers[index].about.short_label
    has_limits = known.kind in {"exact", "computed", "bracket", "upper only", "lower only"}
    limits = (known.low, known.high) if has_limits else (0.0, math.inf)
    weights = _wrong_weights(results, index) if frame >= results.frame(1) else 0.0
    return SamplerSummary(
        label, float(value), parts, float(error), kl, exceeds, limits, weights, diverged_at if reached else None
    )


def _wrong_weights(results: Results, index: int) -> float:
    """Return the error of the component weights where it exceeds chance, else zero."""
    if not results.metrics.get(1, []) or results.problem.target.components == 1:
        return 0.0
    value, error, floor = results.metrics.get(1, [])[index].weights_error
    return value if math.isfinite(value) and value - SURE * error > 2 * floor else 0.0


def describe(summaries: Sequence[SamplerSummary], context: Context) -> str:
    """Return the summary of samplers in a context."""
    if not summaries:
        return "The terms at this t are still being computed."
    if context.t == 0 and context.singular:
        return "At t = 0 the target has no density, so KL and bound are infinite; see t = 1."
    bounded = [each for each in summaries if math.isfinite(each.bound)]
    sentences = [_bounds(bounded, context)] if bounded else []
    unbounded = [each.label for each in summaries if not math.isfinite(each.bound)]
    if unbounded:
        sentences.append(f"No finite bound: {', '.join(unbounded)}.")
    diverged = [f"{each.label} at t = {each.diverged_at}" for each in summaries if each.diverged_at is not None]
    if diverged:
        sentences.append(f"Diverged: {', '.join(diverged)}.")
    return " ".join(sentences)


def _bounds(summaries: Sequence[SamplerSummary], context: Context) -> str:
    worst = max(summaries, key=lambda each: each.bound)
    if context.t == context.steps:
        return f"At t = {context.t} every bound is the initialisation term alone, {number(worst.bound)}."
    if worst.bound < ROUNDING:
        return "Every bound is zero at this t."
    name = max(PARTS, key=lambda part: worst.parts[part])
    share = percent(min(worst.parts[name] / worst.bound, 1.0))
    rivals = [each for each in summaries if each is not worst]
    if not rivals or not name.startswith("mismatch"):
        alike = [each for each in summaries if each.bound >= (1 - _ALIKE) * worst.bound]
        return _largest_term(alike, bool(rivals) and len(alike) == len(summaries), f"{share} of", _words(name, context))
    imperfect = [each for each in rivals if each.mismatch > ROUNDING]
    best = min(imperfect or rivals, key=lambda each: each.bound)
    return f"{worst.label}: {share} of its bound is {_words(name, context)}; {_comparison(worst, best, name)}."


def _largest_term(alike: Sequence[SamplerSummary], are_all: bool, share: str, words: str) -> str:
    """Return a sentence about the largest term of the highest bounds, which are alike."""
    bound = number(max(each.bound for each in alike))
    if are_all:
        return f"All bounds are nearly equal ({bound}): {share} each is {words}."
    if len(alike) > 1:
        return f"{', '.join(each.label for each in alike)}: {share} their bounds of {bound} is {words}."
    known = "" if math.isnan(alike[0].kl) else f" Its KL is {number(alike[0].kl)}."
    return f"{alike[0].label}: {share} its bound of {bound} is {words}.{known}"


def _comparison(worst: SamplerSummary, best: SamplerSummary, name: str) -> str:
    """Return a clause that compares the worst sampler's largest term with another sampler's."""
    change = _change("bound", worst.bound, best.bound)
    if not any(math.isnan(each.kl) for each in (worst, best)):
        change += f", {_change('KL', worst.kl, best.kl)}"
    if worst.bound - best.bound <= SURE * math.hypot(worst.error, best.error) + ROUNDING:
        return f"{best.label} does no better ({change})"
    left = best.parts[name] / worst.parts[name]
    if left <= _NEARLY_ALL:
        return f"{best.label} removes nearly all of it ({change})"
    if left <= _MOST:
        return f"{best.label} removes most of it ({change})"
    if left < 1:
        return f"{best.label} removes some of it ({change})"
    return f"{best.label} improves other terms ({change})"


def _change(name: str, before: float, after: float) -> str:
    """Return two numbers with an arrow; only one where they read the same."""
    first, second = number(before), number(after)
    return f"{name} {first}" if first == second else f"{name} {first} → {second}"


def _words(name: str, context: Context) -> str:
    if name.startswith("mismatch") and context.measured == 0:
        return "mismatch, since the prior's score is used in place of the target's"
    directions = {"mismatch_range": ("measured", context.measured), "mismatch_null": ("unmeasured", context.unmeasured)}
    if name in directions:
        kind, count = directions[name]
        return f"mismatch in the {kind} direction{'' if count == 1 else 's'}"
    return {
        "initialisation": "initialisation, the start from N(0, I)",
        "discretisation": "discretisation, which decreases with more steps",
        "variance": "its step variance",
    }[name]
