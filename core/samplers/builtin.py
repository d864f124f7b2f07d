"""Samplers CCDF, DDNM and BO-DDNM, with the references prior, oracle and exact (theory.md section 2)."""

from __future__ import annotations

from abc import abstractmethod
from typing import final

import torch
from torch import Tensor

from core.problem.problem import Level
from core.samplers.assumption import Assumption
from core.samplers.base import About, AffineScore, ScoreSampler, register


class RangeReplacement(ScoreSampler):
    """The prior's score in the unmeasured directions, a linear pull to ``sqrt(abar_t) Hd y`` in the measured ones."""

    @abstractmethod
    def precision(self, level: Level) -> Tensor:
        """Return the precision of the pull along each measured singular direction, (r,); (B, 1, r) at B levels."""

    @final
    def score(self, level: Level, points: Tensor) -> Tensor:
        """Return ``N s_t + V_r diag(precision) V_r^T (sqrt(abar_t) Hd y - x)``."""
        prior_score = level.prior_score(points)
        return level.measurement.pulled(points, self.precision(level), level.abar**0.5, prior_score)

    @final
    def affine_score(self, level: Level) -> AffineScore:
        """Return ``-V_r diag(precision) V_r^T x + ... + N s_t``."""
        measurement = level.measurement
        pull = (measurement.measured_basis * self.precision(level)) @ measurement.measured_basis.mT
        return AffineScore(
            -pull, (level.abar**0.5 * (pull @ measurement.estimate)).squeeze(-1), measurement.null_projector
        )

    def assumed(self, level: Level, point: Tensor) -> Assumption:
        """Return a point mass: the measured part ``Hd y``, the unmeasured part that of xhat."""
        return replaced(level, point)


def replaced(level: Level, point: Tensor) -> Assumption:
    """Return a point mass at ``Hd y + N xhat``, at a point (d, 1)."""
    measurement, denoised = level.measurement, level.denoised(point, level.prior_score(point))
    mean = measurement.estimate + measurement.unmeasured_part(denoised)
    return Assumption.point(mean.squeeze(-1), is_given_y=True)


@register
@final
class Prior(ScoreSampler):
    """Unconditional sampling with the prior's score.

    Ho, Jain, Abbeel, "Denoising Diffusion Probabilistic Models", arXiv:2006.11239.
    """

    needs_measurement = False
    kind = About(
        "prior",
        "Prior",
        "#9AAAA9",
        r"s_t(x)",
        "Ignores the measurement: its mismatch is the whole score of the likelihood of y.",
        "Ho, Jain, Abbeel: Denoising Diffusion Probabilistic Models. NeurIPS 2020, arXiv:2006.11239",
        group="ground truth",
        aliases=("DDPM", "unconditional"),
    )

    def score(self, level: Level, points: Tensor) -> Tensor:
        """Return ``s_t(x)``."""
        return level.prior_score(points)

    def affine_score(self, level: Level) -> AffineScore:  # noqa: ARG002
        """Return ``s_t`` itself."""
        return AffineScore()


@register
@final
class CCDF(RangeReplacement):
    """Come-Closer-Diffuse-Faster (CCDF), in the form of Liang et al., arXiv:2410.13746.

    Chung, Sim, Ye, "Come-Closer-Diffuse-Faster: Accelerating Conditional Diffusion Models for Inverse Problems through
    Stochastic Contraction", arXiv:2112.05146.
    """

    has_limit = False
    kind = About(
        "ccdf",
        "CCDF",
        "#5B811A",
        r"N s_t + \frac{\sqrt{\bar\alpha_t}\, H^\dagger y - P x}{1-\alpha_t}",
        "Replaces the measured part by the noised measurement at every step; its mismatch grows without bound in T.",
        "Chung, Sim, Ye: Come-Closer-Diffuse-Faster: Accelerating Conditional Diffusion Models for Inverse "
        "Problems through Stochastic Contraction. CVPR 2022, arXiv:2112.05146",
        variant="The form of Liang, Ju, Liang, Shroff (ICLR 2025, arXiv:2410.13746).",
        group="projections",
    )

    def precision(self, level: Level) -> Tensor:
        """Return ``1 / (1 - alpha_t)``."""
        return torch.ones_like(level.measurement.singular_values) / level.beta


