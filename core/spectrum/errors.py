"""Errors of a linear sampler on N(0, C): W2, KL, the kernel norm, and what learning the score adds.

Hurault, Terris, Moreau, Peyré, "From Score Matching to Diffusion: A Fine-Grained Error Analysis in the Gaussian
Setting", arXiv:2503.11615, in the form of theory.md section 6. ``lam`` are the eigenvalues of C, (d,), float64, ``m``
the variances that a method produces from the exact score, (d,). A learned score produces ``diag(m) + dM``; to second
order in dM

``W2^2 = sum_i (sqrt(m_i) - sqrt(lam_i))^2 + sum_i (1 - sqrt(lam_i / m_i)) E dM_ii + sum_ij k_ij E dM_ij^2``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, final

import numpy as np
import torch

from core.problem.gaussian import excess
from core.spectrum.jets import Array
from core.spectrum.langevin import Langevin, StationaryLangevin
from core.spectrum.learned_langevin import learned_moments
from core.spectrum.methods import AffineSteps, Method, SteppedMethod
from core.spectrum.pairs import pair_sums

_BLOCK = 1 << 15
"""Pairs in one block of rows."""
_DIRECT = 256
"""Largest dimension in which products with the kernel form a d x d matrix."""
_SPACING, _NEGLIGIBLE = 0.4, 1e-11
"""Spacing of the trapezoidal rule, and the relative error of leaving out its lower end."""


def w2_shares(lam: Array, m: Array) -> Array:
    """Return ``(sqrt(m_i) - sqrt(lam_i))^2``, (d,): exact, and their sum is ``W2^2``."""
    with np.errstate(invalid="ignore"):
        total = np.sqrt(lam) + np.sqrt(m)
        gap = np.where(total > 0, (m - lam) / np.where(total > 0, total, 1.0), 0.0)
    return np.where(np.isfinite(m), gap * gap, np.inf)


def w2(lam: Array, m: Array) -> float:
    """Return the Wasserstein-2 distance of N(0, C) and N(0, h(C)): exact; infinite where a variance is."""
    return float(np.sqrt(w2_shares(lam, m).sum()))


def kl_shares(lam: Array, m: Array, direction: KLDirection = "data || produced") -> Array:
    """Return the KL divergence of each eigenvalue in nats, (d,): exact, and their sum is the whole.

    Args:
        lam: of the data.
        m: produced.
        direction: ``KL(N(0, C) || N(0, h(C)))``, or the other one.

    Infinite where one of the variances is zero or infinite; zero where both are zero.
    """
    one, two = (lam, m) if direction == "data || produced" else (m, lam)
    with np.errstate(all="ignore"):
        found: Array = excess(torch.from_numpy(np.ascontiguousarray((one - two) / two))).numpy() / 2
    return np.where((one == 0) & (two == 0), 0.0, np.where(np.isfinite(found), found, np.inf))


KLDirection: TypeAlias = Literal["data || produced", "produced || data"]


def kl(lam: Array, m: Array, direction: KLDirection = "data || produced") -> float:
    """Return the sum of :func:`kl_shares`, in nats."""
    return float(kl_shares(lam, m, direction).sum())


@final
class Kernel(NamedTuple):
    """The kernel norm as ``k_ij = u_i u_j / (2 (s_i + s_j))``."""

    weight: Array
    """``u_i = sqrt(lam_i / m_i)``, zero where lam_i is."""
    root: Array
    """``s_i = sqrt(lam_i m_i)``, or 1 where it is zero and so is u_i."""

    @classmethod
    def of(cls, lam: Array, m: Array) -> Kernel:
        """Return the kernel of eigenvalues and produced variances, (d,) each."""
        used = (lam > 0) & (m > 0)
        return cls(np.sqrt(np.divide(lam, m, out=np.zeros_like(m), where=used)), np.where(used, np.sqrt(lam * m), 1.0))

    def rows(self, first: int, last: int) -> Array:
        """Return rows of k, (n, d)."""
        rows = slice(first, last)
        return 0.5 * self.weight[rows, None] * self.weight / (self.root[rows, None] + self.root)


def kernel_norm(lam: Array, m: Array, first: int = 0, last: int | None = None) -> Array:
    """Return rows of the kernel norm, (n, d): ``sum_ij k_ij E dM_ij^2`` is what fluctuations dM add to ``W2^2``.

    ``k_ij = 1/2 lam_i lam_j / (r_i r_j (r_i + r_j))``, ``r_i = sqrt(lam_i m_i)``, arXiv:2503.11615. Symmetric.

    Args:
        lam: eigenvalues of the data, (d,).
        m: produced variances, (d,).
        first: first row.
        last: one after the last row; None: all.
    """
    return Kernel.of(lam, m).rows(first, len(lam) if last is None else last)


@final
@dataclass(frozen=True, eq=False)
class Perturbation:
    """What a learned score changes, to second order, by eigenvalue; all (d,), computed, not sampled."""

    mean: Array
    """``E dM_ii``, of second order."""
    drift: Array
    """``(1 - sqrt(lam_i / m_i)) E dM_ii``: share of ``W2^2``, of either sign."""
    spread: Array
    """``sum_j k_ij E dM_ij^2``: share of ``W2^2``, not negative."""
    relative: Array
    """``sqrt(sum_j E dM_ij^2 / (m_i m_j))``: size of the perturbation relative to the produced covariance."""
    shift: Array
    """``|E dM_ii| / m_i``."""

    @property
    def shares(self) -> Array:
        """Drift and spread: what is added to each eigenvalue's share of ``W2^2``, (d,)."""
        return self.drift + self.spread

    @property
    def total(self) -> float:
        """What is added to ``W2^2``; infinite where the method diverges."""
        total = float(self.shares.sum())
        return total if np.isfinite(total) else np.inf

    @classmethod
    def of(cls, lam: Array, m: Array, mean: Array, spread: Array, squares: Array) -> Perturbation:
        """Return the perturbation from ``E dM_ii``, the shares by the kernel, and ``sum_j E dM_ij^2 / (m_i m_j)``."""
        with np.errstate(all="ignore"):
            drift = (1 - Kernel.of(lam, m).weight) * mean
            shift = np.where(mean == 0, 0.0, np.abs(mean) / m)
        return cls(mean, drift, spread, np.sqrt(squares), shift)

    @classmethod
    def diverged(cls, lam: Array) -> Perturbation:
        """Return the perturbation of a method whose variances are not all finite."""
        none = np.full(len(lam), np.nan)
        return cls(none, none, none, none, none)


