"""Wrappers of a user-defined sampler's methods: each result is checked, and errors are reported with file and line."""

from __future__ import annotations

import inspect
import math
import re
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields
from difflib import get_close_matches
from functools import partial, wraps
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from core.errors import ScenarioError, suggest
from core.plugins.guard import checked_kernel, checked_obstacle, checked_score, checked_variance, own_level, own_tensors
from core.plugins.settings import settings_kept
from core.problem.problem import Level, Measurement, Scalar
from core.samplers import About, Kernel, Sampler, ScoreSampler, StochasticSampler

ALLOWED = ("score", "kernel", "step_variance", "obstacle")
"""Methods of the base classes that a user's class may override, besides class attributes and parameters."""
_is_trial: ContextVar[bool] = ContextVar("_is_trial", default=False)


@contextmanager
def trial() -> Iterator[None]:
    """Evaluate samplers at extreme points within this context: numbers that overflow there are no fault."""
    token = _is_trial.set(True)
    try:
        yield
    finally:
        _is_trial.reset(token)


def guard(model: type[Sampler], path: Path) -> type[Sampler]:
    """Return a user's class with all methods that the product calls wrapped in checks.

    Raises:
        ScenarioError: it overrides a method that it must not override.
    """
    _require_own_names(model, path)
    step = "score" if issubclass(model, ScoreSampler) else "kernel"
    _guard_step(model, step, path)
    model.silence = _silence  # type: ignore[method-assign]
    model.is_users = property(lambda _: True)  # type: ignore[assignment, method-assign]
    if model.obstacle not in _inherited(model, "obstacle"):
        _guard_obstacle(model, path)
    if issubclass(model, StochasticSampler) and model.step_variance not in _inherited(model, "step_variance"):
        _guard_variance(model, path)
    return model


def _silence(self: Sampler) -> None:
    self._is_silent = True


def _inherited(model: type[Sampler], name: str) -> list[object]:
    """Return the implementations of a method in the product's own base classes."""
    return [vars(base)[name] for base in model.__mro__ if _is_own(base) and name in vars(base)]


def _is_own(model: type) -> bool:
    return model.__module__.split(".")[0] in {"core", "pydantic", "builtins", "abc"}


def _require_own_names(model: type[Sampler], path: Path) -> None:
    """Raise an error if the class defines names that screens and files use, which must not depend on its code."""
    product = next(base for base in model.__mro__ if _is_own(base))
    for base in model.__mro__:
        for name, value in vars(base).items() if not _is_own(base) else ():
            line = _line(value, path)
            if line is not None and name not in ALLOWED and (hasattr(product, name) or name.startswith("__")):
                reason = (
                    f"must not define {name}: the description belongs into kind, parameters are fields, and the "
                    f"methods that a class may override are {', '.join(ALLOWED)}"
                )
                raise ScenarioError(str(path), f"line {line}", reason)
    decorated = model.__pydantic_decorators__
    for found in (decorated.field_validators, decorated.model_validators, decorated.validators):
        for name, decorator in found.items():
            line = _line(decorator.func, path)
            reason = f"must not define the validator {name}: set the limits of parameters with pydantic's Field"
            raise ScenarioError(str(path), f"line {line}" if line else "", reason)


def _line(value: Any, path: Path) -> int | None:  # noqa: ANN401 - any class member
    """Return the line in a file at which a function, property or method begins; None where it is elsewhere."""
    for inner in ("fget", "func", "__func__", "wrapped"):
        value = getattr(value, inner, None) or value
    code = getattr(inspect.unwrap(value) if isinstance(value, FunctionType) else value, "__code__", None)
    return code.co_firstlineno if code is not None and code.co_filename == str(path) else None


# Methods


def _guard_step(model: type[Sampler], name: str, path: Path) -> None:
    evaluate, check = getattr(model, name), checked_score if name == "score" else checked_kernel

    @wraps(evaluate)
    def guarded(self: Sampler, level: Level, points: Tensor) -> Any:  # noqa: ANN401 - a score or a kernel
        def call(level: Level, points: Tensor) -> Any:  # noqa: ANN401
            result = _recorded(
                self,
                evaluate,
                path,
                lambda: evaluate(self, own_level(level), points.clone()),
                lambda result: check(result, level, points, is_trial=_is_trial.get()),
            )
            return _nothing(level, points, name) if result is None else result

        if points.ndim == 2:
            return call(level, points)
        if self.fault is not None or self.is_silent:
            return _nothing(level, points, name)
        results = [call(one, cloud) for one, cloud in zip(level.each(), points.unbind(), strict=True)]
        return _stacked(results, points)

    setattr(model, name, guarded)


