"""Estimate of a run's peak memory from its sizes, before anything is allocated.

Particles and paths are evaluated in blocks of bounded size (``core/simulation/work.py``); only stored data grow:
frames, particles, paths, terms, and the texts of a report. Each part below sums the arrays that exist
at the same time; ``tests/benchmarks/memory.py`` compares it with measured runs.
"""

from __future__ import annotations

import math
from typing import NamedTuple, final

import psutil
import torch

from core.bounds.bound_terms import closed_forms
from core.diagnostics.sample_metrics import MEMBERSHIPS, SORTED
from core.errors import ScenarioError
from core.kl.bracket import MOST_BRACKETED
from core.kl.choices import REVERSED
from core.kl.partition import FIT_WORK
from core.kl.refine import DRAWS, Sizes
from core.kl.reversal import FIT_NUMBERS, MATRICES
from core.kl.tails import REGRESSION
from core.problem.common_axes import singular_order
from core.runs.extent import WHOLE, Extent
from core.scenario.scenario import Scenario
from core.simulation.work import BLOCK_BYTES, COLUMN_BYTES, FEWEST_POINTS, numbers_per_point

_SINGLE, _DOUBLE = 4, 8
"""Bytes of a particle coordinate (float32), and of any other number (float64)."""
_MARGIN = 1.05
"""Factor on the arrays' sizes for memory that the allocator keeps."""
_WORK = 5
"""Number of work arrays of a block that exist at the same time."""
_PER_STEP = 1300
"""Bytes of a sampler's terms at one t: in tables, lists and the texts of a report."""
_PER_ENTRY = 150
"""Bytes of a covariance entry: of prior and target, as given, factored and noised."""
_MATRICES = 16
"""Number of d x d matrices that exist where components share axes: axes of prior and target, V, and their copies."""
_TIMES = 10
"""Number of t at which a bracket is computed."""
_USABLE = 0.9
"""Share of the free memory that a run may use."""
_ADVICE = {
    "run.particles": "take fewer particles or samplers",
    "run.paths": "take fewer paths or samplers",
    "run.kl_rounds": "take fewer rounds or samplers",
    "schedule.steps": "take fewer steps or samplers",
    "prior": "take fewer components or dimensions",
}
_PROGRAM = 160 << 20
"""Bytes of any run: libraries, compiled kernels, the figure, work arrays of fixed size."""


