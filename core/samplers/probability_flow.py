"""Deterministic samplers: the probability-flow ODE of any score, by Euler (DDIM) or Heun steps."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar, final

import torch
from pydantic import SerializeAsAny
from torch import Tensor

from core.errors import ScenarioError
from core.problem.problem import Level, Measurement
from core.samplers.assumption import Assumption
from core.samplers.base import About, Kernel, Sampler, ScoreSampler, register
from core.samplers.builtin import Exact


class ProbabilityFlow(Sampler, ABC):
    """Integrator of ``d xbar / d sigma = (xbar - D) / sigma``, ``xbar = x / sqrt(abar)``, D the denoised mean.

    A step adds no noise, so that the law of a path has no density and no path bound exists.
    """

    needs_measurement: ClassVar[bool] = False
    score: SerializeAsAny[ScoreSampler] = Exact()
    """Sampler whose score is integrated."""

    @property
    def no_bound(self) -> str | None:
        """Reason why there is no bound."""
        return "it adds no noise, so no bound exists"

    @property
    def is_equivariant(self) -> bool:
        """True if the score translates with the problem."""
        return self.moves_along and self.score.is_equivariant

    @property
    def fault(self) -> ScenarioError | None:
        """The fault of the score's user code, or None."""
        return self._fault or self.score.fault

    @property
    def is_users(self) -> bool:
        """True if the score is user code."""
        return self.score.is_users

    @property
    def is_silent(self) -> bool:
        """True if the score's user code must not run in this process."""
        return self._is_silent or self.score.is_silent

    def silence(self) -> None:
        """Run no user code of the score in this process from now on."""
        self.score.silence()

    def inquire(self, measurement: Measurement) -> None:
        """Call the ``obstacle`` of the score's user code."""
        self.score.inquire(measurement)

    def obstacle(self, measurement: Measurement) -> str | None:
        """Return why the score cannot run with a measurement; None where it can."""
        return self.score.obstacle(measurement)

    def assumed(self, level: Level, point: Tensor) -> Assumption | None:
        """Return what the score assumes."""
        return self.score.assumed(level, point)

    def parameters(self) -> dict[str, Any]:
        """Return the score's name, the only parameter."""
        return {"score": self.score.about.key}

    def _settings(self) -> list[str]:
        return [f"· {self.score.about.label}"]

    def euler(self, level: Level, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return x_{t-1} after one Euler step, and the predicted noise ``-sqrt(1 - abar_t) g_t`` at x_t."""
        score = self.score.score(level, points)
        noise = -((1 - level.abar) ** 0.5) * score
        denoised = level.denoised(points, score)
        return level.abar_previous**0.5 * denoised + (1 - level.abar_previous) ** 0.5 * noise, noise


@register
@final
class DDIM(ProbabilityFlow):
    """Denoising diffusion implicit model (DDIM): Euler steps.

    Song, Meng, Ermon, "Denoising Diffusion Implicit Models", arXiv:2010.02502.
    """

    kind = About(
        "ddim",
        "DDIM",
        "#A2985D",
        r"x_{t-1} = \sqrt{\bar\alpha_{t-1}}\, \hat x_g - \sqrt{1-\bar\alpha_{t-1}}\sqrt{1-\bar\alpha_t}\, g_t,\quad "
        r"\hat x_g = \frac{x + (1-\bar\alpha_t) g_t}{\sqrt{\bar\alpha_t}}",
        "Probability-flow ODE of a score in first-order (Euler) steps, which add no noise.",
        "Song, Meng, Ermon: Denoising Diffusion Implicit Models. ICLR 2021, arXiv:2010.02502",
        "Deterministic: no bound exists; its density follows from a change of variables.",
        "The score of any score sampler (score = KEY).",
        group="deterministic",
        aliases=("probability flow", "Euler"),
    )

    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the step, of variance zero."""
        return Kernel(self.euler(level, points)[0], 0.0 * level.variance)


@register
@final
class Heun(ProbabilityFlow):
    """Heun's method for the probability-flow ODE.

    Karras, Aittala, Aila, Laine, "Elucidating the Design Space of Diffusion-Based Generative Models", arXiv:2206.00364.
    """

    kind = About(
        "heun",
        "Heun",
        "#899FE7",
        r"\bar x_{t-1} = \bar x_t + \frac{\sigma_{t-1}-\sigma_t}{2}\left(\frac{\bar x_t - D_t}{\sigma_t} + "
        r"\frac{\bar x' - D_{t-1}}{\sigma_{t-1}}\right)",
        "Probability-flow ODE of a score in second-order (Heun) steps, whose discretisation error is small.",
        "Karras, Aittala, Aila, Laine: Elucidating the Design Space of Diffusion-Based Generative Models. NeurIPS "
        "2022, arXiv:2206.00364",
        "Deterministic: no bound exists; its density follows from a change of variables.",
        "The score of any score sampler (score = KEY); the last step is of first order.",
        group="deterministic",
        aliases=("EDM",),
    )

    def score_evaluations(self, steps: int, last: int) -> int:
        """Return two evaluations a step, and one for the last."""
        return 2 * (steps - last) - (last == 0)

    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the step, of variance zero: along the mean of the slopes at both ends."""
        predicted, slope = self.euler(level, points)
        before = level.previous
        end = -((1 - before.abar) ** 0.5) * self.score.score(before, predicted)
        # sigma_{t-1} - sigma_t, in x rather than in xbar
        change = (1 - level.abar_previous) ** 0.5 - (level.abar_previous * (1 - level.abar) / level.abar) ** 0.5
        corrected = predicted + 0.5 * change * (end - slope)
        last = torch.as_tensor(level.times, device=points.device).view(-1, 1, 1) == 1
        mean = torch.where(last, predicted, corrected).view_as(points)
        return Kernel(mean, 0.0 * level.variance)
