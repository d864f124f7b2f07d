"""Notes on curves that are missing from a plot."""

from __future__ import annotations

from collections.abc import Callable

from core.runs.results import Results


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
