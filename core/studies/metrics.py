"""Metrics of a study: what is measured of every sampler in a cell, each value with its kind and error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Generic, Literal, NamedTuple, TypeVar, final

import torch
from torch import Tensor

from core.bounds.asymptote import no_asymptote
from core.diagnostics.calibration import central_masses, ranks
from core.diagnostics.sample_metrics import Distance
from core.diagnostics.sliced import sliced_distance
from core.kl.known_kl import KnownKL
from core.problem.mixture import GaussianMixture
from core.runs.results import Quantity, Results

Kind = Literal[
    "exact", "computed", "prediction", "prediction outside its validity", "bracket", "bound", "estimate", "unknown"
]

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Probabilities of the central intervals whose coverage is measured."""
UNKNOWN_NOTE = "could not be computed"


@final
class Measured(NamedTuple):
    """A value with its kind and error; NaN where unknown."""

    value: float
    error: float
    """Standard error, or error of a computed value; zero where exact, NaN where only replicates show it."""
    lower: float
    upper: float
    """Limits of a bracket, else the value; minus or plus infinity where one is unknown."""
    kind: Kind
    note: str = ""
    """Reason for an unknown value."""

    @classmethod
    def of(cls, value: float, error: float = 0.0, kind: Kind = "estimate", note: str = "") -> Measured:
        """Return a value, or unknown where it is NaN."""
        if math.isnan(value):
            return cls(math.nan, math.nan, math.nan, math.nan, "unknown", note or UNKNOWN_NOTE)
        return cls(value, error, value, value, kind)


@final
class Sample(NamedTuple):
    """What metrics are computed from: a finished run, one of its samplers, and the x behind y."""

    results: Results
    row: int
    """Number of the sampler in the run."""
    t: int
    truth: Tensor | None
    """(d,): the x from which y was drawn; None where y was given."""
    directions: int
    """Number of directions of sliced distances."""
    seconds: float
    """Seconds that the sampler took for its particles; NaN where they were not measured."""

    @property
    def frame(self) -> int:
        """Frame of t."""
        return self.results.frame(self.t)

    @property
    def particles(self) -> Tensor:
        """(d, N): particles at t."""
        return self.results.trace.particles(self.row, self.frame)

    @property
    def seed(self) -> int:
        """Seed of random numbers that metrics need."""
        return self.results.scenario.seed_for("closeness")


S = TypeVar("S")


@final
class Metric(NamedTuple, Generic[S]):
    """A metric by its name in study files, taken of a sample of type S."""

    label: str
    """On axes of figures."""
    unit: str
    """Unit in headers of tables."""
    meaning: str
    """One sentence for help and tooltips."""
    measure: Callable[[S], dict[str, Measured]]
    """Returns values by the names of their columns."""
    needs_particles: bool = True
    needs_truth: bool = False
    """It needs the x behind y, so that y must be drawn in every cell."""
    is_logarithmic: bool = False
    """Values are positive and differ by orders of magnitude."""
    reference: float | None = None
    """Value of a perfect sampler, where it is not zero."""


def _kl(sample: Sample) -> dict[str, Measured]:
    return {"kl": _known(sample.results.kl.at(sample.row, sample.frame))}


def _known(kl: KnownKL) -> Measured:
    """Return a KL with limits; the value of a bracket is its midpoint where it is tight."""
    if kl.kind == "none":
        return Measured.of(math.nan)
    if kl.kind == "reverse":
        return Measured.of(math.nan, note="only the reverse KL is known")
    if kl.kind in {"exact", "computed"}:
        return Measured.of(kl.low, kl.error, "exact" if kl.kind == "exact" else "computed")
    low, high = (
        (kl.low, kl.high) if kl.kind == "bracket" else (0.0, kl.high) if kl.kind == "upper only" else (kl.low, math.inf)
    )
    return Measured((low + high) / 2 if math.isfinite(high) else math.nan, math.nan, low, high, "bracket")


def _term(name: str) -> Callable[[Sample], dict[str, Measured]]:
    def measure(sample: Sample) -> dict[str, Measured]:
        terms = sample.results.terms
        value, error = (float(part[name][sample.row, sample.frame]) for part in (terms.value, terms.error))
        exact = bool(terms.exact[sample.row])
        kind: Kind = "bound" if name == "bound" else "exact" if exact else "estimate"
        return {name: Measured.of(value, 0.0 if exact else error, kind)}

    return measure


