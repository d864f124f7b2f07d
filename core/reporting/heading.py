"""Headings of the panels: KL and bound, the same quantities in every panel."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from core.kl.known_kl import UNKNOWN, KnownKL
from core.reporting.words import WITHIN_ERROR, bound_texts
from core.runs.results import Results

Form: TypeAlias = tuple[tuple[str, str], ...]
"""One version of a heading: pairs of name and number."""


class Heading(NamedTuple):
    """One panel's heading at one t."""

    forms: tuple[Form, ...]
    """Versions from the longest, with limits and errors, to an empty one; all visible panels show the same."""
    tip: str
    diverged_at: int | None = None
    fault: str | None = None
    """Error of the sampler's code, if it has stopped."""

    @property
    def notice(self) -> str:
        """Message where the panel has no particles to show, or an empty string."""
        if self.fault is not None:
            return f"Stopped by an error in its code: {self.fault}"
        if self.diverged_at is not None:
            return f"Diverged at t = {self.diverged_at}: its particles are far beyond the scale of the problem."
        return ""


def headings(results: Results, frame: int, *, is_playing: bool) -> list[Heading]:
    """Return a heading for each sampler.

    Args:
        results: the run.
        frame: index of a computed frame.
        is_playing: omit a KL that is known at a few t only, since it would flicker.
    """
    indices = range(len(results.samplers))
    kls = [results.kl.at(index, frame) for index in indices]
    if is_playing and results.kl.bracketed:
        kls = [UNKNOWN for _ in indices]
    has_kl = any(kl.kind != "none" for kl in kls)
    return [_heading(results, frame, index, kl, has_kl) for index, kl in enumerate(kls)]


def _heading(results: Results, frame: int, index: int, kl: KnownKL, has_kl: bool) -> Heading:
    t = results.t(frame)
    name = "reversed KL" if kl.kind == "reverse" else "KL"
    texts = bound_texts(results, index, frame)
    pairs = [(kl.text, texts.full), *((kl.short, text) for text in texts)]
    both: tuple[Form, ...] = tuple(((name, one), ("bound", other)) for one, other in pairs)
    alone: tuple[Form, ...] = (*((("bound", text),) for text in texts), *((("", text),) for text in texts[1:]))
    # With space for only one, show the KL: a bound may be uninformative.
    forms: tuple[Form, ...] = (*both, ((name, kl.short),), ()) if has_kl else (*alone, ())
    tips = [", ".join(f"{what} {text}" for what, text in forms[0])]
    if kl.exceeds(float(results.terms.value["bound"][index, frame])):
        tips.append(WITHIN_ERROR)
    diverged_at = results.trace.diverged_at[index]
    diverged_at = diverged_at if diverged_at is not None and t <= diverged_at else None
    return Heading(forms, "\n".join(tips), diverged_at, results.fault(index))
