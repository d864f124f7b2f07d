"""Samplers that alternate between denoising and the measurement, each a Gaussian kernel a step: DiffPIR, DAPS.

Both replace the denoised mean xhat by a Gaussian estimate of x_0 given xhat and y, in closed form along the singular
directions of H, and noise it to t - 1. In variance-exploding units the noise level is ``(1 - abar_t) / abar_t``.
"""

from __future__ import annotations

from typing import Annotated, final

import torch
from pydantic import Field
from torch import Tensor

from core.problem.problem import Level, Measurement, Scalar
from core.samplers.assumption import Assumption
from core.samplers.base import About, Kernel, Sampler, register
from core.samplers.kernels import towards_estimate


def scaled_noise(level: Level) -> Scalar:
    """Return ``(1 - abar_t) / abar_t``, the square of the noise level in variance-exploding units."""
    return (1 - level.abar) / level.abar


def given_measurement(level: Level, centres: Tensor, spread: Scalar) -> tuple[Tensor, Tensor]:
    """Return mean (d, N) and variances (d, 1) along V of ``N(centre, spread I) p(y | x_0) / Z``.

    Args:
        level: gives H, y and sigma_y.
        centres: (d, N).
        spread: variance in every direction; where it and sigma_y are zero, y is kept.
    """
    wide = torch.as_tensor(spread, dtype=centres.dtype, device=centres.device)
    noise = level.measurement.estimate_noise.square()
    share = torch.where(noise > 0, wide / (wide + noise), 1.0)
    return towards_estimate(level, centres, share), level.measurement.along_basis(wide * (1 - share), wide)


@register
@final
class DiffPIR(Sampler):
    """Denoising diffusion model for plug-and-play image restoration (DiffPIR).

    Zhu, Zhang, Liang, Cao, Wen, Timofte, Van Gool, "Denoising Diffusion Models for Plug-and-Play Image Restoration",
    arXiv:2305.08995.
    """

    kind = About(
        "diffpir",
        "DiffPIR",
        "#78B44B",
        r"\mu_t = \sqrt{\bar\alpha_{t-1}}\, \hat x_0 + \sqrt{(1-\bar\alpha_{t-1})(1-\zeta)}\, \hat\epsilon,\quad "
        r"\hat x_0 = \hat x + (H^T H + \rho_t I)^{-1} H^T (y - H \hat x),\quad "
        r"\rho_t = \lambda \sigma_y^2 \frac{\bar\alpha_t}{1-\bar\alpha_t}",
        "Moves the denoised mean towards y by a proximal step, then adds part of the predicted noise and fresh noise.",
        "Zhu, Zhang, Liang, Cao, Wen, Timofte, Van Gool: Denoising Diffusion Models for Plug-and-Play Image "
        "Restoration. CVPR Workshops 2023, arXiv:2305.08995",
        "The last step adds no noise: the bound is finite down to t = 1.",
        "The variance of a step is ζ (1 - ᾱ at t - 1), the noise level predicted from the moved mean. "
        "deepinv's λ counts half of ours.",
        group="splitting",
    )
    lam: Annotated[float, Field(gt=0, le=1e6)] = 8.0
    """Weight of the denoised mean in the proximal step, lambda in the paper."""
    zeta: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Share of the noise of a step that is fresh."""

    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the kernel: mean from the moved denoised mean and its noise, variance ``zeta (1 - abar_{t-1})``."""
        clean = self._moved(level, points)
        noise = (points - level.abar**0.5 * clean) / (1 - level.abar) ** 0.5
        left = 1 - level.abar_previous
        mean = level.abar_previous**0.5 * clean + (left * (1 - self.zeta)) ** 0.5 * noise
        return Kernel(mean, self.zeta * left)

    def _moved(self, level: Level, points: Tensor) -> Tensor:
        """Return ``xhat_0``, (d, N): xhat after the proximal step."""
        relative = self.lam * level.measurement.estimate_noise.square() / scaled_noise(level)
        return towards_estimate(level, level.denoised(points, level.prior_score(points)), 1 / (1 + relative))

    def assumed(self, level: Level, point: Tensor) -> Assumption:
        """Return a point mass at ``xhat_0``."""
        return Assumption.point(self._moved(level, point).squeeze(-1), is_given_y=True)