def _limit(sample: Sample) -> dict[str, Measured]:
    limits = sample.results.asymptotes
    found = limits[sample.row] if limits else None
    if found is None:
        return {"w_inf": Measured.of(math.nan, note=no_asymptote(sample.results.samplers[sample.row]) or "")}
    return {"w_inf": Measured.of(found.value, found.error, "estimate" if found.error else "exact")}


def _observed(sample: Sample) -> dict[str, Measured]:
    trace = sample.results.trace
    found = Quantity(
        float(trace.observed_mismatch[sample.row, sample.frame]),
        float(trace.observed_error[sample.row, sample.frame]),
    )
    return {"observed": Measured.of(found.value, found.error)}


def _distance(name: Literal["w2", "mmd", "weights_error"], column: str) -> Callable[[Sample], dict[str, Measured]]:
    def measure(sample: Sample) -> dict[str, Measured]:
        metrics = sample.results.metrics.get(sample.t)
        if metrics is None:
            return {column: Measured.of(math.nan, note="the target has no density at this t")}
        each = metrics[sample.row]
        found: Distance = getattr(each, name)
        prefix = {"mmd": "mmd", "w2": "w2", "weights_error": "weights"}[name]
        note = next((note for note in each.notes if note.startswith((prefix, "closeness"))), "")
        kind: Kind = "exact" if name == "w2" and each.w2_exact else "estimate"
        return {column: Measured.of(found.value, found.error, kind, note)}

    return measure


def _sliced(order: Literal[1, 2]) -> Callable[[Sample], dict[str, Measured]]:
    def measure(sample: Sample) -> dict[str, Measured]:
        target, particles = _target(sample), sample.particles
        name = f"sliced_w{order}"
        if not bool(particles.isfinite().all()):
            return {name: Measured.of(math.nan, note="the particles diverged")}
        found = sliced_distance(target, particles.double(), order, sample.directions, seed=sample.seed)
        return {name: Measured.of(found.value, found.error)}

    return measure


def _target(sample: Sample) -> GaussianMixture:
    """Return the target at t."""
    results = sample.results
    return results.problem.target.noised(float(results.schedule.alpha_bar[sample.t]))


def _single(value: float, note: str = "") -> Measured:
    """Return a value whose error only replicates show."""
    return Measured.of(value, math.nan, note=note)


def _mmse(sample: Sample) -> dict[str, Measured]:
    target, particles = _target(sample), sample.particles.double()
    gap = float((particles.mean(1) - target.mean).square().sum())
    spread = float(target.covariance.diagonal().sum())
    return {"mmse_gap": _single(gap / spread if spread else math.nan, "the target is a single point")}


def _coverage(sample: Sample) -> dict[str, Measured]:
    masses = central_masses(_target(sample), _direction(sample), sample.particles.double(), LEVELS)
    return {f"coverage_{round(100 * level)}": _single(mass) for level, mass in zip(LEVELS, masses, strict=True)}


def _ranks(sample: Sample) -> dict[str, Measured]:
    assert sample.truth is not None
    results = sample.results
    abar = float(results.schedule.alpha_bar[sample.t])
    generator = torch.Generator().manual_seed(results.scenario.seed_for("value"))
    noise = torch.randn(sample.truth.shape, generator=generator, dtype=torch.float64)
    truth = math.sqrt(abar) * sample.truth + math.sqrt(1 - abar) * noise
    found = ranks(_target(sample), _direction(sample), sample.particles.double(), truth)
    return {name: _single(value) for name, value in zip(("rank_projection", "rank_density"), found, strict=True)}


def _direction(sample: Sample) -> Tensor:
    """Return the unmeasured direction in which the target varies most, (d,); the first axis where all are measured."""
    measurement = sample.results.problem.measurement
    basis = measurement.right_basis[:, measurement.rank :]
    if not basis.shape[1]:
        return torch.eye(len(measurement.right_basis), dtype=torch.float64)[0]
    _, directions = torch.linalg.eigh(basis.mT @ sample.results.problem.target.covariance @ basis)
    found: Tensor = basis @ directions[:, -1]
    return found


def _diverged(sample: Sample) -> dict[str, Measured]:
    lost = ~sample.particles.isfinite().all(0)
    return {"diverged": Measured.of(float(lost.double().mean()), 0.0, "exact")}


def _evaluations(sample: Sample) -> dict[str, Measured]:
    count = sample.results.samplers[sample.row].score_evaluations(sample.results.schedule.steps, sample.t)
    return {"nfe": Measured.of(float(count), 0.0, "exact")}


