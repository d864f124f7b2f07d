"""Bias of a kernel density estimate: its KL from the very mixture whose exact samples it is made of.

Liang and others (arXiv:2410.13746) measure the KL of their synthetic mixture by such an estimate, from 200 000 samples
with Silverman's bandwidth. Run from the repository's root: ``python -m tests.benchmarks.kernel_density``.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from core.problem.mixture import GaussianMixture
from core.scenario.builtin import load_builtin

_AT_ONCE = 50
"""Points of evaluation at once."""


def kernel_density_bias(target: GaussianMixture, samples: int, points: int, seed: int = 0) -> tuple[float, float]:
    """Return the KL of a mixture from a kernel density estimate of its own samples, with its standard error.

    Args:
        target: (d,)-dimensional mixture.
        samples: number of exact samples that the estimate is made of.
        points: number of other exact samples at which both densities are compared.
        seed: of the samples.
    """
    generator = torch.Generator().manual_seed(seed)
    known, fresh = (target.sample(count, generator) for count in (samples, points))
    dimension = len(known)
    bandwidth = (samples * (dimension + 2) / 4) ** (-1 / (dimension + 4))
    root = torch.linalg.cholesky(bandwidth**2 * torch.cov(known))
    centres, places = (torch.linalg.solve_triangular(root, each, upper=False) for each in (known, fresh))
    norms = centres.square().sum(0)
    logs = [
        torch.logsumexp(block.mT @ centres - (norms + block.square().sum(0)[:, None]) / 2, 1)
        for block in places.split(_AT_ONCE, 1)
    ]
    constant = math.log(samples) + float(root.diagonal().log().sum()) + dimension / 2 * math.log(2 * math.pi)
    gap = (target.log_density(fresh) - torch.cat(logs) + constant).numpy()
    return float(np.mean(gap)), float(np.std(gap) / math.sqrt(points))


if __name__ == "__main__":
    mixture = load_builtin("liang-synthetic").problem().target
    for count in (20_000, 200_000):
        value, error = kernel_density_bias(mixture, count, 2000)
        print(f"{count} exact samples: {value:.4f} +- {error:.4f} nats")
