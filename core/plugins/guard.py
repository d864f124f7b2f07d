"""Arguments and results of user-defined samplers: copied tensors in, checked tensors out.

User code runs in this process; its mistakes must not affect other samplers. So every
step gets a level with copied tensors, and results are copied and checked.
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
    """Return a level with copied tensors, so that writing to them affects nothing else."""
    whole = level.problem
    problem = Problem(own_tensors(whole.prior), own_tensors(whole.measurement), own_tensors(whole.target))
    prior, target, schedule = own_tensors(level.prior), own_tensors(level.target), copy.copy(level.schedule)
    return Level(level.times, level.beta, level.abar, level.abar_previous, prior, target, problem, schedule)


def own_tensors(held: _Held) -> _Held:
    """Return a mixture or a measurement with copies of its tensors and cached properties."""
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
"""Particles beyond this many times the problem's scale are diverging, and may overflow."""


def checked_score(result: object, level: Level, points: Tensor, *, is_trial: bool = False) -> Tensor:
    """Return a user's score, (d, N), checked and copied.

    Args:
        result: what a user's code returned.
        level: one noise level.
        points: (d, N).
        is_trial: allow numbers that are not finite at any point.

    Raises:
        ValueError: it is not a finite tensor of the points' shape.
    """
    score = _checked(result, points, "score must return")
    if not is_trial:
        _require_finite(score, level, points, "score")
    return score


def checked_kernel(result: object, level: Level, points: Tensor, *, is_trial: bool = False) -> Kernel:
    """Return a user's kernel for points (d, N), checked and copied; arguments as of :func:`checked_score`.

    Raises:
        ValueError: it is not a Kernel, or its mean or variance is not valid.
    """
    if not isinstance(result, Kernel):
        shape = tuple(points.shape)
        raise ValueError(
            f"kernel must return a Kernel with a tensor of the points' shape {shape} (returned {_kind(result)})"
        )
    mean = _checked(result.mean, points, "kernel must return a Kernel with")
    if not is_trial:
        _require_finite(mean, level, points, "the Kernel's mean")
    return Kernel(mean, checked_variance(result.variance, points, len(points), "the Kernel's variance must be"))


def checked_variance(variance: object, like: Tensor, dimension: int, must: str) -> Scalar:
    """Return a user's step variance, checked: one number, or one for each singular direction, (d, 1).

    Args:
        variance: result of the user's code.
        like: tensor whose type and device it gets.
        dimension: d.
        must: beginning of the error message.

    Raises:
        ValueError: it is not such a variance.
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
    """Return the result of a user's ``obstacle``, checked and on one line.

    Raises:
        ValueError: it is neither a text nor None.
    """
    if result is not None and not isinstance(result, str):
        raise ValueError(f"obstacle must return a text or None (returned {_kind(result)})")
    return None if result is None else one_line(result)


def _checked(result: object, points: Tensor, must: str) -> Tensor:
    """Return a copy of a real, dense tensor of the points' shape, in their type and on their device."""
    wanted = f"{must} a tensor of the points' shape {tuple(points.shape)}"
    if not isinstance(result, Tensor) or tuple(result.shape) != tuple(points.shape):
        raise ValueError(f"{wanted} (returned {_kind(result)})")
    if result.is_complex() or result.layout != torch.strided or result.is_meta or result.is_quantized:
        raise ValueError(f"{wanted}, dense and of real numbers (returned {_kind(result)})")
    return result.detach().to(points).clone()  # the code may keep and change what it returned


def _require_finite(result: Tensor, level: Level, points: Tensor, name: str) -> None:
    """Raise an error for numbers that are not finite at points that a convergent run may reach.

    Points that are not finite, or beyond 10 000 times the problem's scale, belong to a diverging run.
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
"""Largest number of coordinates of a point in a message."""


def _kind(result: object) -> str:
    if not isinstance(result, Tensor):
        return type(result).__name__
    words = [str(result.dtype).removeprefix("torch.")] if result.is_complex() or result.is_quantized else []
    words += [str(result.layout).removeprefix("torch.").replace("_", " ")] if result.layout != torch.strided else []
    words += ["without data"] if result.is_meta else []
    return f"a tensor of shape {tuple(result.shape)}{''.join(f', {word}' for word in words)}"


# Descriptions and parameters


def check_words(about: object) -> None:
    """Check the fields of a sampler's ``kind``.

    Raises:
        ValueError: it is not an About, or a field is not valid.
    """
    if type(about) is not About:
        raise ValueError(f"must have a 'kind', an About (is {_kind(about)})")
    if type(about.aliases) is not tuple or any(type(alias) is not str for alias in about.aliases):
        raise ValueError(f"About.aliases must be a tuple of texts (is {quoted(about.aliases)})")
    for name, value in vars(about).items():
        if name != "aliases" and type(value) is not str:
            raise ValueError(f"About.{name} must be a text (is {quoted(value)})")
    if not re.fullmatch(r"[\w+-]+", about.key):
        raise ValueError(f"About.key must consist of letters, digits, + and - (is {quoted(about.key)})")
    if not re.fullmatch("#[0-9a-fA-F]{6}", about.colour):
        raise ValueError(f"About.colour must be #RRGGBB (is {quoted(about.colour)})")
    if not about.label.strip():
        raise ValueError("About.label must not be empty")


def check_flags(model: type[Sampler]) -> None:
    """Check the boolean class attributes.

    Raises:
        ValueError: one of them is not a boolean.
    """
    for name in ("needs_measurement", "moves_along", "has_limit"):
        if type(value := getattr(model, name, False)) is not bool:
            raise ValueError(f"{name} must be True or False (is {_kind(value)})")


def check_parameters(sampler: Sampler) -> None:
    """Check that the parameters' default values could be written in a scenario file.

    Raises:
        ValueError: a value is not a finite number or a text.
    """
    parameters: Mapping[str, object] = sampler.parameters()
    for name, value in parameters.items():
        if not isinstance(value, bool | int | float | str) or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError(f"parameter {name} must be a finite number or a text (is {quoted(value)})")
    type(sampler).model_validate(dict(parameters))
