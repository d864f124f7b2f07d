"""Samplers given by kernels with different variances in measured and unmeasured directions: replacement, DDNM+."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from core.problem.problem import Level, Scalar
from core.samplers.assumption import Assumption
from core.samplers.base import About, Kernel, StochasticSampler, register
from core.samplers.builtin import replaced


@register
@final
class Replacement(StochasticSampler):
    """Replacement sampling, one replacement a step.

    Song, Sohl-Dickstein, Kingma, Kumar, Ermon, Poole, "Score-Based Generative Modeling through Stochastic Differential
    Equations", arXiv:2011.13456.
    """

    kind = About(
        "replacement",
        "Replacement",
        "#A15543",
        r"\mu_t = N \mu_t^{prior}(x) + \sqrt{\bar\alpha_{t-1}}\, H^\dagger y,\quad "
        r"V_t = \sigma_t^2 N + (1-\bar\alpha_{t-1}) P",
        "Replaces the measured part by a noised measurement at every step; the unmeasured part takes the prior's step.",
        "Song, Sohl-Dickstein, Kingma, Kumar, Ermon, Poole: Score-Based Generative Modeling through Stochastic "
        "Differential Equations. ICLR 2021, arXiv:2011.13456",
        "Takes y for noiseless. The last step has no variance in the measured directions.",
        "One replacement a step, without resampling.",
        group="projections",
        aliases=("RePaint with one round", "ScoreSDE inpainting"),
    )

    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the kernel: the prior's step in unmeasured directions, the noised measurement in measured ones."""
        return replacement(level, points, self.step_variance(level))

    def assumed(self, level: Level, point: Tensor) -> Assumption:
        """Return a point mass: the measured part ``Hd y``, the unmeasured part that of xhat."""
        return replaced(level, point)


def replacement(level: Level, points: Tensor, variance: Scalar) -> Kernel:
    """Return the kernel of one replacement at points (d, N), with a step variance in the unmeasured directions."""
    measurement = level.measurement
    free = measurement.unmeasured_part(level.step_mean(points, level.prior_score(points)))
    mean = free + level.abar_previous**0.5 * measurement.estimate
    return Kernel(mean, _along(level, 1 - level.abar_previous, variance))


@register
@final
class DDNMPlus(StochasticSampler):
    """DDNM+, for noisy measurements and general H.

    Wang, Yu, Zhang, "Zero-Shot Image Restoration Using Denoising Diffusion Null-Space Model", arXiv:2212.00490.
    """

    kind = About(
        "ddnm+",
        "DDNM+",
        "#854798",
        r"\mu_t = a_t \hat x_y + \frac{\sqrt{\alpha_t}(1-\bar\alpha_{t-1})}{1-\bar\alpha_t} x,\quad "
        r"\hat x_y = \hat x - V \Lambda V^T H^\dagger (H \hat x - y),\quad V_t = V \Gamma V^T",
        "Corrects the denoised mean as far as the variance of the step covers the measurement noise.",
        "Wang, Yu, Zhang: Zero-Shot Image Restoration Using Denoising Diffusion Null-Space Model. ICLR 2023, "
        "arXiv:2212.00490",
        "Directions whose step variance is used up by the measurement's noise become deterministic: "
        "then no bound along paths exists.",
        "General H by its singular values.",
        group="projections",
    )

    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the kernel: per singular direction, ``lam_i`` of the correction and the remaining variance."""
        towards, stay = self._towards(level), level.alpha**0.5 * (1 - level.abar_previous) / (1 - level.abar)
        share, left = self._share(level, points)
        mean = towards * self._corrected(level, points, share) + stay * points
        return Kernel(mean, level.measurement.along_basis(left, self.step_variance(level)))

    def _towards(self, level: Level) -> Scalar:
        """Return ``a_t``, the factor of the corrected mean in the step."""
        return level.abar_previous**0.5 * level.beta / (1 - level.abar)

    def _share(self, level: Level, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``lam_i`` and ``gam_i`` by measured direction, (r, 1)."""
        full = _tensor(self.step_variance(level), points)
        inherited = (self._towards(level) * level.measurement.estimate_noise).square()
        share = torch.where(inherited > full, full / inherited, 1.0).sqrt()
        return share, torch.where(inherited > full, 0.0, full - inherited)

    def _corrected(self, level: Level, points: Tensor, share: Tensor) -> Tensor:
        """Return ``xhat - V diag(lam) V^T Hd (H xhat - y)``, (d, N)."""
        return towards_estimate(level, level.denoised(points, level.prior_score(points)), share)

    def assumed(self, level: Level, point: Tensor) -> Assumption:
        """Return the corrected xhat, with the error that the correction brings from y: ``lam_i sigma_y / s_i``."""
        share, _ = self._share(level, point)
        measurement, basis = level.measurement, level.measurement.measured_basis
        spread = share * measurement.estimate_noise
        mean = self._corrected(level, point, share).squeeze(-1)
        return Assumption(mean, (basis * spread.square().mT) @ basis.mT, is_given_y=True)


def towards_estimate(level: Level, points: Tensor, share: Tensor) -> Tensor:
    """Return ``x + V_r diag(share) V_r^T (Hd y - x)``, (d, N): points moved a share of the way to the measurement.

    Args:
        level: gives H and y.
        points: x, (d, N).
        share: by measured direction, (r, 1).
    """
    basis = level.measurement.measured_basis
    return points + basis @ (share * (basis.mT @ (level.measurement.estimate - points)))


def _along(level: Level, measured: Scalar, unmeasured: Scalar) -> Tensor:
    """Return variances (d, 1) along V: one in the measured directions, another in the unmeasured ones."""
    seen, like = level.measurement.seen, level.measurement.right_basis
    return torch.where(seen, _tensor(measured, like), _tensor(unmeasured, like))


def _tensor(value: Scalar, like: Tensor) -> Tensor:
    return torch.as_tensor(value, dtype=like.dtype, device=like.device)
