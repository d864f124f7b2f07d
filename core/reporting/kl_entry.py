"""Entry of ``report.json`` for the KL of one sampler at one t."""

from __future__ import annotations

from typing import Any

from core.kl.bracket import Estimates
from core.kl.known_kl import INFINITE
from core.runs.results import Results
from core.text.number_format import SURE, known


def kl_entry(results: Results, index: int, t: int) -> dict[str, Any]:
    """Return the report's entry of a sampler's KL at one t.

    ``lower`` and ``upper`` are the limits of all rounds; the estimates beside them are the last round's.
    """
    told = results.kl.at(index, results.frame(t))
    finite = {name: known(value) for name, value in (("lower", told.low), ("upper", told.high))}
    if told.kind == "computed":
        limits = {"lower": max(told.low - told.error, 0.0), "upper": told.low + told.error}
        return {"kind": "computed", "value": told.low, **limits, "stderr": 0.0, "error": told.error}
    bracket = results.bracket
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