def generalisation(method: Method, lam: Array, samples: float) -> Perturbation:
    """Return what N samples in place of the data's law add, the score-matching loss minimised exactly: ``h(C_hat)``.

    ``E E_ij^2 = lam_i lam_j (1 + [i = j]) / N`` for ``E = C_hat - C``; ``dM_ij = h[lam_i, lam_j] E_ij`` and
    ``E dM_ii = sum_j h[lam_i, lam_j, lam_i] E E_ij^2`` (Daleckii and Krein's divided differences).

    Args:
        method: any method; h is the same function of C_hat.
        lam: eigenvalues, (d,).
        samples: N, positive.
    """
    jet = method.jet(lam)
    m = jet.value
    if not np.isfinite(m).all():
        return Perturbation.diverged(lam)
    kernel = Kernel.of(lam, m)
    inverse = np.divide(lam, m, out=np.zeros_like(m), where=m > 0)
    means, squares, spreads = pair_sums(lam, jet, inverse, kernel.weight, kernel.root)
    spread = 0.5 * lam * kernel.weight * spreads
    return Perturbation.of(lam, m, lam * means / samples, spread / samples, inverse * squares / samples)


def ideal_generalisation(lam: Array, samples: float) -> float:
    """Return ``1 / (2 N) sum_ij (1 + [i = j]) lam_i lam_j / (lam_i + lam_j)``: ``W2^2`` of an exact sampler."""
    root = np.where(lam > 0, lam, 1.0)
    parts = [lam[one:two] @ (1 / (root[one:two, None] + root) @ lam) for one, two in _blocks(lam)]
    return float(0.5 * sum(parts) + 0.25 * lam.sum()) / samples


