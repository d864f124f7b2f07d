"""What a sampler of the user's own gets and gives back: copies of its own, and a checked result.

Its code runs in this process and could do anything; what it does by mistake must not reach other samplers. So every
step gets a level whose tensors are its own, and torch's global settings are put back.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor

from core.mixture import GaussianMixture
from core.problem import Level, Measurement, Problem
from core.samplers import About, Kernel, Sampler
from core.user_text import quoted

_Held = TypeVar("_Held", GaussianMixture, Measurement)


def own_level(level: Level) -> Level:
    """Return a level whose tensors are copies: what is written to them reaches nobody else."""
    whole = level.problem
    problem = Problem(_own(whole.prior), _own(whole.measurement), _own(whole.target))
    prior, target, schedule = _own(level.prior), _own(level.target), copy.copy(level.schedule)
    return Level(level.times, level.beta, level.abar, level.abar_previous, prior, target, problem, schedule)


def _own(held: _Held) -> _Held:
    """A mixture or a measurement with copies of its tensors, and of what has been worked out from them."""
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


@contextmanager
def settings_kept() -> Iterator[None]:
    """Put torch's global settings back, whatever is done to them inside."""
    dtype, threads, gradients = torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()
    try:
        yield
    finally:
        if torch.get_default_dtype() != dtype:
            torch.set_default_dtype(dtype)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        torch.set_grad_enabled(gradients)


def checked_score(result: object, points: Tensor) -> Tensor:
    """Return a score as the run takes it, (d, N) like its points.

    Raises:
        ValueError: it is no such tensor: what it must be, and what it is.
    """
    return _checked(result, points, "score must return")


def checked_kernel(result: object, points: Tensor) -> Kernel:
    """Return a kernel as the run takes it, for points (d, N).

    Raises:
        ValueError: it is none: what it must be, and what it is.
    """
    if not isinstance(result, Kernel):
        shape = tuple(points.shape)
        raise ValueError(
            f"kernel must return a Kernel with a tensor of shape {shape}, as its points (returned {_kind(result)})"
        )
    mean = _checked(result.mean, points, "kernel must return a Kernel with")
    variance: object = result.variance
    dimension = points.shape[0]
    allowed = f"the Kernel's variance must be a number or a tensor of shape ({dimension}, 1), finite and not negative"
    if isinstance(variance, Tensor) and variance.layout == torch.strided and not variance.is_complex():
        if tuple(variance.shape) not in {(), (1,), (dimension, 1)}:
            raise ValueError(f"{allowed} (has shape {tuple(variance.shape)})")
        variance = variance.detach().to(points).clone()
        sound = bool((variance >= 0).all() & variance.isfinite().all())
        return Kernel(mean, _sound(variance if variance.ndim == 2 else float(variance), sound, allowed))
    if isinstance(variance, bool) or not isinstance(variance, int | float):
        raise ValueError(f"{allowed} (is {_kind(variance)})")
    return Kernel(mean, _sound(float(variance), math.isfinite(variance) and variance >= 0, allowed))


_Variance = TypeVar("_Variance", float, Tensor, float | Tensor)


def _sound(variance: _Variance, is_sound: bool, allowed: str) -> _Variance:
    if not is_sound:
        raise ValueError(f"{allowed} (is {quoted(variance)})")
    return variance


def _checked(result: object, points: Tensor, must: str) -> Tensor:
    """A real, dense tensor of the points' shape, converted to their type and device; not a number is allowed."""
    wanted = f"{must} a tensor of shape {tuple(points.shape)}, as its points"
    if not isinstance(result, Tensor) or tuple(result.shape) != tuple(points.shape):
        raise ValueError(f"{wanted} (returned {_kind(result)})")
    if result.is_complex() or result.layout != torch.strided or result.is_meta or result.is_quantized:
        raise ValueError(f"{wanted}, dense and of real numbers (returned {_kind(result)})")
    return result.detach().to(points).clone()  # the code may keep and change what it returned


def _kind(result: object) -> str:
    if not isinstance(result, Tensor):
        return type(result).__name__
    words = [str(result.dtype).removeprefix("torch.")] if result.is_complex() or result.is_quantized else []
    words += [str(result.layout).removeprefix("torch.").replace("_", " ")] if result.layout != torch.strided else []
    words += ["without data"] if result.is_meta else []
    return f"a tensor of shape {tuple(result.shape)}{''.join(f', {word}' for word in words)}"


# What a sampler says of itself


def check_words(about: About) -> None:
    """Check what a sampler's ``kind`` says.

    Raises:
        ValueError: a field is not what it must be.
    """
    for name, value in vars(about).items():
        if not isinstance(value, str):
            raise ValueError(f"About.{name} must be a text (is {quoted(value)})")
    if not re.fullmatch(r"[\w+-]+", about.key):
        raise ValueError(f"About.key must consist of letters, digits, + and - (is {quoted(about.key)})")
    if not re.fullmatch("#[0-9a-fA-F]{6}", about.colour):
        raise ValueError(f"About.colour must be #RRGGBB (is {quoted(about.colour)})")
    if not about.label.strip():
        raise ValueError("About.label must not be empty")


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