@final
class RunSize(NamedTuple):
    """Sizes that determine a run's memory."""

    dimension: int
    components: int
    """Number of components of prior or target, whichever is larger."""
    steps: int
    samplers: int
    particles: int
    paths: int
    """Number of target paths; zero where every term has a closed form."""
    sizes: Sizes | None
    """Sizes of the last round of a bracket; None without a bracket."""
    keep_frames: bool
    """True if all frames are kept, as in the window."""
    rank: int | None = None
    """Rank of H where all components of prior and target are known to share their axes; None: taken as if not."""

    def parts(self) -> dict[str, float]:
        """Return the bytes at the peak by the scenario field that they grow with."""
        frames = _SINGLE * self.samplers * (self.steps + 1 if self.keep_frames else 2) * self.dimension * self.particles
        particles = frames + max(self._clouds(), self._comparison())
        # Figure and text come last, when particles and paths are freed; the terms exist all the time.
        steps = _PER_STEP * self.samplers * (self.steps + 1)
        return {
            "run.particles": _MARGIN * particles,
            "run.paths": _MARGIN * self._paths(),
            "run.kl_rounds": _MARGIN * self._bracket(),
            "schedule.steps": steps,
            "prior": self._problem() + _PROGRAM,
        }

    @property
    def total(self) -> float:
        """Bytes at the peak; paths are freed before the bracket begins."""
        parts = self.parts()
        return sum(parts.values()) - min(parts["run.paths"], parts["run.kl_rounds"])

    def _clouds(self) -> float:
        """Return the bytes of particles, common noise, accumulated mismatch, and a block's work arrays."""
        cloud = self.dimension * self.particles
        accumulated = self.samplers * self.particles
        return _SINGLE * (cloud * (self.samplers + 1) + accumulated) + self._work(self.particles, _SINGLE)

    def _work(self, count: int, size: int) -> float:
        """Return the bytes of a block's work arrays."""
        each = size * numbers_per_point(self.dimension, self.components, self.rank)
        return _WORK * min(max(COLUMN_BYTES, FEWEST_POINTS * each), each * count)

    def _comparison(self) -> float:
        """Return the bytes of exact samples, sorted projections and responsibilities."""
        directions = self.dimension * math.ceil(16 / self.dimension) if self.dimension > 1 else 1
        count = min(self.particles, SORTED // directions)
        memberships = min(MEMBERSHIPS, self.components * count)
        return _DOUBLE * count * (10 * directions + 6 * self.dimension) + _DOUBLE * 6 * memberships

    def _paths(self) -> float:
        """Return the bytes of target paths and the terms accumulated along them."""
        if not self.paths:
            return 0.0
        size = _DOUBLE * self.paths
        levels = max(1, min(BLOCK_BYTES // (size * self.components * self.dimension), self.steps))
        kept = size * (7 * self.dimension + 9 * self.samplers + 6)
        several = size * (levels - 1) * (3 * self.dimension + 6 * self.samplers + 3)
        return kept + several + self._work(levels * self.paths, _DOUBLE)

    def _bracket(self) -> float:
        """Return the bytes of a round of refinement: particles, exact draws, forward paths and fits."""
        if self.sizes is None:
            return 0.0
        points, paths, particles = self.sizes
        clouds = particles * self.dimension * (self.samplers + 8)
        features = self.dimension * (self.dimension + 3) // 2
        draws = DRAWS * particles * (4 * self.dimension + 8) + 2 * min(DRAWS * particles * features, REGRESSION)
        columns = _TIMES * points * paths
        walks = columns * (8 * self.dimension + self.samplers * (4 + REVERSED * (2 * self.dimension + 4)))
        fitted = min(particles, FIT_WORK // (self.components * self.dimension**2))
        fits = self.components * fitted * (4 * self.dimension + 6)
        kept = min(FIT_NUMBERS, self.samplers * self.steps * self.components * MATRICES * self.dimension**2)
        return _DOUBLE * (max(clouds + fits, clouds + draws) + walks + kept) + 8 * BLOCK_BYTES

    def _problem(self) -> float:
        """Return the bytes of mixtures and of noise levels that are prepared together."""
        if self.rank is not None:
            matrices = _MATRICES * _DOUBLE * self.dimension**2 * (self.samplers if self.components == 1 else 1)
            return matrices + 4 * (1 << 24) + _PER_ENTRY * self.components * self.dimension
        entries = self.components * self.dimension**2
        levels = 4 * max(1 << 24, 2 * _DOUBLE * entries) if entries * self.steps * _SINGLE > 1 << 24 else 0
        return _PER_ENTRY * entries + levels


def run_size(
    scenario: Scenario,
    *,
    keep_frames: bool,
    extent: Extent = WHOLE,
    sizes: Sizes = Sizes(),  # noqa: B008 - immutable
) -> RunSize:
    """Return the sizes of a run, as if no term had a closed form.

    Args:
        scenario: what is run.
        keep_frames: every frame is kept for the animation, as in the window.
        extent: which parts are computed.
        sizes: of the first round that refines the KL bracket.
    """
    target = 0 if scenario.target is None else len(scenario.target.weights)
    run = scenario.run
    return RunSize(
        dimension=scenario.dimension,
        components=max(len(scenario.prior.weights), target),
        steps=scenario.schedule.steps,
        samplers=len(run.samplers),
        particles=run.particles if extent.particles else 0,
        paths=run.paths if extent.terms else 0,
        sizes=sizes.after(run.kl_rounds) if run.kl_rounds and scenario.dimension <= MOST_BRACKETED else None,
        keep_frames=keep_frames,
        rank=_rank_if_shared(scenario) if scenario.dimension > MOST_BRACKETED else None,
    )


def _rank_if_shared(scenario: Scenario) -> int | None:
    """Return at most the rank of H where axes are shared by the way in which covariances are written; else None."""
    sections = [scenario.prior] if scenario.target is None else [scenario.prior, scenario.target]
    rows = [section.variances for section in sections]
    if None in rows:
        return None
    every = [row for part in rows for row in part or []]
    are_round = all(min(row) == max(row) for row in every)
    are_equal = all(row == every[0] for row in every)
    matrix = torch.tensor(scenario.rows, dtype=torch.float64).view(-1, scenario.dimension)
    identity = torch.eye(scenario.dimension, dtype=torch.float64)
    if are_round or are_equal or not len(matrix) or singular_order(identity, matrix) is not None:
        return min(matrix.shape)
    return None


def require_memory(
    scenario: Scenario,
    *,
    keep_frames: bool,
    extent: Extent = WHOLE,
    sizes: Sizes = Sizes(),  # noqa: B008 - immutable
    available: int | None = None,
) -> None:
    """Raise an error for a run that would not fit in memory, before anything is allocated.

    Args:
        scenario: what is to be run.
        keep_frames: every frame is kept for the animation, as in the window.
        extent: which parts are computed.
        sizes: of the first round that refines the KL bracket.
        available: bytes to fit in; left out: what the machine has free now.

    Raises:
        ScenarioError: naming what the largest part grows with, and the size that the run would need.
    """
    size = run_size(scenario, keep_frames=keep_frames, extent=extent, sizes=sizes)
    try:
        require_room(size, available)
    except ScenarioError:
        if size.components > 1 or not _has_closed_form(scenario):
            raise
        require_room(size._replace(paths=0, sizes=None), available)


def _has_closed_form(scenario: Scenario) -> bool:
    """Return whether all terms of a scenario have a closed form."""
    problem, schedule = scenario.with_value().problem(), scenario.schedule.build()
    return bool(closed_forms(problem, schedule, scenario.build_samplers()).all())


def require_room(size: RunSize, available: int | None = None) -> None:
    """Raise an error for a run size that would not fit in memory.

    Args:
        size: of the run.
        available: bytes to fit in; left out: what the machine has free now.

    Raises:
        ScenarioError: naming what the largest part grows with, and how much the run would need.
    """
    limit = psutil.virtual_memory().available if available is None else available
    if size.total <= _USABLE * limit:
        return
    parts = size.parts()
    field = max(parts, key=parts.__getitem__)
    advice = _ADVICE[field]
    if size.keep_frames and field == "run.particles":
        advice += ", or fewer steps, since every frame is kept"
    needed = f"this run would need {_gibibytes(size.total)} of memory, and {_gibibytes(limit)} are free"
    raise ScenarioError("", field, f"{needed}; {advice}")


def _gibibytes(size: float) -> str:
    return f"{size / 2**30:,.1f} GiB"
