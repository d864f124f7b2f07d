"""Denoising diffusion restoration models (DDRM): every singular direction of H by its own signal-to-noise ratio."""

from __future__ import annotations

from typing import Annotated, final

import torch
from pydantic import Field
from torch import Tensor

from core.problem.problem import Level, Measurement
from core.samplers.assumption import Assumption
from core.samplers.base import About, Kernel, Sampler, register
from core.samplers.kernels import towards_estimate


@register
@final
class DDRM(Sampler):
    """Denoising diffusion restoration model (DDRM), whose own law of x_T knows the measurement.

    Kawar, Elad, Ermon, Song, "Denoising Diffusion Restoration Models", arXiv:2201.11793.
    """

    kind = About(
        "ddrm",
        "DDRM",
        "#B40F5A",
        r"\bar x_{t-1,i} \sim N\!\left((1-\eta_b)\hat x_i + \eta_b \bar y_i,\ \sigma_{t-1}^2 - "
        r"\eta_b^2 \frac{\sigma_y^2}{s_i^2}\right)\ \mathrm{if}\ \sigma_{t-1} \geq \frac{\sigma_y}{s_i},\quad "
        r"\bar x = \frac{x}{\sqrt{\bar\alpha}},\ \sigma_t^2 = \frac{1-\bar\alpha_t}{\bar\alpha_t}",
        "Treats each singular direction of H by its own noise: near y while a step covers that noise, then near xhat.",
        "Kawar, Elad, Ermon, Song: Denoising Diffusion Restoration Models. NeurIPS 2022, arXiv:2201.11793",
        "Starts from its own law, centred at y in the measured directions. The last step adds no noise: the bound is "
        "finite down to t = 1.",
        "The paper's defaults η = 0.85 and η_b = 1. deepinv divides every noise by sqrt(2): half of the variance.",
        group="projections",
    )
    eta: Annotated[float, Field(gt=0, le=1)] = 0.85
    """Share of the noise level that is fresh noise, where y is not used or the step is finer than its noise."""
    eta_b: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Weight of y against the denoised mean, where the step covers the noise of y."""

    def start(self, measurement: Measurement, abar: float) -> Kernel:
        """Return the law of x_T: ``sqrt(abar_T) N(Hd y, sigma_T^2 - sigma_y^2 / s_i^2)`` where that noise is smaller.

        Other directions, measured ones included, start from ``N(0, 1 - abar_T)``.
        """
        noise = measurement.estimate_noise.square()
        left = 1 - abar - abar * noise
        is_used = left > 0
        basis, estimate = measurement.measured_basis, measurement.estimate
        mean = abar**0.5 * (basis @ (is_used * (basis.mT @ estimate)))
        return Kernel(mean, measurement.along_basis(torch.where(is_used, left, 1 - abar), 1 - abar))

    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the kernel, by singular direction."""
        measurement, fresh = (
            level.measurement,
            torch.as_tensor(1 - level.abar_previous, dtype=points.dtype, device=points.device),
        )
        denoised = level.denoised(points, level.prior_score(points))
        kept = ((1 - self.eta**2) * (1 - level.abar_previous) / (1 - level.abar)) ** 0.5
        rest = kept * measurement.unmeasured_part(points - level.abar**0.5 * denoised)
        share, left = self._measured(level, fresh)
        mean = level.abar_previous**0.5 * towards_estimate(level, denoised, share) + rest
        return Kernel(mean, measurement.along_basis(left, self.eta**2 * fresh))

    def _measured(self, level: Level, fresh: Tensor) -> tuple[Tensor, Tensor]:
        """Return the share of the way to y, and the variance, along each measured direction, (r, 1) each.

        Args:
            level: of the step.
            fresh: ``1 - abar_{t-1}``.
        """
        noise = level.abar_previous**0.5 * level.measurement.estimate_noise
        is_covered = fresh >= noise.square()
        fine = ((1 - self.eta**2) * fresh).sqrt() / torch.where(noise > 0, noise, 1.0)
        share = torch.where(is_covered, self.eta_b, fine)
        left = torch.where(is_covered, fresh - self.eta_b**2 * noise.square(), self.eta**2 * fresh)
        return share, left

    def assumed(self, level: Level, point: Tensor) -> Assumption:
        """Return xhat moved towards y, with the error that this brings from y: ``eta_b sigma_y / s_i``."""
        basis, fresh = level.measurement.measured_basis, torch.as_tensor(1 - level.abar_previous, dtype=point.dtype)
        share, _ = self._measured(level, fresh)
        mean = towards_estimate(level, level.denoised(point, level.prior_score(point)), share)
        spread = share * level.measurement.estimate_noise
        return Assumption(mean.squeeze(-1), (basis * spread.square().mT) @ basis.mT, is_given_y=True)
