"""Particle-steps a second of every sampler shared with public implementations, ours over theirs, in one run.

Run as ``python -m tests.benchmarks.peers`` from the repository's root, with the extra ``peers``. Both sides sample in
float32; theirs is given a denoiser whose matrices are computed once for each level, in two versions: *by rows* is
written as their interfaces hand over points, (N, d); *points last* computes in (d, N) as ours does, and is many times
faster, so that what remains is the time of their samplers.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from tests.peers import deepinv_side  # isort: skip  # before deepinv

from azula.guidance.diffpir import DiffPIRDenoiser
from azula.guidance.dps import DPSSampler
from azula.guidance.mmps import MMPSDenoiser
from azula.guidance.pgdm import PGDMSampler
from azula.guidance.repaint import RePaintSampler
from azula.guidance.tmpd import TMPDenoiser
from azula.linalg.covariance import IsotropicCovariance
from azula.sample import DDIMSampler, DDPMSampler, HeunSampler
from deepinv.optim.data_fidelity import L2
from deepinv.sampling import (
    DDRM,
    DDPMSolver,
    DiffPIR,
    DPSDataFidelity,
    MomentMatchingDataFidelity,
    NoisyDataFidelity,
    PiGDMDataFidelity,
    PosteriorDiffusion,
)

from core.problem.problem import Problem
from core.problem.schedule import Schedule
from core.samplers import SAMPLERS, Sampler
from core.simulation.simulate import Trace, simulate
from tests.peers import azula_side, exact
from tests.peers.exact import F64, FIRST, default_prior, problem

PARTICLES = 10_000
STEPS = 60
REPETITIONS = 5
SCHEDULE = Schedule.exponential_then_constant(STEPS, 4.0, 1e-3)
Run = Callable[[], object]


def ours(of: Problem, sampler: Sampler) -> Run:
    """Return a whole run of a sampler of the product."""

    def run() -> None:
        trace = Trace.empty(1, STEPS, 2, PARTICLES, keep_frames=False)
        for _ in simulate(of, SCHEDULE, [sampler], trace, seed=0, device=torch.device("cpu"), observe=False):
            pass

    return run


class ByRows(exact.Denoiser):
    """The denoiser with points in rows throughout."""

    def __call__(self, points: Tensor, abar: float) -> Tensor:
        gains = self._gains(abar, points.dtype)
        white = torch.einsum("kij,nj->nki", gains.whitening, points) - gains.whitened_mean.squeeze(-1)
        member = torch.softmax(gains.constant.squeeze(-1) - 0.5 * white.square().sum(-1), dim=-1)
        each = torch.einsum("kij,nj->nki", gains.gain, points) + gains.offset.squeeze(-1)
        return (member.unsqueeze(-1) * each).sum(1)


def start() -> Tensor:
    """Return x_T."""
    return torch.randn(PARTICLES, 2)


def azula_runs(of: Problem, version: type[exact.Denoiser]) -> dict[tuple[str, str], Run]:
    """Return whole runs of azula, by our key and by its name."""
    denoiser = azula_side.ExactDenoiser(of.prior, SCHEDULE)
    denoiser.exact = version(of.prior)
    denoiser.schedule.abar = denoiser.schedule.abar.float()
    settings = azula_side.run_settings(STEPS) | {"dtype": torch.float32}
    matrix, y, var = of.measurement.matrix.float(), of.measurement.value.float(), of.measurement.noise**2
    inverse = torch.linalg.pinv(matrix)

    def seen(x: Tensor) -> Tensor:
        return x @ matrix.mT

    mask, whole = torch.tensor([True, False]), torch.tensor([0.2, 0.0]).expand(PARTICLES, 2)
    tmpd = TMPDenoiser(denoiser, y, seen, var)
    mmps = MMPSDenoiser(denoiser, y, seen, IsotropicCovariance(var))
    diffpir = DiffPIRDenoiser(denoiser, y, seen, var)
    made = {
        ("ddim", "DDIM"): DDIMSampler(denoiser, **settings),
        ("heun", "Heun, T to 1"): HeunSampler(denoiser, **(settings | {"stop": 1.0, "steps": STEPS - 1})),
        ("prior", "DDPM"): DDPMSampler(denoiser, **settings),
        ("dps", "DPS"): DPSSampler(denoiser, y, seen, **settings),
        ("pigdm", "PGDM"): PGDMSampler(denoiser, y, seen, lambda y: y @ inverse.mT, **settings),
        ("tmpd", "TMPD"): DDPMSampler(tmpd, **settings),
        ("tmpd", "MMPS"): DDPMSampler(mmps, **settings),
        ("diffpir", "DiffPIR"): DDIMSampler(diffpir, eta=1.0, **settings),
        ("repaint", "RePaint, 10 rounds"): RePaintSampler(denoiser, whole, mask, 10, eta=1.0, **settings),
        ("replacement", "RePaint, 1 round"): RePaintSampler(denoiser, whole, mask, 1, eta=1.0, **settings),
    }
    return {key: lambda sampler=sampler: sampler(start()) for key, sampler in made.items()}


def deepinv_runs(of: Problem, version: type[exact.Denoiser]) -> dict[tuple[str, str], Run]:
    """Return whole runs of deepinv, by our key and by its name."""
    denoiser = deepinv_side.ExactDenoiser(of.prior, keeps=False, exact_type=torch.float32)
    images = deepinv_side.ExactDenoiser(of.prior, doubled=True, keeps=False, exact_type=torch.float32)
    denoiser.exact = images.exact = version(of.prior)
    physics, y = deepinv_side.linear(of.measurement), of.measurement.value.float().expand(PARTICLES, -1)

    def guided(term: NoisyDataFidelity) -> Run:
        solver = DDPMSolver(timesteps=torch.arange(STEPS, -1, -1, dtype=F64))
        model = PosteriorDiffusion(
            term, denoiser, deepinv_side.process(SCHEDULE), solver, dtype=torch.float32, minus_one_one=False
        )
        return lambda: model(y, physics, x_init=start())

    sigmas = [((1 - bar) / bar) ** 0.5 for bar in SCHEDULE.alpha_bar[::-1].tolist()]
    ddrm = DDRM(denoiser, sigmas=sigmas)
    filled = torch.cat([y, torch.zeros_like(y)], dim=1)
    decomposed = deepinv_side.decomposed(of.measurement, torch.float32)
    diffpir = DiffPIR(images, L2(), of.measurement.noise, max_iter=STEPS)
    return {
        ("dps", "DPS"): guided(DPSDataFidelity(denoiser)),
        ("pigdm", "PiGDM"): guided(PiGDMDataFidelity(denoiser)),
        ("tmpd", "moment matching"): guided(MomentMatchingDataFidelity(denoiser)),
        ("ddrm", "DDRM"): lambda: ddrm(filled, decomposed),
        ("diffpir", "DiffPIR"): lambda: diffpir(y, physics),
    }


def timed(run: Run, particle_steps: int) -> float:
    """Return particle-steps a second of one run."""
    began = time.perf_counter()
    run()
    return particle_steps / (time.perf_counter() - began)


def main() -> None:
    """Print the table."""
    table = Table(
        title=f"Million particle-steps a second, d = 2, K = 3, N = {PARTICLES}, T = {STEPS}, median of {REPETITIONS}, "
        f"{torch.get_num_threads()} threads"
    )
    for heading in ("ours", "theirs", "of", "ours", "by rows", "ratio", "range", "points last", "ratio", "range"):
        table.add_column(heading, justify="right" if len(table.columns) > 2 else "left")
    oblique, first = problem(default_prior()), problem(default_prior(), FIRST)
    versions = [
        {("azula", *key): run for key, run in azula_runs(oblique, version).items()}
        | {("deepinv", *key): run for key, run in deepinv_runs(oblique, version).items()}
        for version in (ByRows, exact.Denoiser)
    ]
    for package, key, name in track(versions[0], "Timing", transient=True):
        mine = ours(first if key in ("repaint", "replacement") else oblique, SAMPLERS[key])
        sides = [mine, *(runs[package, key, name] for runs in versions)]
        rates = [[timed(side, STEPS * PARTICLES) for side in sides] for _ in range(REPETITIONS + 1)][1:]
        row = [key, name, package, f"{statistics.median(rate[0] for rate in rates) / 1e6:.2f}"]
        for side in (1, 2):
            ratios = [rate[0] / rate[side] for rate in rates]
            row += [f"{statistics.median(rate[side] for rate in rates) / 1e6:.2f}", f"{statistics.median(ratios):.1f}"]
            row.append(f"{min(ratios):.1f} to {max(ratios):.1f}")
        table.add_row(*row)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
