"""Simulation of samplers on common noise, written to a trace that other threads may read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import NamedTuple, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.problem.problem import Level, Problem
from core.problem.schedule import Schedule
from core.samplers import Kernel, Sampler
from core.samplers.base import start_of
from core.simulation.draws import Step, chained, draw
from core.simulation.noise import Noise
from core.simulation.work import ProgressCallback, columns, unwatched

_DIVERGENCE_FACTOR = 1e6
"""Particles beyond this many times the problem's scale count as diverged."""
_LARGEST = 1e15
"""Particles beyond this distance count as diverged at any scale: squares of larger ones may overflow in float32."""


@final
@dataclass(eq=False)
class Trace:
    """Particles and observed mismatch of a run; every frame is written once, then ``completed`` moves past it.

    Frame i holds time ``t = T - i``. A reader on another thread reads ``completed`` first and
    touches only frames below it.
    """

    frames: list[Tensor]
    """By sampler: (T + 1, d, N) float32 on the CPU, or (2, d, N) with the latest two frames only."""
    observed_mismatch: NDArray[np.float64]
    """(samplers, T + 1): mismatch over the particles accumulated from T down, in nats; by frame."""
    observed_error: NDArray[np.float64]
    """(samplers, T + 1): standard error of ``observed_mismatch``."""
    diverged_at: list[int | None]
    """By sampler: the first t whose particles are not finite or far beyond the problem's scale; None: none."""
    offsets: Tensor | None = None
    """(T + 1, d) float64, by frame: ``sqrt(abar_t)`` times the centre that ``frames`` are relative to; None: zero."""
    basis: Tensor | None = None
    """(d, d): orthonormal columns that ``frames`` and ``offsets`` hold coordinates along; None: those of the space."""
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
        offsets: Tensor | None = None,
        basis: Tensor | None = None,
    ) -> Self:
        """Allocate a trace, optionally with its frames in a file that other processes may map.

        Args:
            samplers: number of samplers.
            steps: T.
            dimension: d.
            particles: N.
            keep_frames: keep all frames, not the latest two only.
            file: file of the frames; None: private memory.
            offsets: from :func:`offsets`.
            basis: that particles are kept in coordinates along, (d, d); None: those of the space.
        """
        shape = samplers, steps + 1 if keep_frames else 2, dimension, particles
        size = math.prod(shape)
        memory = torch.empty(size) if file is None else torch.from_file(str(file), shared=True, size=size)
        return cls(
            list(memory.view(shape)),
            np.full((samplers, steps + 1), np.nan),
            np.full((samplers, steps + 1), np.nan),
            [None] * samplers,
            offsets,
            basis,
        )

    def write(self, sampler: int, frame: int, blocks: Sequence[Tensor]) -> None:
        """Store the particles of one sampler, given in blocks (d, n)."""
        kept = self.frames[sampler]
        slots = torch.split(kept[frame % kept.shape[0]], [block.shape[1] for block in blocks], dim=1)
        for slot, block in zip(slots, blocks, strict=True):
            slot.copy_(block)

    def particles(self, sampler: int, frame: int, count: int | None = None) -> Tensor:
        """Return the particles (d, N) of one sampler at a frame (one of the latest two where only those are kept).

        In float32, or in float64 where they are kept relative to a centre; the first ``count`` of them, or all.
        """
        frames = self.frames[sampler]
        return self._placed(frames[frame % frames.shape[0], :, :count], frame)

    def trails(self, sampler: int, first: int, frame: int, count: int) -> Tensor:
        """Return the first particles of one sampler in the frames before one, (frame - first, d, count)."""
        return self._placed(self.frames[sampler][first:frame, :, :count], slice(first, frame))

    def _placed(self, particles: Tensor, frames: int | slice) -> Tensor:
        placed = particles if self.offsets is None else particles.double() + self.offsets[frames].unsqueeze(-1)
        return placed if self.basis is None else self.basis.to(placed.dtype) @ placed


_FAR = 1000.0
"""Ratio of means to the narrowest standard deviation above which particles are kept relative to a centre."""


def offsets(problem: Problem, schedule: Schedule) -> Tensor | None:
    """Return ``sqrt(abar_t)`` times the target's mean by frame, (T + 1, d); None where particles need no centre.

    All steps translate with the problem: ``z_t = x_t - sqrt(abar_t) c`` follows the problem whose mixtures are moved
    by -c and whose y is moved by -Hc. So float32 keeps the digits of differences to the means.
    """
    narrowest = math.sqrt(float(problem.target.variances.min()) + 1 - float(schedule.alpha_bar[1]))
    centre = problem.target.mean
    if float(centre.abs().max()) <= _FAR * narrowest:
        return None
    roots = torch.from_numpy(np.sqrt(schedule.alpha_bar[::-1]).copy())
    return roots.unsqueeze(-1) * centre


