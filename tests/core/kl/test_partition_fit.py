"""Mixture fits to particles that are distant in some directions and degenerate in others."""

from __future__ import annotations

import torch

from core.kl.partition import fitted
from core.problem.mixture import GaussianMixture


def test_fit_to_degenerate_and_distant_particles_has_density() -> None:
    target = GaussianMixture.from_covariances(torch.ones(2), torch.zeros(2, 3), 1e-4 * torch.eye(3).repeat(2, 1, 1))
    particles = torch.randn(3, 200, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    particles *= torch.tensor([[1e6], [1.0], [0.0]], dtype=torch.float64)
    work = fitted(target, particles)
    while True:
        try:
            next(work)
        except StopIteration as end:
            law = end.value
            break
    assert not law.is_singular
    assert bool(law.log_density(particles).isfinite().all())
