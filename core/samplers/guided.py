"""Guided samplers, which backpropagate the residual ``y - H xhat`` through the denoised mean: PiGDM, TMPD, DPS.

All of them are ``g_t = s_t + J V_r u``: V_r the measured singular directions, J the Jacobian of xhat, and u
a weighted residual. With ``rho = V_r^T (Hd y - xhat)`` and ``H^T (y - H xhat) = V_r S^2 rho``, no p x p
matrix is formed; and J is only applied, in closed form (theory.md section 2).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, final

import torch
from pydantic import Field
from torch import Tensor

from core.problem.curvature import Curvature
from core.problem.problem import Level, Measurement
from core.samplers.assumption import Assumption
from core.samplers.base import About, ScoreSampler, register


class Guided(ScoreSampler):
    """Sampler with score ``s_t + J V_r u``: the prior's score plus a weighted residual times the Jacobian of xhat."""

    @abstractmethod
    def weighted(self, level: Level, residual: Tensor, curvature: Curvature) -> Tensor:
        """Return u, (r, N), given the residual rho, (r, N), and the prior's curvature at the points."""

    @final
    def score(self, level: Level, points: Tensor) -> Tensor:
        """Return ``s_t + J V_r u`` with ``J = (I + (1 - abar_t) grad s_t) / sqrt(abar_t)``."""
        curvature, basis = level.prior_curvature(points), level.measurement.measured_basis
        measured = level.denoised(basis.mT @ points, basis.mT @ curvature.score)
        residual = basis.mT @ level.measurement.estimate - measured
        weighted = self.weighted(level, residual, curvature) / level.abar**0.5
        return curvature.apply(weighted).add_(curvature.score)


def _denoised(level: Level, point: Tensor) -> Tensor:
    """Return ``xhat``, (d,), at a point (d, 1)."""
    return level.denoised(point, level.prior_score(point)).squeeze(-1)


def _squares(level: Level) -> Tensor:
    """Return ``s_i^2``, (r, 1)."""
    return level.measurement.singular_values.square().unsqueeze(-1)


@register
@final
class PiGDM(Guided):
    """Pseudoinverse-guided diffusion (PiGDM), noisy form.

    Song, Vahdat, Mardani, Kautz, "Pseudoinverse-Guided Diffusion Models for Inverse Problems", ICLR 2023.
    """

    kind = About(
        "pigdm",
        "PiGDM",
        "#BFA200",
        r"s_t + J H^T (r_t^2 H H^T + \sigma_y^2 I)^{-1} (y - H \hat x),\quad r_t^2 = 1-\bar\alpha_t",
        "Approximates x₀ given x_t by a Gaussian of one width for all x_t: too wide where components are narrow.",
        "Song, Vahdat, Mardani, Kautz: Pseudoinverse-Guided Diffusion Models for Inverse Problems. ICLR 2023, "
        "openreview.net/forum?id=9_gsMA8MRKQ",
        "No restriction on H or σ_y. J is exact, not learned.",
        "The form for noisy measurements, with the paper's r_t for data of unit variance. "
        "azula's PGDM is the noiseless form.",
        group="guidance",
        aliases=("ΠGDM", "PGDM"),
    )

    def weighted(self, level: Level, residual: Tensor, curvature: Curvature) -> Tensor:  # noqa: ARG002
        """Return ``rho_i / (1 - abar_t + sigma_y^2 / s_i^2)``."""
        return residual / (1 - level.abar + level.measurement.noise**2 / _squares(level))

    def assumed(self, level: Level, point: Tensor) -> Assumption:
        """Return ``N(xhat, r_t^2 I)``, ``r_t^2 = 1 - abar_t``."""
        return Assumption(_denoised(level, point), (1 - level.abar) * torch.eye(len(point)).to(point))


@register
@final
class TMPD(Guided):
    """Tweedie moment projected diffusion (TMPD), with the full covariance.

    Boys, Girolami, Pidstrigach, Reich, Mosca, Akyildiz, "Tweedie Moment Projected Diffusions for Inverse Problems",
    arXiv:2310.06721.
    """

    kind = About(
        "tmpd",
        "TMPD",
        "#02B4C6",
        r"s_t + J H^T \left(\frac{1-\bar\alpha_t}{\sqrt{\bar\alpha_t}} H J H^T + \sigma_y^2 I\right)^{-1} "
        r"(y - H \hat x)",
        "Approximates x₀ given x_t by a Gaussian with the exact covariance: exact for one component.",
        "Boys, Girolami, Pidstrigach, Reich, Mosca, Akyildiz: Tweedie Moment Projected Diffusions for Inverse "
        "Problems. arXiv:2310.06721",
        "A prior of one Gaussian, for exactness. J and the covariance are exact, for every particle.",
        "The full covariance, as MMPS takes it; azula's TMPDenoiser takes row sums, and its noise "
        "argument is a variance.",
        group="guidance",
        aliases=("MMPS", "moment matching"),
    )

    def weighted(self, level: Level, residual: Tensor, curvature: Curvature) -> Tensor:
        """Return ``(V_r^T Cov V_r + sigma_y^2 S^{-2})^{-1} rho``, ``Cov = (1 - abar_t) / sqrt(abar_t) J``."""
        squares = _squares(level)
        noise = torch.diag(level.measurement.noise**2 / squares.squeeze(-1)).unsqueeze(-1)
        scale = level.for_matrices((1 - level.abar) / level.abar)
        return _solve(scale * curvature.within + noise, residual)

    def assumed(self, level: Level, point: Tensor) -> Assumption:
        """Return ``N(xhat, Cov)``: mean and covariance are the exact ones of x_0 given x_t."""
        curvature = level.curvature_along(torch.eye(len(point)).to(point), point)
        covariance = (1 - level.abar) / level.abar * curvature.within.squeeze(-1)
        return Assumption(level.denoised(point, curvature.score).squeeze(-1), covariance)