def _nothing(level: Level, points: Tensor, name: str) -> Tensor | Kernel:
    """Return the NaN score or kernel of a sampler that has stopped."""
    nothing = torch.full_like(points, math.nan)
    return nothing if name == "score" else Kernel(nothing, level.variance)


def _stacked(results: list[Any], points: Tensor) -> Any:  # noqa: ANN401 - a score or a kernel
    if isinstance(results[0], Tensor):
        return torch.stack(results)
    variances = [torch.as_tensor(each.variance, dtype=points.dtype).expand(points.shape[1], 1) for each in results]
    return Kernel(torch.stack([each.mean for each in results]), torch.stack(variances))


def _guard_variance(model: type[StochasticSampler], path: Path) -> None:
    evaluate = model.step_variance

    @wraps(evaluate)
    def guarded(self: StochasticSampler, level: Level) -> Scalar:
        def call(level: Level) -> Scalar:
            variance: Scalar | None = _recorded(
                self,
                evaluate,
                path,
                lambda: evaluate(self, own_level(level)),
                lambda result: checked_variance(
                    result, level.prior.means, level.prior.dimension, "step_variance must return"
                ),
            )
            return level.variance if variance is None else variance

        if not isinstance(level.beta, Tensor):
            return call(level)
        shape = level.prior.dimension, 1
        return torch.stack([torch.as_tensor(call(one)).to(level.beta).expand(shape) for one in level.each()])

    model.step_variance = guarded  # type: ignore[method-assign]


def _guard_obstacle(model: type[Sampler], path: Path) -> None:
    """Let edits use the product's own ``obstacle``; the user's is called where a run begins."""
    evaluate = model.obstacle

    def inquire(self: Sampler, measurement: Measurement) -> None:
        call = partial(evaluate, self, own_tensors(measurement))
        reason: str | None = _recorded(self, evaluate, path, call, checked_obstacle)
        if reason is not None:
            self._fault = ScenarioError("", "run.samplers", f"{self.about.label} {reason}")

    model.inquire = inquire  # type: ignore[method-assign]
    model.obstacle = _inherited(model, "obstacle")[0]  # type: ignore[method-assign, assignment]


def _recorded(
    sampler: Sampler,
    evaluate: Callable[..., Any],
    path: Path,
    call: Callable[[], Any],
    check: Callable[[Any], Any],
) -> Any:  # noqa: ANN401 - what the method returns
    """Return the checked result of a user's method; None where this or an earlier call has failed.

    The fault is stored in the sampler and stops no other one. Failures in a :func:`trial` are ignored.
    """
    if sampler.fault is not None or sampler.is_silent:
        return None
    try:
        return _called(evaluate, path, call, check)
    except ScenarioError as error:
        if not _is_trial.get():
            sampler._fault = error
        return None


def _called(evaluate: Callable[..., Any], path: Path, call: Callable[[], Any], check: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - what the method returns
    try:
        with settings_kept():
            result = call()
    except BaseException as error:
        if is_of_the_user(error):
            raise
        raise fault(error, path) from error
    try:
        return check(result)
    except ValueError as error:
        line = _line(inspect.unwrap(evaluate), path)
        raise ScenarioError(str(path), f"line {line}" if line else "", str(error)) from None


# Faults


def is_of_the_user(error: BaseException) -> bool:
    """Return whether an exception comes from Ctrl-C, and was not raised by the user's code."""
    if not isinstance(error, KeyboardInterrupt) or threading.current_thread() is not threading.main_thread():
        return False
    return signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


def fault(error: BaseException, path: Path) -> ScenarioError:
    """Return an exception in a user's file as a :class:`ScenarioError` with the line."""
    if isinstance(error, ScenarioError):
        return error
    if isinstance(error, SyntaxError):
        line, reason = error.lineno, error.msg
    else:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line, reason = (lines[-1] if lines else None), f"{type(error).__name__}: {_words(error)}{_meant(error)}"
    return ScenarioError(str(path), f"line {line}" if line else "", " ".join(str(reason).split()))


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # __str__ may be the user's code
        return "(no message)"


def _meant(error: BaseException) -> str:
    """Return a suggestion for an unknown name; Python adds its own only to printed tracebacks."""
    unknown = re.search(r"About.*unexpected keyword argument '(\w+)'", _words(error))
    if unknown is not None:
        return suggest(unknown[1], (field.name for field in fields(About)))
    names: Sequence[str] = dir(error.obj) if isinstance(error, AttributeError) else ()
    near = get_close_matches(getattr(error, "name", None) or "", names, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
