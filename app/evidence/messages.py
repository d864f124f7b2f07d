"""Words in place of curves that are not there."""

from __future__ import annotations

from collections.abc import Callable

from core.runs.results import Results


def absences(results: Results, why: Callable[[int], str | None]) -> str:
    """Return a sentence for each reason: the samplers that it holds for, and the reason.

    Args:
        results: the run.
        why: why the sampler at an index has no curve, as a clause; None where it has one.
    """
    reasons: dict[str, list[str]] = {}
    for index, sampler in enumerate(results.samplers):
        reason = why(index)
        if reason:
            reasons.setdefault(reason, []).append(sampler.about.short_label)
    return " ".join(f"{', '.join(labels)}: {reason}." for reason, labels in reasons.items())
