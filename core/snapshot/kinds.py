"""Kinds of the product's TOML files, told by their tables, so that every way of opening a file agrees."""

from __future__ import annotations

from collections.abc import Collection

from core.snapshot.snapshot import Kind

_STUDY = {"base", "scenario", "family", "axes", "metrics", "replicates", "budget", "changes"}
_SPECTRUM = {"spectrum", "method", "learning"}
_SCENARIO = {"prior", "measurement", "target", "schedule", "run"}


def kind_of(keys: Collection[str]) -> Kind | None:
    """Return the kind of a file by the keys at its top; None where they belong to no kind.

    A file may have keys that are not valid: whoever reads it says so.
    """
    found = set(keys)
    if "prior" in found:
        return "scenario"
    if "scenes" in found:
        return "storyboard"
    if found & _STUDY:
        return "study"
    if found & _SPECTRUM:
        return "spectrum"
    return "scenario" if found & _SCENARIO else None