@register
@final
class DAPS(Sampler):
    """Decoupled annealing posterior sampling (DAPS), with an exact draw in place of its inner Langevin chain.

    Zhang, Chu, Berner, Meng, Anandkumar, Song, "Improving Diffusion Inverse Problem Solving with Decoupled Noise
    Annealing", arXiv:2407.01521.
    """

    kind = About(
        "daps",
        "DAPS",
        "#8700FF",
        r"x_0 \sim N(\hat x, r_t^2 I)\, p(y \mid x_0) / Z,\quad x_{t-1} = \sqrt{\bar\alpha_{t-1}}\, x_0 + "
        r"\sqrt{1-\bar\alpha_{t-1}}\, n,\quad r_t = r \sqrt{(1-\bar\alpha_t)/\bar\alpha_t}",
        "Draws x₀ given the denoised mean and y, and noises it afresh: steps forget the point from which they came.",
        "Zhang, Chu, Berner, Meng, Anandkumar, Song: Improving Diffusion Inverse Problem Solving with Decoupled Noise "
        "Annealing. CVPR 2025, arXiv:2407.01521",
        "Its bound is far above its KL: steps are much wider than those of the reverse process.",
        "By default the inner Langevin chain is run to its end: for a linear measurement a Gaussian draw. A number "
        "of steps starts at the denoised point, with one step length for all t relative to that Gaussian.",
        group="splitting",
        aliases=("decoupled annealing",),
    )
    ratio: Annotated[float, Field(gt=0, le=1e3)] = 1.0
    """Assumed standard deviation of x_0 around the denoised mean, in units of the noise level."""
    flow_steps: Annotated[int, Field(ge=1, le=100)] = 1
    """Probability-flow steps from x_t to the denoised point; one gives Tweedie's mean, the paper takes five."""

    langevin_steps: Annotated[int, Field(ge=0, le=1000)] = 0
    """Inner Langevin steps from the denoised point; zero runs the chain to its end, which is an exact draw."""
    langevin_rate: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Length of an inner step, in units of the smallest variance of the law that it draws from."""

    def obstacle(self, measurement: Measurement) -> str | None:
        """Return a reason where inner Langevin steps would have to be infinitely short."""
        if (obstacle := super().obstacle(measurement)) is not None:
            return obstacle
        if self.langevin_steps and measurement.noise == 0:
            return "takes Langevin steps, which need a measurement noise larger than 0"
        return None

    def score_evaluations(self, steps: int, last: int) -> int:
        """Return one evaluation for each probability-flow step; inner Langevin steps take none."""
        return self.flow_steps * (steps - last)

    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the kernel: the Gaussian draw of x_0, noised to t - 1."""
        mean, variance = self._clean(level, points)
        return Kernel(level.abar_previous**0.5 * mean, level.abar_previous * variance + (1 - level.abar_previous))

    def _clean(self, level: Level, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean (d, N) of x_0 given xhat and y, and variances (d, 1) along V."""
        denoised = self._denoised(level, points)
        mean, variance = given_measurement(level, denoised, self.ratio**2 * scaled_noise(level))
        return (mean, variance) if self.langevin_steps == 0 else self._after_langevin(level, denoised, mean, variance)

    def _after_langevin(self, level: Level, denoised: Tensor, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variances after k Langevin steps from the denoised point towards ``N(mean, variance)``.

        ``x <- x - eta (x - mean) / variance + sqrt(2 eta) n`` is affine, so k steps are one Gaussian.
        """
        rate = self.langevin_rate * variance.amin(-2, keepdim=True) / variance
        left = (1 - rate) ** self.langevin_steps
        basis = level.measurement.right_basis
        gap = basis @ (left * (basis.mT @ (denoised - mean)))
        return mean + gap, variance * (1 - left.square()) / (1 - rate / 2)

    def _denoised(self, level: Level, points: Tensor) -> Tensor:
        """Return the end of the probability flow from the points, in Euler steps on the schedule of Karras et al.

        Steps end at the noise levels ``sigma_t (1 - j / k)^7``; Karras, Aittala, Aila, Laine, "Elucidating the Design
        Space of Diffusion-Based Generative Models", arXiv:2206.00364.
        """
        clean = level.denoised(points, level.prior_score(points))
        at, sigma = points / level.abar**0.5, scaled_noise(level) ** 0.5
        for step in range(1, self.flow_steps):
            before = sigma * (1 - (step - 1) / self.flow_steps) ** _FLOW_POWER
            after = sigma * (1 - step / self.flow_steps) ** _FLOW_POWER
            at = clean + after / before * (at - clean)
            clean = level.denoised_at(after**2, at)
        return clean

    def assumed(self, level: Level, point: Tensor) -> Assumption:
        """Return the Gaussian from which x_0 is drawn."""
        mean, variance = self._clean(level, point)
        basis = level.measurement.right_basis
        return Assumption(mean.squeeze(-1), (basis * variance.mT) @ basis.mT, is_given_y=True)


_FLOW_POWER = 7
"""Exponent of the noise levels of the flow's steps."""
