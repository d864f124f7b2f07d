"""A mixture's exact denoiser and our schedules in the interfaces of azula."""

from __future__ import annotations

import torch
from azula.denoise import Denoiser, DiracPosterior
from azula.noise import Schedule as AzulaSchedule
from torch import Tensor

from core.problem.mixture import GaussianMixture
from core.problem.schedule import Schedule
from tests.peers import exact


class Levels(AzulaSchedule):
    """Scales ``sqrt(abar_t)`` and ``sqrt(1 - abar_t)`` at integer times."""

    def __init__(self, schedule: Schedule) -> None:
        self.abar = torch.tensor(schedule.alpha_bar)

    def __call__(self, t: Tensor) -> tuple[Tensor, Tensor]:
        abar = self.abar[t.round().long()]
        return abar.sqrt(), (1 - abar).sqrt()


class ExactDenoiser(Denoiser):
    """The exact denoiser of a mixture."""

    def __init__(self, prior: GaussianMixture, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = Levels(schedule)
        self.exact = exact.Denoiser(prior)

    def forward(self, x_t: Tensor, t: Tensor, **_: object) -> DiracPosterior:
        return DiracPosterior(mean=self.exact(x_t, float(self.schedule.abar[t.round().long()])))


def run_settings(steps: int) -> dict[str, object]:
    """Return arguments of a sampler that takes every step from T to 0."""
    return {"start": float(steps), "stop": 0.0, "steps": steps, "silent": True, "dtype": torch.float64}