@register
@final
class DDNM(RangeReplacement):
    """Denoising diffusion null-space model (DDNM).

    Wang, Yu, Zhang, "Zero-Shot Image Restoration Using Denoising Diffusion Null-Space Model", arXiv:2212.00490.
    """

    kind = About(
        "ddnm",
        "DDNM",
        "#E4572E",
        r"N s_t + \frac{\sqrt{\bar\alpha_t}\, H^\dagger y - P x}{1-\bar\alpha_t}",
        "Treats the measurement as noiseless: exact in the measured directions only if σ_y = 0.",
        "Wang, Yu, Zhang: Zero-Shot Image Restoration Using Denoising Diffusion Null-Space Model. ICLR 2023, "
        "arXiv:2212.00490",
        group="projections",
    )

    def precision(self, level: Level) -> Tensor:
        """Return ``1 / (1 - abar_t)``."""
        return torch.ones_like(level.measurement.singular_values) / (1 - level.abar)


@register
@final
class BODDNM(RangeReplacement):
    """Bias-optimal DDNM (BO-DDNM).

    Liang, Ju, Liang, Shroff, "Theory on Score-Mismatched Diffusion Models and Zero-Shot Conditional Samplers",
    arXiv:2410.13746.
    """

    kind = About(
        "bo-ddnm",
        "BO-DDNM",
        "#2E86DE",
        r"N s_t + \Sigma_t^{-1}(\sqrt{\bar\alpha_t}\, H^\dagger y - P x),\quad "
        r"\Sigma_t = (1-\bar\alpha_t) I + \bar\alpha_t \sigma_y^2 H^\dagger (H^\dagger)^T",
        "DDNM with a pull towards y that allows for the measurement noise: optimal for σ_y = 0 or a flat prior.",
        "Liang, Ju, Liang, Shroff: Theory on Score-Mismatched Diffusion Models and Zero-Shot Conditional "
        "Samplers. ICLR 2025, arXiv:2410.13746",
        group="projections",
        aliases=("DDNM without noise", "noiseless DDNM"),
    )

    def precision(self, level: Level) -> Tensor:
        """Return ``1 / (1 - abar_t + abar_t sigma_y^2 / s_i^2)``."""
        spread = level.measurement.estimate_noise.squeeze(-1).square()
        return 1 / (1 - level.abar + level.abar * spread)

    def assumed(self, level: Level, point: Tensor) -> Assumption:
        """Return a flat prior in the measured directions, a point mass at xhat in the unmeasured ones.

        Of a flat prior x_t leaves ``N(x_t / sqrt(abar_t), (1 - abar_t) / abar_t)``; times ``p(y | x_0)`` its mean is
        the denoised one of this sampler's score.
        """
        measurement, denoised = level.measurement, level.denoised(point, level.prior_score(point))
        mean = measurement.range_projector @ point / level.abar**0.5 + measurement.null_projector @ denoised
        return Assumption(mean.squeeze(-1), (1 - level.abar) / level.abar * measurement.range_projector)


@register
@final
class BOOracle(ScoreSampler):
    """Optimum of the family ``N s_t + f`` with f in the range of H^T, which needs the exact posterior score."""

    kind = About(
        "bo-oracle",
        "BO oracle",
        "#8070FD",
        r"N s_t + P s_{t|y}",
        "The exact score in the measured directions, the prior's in the others: the least mismatch of this family.",
        "The optimum of the family in Liang, Ju, Liang, Shroff: Theory on Score-Mismatched Diffusion Models and "
        "Zero-Shot Conditional Samplers. ICLR 2025, arXiv:2410.13746",
        group="ground truth",
    )

    def score(self, level: Level, points: Tensor) -> Tensor:
        """Return ``N s_t + P s_{t|y}``."""
        return level.measurement.composed(level.prior_score(points), level.target_score(points))


@register
@final
class Exact(ScoreSampler):
    """Sampling with the exact score of the target."""

    needs_measurement = False
    kind = About(
        "exact",
        "Exact",
        "#12A07A",
        r"s_{t|y}(x)",
        "No mismatch: its error is that of the discretisation, which all samplers share.",
        "Closed form: the posterior of a Gaussian mixture is a Gaussian mixture.",
        group="ground truth",
        aliases=("posterior",),
    )

    def score(self, level: Level, points: Tensor) -> Tensor:
        """Return ``s_{t|y}(x)``."""
        return level.target_score(points)

    def affine_score(self, level: Level) -> AffineScore:  # noqa: ARG002
        """Return ``s_{t|y}`` itself."""
        return AffineScore(is_of_target=True)