_ROUNDING = 16
"""Pivots below this many units of rounding of the original variance count as zero."""


def _solve(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Solve positive semi-definite systems (r, r, N) by elimination; pivots within rounding of zero count as zero.

    A zero pivot has a zero row: x_0 is known in that direction. Its unknown is set to zero, which is a
    solution if there is one.
    """
    system = torch.cat([matrices, vectors.unsqueeze(-2)], dim=-2)
    limits = torch.finfo(matrices.dtype)
    rounding, tiny = _ROUNDING * vectors.shape[-2] * limits.eps, limits.tiny**0.75
    for index in range(vectors.shape[-2]):
        row = system.narrow(-3, index, 1)
        pivot = row[..., :1, :]
        least = (rounding * matrices[..., index : index + 1, index : index + 1, :]).clamp(min=tiny)
        scaled = row[..., 1:, :] * torch.where(pivot > least, pivot.reciprocal(), 0.0)
        system = torch.addcmul(system[..., 1:, :], system[..., :1, :], scaled, value=-1)
        system.narrow(-3, index, 1).copy_(scaled)
    return system.squeeze(-2)


@register
@final
class DPS(Guided):
    """Diffusion posterior sampling (DPS).

    Chung, Kim, McCann, Klasky, Ye, "Diffusion Posterior Sampling for General Noisy Inverse Problems", arXiv:2209.14687.
    """

    has_limit = False
    kind = About(
        "dps",
        "DPS",
        "#C7448E",
        r"s_t + \frac{\zeta}{\Vert y - H \hat x \Vert} J H^T (y - H \hat x) \frac{\sqrt{\alpha_t}}{1-\alpha_t}",
        "Adds a gradient step of a length that does not depend on σ_y: not the score of any posterior.",
        "Chung, Kim, McCann, Klasky, Ye: Diffusion Posterior Sampling for General Noisy Inverse Problems. ICLR "
        "2023, arXiv:2209.14687",
        "No restriction on H or σ_y. Not affine, even for one Gaussian: its terms are Monte Carlo estimates.",
        "The norm is computed per particle; the public code and azula take it over the batch, which couples particles. "
        "deepinv adds the gradient to the score, without the factor of the step.",
        group="guidance",
        aliases=("diffusion posterior sampling",),
    )
    zeta: Annotated[float, Field(gt=0, le=1e3)] = 0.5
    """Length of the gradient step."""

    def weighted(self, level: Level, residual: Tensor, curvature: Curvature) -> Tensor:  # noqa: ARG002
        """Return ``zeta S^2 rho / norm(y - H xhat) sqrt(alpha_t) / (1 - alpha_t)``."""
        squares = _squares(level)
        beyond = level.measurement.distance_from_range**2
        norm = ((squares * residual.square()).sum(-2, keepdim=True) + beyond).sqrt()
        least = torch.finfo(norm.dtype).tiny ** 0.5
        return squares * residual * (self.zeta * level.alpha**0.5 / level.beta) / norm.clamp(min=least)

    def assumed(self, level: Level, point: Tensor) -> Assumption:
        """Return a point mass at ``xhat``."""
        return Assumption.point(_denoised(level, point))


@register
@final
class GaussianDPS(Guided):
    """DPS with the weight ``1 / sigma_y^2`` of the Gaussian likelihood, in place of its step-size rule."""

    kind = About(
        "dps-gauss",
        "DPS-Gauss",
        "#1A6863",
        r"s_t + \frac{1}{\sigma_y^2} J H^T (y - H \hat x)",
        "Adds the gradient of the likelihood of y at the denoised mean, without that mean's variance: far too strong.",
        "Chung, Kim, McCann, Klasky, Ye: Diffusion Posterior Sampling for General Noisy Inverse Problems. ICLR "
        "2023, arXiv:2209.14687",
        "σ_y > 0.",
        "The Gaussian likelihood at the denoised mean, without a step-size rule; diverges where steps are long.",
        group="guidance",
    )

    def weighted(self, level: Level, residual: Tensor, curvature: Curvature) -> Tensor:  # noqa: ARG002
        """Return ``S^2 rho / sigma_y^2``."""
        return residual * (_squares(level) / level.measurement.noise**2)

    def assumed(self, level: Level, point: Tensor) -> Assumption:
        """Return a point mass at ``xhat``."""
        return Assumption.point(_denoised(level, point))

    def obstacle(self, measurement: Measurement) -> str | None:
        """Return a reason where the measurement noise is zero, by which the score divides."""
        if (obstacle := super().obstacle(measurement)) is not None:
            return obstacle
        return "divides by the measurement noise, which must be larger than 0" if measurement.noise == 0 else None
