"""Samplers that repeat draws at every noise level: RePaint, PnP-DM and SNIPS (theory.md section 7)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, final

import torch
from pydantic import Field
from torch import Tensor

from core.problem.problem import Level, Scalar
from core.samplers.base import About, Kernel, StochasticSampler, register
from core.samplers.chain import ChainSampler, CleanDraw, Link
from core.samplers.kernels import replacement
from core.samplers.splitting import given_measurement, scaled_noise


@register
@final
class RePaint(ChainSampler, StochasticSampler):
    """Replacement sampling with resampling (RePaint).

    Lugmayr, Danelljan, Romero, Yu, Timofte, Van Gool, "RePaint: Inpainting using Denoising Diffusion Probabilistic
    Models", arXiv:2201.09865.
    """

    kind = About(
        "repaint",
        "RePaint",
        "#E187C3",
        r"(x_t \to x_{t-1} \to x_t)^{u-1} \to x_{t-1},\quad x_t \sim N(\sqrt{\alpha_t}\, x_{t-1}, \beta_t I)",
        "Replacement, with every step undone by forward noise and repeated, so that both parts of x come to agree.",
        "Lugmayr, Danelljan, Romero, Yu, Timofte, Van Gool: RePaint: Inpainting using Denoising Diffusion "
        "Probabilistic Models. CVPR 2022, arXiv:2201.09865",
        "Takes y for noiseless. One round is Replacement; more are no single Gaussian kernel: no bound is known.",
        "Jumps of one step back, the paper's ten rounds; azula takes three, by default with DDIM's steps.",
        group="projections",
        aliases=("resampling",),
    )
    rounds: Annotated[int, Field(ge=1, le=100)] = 10
    """Reverse steps from every t, u."""

    @property
    def is_chain(self) -> bool:
        """True for more than one round; one is Replacement."""
        return self.rounds > 1

    def score_evaluations(self, steps: int, last: int) -> int:
        """Return one evaluation for each round of each step."""
        return self.rounds * (steps - last)

    def lead(self, level: Level) -> Sequence[Link]:
        """Return pairs of a reverse step and the forward step that undoes it."""
        return [partial(self.kernel, level), partial(_forward, level)] * (self.rounds - 1)

    def scales(self, level: Level) -> Sequence[float]:
        """Return those of t - 1 and t in turn."""
        return [float(level.abar_previous), float(level.abar)] * (self.rounds - 1)

    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the kernel of one replacement."""
        return replacement(level, points, self.step_variance(level))


def _forward(level: Level, points: Tensor) -> Kernel:
    """Return the forward step from t - 1 to t."""
    return Kernel(level.alpha**0.5 * points, level.beta)