def optimisation(method: Method, lam: Array, tau: float) -> Perturbation | None:
    """Return what learning by one-pass SGD with step tau adds, at its stationary state, to first order in tau.

    Each score is a matrix W, learned from fresh noisy data by ``W <- W - tau (W x - z / s) x^T``, s the noise's
    amplitude. Its rows then have errors ``E dW_ij^2 = v_i``. Langevin: ``v_i = (tau / 2) lam_i / (sigma^2 a_i)``;
    a diffusion, each level learned on its own: ``v_i = (tau / 2) abar lam_i / ((1 - abar) L_i)``.

    Args:
        method: Langevin in steps, or a method whose steps are affine in one score each.
        lam: eigenvalues, (d,).
        tau: not negative; small against ``1 / (trace of the noisy data's covariance)``.

    Returns:
        None where no formula is known: :func:`optimisation_obstacle` says why.
    """
    if optimisation_obstacle(method) is not None:
        return None
    if isinstance(method, StationaryLangevin | Langevin):
        return _langevin_optimisation(method, lam, 0.5 * tau * lam / (method.sigma**2 * method.noisy(lam)))
    assert isinstance(method, SteppedMethod)
    steps = method.affine_steps(lam)
    return _stepped_optimisation(lam, steps, level_errors(steps, lam, tau))


def optimisation_obstacle(method: Method) -> str | None:
    """Return why no error of optimisation is predicted for a method, as a sentence; None where one is."""
    if isinstance(method, StationaryLangevin | Langevin):
        return None if method.sigma > 0 else "Without noise (sigma = 0) there is no score to learn by denoising."
    if not isinstance(method, SteppedMethod):
        return "No formula for the error of optimisation is known for this method."
    if not method.uses_one_score:
        return "No formula is known for steps that evaluate more than one score: their errors are correlated."
    return None


def level_errors(steps: AffineSteps, lam: Array, tau: float) -> Array:
    """Return ``v_k,i = (tau / 2) abar_k lam_i / ((1 - abar_k) L_k,i)``, (K, d): errors of scores learned by SGD.

    The loss of level k is ``E |W x - z / s|^2 / 2``, ``x = sqrt(abar) x_0 + s z``, ``s^2 = 1 - abar``: the residual of
    row i at the minimum has variance ``1/s^2 - 1/L_i = abar lam_i / (s^2 L_i)`` and is independent of x, the Hessian
    along ``W_ij`` is ``L_j``; so the stationary variance of SGD is tau/2 times the former for every j.
    """
    return (0.5 * tau * steps.abar / steps.rest)[:, None] * lam / steps.noised(lam)


def optimisation_of_levels(method: SteppedMethod, lam: Array, errors: Array) -> Perturbation:
    """Return what independent errors of the scores of all levels add.

    Args:
        method: one whose steps are affine in one score each.
        lam: eigenvalues, (d,).
        errors: ``v_k,i = E dW_k,ij^2`` for every entry of row i, (K, d), the first step first.

    Raises:
        ValueError: a step uses more than one score, or the shape is wrong.
    """
    steps = method.affine_steps(lam)
    if errors.shape != steps.factor.shape:
        raise ValueError(f"errors must have the shape {steps.factor.shape} (is {errors.shape})")
    return _stepped_optimisation(lam, steps, errors)


