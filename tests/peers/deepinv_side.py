"""A mixture's exact denoiser, linear measurements and our schedules in the interfaces of deepinv."""

from __future__ import annotations

import torch
from torch import Tensor

try:
    import torchvision  # noqa: F401
except RuntimeError:
    # Built for CUDA, it cannot load its operators beside a torch for the CPU, and its import fails for want of the
    # declarations of two of them, which nothing here calls.
    _declared = torch.library.Library("torchvision", "FRAGMENT")
    for _operator in ("nms", "qnms"):
        _declared.define(f"{_operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import deepinv
from deepinv.models import Denoiser
from deepinv.sampling import EDMDiffusionSDE

from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement
from core.problem.schedule import Schedule
from tests.peers import exact


class ExactDenoiser(Denoiser):
    """The exact denoiser of a mixture at points ``x / sqrt(abar)`` and a noise level; keeps what it is given."""

    def __init__(
        self,
        prior: GaussianMixture,
        *,
        doubled: bool = False,
        keeps: bool = True,
        exact_type: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self.exact = exact.Denoiser(prior)
        self.doubled = doubled
        """True if points are ``(x + 1) / 2``, as of images."""
        self.given: list[Tensor] = []
        self.keeps = keeps
        self.exact_type = exact_type
        """Double precision leaves only the rounding of deepinv itself."""

    def forward(self, x: Tensor, sigma: Tensor | float, **_: object) -> Tensor:
        at, level = (2 * x - 1, 2 * sigma) if self.doubled else (x, sigma)
        if self.keeps:
            self.given.append(at.detach())
        abar = 1 / (1 + float(torch.as_tensor(level).flatten()[0]) ** 2)
        clean = self.exact(abar**0.5 * at.to(self.exact_type), abar).to(x.dtype)
        return (clean + 1) / 2 if self.doubled else clean


def linear(measurement: Measurement, dtype: torch.dtype = torch.float32) -> deepinv.physics.LinearPhysics:
    """Return ``y = H x + sigma_y n`` of rows (N, d)."""
    matrix = measurement.matrix.to(dtype)
    return deepinv.physics.LinearPhysics(
        A=lambda x, **_: x @ matrix.to(x).mT,
        A_adjoint=lambda y, **_: y @ matrix.to(y),
        noise_model=deepinv.physics.GaussianNoise(measurement.noise),
    )


def decomposed(measurement: Measurement, dtype: torch.dtype = torch.float64) -> deepinv.physics.DecomposablePhysics:
    """Return the same with its singular value decomposition, y being filled up with zeros to d numbers."""
    left, values, _ = torch.linalg.svd(measurement.matrix)
    dimension, rank = measurement.matrix.shape[1], len(values)
    right = measurement.right_basis
    outer = torch.eye(dimension, dtype=right.dtype)
    signs = torch.sign(torch.diagonal(left.mT @ measurement.matrix @ right[:, :rank]))
    outer[:rank, :rank] = left * signs
    full = torch.zeros(1, dimension, dtype=right.dtype)
    full[0, :rank] = values
    outer, right, full = outer.to(dtype), right.to(dtype), full.to(dtype)
    return deepinv.physics.DecomposablePhysics(
        U=lambda z, **_: z @ outer.mT,
        U_adjoint=lambda y, **_: y @ outer,
        V=lambda z, **_: z @ right.mT,
        V_adjoint=lambda x, **_: x @ right,
        mask=full,
        noise_model=deepinv.physics.GaussianNoise(measurement.noise),
    )


def process(schedule: Schedule) -> EDMDiffusionSDE:
    """Return the variance-preserving process at the integer times of a schedule."""
    abar = torch.tensor(schedule.alpha_bar)

    def at(t: Tensor | float) -> Tensor:
        return abar[int(torch.as_tensor(t))]

    return EDMDiffusionSDE(
        sigma_t=lambda t: ((1 - at(t)) / at(t)).sqrt(),
        scale_t=lambda t: at(t).sqrt(),
        sigma_prime_t=lambda t: at(t),  # not used by ancestral steps
        scale_prime_t=lambda t: at(t),
        dtype=torch.float64,
    )
