"""Base classes of samplers, and the registry of all samplers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar, final

import torch
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from torch import Tensor

from core.errors import ScenarioError
from core.problem.problem import Level, Measurement, Problem, Scalar
from core.problem.schedule import Schedule
from core.samplers.assumption import Assumption
from core.text.user_text import one_line

_SHORT = 28
"""Longest short label, in characters."""


class Kernel(NamedTuple):
    """One reverse step ``N(mean, V diag(variance) V^T)``, V the right singular basis of H."""

    mean: Tensor
    """(d, N)."""
    variance: Scalar
    """One number for every direction, or (d, 1) along the columns of V; zero where the step is deterministic."""

    @property
    def variances(self) -> Tensor:
        """(d, 1): variances along the columns of V, (B, d, 1) at B levels."""
        return self.variance * torch.ones_like(self.mean[..., :1])

    def covariance(self, basis: Tensor) -> Tensor:
        """Return the covariance (d, d), (B, d, d) at B levels; ``basis`` is V, (d, d)."""
        return (basis * self.variances.mT) @ basis.mT


Group = Literal["ground truth", "projections", "guidance", "splitting", "particles", "deterministic", "yours"]
"""Groups of lists; their titles and order are in :data:`core.samplers.groups.GROUPS`."""


@final
@dataclass(frozen=True)
class About:
    """Description of a sampler: key, label, colour, formula, source and assumptions."""

    key: str
    label: str
    colour: str
    """``#RRGGBB``: the same everywhere, distinguishable under common colour-vision deficiencies."""
    formula: str
    """``g_t``, or the step where there is no score, in LaTeX."""
    summary: str
    source: str
    assumptions: str = ""
    """Conditions under which it is exact, or runs at all."""
    variant: str = ""
    """The published form that is implemented, where there are several."""
    group: Group = "yours"
    """Its place in lists."""
    aliases: tuple[str, ...] = ()
    """Other names of the same method: it is found by them, and scenarios that use one are told its key."""

    @property
    def short_label(self) -> str:
        """The label on one line, cut to a length that buttons and plots can show."""
        return one_line(self.label, _SHORT)


class Sampler(BaseModel, ABC):
    """A sampler: one Gaussian kernel at every t; its fields are the parameters that a scenario may set.

    For a Gaussian target, all terms of a sampler whose mean is affine in the points are closed form; this is
    tested numerically. Formulas use operators only, so that ``level.beta`` and the like may
    be numbers or tensors (B, 1, 1) of B levels at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    kind: ClassVar[About]
    needs_measurement: ClassVar[bool] = True
    """True if it requires H and y."""
    moves_along: ClassVar[bool] = False
    """True if a translation of prior, target, y and points translates the step: then single precision is accurate
    far from the origin, since particles are kept relative to a centre. Samplers of the product do, see
    :func:`register`."""

    name: str = ""
    """Name in the scenario; empty: the kind's key."""
    label: str = ""
    """Display name; empty: the kind's label and the parameters that were set."""
    colour: Annotated[str, Field(pattern="^(#[0-9a-fA-F]{6})?$")] = ""
    """``#RRGGBB``; empty: the kind's colour."""

    _fault: ScenarioError | None = PrivateAttr(None)
    _is_silent: bool = PrivateAttr(False)

    @abstractmethod
    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the law of x_{t-1} given the points x_t, (d, N)."""

    def start(self, measurement: Measurement, abar: float) -> Kernel:  # noqa: ARG002
        """Return the law of x_T, with mean (d, 1) and a positive variance: standard normal unless a sampler says else.

        Args:
            measurement: H, y and sigma_y, in the coordinates of the points.
            abar: ``abar_T``.
        """
        return Kernel(torch.zeros_like(measurement.right_basis[:, :1]), 1.0)

    def assumed(self, level: Level, point: Tensor) -> Assumption | None:  # noqa: ARG002
        """Return what its formula assumes of x_0 at a point x_t, (d, 1), as a Gaussian; None: nothing of the kind."""
        return None

    def score_evaluations(self, steps: int, last: int) -> int:
        """Return the score evaluations of one particle from T = ``steps`` down to t = ``last``."""
        return steps - last

    @property
    def is_chain(self) -> bool:
        """True if a step is a chain of several draws, see :class:`~core.samplers.chain.ChainSampler`."""
        return False

    @property
    def no_bound(self) -> str | None:
        """Reason why no bound along paths exists whatever the problem, as a clause; None where there is one."""
        return "its step is a chain of draws, so no bound along paths is known" if self.is_chain else None

    @property
    def fault(self) -> ScenarioError | None:
        """The error of user code, or None; after an error all results of this sampler are NaN."""
        return self._fault

    @property
    def is_users(self) -> bool:
        """True if the sampler runs user code."""
        return False

    @property
    def is_silent(self) -> bool:
        """True if the sampler's user code must not run in this process, so that all its results here are NaN."""
        return self._is_silent

    def silence(self) -> None:
        """Run no user code in this process from now on."""

    def inquire(self, measurement: Measurement) -> None:
        """Call the user's ``obstacle`` for a measurement; a reason not to run becomes the sampler's fault."""

    @property
    def is_equivariant(self) -> bool:
        """True if the step translates with the problem, see :attr:`moves_along`."""
        return self.moves_along

    def obstacle(self, measurement: Measurement) -> str | None:
        """Return why it cannot run with a measurement, as a predicate whose subject is its name; None where it can."""
        if self.needs_measurement and measurement.matrix.shape[0] == 0:
            return "needs a measurement"
        return None

    @property
    def about(self) -> About:
        """Description of this sampler: that of its kind, with its own name, label and colour."""
        kind = self.kind
        label = self.label or " ".join([kind.label, *self._settings()])
        return replace(kind, key=self.name or kind.key, label=label, colour=self.colour or kind.colour)

    def parameters(self) -> dict[str, Any]:
        """Return the parameters that a scenario may set, besides name, label and colour, as it would write them."""
        return {name: getattr(self, name) for name in type(self).model_fields if name not in Sampler.model_fields}

    def _settings(self) -> list[str]:
        """Return the parameters that differ from their defaults, as screens show them."""
        fields = type(self).model_fields
        return [_setting(name, value) for name, value in self.parameters().items() if value != fields[name].default]


