"""Run samplers side by side on the same random numbers, into a trace that others may watch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.mixture import affine
from core.problem import Problem
from core.samplers import Kernel, Sampler
from core.schedule import Schedule

_DIVERGENCE_FACTOR = 1e6
"""Particles this many times farther out than the problem's own scale have diverged."""


@final
@dataclass(eq=False)
class Trace:
    """What a run has produced so far; every slot is written once, then ``completed`` moves past it.

    Frame i holds time ``t = T - i``. A reader on another thread reads ``completed`` first and
    touches only frames below it.
    """

    frames: list[Tensor]
    """A sampler each: (T + 1, d, N) float32 on the CPU, or (2, d, N), the latest two frames only."""
    observed_mismatch: NDArray[np.float64]
    """(samplers, T + 1): accumulated over the particles down to t, in nats; index by frame."""
    observed_error: NDArray[np.float64]
    """(samplers, T + 1): its standard error."""
    diverged_at: list[int | None]
    """A sampler each: the first t whose particles are not finite or far beyond the problem's scale."""
    completed: int = field(default=0)
    """Frames written so far, 0..T + 1."""

    @classmethod
    def empty(
        cls,
        samplers: int,
        steps: int,
        dimension: int,
        particles: int,
        *,
        keep_frames: bool,
        file: Path | None = None,
    ) -> Self:
        """Allocate a trace; its frames in a file that other processes may map as well, if one is given."""
        shape = samplers, steps + 1 if keep_frames else 2, dimension, particles
        size = math.prod(shape)
        memory = torch.empty(size) if file is None else torch.from_file(str(file), shared=True, size=size)
        return cls(
            list(memory.view(shape)),
            np.full((samplers, steps + 1), np.nan),
            np.full((samplers, steps + 1), np.nan),
            [None] * samplers,
        )

    def write(self, sampler: int, frame: int, points: Tensor) -> None:
        """Store the particles of one sampler."""
        frames = self.frames[sampler]
        frames[frame % frames.shape[0]].copy_(points)

    def particles(self, sampler: int, frame: int) -> Tensor:
        """(d, N): the particles of one sampler at a frame (one of the latest two where only those are kept)."""
        frames = self.frames[sampler]
        return frames[frame % frames.shape[0]]


@torch.no_grad()
def simulate(
    problem: Problem,
    schedule: Schedule,
    samplers: Sequence[Sampler],
    trace: Trace,
    *,
    seed: int,
    device: torch.device,
    observe: bool = True,
) -> Iterator[int]:
    """Step all samplers from t = T down to 0 on common noise, in float32.

    The consumer owns the loop: each ``next`` computes one step of every sampler, writes it to
    ``trace`` and yields its t, so that pausing and cancelling are free. A sampler that diverges is
    frozen at NaN from there on and does not disturb the others.

    Args:
        problem: in float64, on the CPU.
        schedule: gives T and every abar_t.
        samplers: one slot of ``trace`` each.
        trace: from :meth:`Trace.empty`, with the same sizes.
        seed: of this run's own generator.
        device: where the particles live.
        observe: accumulate the observed mismatch (one more score a step and sampler).

    Yields:
        t of the frame just completed: T, T - 1, ..., 0.
    """
    dimension, count = trace.frames[0].shape[1:]
    generator = torch.Generator(device).manual_seed(seed)
    limit = _DIVERGENCE_FACTOR * _scale(problem)
    local = problem.to(device, torch.float32)
    basis = local.measurement.right_basis
    noise = torch.empty(dimension, count, device=device)
    start = noise.normal_(generator=generator).clone()
    points = [start for _ in samplers]
    accumulated = torch.zeros(len(samplers), count, device=device)
    for index in range(len(samplers)):
        trace.write(index, 0, start)
    trace.observed_mismatch[:, 0] = trace.observed_error[:, 0] = 0.0
    trace.completed = 1
    yield schedule.steps

    for frame, level in enumerate(local.levels(schedule), start=1):
        noise.normal_(generator=generator)
        for index, sampler in enumerate(samplers):
            if trace.diverged_at[index] is None:
                kernel = sampler.kernel(level, points[index])
                if observe:
                    accumulated[index] += mismatch(basis, level.target_mean(points[index]), kernel).sum(0)
                    mean, error = _mean(accumulated[index])
                    trace.observed_mismatch[index, frame], trace.observed_error[index, frame] = mean, error
                points[index] = draw(kernel, noise, basis)
                flat = points[index].view(-1)
                # Comparisons with NaN are false, so this also catches what is not finite.
                if not float(torch.dot(flat, flat)) <= limit**2 * count:
                    trace.diverged_at[index] = level.t - 1
                    points[index] = torch.full_like(noise, math.nan)
            trace.write(index, frame, points[index])
        trace.completed = frame + 1
        yield level.t - 1


def mismatch(basis: Tensor, exact_mean: Tensor, kernel: Kernel) -> Tensor:
    """``1/2 (mu*_t - mu_t)_i^2 / v_i`` of every point, along each right singular direction i of H: (d, N).

    Rows up to the rank of H are the measured directions; their sum over a column is the step's
    mismatch there (theory.md section 3), in nats. It is infinite along directions without variance.

    Args:
        basis: V, (d, d).
        exact_mean: ``mu*_t`` at the points, (d, N).
        kernel: the sampler's step at the same points.
    """
    gap = basis.mT @ (exact_mean - kernel.mean)
    if isinstance(kernel.variance, float):
        return gap.square_().mul_(0.5 / kernel.variance) if kernel.variance else gap.fill_(math.inf)
    return torch.where(kernel.variance > 0, gap.square_() * (0.5 / kernel.variance), math.inf)


def _mean(values: Tensor) -> tuple[float, float]:
    """Mean of values (N,) with its standard error: NaN for one value alone, zero where the mean is infinite."""
    spread, mean = (float(part) for part in torch.std_mean(values, correction=0))
    if math.isnan(mean) and math.isinf(total := float(values.sum())):
        return total, 0.0
    return mean, spread / math.sqrt(len(values) - 1) if len(values) > 1 else math.nan


def draw(kernel: Kernel, noise: Tensor, basis: Tensor) -> Tensor:
    """One draw of the kernel; equal variances leave the common noise as it is."""
    if isinstance(kernel.variance, float):
        return torch.add(kernel.mean, noise, alpha=math.sqrt(kernel.variance))
    return affine(kernel.mean, (basis * kernel.variance.mT.sqrt()) @ basis.mT, noise)


def _scale(problem: Problem) -> float:
    """The largest distance at which the particles of a sound sampler could be expected."""
    mixtures = (problem.prior, problem.target)
    spread = max(float(part.means.norm(dim=1).max() + part.variances.max().sqrt()) for part in mixtures)
    return 1.0 + spread + float(problem.measurement.estimate.norm())
