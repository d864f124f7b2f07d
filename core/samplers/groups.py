"""Samplers in lists: their groups, score evaluations in words, and search by the names that they have elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from core.samplers.base import SAMPLERS, Group, Sampler

GROUPS: dict[Group, str] = {
    "ground truth": "Ground truth and references",
    "projections": "Projections",
    "guidance": "Guidance",
    "splitting": "Splitting and annealing",
    "particles": "Particles with weights",
    "deterministic": "Deterministic",
    "yours": "Yours",
}
"""Titles of the groups, in the order in which lists show them."""


def group_of(sampler: Sampler) -> Group:
    """Return a sampler's group; that of user code is "yours", whatever it says of itself."""
    is_own = type(sampler).__module__.partition(".")[0] == "core"
    return sampler.kind.group if is_own else "yours"


def grouped(samplers: Mapping[str, Sampler]) -> dict[str, dict[str, Sampler]]:
    """Return samplers by the title of their group and by key, in the order of lists, without empty groups."""
    groups: dict[str, dict[str, Sampler]] = {}
    for group, title in GROUPS.items():
        members = {key: sampler for key, sampler in samplers.items() if group_of(sampler) == group}
        if members:
            groups[title] = members
    return groups


def evaluations(sampler: Sampler) -> str:
    """Return how many score evaluations a particle takes, in words."""
    one, two = (sampler.score_evaluations(steps, 0) for steps in (1, 2))
    each = two - one
    fewer = f", {each - one} fewer in all" if each > one else ""
    return f"{each} a step{fewer}"


def known_as(name: str, samplers: Iterable[Sampler] | None = None) -> Sampler | None:
    """Return the sampler that has a label or an alias, whatever its case and punctuation; None if there is none."""
    word = _plain(name)
    for sampler in SAMPLERS.values() if samplers is None else samplers:
        if word and word in map(_plain, (sampler.kind.label, *sampler.kind.aliases)):
            return sampler
    return None


def elsewhere(name: str) -> str:
    """Return the start of an error's sentence that names the key of a sampler's alias; empty for unknown names."""
    if (sampler := known_as(name)) is None:
        return ""
    label, key = sampler.kind.label, sampler.kind.key
    same = "" if _plain(name) == _plain(label) else f"{name.strip()} is {label} here: "
    return f"{same}use {key!r}"


def found(samplers: Mapping[str, Sampler], words: str) -> list[str]:
    """Return the keys of samplers of which label, key, aliases or group contain all words, ignoring case."""
    wanted = words.casefold().split()
    return [key for key, sampler in samplers.items() if all(word in _searched(key, sampler) for word in wanted)]


def _searched(key: str, sampler: Sampler) -> str:
    kind = sampler.kind
    parts = (key, sampler.about.label, kind.label, *kind.aliases, GROUPS[group_of(sampler)], group_of(sampler))
    return "\n".join(parts).casefold()


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
