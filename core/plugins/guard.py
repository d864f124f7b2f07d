"""What a sampler of the user's own gets and gives back: copies of its own, and a checked result.

Its code runs in this process and could do anything; what it does by mistake must not reach other samplers. So every
step gets a level whose tensors are its own, and what comes back is copied and checked.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from core.problem.mixture import GaussianMixture
from core.problem.problem import Level, Measurement, Problem, Scalar
from core.samplers import About, Kernel, Sampler
from core.text.user_text import one_line, quoted

_Held = TypeVar("_Held", GaussianMixture, Measurement)


def own_level(level: Level) -> Level:
    """Return a level whose tensors are copies: what is written to them reaches nobody else."""
    whole = level.problem
    problem = Problem(own_tensors(whole.prior), own_tensors(whole.measurement), own_tensors(whole.target))
    prior, target, schedule = own_tensors(level.prior), own_tensors(level.target), copy.copy(level.schedule)
    return Level(level.times, level.beta, level.abar, level.abar_previous, prior, target, problem, schedule)


def own_tensors(held: _Held) -> _Held:
    """Return a mixture or a measurement with copies of its tensors, and of what has been worked out from them."""
    mine = copy.copy(held)
    mine.__dict__.update({name: _copied(value) for name, value in held.__dict__.items()})
    return mine


def _copied(value: Any) -> Any:  # noqa: ANN401 - tensors, tuples of them, and numbers
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, tuple):
        parts = [_copied(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value


_MODERATE = 1e4
"""Times the problem's own scale: particles beyond are on their way out of every region, and may overflow."""


def checked_score(result: object, level: Level, points: Tensor, *, is_trial: bool = False) -> Tensor:
    """Return a score as the run takes it, (d, N) like its points.

    Args:
        result: what a user's code returned.
        level: one noise level.
        points: (d, N).
        is_trial: let numbers that are not finite pass wherever the points are.

    Raises:
        ValueError: it is no such tensor: what it must be, and what it is.
    """
    score = _checked(result, points, "score must return")
    if not is_trial:
        _require_finite(score, level, points, "score")
    return score


def checked_kernel(result: object, level: Level, points: Tensor, *, is_trial: bool = False) -> Kernel:
    """Return a kernel as the run takes it, for points (d, N); see :func:`checked_score`.

    Raises:
        ValueError: it is none: what it must be, and what it is.
    """
    if not isinstance(result, Kernel):
        shape = tuple(points.shape)
        raise ValueError(
            f"kernel must return a Kernel with a tensor of shape {shape}, as its points (returned {_kind(result)})"
        )
    mean = _checked(result.mean, points, "kernel must return a Kernel with")
    if not is_trial:
        _require_finite(mean, level, points, "the Kernel's mean")
    return Kernel(mean, checked_variance(result.variance, points, len(points), "the Kernel's variance must be"))


def checked_variance(variance: object, like: Tensor, dimension: int, must: str) -> Scalar:
    """Return a step's variance as the run takes it: one number, or one for each singular direction, (d, 1).

    Args:
        variance: what a user's code returned.
        like: whose type and device it gets.
        dimension: d.
        must: the beginning of the sentence that refuses it.

    Raises:
        ValueError: it is none.
    """
    allowed = f"{must} a number or a tensor of shape ({dimension}, 1), finite and not negative"
    if isinstance(variance, Tensor) and variance.layout == torch.strided and not variance.is_complex():
        if tuple(variance.shape) not in {(), (1,), (dimension, 1)} or variance.is_meta:
            raise ValueError(f"{allowed} (returned {_kind(variance)})")
        variance = variance.detach().to(like).clone()
        sound = bool((variance >= 0).all() & variance.isfinite().all())
        return _sound(variance if variance.ndim == 2 else float(variance), sound, allowed)
    if isinstance(variance, bool) or not isinstance(variance, int | float):
        raise ValueError(f"{allowed} (returned {_kind(variance)})")
    return _sound(float(variance), math.isfinite(variance) and variance >= 0, allowed)


def _sound(variance: Scalar, is_sound: bool, allowed: str) -> Scalar:
    if not is_sound:
        raise ValueError(f"{allowed} (is {quoted(variance)})")
    return variance