def _seconds(sample: Sample) -> dict[str, Measured]:
    return {"seconds": _single(sample.seconds)}


METRICS: dict[str, Metric[Sample]] = {
    "kl": Metric(
        "KL(Q‖P)",
        "nats",
        "KL of the target from the samples: exact, computed or a bracket.",
        _kl,
        needs_particles=False,
        is_logarithmic=True,
    ),
    "bound": Metric(
        "bound", "nats", "Upper bound on the KL.", _term("bound"), needs_particles=False, is_logarithmic=True
    ),
    "initialisation": Metric(
        "initialisation",
        "nats",
        "Term of the bound: the start at t = T.",
        _term("initialisation"),
        needs_particles=False,
        is_logarithmic=True,
    ),
    "discretisation": Metric(
        "discretisation",
        "nats",
        "Term of the bound: finite steps.",
        _term("discretisation"),
        needs_particles=False,
        is_logarithmic=True,
    ),
    "variance": Metric(
        "variance",
        "nats",
        "Term of the bound: the reverse variance.",
        _term("variance"),
        needs_particles=False,
        is_logarithmic=True,
    ),
    "mismatch": Metric(
        "mismatch",
        "nats",
        "Term of the bound: accumulated score mismatch.",
        _term("mismatch"),
        needs_particles=False,
        is_logarithmic=True,
    ),
    "mismatch_range": Metric(
        "mismatch, measured",
        "nats",
        "Mismatch in measured directions.",
        _term("mismatch_range"),
        needs_particles=False,
        is_logarithmic=True,
    ),
    "mismatch_null": Metric(
        "mismatch, unmeasured",
        "nats",
        "Mismatch in unmeasured directions.",
        _term("mismatch_null"),
        needs_particles=False,
        is_logarithmic=True,
    ),
    "w_inf": Metric("W_∞", "nats", "Limit of the mismatch as steps are refined.", _limit, is_logarithmic=True),
    "observed": Metric(
        "observed mismatch", "nats", "Mismatch over the sampler's own particles.", _observed, is_logarithmic=True
    ),
    "w2": Metric(
        "W₂",
        "units of x",
        "Wasserstein-2 distance: exact for one Gaussian, else sliced.",
        _distance("w2", "w2"),
        is_logarithmic=True,
    ),
    "sliced_w1": Metric(
        "sliced W₁",
        "units of x",
        "Wasserstein-1 distance, mean over random directions; in one dimension W₁ itself.",
        _sliced(1),
        is_logarithmic=True,
    ),
    "sliced_w2": Metric(
        "sliced W₂",
        "units of x",
        "Wasserstein-2 distance, root mean square over random directions; in one dimension W₂ itself.",
        _sliced(2),
        is_logarithmic=True,
    ),
    "mmd": Metric("MMD²", "", "Squared maximum mean discrepancy, unbiased.", _distance("mmd", "mmd")),
    "weights": Metric(
        "weights error",
        "",
        "Total variation between sampled and exact component weights.",
        _distance("weights_error", "weights"),
    ),
    "mmse_gap": Metric(
        "MMSE gap",
        "",
        "Squared error of the samples' mean in units of the target's variance.",
        _mmse,
        is_logarithmic=True,
    ),
    "coverage": Metric("coverage", "", "Exact mass of the samples' central intervals along one direction.", _coverage),
    "ranks": Metric("rank", "", "Rank of the true x among the samples, from 0 to 1.", _ranks, needs_truth=True),
    "diverged": Metric("diverged", "", "Share of particles that diverged.", _diverged),
    "nfe": Metric("score evaluations", "", "Score evaluations of one particle.", _evaluations),
    "seconds": Metric(
        "seconds", "s", "Seconds that the sampler took for all particles on one core.", _seconds, is_logarithmic=True
    ),
}
"""Metrics by their names in study files."""


def unknown(names: tuple[str, ...], note: str) -> dict[str, Measured]:
    """Return unknown values of metrics, with the reason."""
    return {name: Measured.of(math.nan, note=note) for name in columns(names)}


def columns(names: tuple[str, ...]) -> list[str]:
    """Return the names of the columns that metrics give."""
    several = {
        "coverage": [f"coverage_{round(100 * level)}" for level in LEVELS],
        "ranks": ["rank_projection", "rank_density"],
    }
    return [column for name in names for column in several.get(name, [name])]