def _stepped_optimisation(lam: Array, steps: AffineSteps, errors: Array) -> Perturbation:
    """Return the perturbation from independent errors at every step.

    ``E dM_ij^2 = sum_k (A_k,i A_k,j)^2 c_k^2 (v_k,i (s_k,j f_k,j)^2 + v_k,j (s_k,i f_k,i)^2)``, twice that on the
    diagonal, ``A_k`` the product of later factors: ``X + X^T`` with one product of (d, K) and (K, d) matrices. Second
    order: ``E dM_ii = sum_k A_k,i^2 c_k^2 v_k,i sum_j s_k,j``.
    """
    m = steps.produced
    if not (np.isfinite(m).all() and np.isfinite(steps.before).all() and np.isfinite(steps.after).all()):
        return Perturbation.diverged(lam)
    right = steps.after * steps.factor
    right *= steps.before
    right *= right
    left = steps.after**2
    left *= errors
    left *= steps.slope[:, None] ** 2
    mean = steps.before.sum(1) @ left
    inverse = np.divide(1.0, m, out=np.zeros_like(m), where=m > 0)
    kernel, own = Kernel.of(lam, m), 2 * np.einsum("ki,ki->i", left, right)
    squares = inverse * ((right @ inverse) @ left + (left @ inverse) @ right + own * inverse)
    spread = kernel_products(kernel, left, right) + 0.25 * kernel.weight**2 / kernel.root * own
    return Perturbation.of(lam, m, mean, spread, squares)


def kernel_products(kernel: Kernel, left: Array, right: Array, largest: int = _DIRECT) -> Array:
    """Return ``sum_j k_ij (X_ij + X_ji)``, (d,), for ``X = left^T right``.

    In many dimensions without X: ``1 / (s_i + s_j)`` is a sum of about a hundred products ``w e^{-t s_i} e^{-t s_j}``,
    the trapezoidal rule for ``1/x = int exp(y - x e^y) dy``, to a relative error of 1e-10.

    Args:
        kernel: of d eigenvalues.
        left: (K, d).
        right: (K, d).
        largest: largest d for which X is formed.
    """
    if len(kernel.root) <= largest:
        both = left.T @ right
        both += both.T.copy()
        both *= kernel.rows(0, len(both))
        direct: Array = both.sum(1)
        return direct
    low, high = float(kernel.root.min()), float(kernel.root.max())
    nodes = np.exp(np.arange(math.log(_NEGLIGIBLE / high), math.log(25 / low), _SPACING))
    with np.errstate(under="ignore"):
        waves = kernel.weight[:, None] * np.exp(-kernel.root[:, None] * nodes)
    weights = 0.5 * _SPACING * nodes * waves
    summed: Array = ((left.T @ (right @ waves) + right.T @ (left @ waves)) * weights).sum(1)
    return summed


def _langevin_optimisation(method: StationaryLangevin | Langevin, lam: Array, errors: Array) -> Perturbation:
    """Return the perturbation of Langevin sampling with one learned W, see :mod:`core.spectrum.learned_langevin`."""
    m = method.produced(lam)
    if not (method.is_stable(lam) and np.isfinite(m).all()):
        return Perturbation.diverged(lam)
    kernel, inverse = Kernel.of(lam, m), 1 / m
    mean, spread, squares = (np.zeros(len(lam)) for _ in range(3))
    for rows, (square, means) in learned_moments(method, lam, errors, _blocks(lam)):
        mean[rows] = means
        squares[rows] += inverse[rows] * (square @ inverse)
        squares += (inverse[rows] @ square) * inverse
        weighted = square * kernel.rows(rows.start, rows.stop)
        spread[rows] += weighted.sum(1)
        spread += weighted.sum(0)
    return Perturbation.of(lam, m, mean, spread, squares)


def _blocks(lam: Array) -> Iterator[tuple[int, int]]:
    """Yield first and last of blocks of rows of a d x d matrix."""
    count = max(1, _BLOCK // max(1, len(lam)))
    yield from ((first, min(first + count, len(lam))) for first in range(0, len(lam), count))
