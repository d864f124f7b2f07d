"""Ground truth of a setting by simulation: learn the score from random samples, propagate exactly, measure W2 exactly.

Each repeat draws the covariance of N samples of N(0, C), learns the score's matrix at every noise level from it, by
the exact minimiser or by SGD, and propagates the covariance of the sampler's law by matrices
(:mod:`core.spectrum.propagation`). W2 between the two Gaussians is exact. All that is random is what was learned from;
means over repeats have standard errors, and repeat r of a seed is the same however many there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from core.errors import ScenarioError
from core.spectrum.langevin import Langevin, StationaryLangevin
from core.spectrum.methods import Method
from core.spectrum.propagation import Score, propagated
from core.spectrum.setting import SpectrumSetting
from core.spectrum.spectra import Array, Spectrum

_BLOCK_NUMBERS = 1 << 15
"""Numbers in the matrices of a block of repeats, which are advanced side by side."""
_SGD_CHUNK = 256
"""Steps of SGD whose random numbers are drawn at once."""
_RELAXED = 4.0
"""Relaxation times of the slowest direction after which SGD counts as stationary."""
MOST_BY_MATRICES = 64
"""Largest dimension in which exact minimisers are propagated by matrices; above it ``h(C_hat)`` is evaluated."""
MOST_SGD_STEPS = 5_000_000
"""Largest number of steps of SGD that a simulation does."""


@final
@dataclass(frozen=True)
class Estimate:
    """Mean over repeats with its standard error; infinite where a repeat diverged."""

    mean: float
    error: float
    """Standard error; zero where nothing is random."""
    count: int
    """Number of repeats."""


@final
@dataclass(frozen=True, eq=False)
class Simulated:
    """What the repeats so far have shown."""

    w2_squared: Estimate
    """W2^2 with everything on."""
    minimiser: Estimate
    """W2^2 of the same repeats with the exact minimiser of the loss instead of SGD; the same without SGD."""
    produced: Array
    """(d,): mean variance along each eigenvector."""
    produced_error: Array
    """(d,): its standard errors."""
    diverged: int
    """Number of repeats whose covariance is not finite."""
    how: str
    """What was simulated, in a sentence."""

    @property
    def w2(self) -> Estimate:
        """``sqrt(E W2^2)`` with its standard error."""
        return root(self.w2_squared)


def root(square: Estimate) -> Estimate:
    """Return the square root of an estimate, with the error by the first order of its change."""
    value = math.sqrt(max(square.mean, 0.0))
    error = square.error / (2 * value) if 0 < value < math.inf else square.error
    return Estimate(value, error, square.count)


@final
@dataclass(frozen=True)
class Learning:
    """What a simulation learns the score from."""

    samples: int | None = None
    """N; None: infinitely many."""
    tau: float | None = None
    """Step of SGD; None: the exact minimiser."""
    sgd_steps: int | None = None
    """Steps of SGD; None: until it is stationary."""

    @property
    def is_random(self) -> bool:
        """Whether anything is random."""
        return self.samples is not None or self.tau is not None


def simulate_setting(
    setting: SpectrumSetting, spectrum: Spectrum, *, repeats: int | None = None, seed: int | None = None
) -> Iterator[Simulated]:
    """Simulate a setting, see :func:`simulate`; repeats and seed are its own unless they are given."""
    learning = setting.learning
    chosen = Learning(learning.samples, learning.tau, learning.sgd_steps)
    return simulate(
        spectrum,
        setting.method.build(),
        chosen,
        repeats=repeats or learning.repeats,
        seed=learning.seed if seed is None else seed,
    )


def simulate(spectrum: Spectrum, method: Method, learning: Learning, *, repeats: int, seed: int) -> Iterator[Simulated]:
    """Yield what is known after every block of repeats; large blocks only where a repeat takes milliseconds.

    Args:
        spectrum: of the data.
        method: the sampler.
        learning: what its score is learned from.
        repeats: number of repeats; where nothing is random, one is enough, and one is done.
        seed: of all random numbers.

    Raises:
        ScenarioError: SGD would take too many steps.
    """
    values = spectrum.eigenvalues
    repeats = repeats if learning.is_random else 1
    how = _sentence(method, learning, len(values))
    runner = _Runner(values, method, learning)
    size = max(1, _BLOCK_NUMBERS // len(values) ** 2)
    squares: list[float] = []
    minimisers: list[float] = []
    produced: list[Array] = []
    done = 0
    while done < repeats:
        block = range(done, min(done + min(size, max(1, done)), repeats))
        done = block.stop
        generators = [np.random.default_rng([seed, repeat]) for repeat in block]
        found = runner.run(generators)
        squares += found.squares.tolist()
        minimisers += found.minimisers.tolist()
        produced += list(found.produced)
        means, errors = _mean_and_error(np.array(produced))
        diverged = int((~np.isfinite(squares)).sum())
        yield Simulated(_estimate(squares), _estimate(minimisers), means, errors, diverged, how)


def _estimate(values: Sequence[float]) -> Estimate:
    found = np.asarray(values)
    if not np.isfinite(found).all():
        return Estimate(math.inf, math.inf, len(found))
    error = float(found.std(ddof=1) / math.sqrt(len(found))) if len(found) > 1 else 0.0
    return Estimate(float(found.mean()), error, len(found))


def _mean_and_error(values: Array) -> tuple[Array, Array]:
    """Return mean and standard error along the first axis."""
    with np.errstate(all="ignore"):
        error = values.std(0, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else np.zeros(values.shape[1])
        return values.mean(0), error


def _sentence(method: Method, learning: Learning, dimension: int) -> str:
    if not learning.is_random:
        return "Exact propagation with the exact score; nothing is random."
    data = "infinitely many samples" if learning.samples is None else f"{learning.samples:,} samples drawn anew"
    followed = "exact propagation of the covariance"
    if learning.tau is None:
        score = "the exact minimiser"
        if not _by_steps(learning, dimension):
            followed = f"the sampler's law as h(Ĉ), since above d = {MOST_BY_MATRICES} no step is taken by matrices"
    elif _runs_sgd(method, learning):
        score = f"one-pass SGD with step {learning.tau:g} at every noise level"
    else:
        score = f"errors of the score drawn from the stationary law of SGD with step {learning.tau:g} (to first order)"
    return f"Every repeat: {data}, {score}, {followed}, exact W₂."


def _by_steps(learning: Learning, dimension: int) -> bool:
    """Return whether every step of the sampler is taken, by matrices; else ``h(C_hat)`` is evaluated."""
    return learning.tau is not None or dimension <= MOST_BY_MATRICES


def _runs_sgd(method: Method, learning: Learning) -> bool:
    """Return whether the steps of SGD are really done: at one noise level always, at many where asked for."""
    return isinstance(method, Langevin | StationaryLangevin) or learning.sgd_steps is not None


# One block of repeats


@dataclass(frozen=True, eq=False)
class _Block:
    squares: Array
    """(B,): W2^2."""
    minimisers: Array
    """(B,): the same with the exact minimiser."""
    produced: Array
    """(B, d): variances along the eigenvectors."""


@final
class _Runner:
    """One setting, whose repeats are advanced in blocks."""

    def __init__(self, values: Array, method: Method, learning: Learning) -> None:
        self._values, self._method, self._learning = values, method, learning

    def run(self, generators: Sequence[np.random.Generator]) -> _Block:
        """Return the results of one repeat for each generator."""
        covariance = np.stack([self._empirical(generator) for generator in generators])
        if not _by_steps(self._learning, covariance.shape[-1]):
            found = self._by_eigenvalues(covariance)
            squares = w2_squared(self._values, found)
            return _Block(squares, squares, np.diagonal(found, axis1=1, axis2=2))
        learned = _Minimiser(covariance)
        exact = self._propagated(covariance, learned)
        with_errors = (
            exact if self._learning.tau is None else self._propagated(covariance, self._by_sgd(learned, generators))
        )
        squares = w2_squared(self._values, with_errors)
        minimisers = squares if with_errors is exact else w2_squared(self._values, exact)
        return _Block(squares, minimisers, np.diagonal(with_errors, axis1=1, axis2=2))

    def _empirical(self, generator: np.random.Generator) -> Array:
        """Return the covariance of N samples with known mean zero; many samples by Bartlett's factor of their law."""
        count, size = self._learning.samples, len(self._values)
        if count is None:
            return np.diag(self._values)
        if count < 4 * size:
            normals = generator.standard_normal((size, count))
            scatter = normals @ normals.T
        else:  # Wishart: a triangle of normals under chi variables, equal in law to N samples
            factor = np.tril(generator.standard_normal((size, size)), -1)
            np.fill_diagonal(factor, np.sqrt(generator.chisquare(count - np.arange(size))))
            scatter = factor @ factor.T
        scale = np.sqrt(self._values)
        return np.asarray(scale[:, None] * scatter * scale / count)

    def _by_eigenvalues(self, covariance: Array) -> Array:
        """Return ``h(C_hat)``: with exact minimisers all matrices commute, so that this is the recursion's result."""
        if self._learning.samples is None:
            return np.diag(self._method.produced(self._values))[None]
        values, vectors = np.linalg.eigh(covariance)
        produced = np.stack([self._method.produced(np.maximum(each, 0.0)) for each in values])
        if not np.isfinite(produced).all():
            return np.full_like(covariance, np.inf)
        return np.asarray((vectors * produced[:, None, :]) @ vectors.swapaxes(-1, -2))

    def _propagated(self, covariance: Array, score: Score) -> Array:
        with np.errstate(all="ignore"):
            try:
                return propagated(self._method, covariance, score)
            except np.linalg.LinAlgError:  # a level without noise, and singular data
                return np.full_like(covariance, np.inf)

    def _by_sgd(self, learned: _Minimiser, generators: Sequence[np.random.Generator]) -> Score:
        tau = self._learning.tau
        assert tau is not None
        if _runs_sgd(self._method, self._learning):
            return self._sgd(learned, generators, tau)

        def drawn(abar: float, rest: float) -> Array:
            normals = np.stack([generator.standard_normal(learned.shape[1:]) for generator in generators])
            return np.asarray(learned(abar, rest) + math.sqrt(tau / 2) * learned.residual_root(abar, rest) @ normals)

        return drawn

    def _sgd(self, learned: _Minimiser, generators: Sequence[np.random.Generator], tau: float) -> Score:
        """Return the matrices after one-pass SGD from the exact minimiser, at each level.

        A step draws x_0 from N(0, C_hat) and noise n anew, ``x = sqrt(abar) x_0 + sqrt(rest) n``, and moves down the
        gradient of ``|W x - n / sqrt(rest)|^2 / 2``.
        """
        data = learned.root

        def descended(abar: float, rest: float) -> Array:
            found = learned(abar, rest)
            left = steps_of_sgd(self._values, abar, rest, tau, self._learning.sgd_steps)
            while left > 0:
                count = min(left, _SGD_CHUNK)
                left -= count
                size = learned.shape[-1]
                normals = np.stack([generator.standard_normal((2, size, count)) for generator in generators])
                noise = normals[:, 1]
                points = math.sqrt(abar) * (data @ normals[:, 0]) + math.sqrt(rest) * noise
                targets = noise / math.sqrt(rest)
                for step in range(count):
                    point = points[:, :, step]
                    residual = (found @ point[:, :, None])[..., 0] - targets[:, :, step]
                    found = found - tau * residual[:, :, None] * point[:, None, :]
            return found

        return descended