def checked_obstacle(result: object) -> str | None:
    """Return a sampler's own obstacle, on one line.

    Raises:
        ValueError: it is neither a text nor None.
    """
    if result is not None and not isinstance(result, str):
        raise ValueError(f"obstacle must return a text or None (returned {_kind(result)})")
    return None if result is None else one_line(result)


def _checked(result: object, points: Tensor, must: str) -> Tensor:
    """A real, dense tensor of the points' shape, converted to their type and device."""
    wanted = f"{must} a tensor of shape {tuple(points.shape)}, as its points"
    if not isinstance(result, Tensor) or tuple(result.shape) != tuple(points.shape):
        raise ValueError(f"{wanted} (returned {_kind(result)})")
    if result.is_complex() or result.layout != torch.strided or result.is_meta or result.is_quantized:
        raise ValueError(f"{wanted}, dense and of real numbers (returned {_kind(result)})")
    return result.detach().to(points).clone()  # the code may keep and change what it returned


def _require_finite(result: Tensor, level: Level, points: Tensor, name: str) -> None:
    """Refuse what is not finite at a point that is, and that a sound run could come to.

    Points that are not finite, or farther out than 10 000 times the problem's scale, belong to a run that diverges.
    """
    if bool(result.isfinite().all()):
        return
    mixtures = level.prior, level.target
    scale = 1 + max(float(part.means.abs().max() + part.variances.max().sqrt()) for part in mixtures)
    wrong = ~result.isfinite().all(0) & (points.abs().amax(0) <= _MODERATE * scale)
    if bool(wrong.any()):
        column = int(wrong.nonzero()[0])
        values = result[:, column][~result[:, column].isfinite()]
        at = ", ".join(f"{coordinate:.4g}" for coordinate in points[:_SHOWN, column].tolist())
        at += ", …" if len(points) > _SHOWN else ""
        raise ValueError(f"{name} must be finite at finite points (is {float(values[0])} at x = ({at}), t = {level.t})")


_SHOWN = 4
"""Coordinates of a point that a sentence names."""


def _kind(result: object) -> str:
    if not isinstance(result, Tensor):
        return type(result).__name__
    words = [str(result.dtype).removeprefix("torch.")] if result.is_complex() or result.is_quantized else []
    words += [str(result.layout).removeprefix("torch.").replace("_", " ")] if result.layout != torch.strided else []
    words += ["without data"] if result.is_meta else []
    return f"a tensor of shape {tuple(result.shape)}{''.join(f', {word}' for word in words)}"


# What a sampler says of itself


def check_words(about: object) -> None:
    """Check what a sampler's ``kind`` says.

    Raises:
        ValueError: it is no About, or a field is not what it must be.
    """
    if type(about) is not About:
        raise ValueError(f"must have a 'kind', an About (is {_kind(about)})")
    for name, value in vars(about).items():
        if type(value) is not str:
            raise ValueError(f"About.{name} must be a text (is {quoted(value)})")
    if not re.fullmatch(r"[\w+-]+", about.key):
        raise ValueError(f"About.key must consist of letters, digits, + and - (is {quoted(about.key)})")
    if not re.fullmatch("#[0-9a-fA-F]{6}", about.colour):
        raise ValueError(f"About.colour must be #RRGGBB (is {quoted(about.colour)})")
    if not about.label.strip():
        raise ValueError("About.label must not be empty")


def check_flags(model: type[Sampler]) -> None:
    """Check what a class says by truth values.

    Raises:
        ValueError: one of them is something else.
    """
    for name in ("needs_measurement", "moves_along", "has_limit"):
        if type(value := getattr(model, name, False)) is not bool:
            raise ValueError(f"{name} must be True or False (is {_kind(value)})")


def check_parameters(sampler: Sampler) -> None:
    """Check the parameters' default values: what a scenario file could say as well.

    Raises:
        ValueError: a value is none that a file can hold.
    """
    parameters: Mapping[str, object] = sampler.parameters()
    for name, value in parameters.items():
        if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError(f"parameter {name} must be a finite number or a text (is {quoted(value)})")
    type(sampler).model_validate(dict(parameters))