def centred(problem: Problem, schedule: Schedule, samplers: Sequence[Sampler]) -> tuple[Problem, Tensor]:
    """Return the problem relative to its target's mean, and by frame the offset to the original coordinates.

    Far from the origin even double precision loses digits. Otherwise, or where a sampler need not translate
    with the problem, the problem is returned unchanged.
    """
    shifts = offsets(problem, schedule) if all(sampler.is_equivariant for sampler in samplers) else None
    if shifts is None:
        return problem, torch.zeros(schedule.steps + 1, problem.prior.dimension, dtype=torch.float64)
    return problem.translated(-shifts[-1]), shifts


def resolution(problem: Problem, schedule: Schedule) -> float:
    """Return the rounding error of particles relative to the narrowest standard deviation at t = 1.

    Above about a thousandth, numbers computed from particles have lost digits: components lie too far apart.
    """
    centre = torch.zeros(problem.prior.dimension) if offsets(problem, schedule) is None else problem.target.mean
    mixtures = problem.prior, problem.target
    farthest = max(float((part.means - centre).abs().max()) for part in mixtures)
    narrowest = math.sqrt(float(problem.target.variances.min()) + 1 - float(schedule.alpha_bar[1]))
    return farthest * float(np.finfo(np.float32).eps) / narrowest


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
    watch: ProgressCallback = unwatched,
) -> Iterator[int]:
    """Step all samplers from t = T down to 0 on common noise, in float32.

    The consumer owns the loop: each ``next`` computes one step of every sampler, writes it to
    ``trace`` and yields its t, so that the consumer can pause or stop at any step. A sampler that diverges is
    set to NaN from there on and does not affect the others; so is one whose user code has failed.

    Args:
        problem: in float64, on the CPU.
        schedule: gives T and every abar_t.
        samplers: rows of ``trace``.
        trace: from :meth:`Trace.empty`, with the same sizes.
        seed: of this run's own generator.
        device: where the particles live.
        observe: accumulate the observed mismatch (one more score a step and sampler).
        watch: called with the completed share of a step that takes several blocks of particles.

    Yields:
        t of the frame just completed: T, T - 1, ..., 0.
    """
    local = problem if trace.offsets is None else problem.translated(-trace.offsets[-1])
    local = local.to(device, torch.float32)
    steps = _steps(problem, schedule, samplers, trace, device, seed)
    limit = min(_DIVERGENCE_FACTOR * _scale(problem), _LARGEST)
    dimension, count = trace.frames[0].shape[1:]
    blocks = columns(local, count, torch.finfo(torch.float32).bits // 8)
    widths = [block.stop - block.start for block in blocks]
    with Noise(dimension, widths, torch.Generator(device).manual_seed(seed), device) as noise:
        starts = [_start(problem, schedule, sampler, device) for sampler in samplers]
        clouds = _ParticleBlocks.begin([block.clone() for block in noise.step()], trace, starts, local)
        clouds.leave_out([sampler.is_chain for sampler in samplers])
        for index in range(len(samplers)):
            trace.write(index, 0, clouds.points[index])
        trace.observed_mismatch[:, 0] = trace.observed_error[:, 0] = 0.0
        trace.completed = 1
        yield schedule.steps

        basis = local.measurement.turning
        for frame, level in enumerate(local.levels(schedule), start=1):
            going = [
                index
                for index, sampler in enumerate(samplers)
                if trace.diverged_at[index] is None and sampler.fault is None
            ]
            for block, drawn in enumerate(noise.step()):
                for index in going:
                    here = clouds.points[index][block]
                    observed = clouds.mismatch[index][block] if observe and not samplers[index].is_chain else None
                    clouds.points[index][block] = _moved(steps[index], level, here, drawn, basis, observed)
                if len(blocks) > 1:
                    watch((block + 1) / len(blocks))
            for index in going:
                if observe:
                    mean, error = _mean(torch.cat(clouds.mismatch[index]))
                    trace.observed_mismatch[index, frame], trace.observed_error[index, frame] = mean, error
                has_stopped = samplers[index].fault is not None  # a fault is not a divergence
                if has_stopped or _is_beyond(limit, clouds.points[index]):
                    trace.diverged_at[index] = None if has_stopped else level.t - 1
                    clouds.points[index] = [torch.full_like(block, math.nan) for block in clouds.points[index]]
            for index in range(len(samplers)):
                trace.write(index, frame, clouds.points[index])
            trace.completed = frame + 1
            yield level.t - 1


class _ParticleBlocks(NamedTuple):
    """Particles of every sampler and their accumulated mismatch, in blocks of bounded size."""

    points: list[list[Tensor]]
    """By sampler and block, (d, n)."""
    mismatch: list[list[Tensor]]
    """By sampler and block, (n,)."""

    def leave_out(self, chains: Sequence[bool]) -> None:
        """Set the mismatch of samplers to infinity whose steps have no known law."""
        for blocks in compress(self.mismatch, chains):
            for block in blocks:
                block.fill_(math.inf)

    @classmethod
    def begin(cls, noise: list[Tensor], trace: Trace, starts: Sequence[Kernel], problem: Problem) -> Self:
        """Return draws of every sampler's x_T from the same noise, relative to the trace's centre."""
        points = []
        for start in starts:
            # Levels cache evaluations by the points' identity, so each sampler needs its own copy.
            own = [draw(start, block, problem.measurement.turning) for block in noise]
            if trace.offsets is not None:
                shift = trace.offsets[0].unsqueeze(-1).to(own[0].device)
                own = [(block.double() - shift).float() for block in own]
            points.append(own)
        return cls(points, [[torch.zeros_like(block[0]) for block in noise] for _ in starts])


def _start(problem: Problem, schedule: Schedule, sampler: Sampler, device: torch.device) -> Kernel:
    """Return the law of a sampler's x_T in single precision."""
    mean, variance = start_of(sampler, problem, schedule)
    moved = variance.to(device, torch.float32) if isinstance(variance, Tensor) else variance
    return Kernel(mean.to(device, torch.float32), moved)


def _is_beyond(limit: float, blocks: Sequence[Tensor]) -> bool:
    """Return whether the root mean square norm of points in blocks (d, n) is above a limit, or NaN."""
    squares = sum(float(torch.dot(block.view(-1), block.view(-1))) for block in blocks)
    # Comparisons with NaN are false, so this also catches what is not finite.
    return not math.sqrt(squares / sum(block.shape[1] for block in blocks)) <= limit


def _moved(
    step: Step, level: Level, points: Tensor, noise: Tensor, basis: Tensor | None, observed: Tensor | None
) -> Tensor:
    """Return points (d, N) after a step, and add their mismatch to ``observed``, (N,)."""
    kernel = step(level, points)
    if observed is not None:
        observed += mismatch(basis, level.target_mean(points), kernel).sum(0)
    return draw(kernel, noise, basis)


def _steps(
    problem: Problem,
    schedule: Schedule,
    samplers: Sequence[Sampler],
    trace: Trace,
    device: torch.device,
    seed: int,
) -> list[Step]:
    """Return the samplers' step functions; those that need not translate get original coordinates in float64."""

    def step_of(sampler: Sampler) -> Step:
        return chained(sampler, seed, device) if sampler.is_chain else sampler.kernel

    if trace.offsets is None:
        return [step_of(sampler) for sampler in samplers]
    exact = problem.to(device, torch.float64)
    roots = trace.offsets.to(device).unsqueeze(-1)

    def placed(sampler: Sampler) -> Step:
        def step(level: Level, points: Tensor) -> Kernel:
            frame = schedule.steps - level.t
            true = exact.level(schedule, [level.t]).each()[0]
            kernel = sampler.kernel(true, points.double() + roots[frame])
            variance = kernel.variance.float() if isinstance(kernel.variance, Tensor) else kernel.variance
            return Kernel((kernel.mean - roots[frame + 1]).float(), variance)

        return step

    return [step_of(sampler) if sampler.is_equivariant else placed(sampler) for sampler in samplers]


def mismatch(basis: Tensor | None, exact_mean: Tensor, kernel: Kernel) -> Tensor:
    """Return ``1/2 (mu*_t - mu_t)_i^2 / v_i`` at every point, along each right singular direction i of H, (d, N).

    Rows up to the rank of H are the measured directions; their sum over a column is the step's
    mismatch there (theory.md section 3), in nats. It is infinite along directions without variance.

    Args:
        basis: V, (d, d); None: the identity.
        exact_mean: ``mu*_t`` at the points, (d, N).
        kernel: the sampler's step at the same points.
    """
    gap = exact_mean - kernel.mean
    gap = gap if basis is None else basis.mT @ gap
    if isinstance(kernel.variance, float):
        return gap.square_().mul_(0.5 / kernel.variance) if kernel.variance else gap.fill_(math.inf)
    return torch.where(kernel.variance > 0, gap.square_() * (0.5 / kernel.variance), math.inf)


def _mean(values: Tensor) -> tuple[float, float]:
    """Return the mean of values (N,) and its standard error: NaN for a single value, zero for an infinite mean."""
    spread, mean = (float(part) for part in torch.std_mean(values, correction=0))
    if math.isnan(mean) and math.isinf(total := float(values.sum())):
        return total, 0.0
    return mean, spread / math.sqrt(len(values) - 1) if len(values) > 1 else math.nan


def _scale(problem: Problem) -> float:
    """Return the largest distance that particles of a convergent sampler are expected to reach."""
    mixtures = (problem.prior, problem.target)
    spread = max(float(part.means.norm(dim=1).max() + part.variances.max().sqrt()) for part in mixtures)
    return 1.0 + spread + float(problem.measurement.estimate.norm())
