"""Rows of the set-up: which numbers and choices a spectrum, a method and the learning have, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, final

from core.scenario.schema import SCHEDULES
from core.spectrum.discrete import DISCRETE_SCHEMES
from core.spectrum.sections import METHODS, SPECTRA
from core.spectrum.sources import DATA_SETS
from core.spectrum.vp import EVALUATIONS, SCHEMES, STOCHASTIC


@final
class Row(NamedTuple):
    """One field of a table."""

    field: str
    """Its key in the table; ``schedule.steps`` for a table within."""
    label: str
    tip: str
    slider: tuple[float, float] | None = None
    """Ends of a logarithmic slider; None: a text field alone."""
    is_whole: bool = False
    choices: Mapping[str, str] = {}
    """Values with their words; empty: a number or a text."""
    empty: str = ""
    """What an empty field means; empty: it must be filled."""
    empty_is_high: bool = False
    """Whether the slider of an empty field stands at its upper end."""
    is_text: bool = False
    is_list: bool = False


def _whole(field: str, label: str, tip: str, low: float, high: float, empty: str = "") -> Row:
    return Row(field, label, tip, (low, high), is_whole=True, empty=empty, empty_is_high=bool(empty))


_STARTS = {"normal": "N(0, I)", "p_T": "the noised data's law", "p_sigma": "the noised data's law"}
_SCHEMES: dict[str, str] = {
    name: f"{name} ({'SDE' if name in STOCHASTIC else 'ODE'}, {EVALUATIONS[name]} per step)" for name in SCHEMES
}

SPECTRUM = (
    Row(
        "kind", "kind", "Where the eigenvalues of the data's covariance come from",
        choices={
            "power law": "power law", "exponential": "exponential", "field": "stationary texture",
            "data set": "data set", "file": "file", "values": "values, one by one",
        },
    ),
    Row("name", "data set", "A data set of scikit-learn", choices={name: name for name in DATA_SETS}),
    Row("path", "file", "Eigenvalues, a covariance, or points (.npy, .csv, .txt)", is_text=True),
    Row(
        "holds", "it holds", "What the file's numbers are",
        choices={"": "as it looks", "eigenvalues": "eigenvalues", "covariance": "a covariance", "points": "points"},
    ),
    Row(
        "standardised", "features", "Whether every feature is divided by its standard deviation",
        choices={"": "as they are", "yes": "standardised"},
    ),
    _whole("dimension", "dimension d", "Number of eigenvalues", 2, 4096),
    Row("scale", "scale", "The largest eigenvalue", (1e-3, 1e3)),
    Row("exponent", "exponent", "Eigenvalue i is scale · i^(−exponent); of a texture, the power of the wave number",
        (0.1, 6.0), empty="2"),
    Row("rate", "rate", "Eigenvalue i is scale · exp(−rate · (i − 1))", (0.005, 5.0)),
    _whole("side", "side", "Pixels along each side: d = side²", 2, 64),
    Row("model", "model", "Law of its power spectrum", choices={"power law": "power law", "matern": "Matérn"}),
    Row("variance", "variance", "Of every pixel", (1e-3, 1e3)),
    Row("length", "length", "Correlation length, in pixels", (0.5, 50.0), empty="4"),
    Row("smoothness", "smoothness ν", "Of Matérn's law", (0.1, 10.0), empty="1.5"),
    Row("values", "values", "The eigenvalues, separated by commas; or drag the points of the plot", is_list=True),
)  # fmt: skip
METHOD = (
    Row(
        "kind", "kind", "How samples are made from the score",
        choices={
            "langevin": "Langevin", "diffusion": "diffusion, in steps",
            "continuous": "diffusion, continuous time", "discrete": "samplers of Explore",
        },
    ),
    Row("scheme", "scheme", "How the reverse process is integrated, and score evaluations per step", choices=_SCHEMES),
    Row("form", "form", "Stochastic, or the probability-flow ODE", choices={"SDE": "SDE", "ODE": "ODE"}),
    Row("sampler", "sampler", "An unconditional sampler", choices={name: name for name in DISCRETE_SCHEMES}),
    Row("variance", "variance", "Reverse variance of the ancestral sampler", choices={
        "theory": "1/α_t − 1", "beta": "β_t", "posterior": "posterior"}),
    Row("schedule.kind", "schedule", "Noise schedule", choices={name: name for name in SCHEDULES}),
    _whole("schedule.steps", "steps T", "Number of steps of the schedule", 10, 10_000),
    Row("schedule.c", "c", "Constant of the schedule etc", (0.5, 20)),
    Row("schedule.delta", "δ", "Smallest noise of the schedule etc", (1e-6, 0.5)),
    Row("schedule.beta_start", "β first", "β at the first step", (1e-6, 0.1)),
    Row("schedule.beta_end", "β last", "β at the last step", (1e-4, 0.9)),
    Row("sigma", "noise σ", "Amplitude of the noise that is added to the data, whose score is used", (0.01, 10)),
    Row("gamma", "step γ", "Step of Langevin; unstable from 2 (λ + σ²) of the smallest eigenvalue on", (1e-5, 1)),
    _whole("steps", "steps", "Number of steps; empty: infinitely many, the stationary state", 1, 100_000, "∞"),
    _whole("points", "grid points", "Points of the time grid, one more than there are steps", 3, 10_000),
    Row("eps", "end ε", "Time at which the reverse process ends (truncation)", (1e-7, 0.5)),
    Row("last", "last t", "Step at which samples are read; 0: at the end"),
    Row("start", "start", "Law of the first point", choices=_STARTS),
    Row("beta_start", "β(0)", "Noise rate at time 0", (1e-3, 10)),
    Row("beta_end", "β(1)", "Noise rate at time 1", (0.1, 100)),
)  # fmt: skip
LEARNING = (
    _whole("samples", "samples N", "Points that the score is learned from; empty: infinitely many", 2, 1e8, "∞"),
    Row(
        "tau", "SGD step τ", "Step of one-pass SGD; empty: the exact minimiser of the loss", (1e-6, 0.1), empty="exact"
    ),
)
SIMULATION = (
    _whole("repeats", "repeats", "How often learning and sampling are repeated", 10, 10_000),
    _whole("sgd_steps", "SGD steps", "Steps of SGD; empty: until it is stationary", 100, 1e6, "enough"),
    Row("seed", "seed", "Of all random numbers of the simulation", is_whole=True),
)
DEFAULTS: dict[str, dict[str, Any]] = {"data set": {"name": "digits"}}
"""What a kind cannot do without."""


def fields_of(key: str, table: Mapping[str, Any]) -> set[str]:
    """Return the fields that a table has and that matter for its other values.

    Args:
        key: ``spectrum``, ``method``, ``learning`` or ``simulation``.
        table: its values.
    """
    if key == "learning":
        return {"samples", "tau"}
    if key == "simulation":
        return {"repeats", "seed", *(["sgd_steps"] if table.get("tau") else [])}
    kinds = SPECTRA if key == "spectrum" else METHODS
    found = set(kinds[table["kind"]].model_fields)
    if table["kind"] == "field":
        found -= {"length", "smoothness"} if table.get("model", "power law") == "power law" else {"exponent"}
    if table["kind"] == "langevin" and table.get("steps") is None:
        found -= {"start"}
    if table["kind"] == "discrete":
        found -= {"schedule"} | ({"variance"} if table.get("sampler", "ancestral") != "ancestral" else set())
        schedule = table.get("schedule", {}).get("kind", "etc")
        found |= {f"schedule.{name}" for name in SCHEDULES[schedule].model_fields}
    return found


def starts(kind: str) -> tuple[str, ...]:
    """Return the first points' laws that a kind of method knows."""
    return ("normal", "p_sigma") if kind == "langevin" else ("normal", "p_T")