@register
@final
class PnPDM(ChainSampler):
    """Plug-and-play diffusion model sampling by a split Gibbs sampler (PnP-DM).

    Wu, Sun, Chen, Zhang, Yue, Bouman, "Principled Probabilistic Imaging using Diffusion Models as Plug-and-Play
    Priors", arXiv:2405.18782.
    """

    kind = About(
        "pnp-dm",
        "PnP-DM",
        "#FF5A87",
        r"z \sim q_0(z)\, N(z; \bar x_t, \rho_t^2 I) / Z,\quad "
        r"\bar x_{t-1} \sim N(\bar x; z, \rho_{t-1}^2 I)\, p(y \mid \bar x) / Z,\quad "
        r"\rho_t = \sqrt{\frac{1-\bar\alpha_t}{\bar\alpha_t}}",
        "Alternates exact draws under the prior and under the likelihood, coupled ever closer as the noise falls.",
        "Wu, Sun, Chen, Zhang, Yue, Bouman: Principled Probabilistic Imaging using Diffusion Models as Plug-and-Play "
        "Priors. NeurIPS 2024, arXiv:2405.18782",
        "Draws under the prior are exact; with a learned score each takes a diffusion of its own. No bound is known.",
        "The coupling is the noise level of the schedule.",
        group="splitting",
        aliases=("split Gibbs",),
    )
    sweeps: Annotated[int, Field(ge=1, le=100)] = 1
    """Draws of z from every t."""

    def score_evaluations(self, steps: int, last: int) -> int:
        """Return one evaluation for each exact draw."""
        return self.sweeps * (steps - last)

    def lead(self, level: Level) -> Sequence[Link]:
        """Return the draws of z, and those of x at the same coupling between them."""
        pair: list[Link] = [CleanDraw(level), partial(self._likelihood, level, scaled_noise(level), level.abar)]
        return [*pair * (self.sweeps - 1), CleanDraw(level)]

    def scales(self, level: Level) -> Sequence[float]:
        """Return one for z, that of t for x."""
        return [*[1.0, float(level.abar)] * (self.sweeps - 1), 1.0]

    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the law of x_{t-1} given z, at points z, (d, N)."""
        after = (1 - level.abar_previous) / level.abar_previous
        return self._likelihood(level, after, level.abar_previous, points)

    @staticmethod
    def _likelihood(level: Level, coupling: Scalar, abar: Scalar, points: Tensor) -> Kernel:
        mean, variances = given_measurement(level, points, coupling)
        # Where the coupling is zero x is z, whatever y says.
        free = torch.as_tensor(coupling).to(points) > 0
        return Kernel(abar**0.5 * torch.where(free, mean, points), abar * torch.where(free, variances, 0.0))


@register
@final
class SNIPS(ChainSampler):
    """Annealed Langevin dynamics in the singular basis of H (SNIPS).

    Kawar, Vaksman, Elad, "SNIPS: Solving Noisy Inverse Problems Stochastically", arXiv:2105.14951.
    """

    kind = About(
        "snips",
        "SNIPS",
        "#8778B4",
        r"\bar x \leftarrow \bar x + c\, V P V^T \nabla \ln p_\sigma(\bar x \mid y) + \sqrt{2 c}\, V P^{1/2} n,\quad "
        r"\sigma = \sqrt{\frac{1-\bar\alpha_{t-1}}{\bar\alpha_{t-1}}}",
        "Langevin steps at every noise level towards a posterior whose noise is tied to that of y.",
        "Kawar, Vaksman, Elad: SNIPS: Solving Noisy Inverse Problems Stochastically. NeurIPS 2021, arXiv:2105.14951",
        "Finite Langevin steps: it is biased even with the exact prior score. No bound is known.",
        "Noise levels of the schedule; step and number of Langevin steps are parameters.",
        group="splitting",
    )
    step: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Length of a Langevin step, c, in units of the preconditioner."""
    inner_steps: Annotated[int, Field(ge=1, le=100)] = 3
    """Langevin steps at every noise level."""

    @property
    def is_chain(self) -> bool:
        """True for more than one Langevin step at a noise level."""
        return self.inner_steps > 1

    def score_evaluations(self, steps: int, last: int) -> int:
        """Return one evaluation for each Langevin step; there is none at t = 0."""
        return self.inner_steps * (steps - max(last, 1))

    def lead(self, level: Level) -> Sequence[Link]:
        """Return all Langevin steps but the last."""
        first, again = partial(self._langevin, level, level.abar), partial(self._langevin, level, level.abar_previous)
        return [first, *[again] * (self.inner_steps - 2)] if self.inner_steps > 1 else []

    def scales(self, level: Level) -> Sequence[float]:
        """Return those of t - 1."""
        return [float(level.abar_previous)] * (self.inner_steps - 1)

    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the last Langevin step at points (d, N)."""
        return self._langevin(level, level.abar if self.inner_steps == 1 else level.abar_previous, points)

    def _langevin(self, level: Level, abar: Scalar, points: Tensor) -> Kernel:
        """Return a Langevin step at the noise level of t - 1, from points (d, N) scaled by ``sqrt(abar)``."""
        measurement, before = level.measurement, level.abar_previous
        at = points / abar**0.5
        square = torch.as_tensor((1 - before) / before, dtype=points.dtype, device=points.device)
        noise = measurement.estimate_noise.square()
        is_covered = square > noise
        ratio = torch.where(noise > 0, square / noise, 0.0)
        pull = torch.where(is_covered, 1.0, ratio)
        measured = torch.where(is_covered, square - noise, square * (1 - ratio))
        basis = measurement.measured_basis
        score = before**0.5 * level.previous.prior.score(before**0.5 * at)
        along = basis.mT @ score
        drift = square * measurement.unmeasured_part(score)
        drift = drift + basis @ (
            torch.where(is_covered, 0.0, measured * along) + pull * (basis.mT @ (measurement.estimate - at))
        )
        variances = measurement.along_basis(measured, square)
        return Kernel(before**0.5 * (at + self.step * drift), 2 * self.step * before * variances)