def steps_of_sgd(values: Array, abar: float, rest: float, tau: float, asked: int | None) -> int:
    """Return how many steps of SGD are done at a noise level: as many as asked for, else until it is stationary.

    Raises:
        ScenarioError: these are too many.
    """
    slowest = abar * float(values[-1]) + rest
    steps = asked or math.ceil(_RELAXED / (tau * slowest))
    if steps > MOST_SGD_STEPS:
        reason = f"SGD with step {tau:g} would take {steps:,} steps to be stationary; set learning.sgd_steps"
        raise ScenarioError("", "learning.tau", reason)
    return steps


@final
class _Minimiser:
    """The exact minimiser of the loss at every noise level, ``W = (abar C_hat + rest I)^{-1}``, (B, d, d)."""

    def __init__(self, covariance: Array) -> None:
        self._covariance = covariance
        self.shape = covariance.shape

    def __call__(self, abar: float, rest: float) -> Array:
        """Return W at a level."""
        return np.asarray(np.linalg.inv(abar * self._covariance + rest * np.eye(self.shape[-1])))

    @property
    def root(self) -> Array:
        """A square root of C_hat."""
        values, vectors = np.linalg.eigh(self._covariance)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :])

    def residual_root(self, abar: float, rest: float) -> Array:
        """Return a square root of the residual's covariance, ``I / rest - W``: that of ``W x - n / sqrt(rest)``."""
        values, vectors = np.linalg.eigh(self._covariance)
        values = np.maximum(abar * values, 0.0)
        return np.asarray(vectors * np.sqrt(values / (rest * (values + rest)))[:, None, :])


def w2_squared(values: Array, covariance: Array) -> Array:
    """Return W2^2 (B,) between N(0, diag(values)) and N(0, covariance), infinite where that is not finite.

    ``sum(values) + tr(M) - 2 tr (C^{1/2} M C^{1/2})^{1/2}`` (the Bures distance).
    """
    scale = np.sqrt(values)
    with np.errstate(all="ignore"):
        fine = np.isfinite(covariance).all((1, 2)) & (np.abs(covariance).max((1, 2)) < 1e100)
        safe = np.where(fine[:, None, None], covariance, np.eye(len(values)))
        inner = scale[:, None] * safe * scale
        roots = np.sqrt(np.maximum(np.linalg.eigvalsh((inner + inner.swapaxes(-1, -2)) / 2), 0.0))
        found = values.sum() + np.trace(safe, axis1=1, axis2=2) - 2 * roots.sum(-1)
    return np.where(fine, np.maximum(found, 0.0), np.inf)