def _setting(name: str, value: object) -> str:
    return f"{symbol(name)} {value:g}" if isinstance(value, float) else f"{name} {value}"


def symbol(parameter: str) -> str:
    """Return the symbol of a parameter in formulas and on screens."""
    return {"zeta": "ζ", "lam": "λ", "eta": "η", "eta_b": "η_b"}.get(parameter, parameter.replace("_", " "))


def start_of(sampler: Sampler, problem: Problem, schedule: Schedule) -> Kernel:
    """Return the law of x_T in a run, with mean (d, 1), in the problem's coordinates; see :meth:`Sampler.start`."""
    return sampler.start(problem.measurement, float(schedule.alpha_bar[-1]))


SAMPLERS: dict[str, Sampler] = {}
"""Registered samplers with default parameters by key, in the order in which screens show them."""

_Class = TypeVar("_Class", bound=type[Sampler])


def register(sampler: _Class) -> _Class:
    """Register a sampler of the product by its key (class decorator); its step must translate with the problem.

    Raises:
        ValueError: the key is taken.
    """
    key = sampler.kind.key
    if key in SAMPLERS:
        raise ValueError(f"a sampler with the key {key!r} is already registered")
    sampler.moves_along = True
    SAMPLERS[key] = sampler()
    return sampler


ReverseVariance = Literal["theory", "beta", "posterior"]
"""``(1 - alpha_t) / alpha_t``, ``beta_t``, or ``beta_t (1 - abar_{t-1}) / (1 - abar_t)``."""


class StochasticSampler(Sampler, ABC):
    """A sampler that adds noise at every step."""

    variance: ReverseVariance = "theory"

    def step_variance(self, level: Level) -> Scalar:
        """Return the step variance ``sigma_t^2`` of the chosen kind."""
        if self.variance == "theory":
            return level.variance
        if self.variance == "beta":
            return level.beta
        return level.beta * (1 - level.abar_previous) / (1 - level.abar)


class AffineScore(NamedTuple):
    """A score of the form ``A x + b + B s(x)``, s being the prior's score or the target's."""

    matrix: Tensor | None = None
    """A, (d, d), or (B, d, d) at B levels; None: zero."""
    offset: Tensor | None = None
    """b, (d,) or (B, d); None: zero."""
    factor: Tensor | None = None
    """B, (d, d); None: the identity."""
    is_of_target: bool = False
    """True if s is the target's score."""


class ScoreSampler(StochasticSampler, ABC):
    """A sampler given by a score g_t: mean ``(x + (1 - alpha_t) g_t(x)) / sqrt(alpha_t)``."""

    has_limit: ClassVar[bool] = True
    """True if g_t depends on t through abar_t only, so that its mismatch has a limit as steps are refined."""

    @abstractmethod
    def score(self, level: Level, points: Tensor) -> Tensor:
        """Return the score ``g_t(x)``, (d, N), at points (d, N)."""

    def affine_score(self, level: Level) -> AffineScore | None:  # noqa: ARG002
        """Return the score at one level, or several, as an affine function of a mixture's score, where it is one."""
        return None

    @final
    def kernel(self, level: Level, points: Tensor) -> Kernel:
        """Return the reverse step with this sampler's score."""
        return Kernel(level.step_mean(points, self.score(level, points)), self.step_variance(level))
