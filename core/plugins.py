"""Samplers from a user's own Python file: one function, or one class, made known like those that are built in.

A function ``name(level, x)`` returns the score g_t at points x, (d, N). A class derives from
:class:`~core.samplers.ScoreSampler` or :class:`~core.samplers.Sampler`, with a ``kind`` of its own. Loading a
file runs its code: ask first.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import fields
from difflib import get_close_matches
from functools import update_wrapper, wraps
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, final

import torch
from torch import Tensor

from core.files import read_bytes
from core.plugin_guard import check_parameters, check_words, checked_kernel, checked_score, own_level, settings_kept
from core.problem import Level
from core.refusal import ScenarioError, suggest
from core.samplers import SAMPLERS, About, Kernel, Sampler, ScoreSampler

_COLOURS = ("#4C9F70", "#B07AA1", "#9C755F", "#76B7B2", "#D4A6C8", "#86BCB6")
"""For those that bring none."""
_ENDS = (Exception, SystemExit, GeneratorExit)
"""Whatever a user's code may raise; Ctrl-C is the user's own."""
_loaded: dict[str, tuple[Path, bytes]] = {}
"""Which file each key came from, and what it held: it may be loaded again, after an edit."""


def read_plugin(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        ScenarioError: it cannot be read.
    """
    return read_bytes(path)


def fingerprint(content: bytes) -> str:
    """Return what tells a content from any other."""
    return hashlib.sha256(content).hexdigest()


def loaded_files() -> list[Path]:
    """Return the files whose samplers are known now, the first loaded first."""
    return [path for path, _ in loaded_contents()]


def loaded_contents() -> list[tuple[Path, bytes]]:
    """Return those files with what they held: what another process has to load to know the same samplers."""
    return list(_loaded.values())


def load_exactly(contents: Sequence[tuple[Path, bytes]]) -> None:
    """Know the samplers of these files and of no others, as :func:`loaded_contents` gave them in another process.

    Raises:
        ScenarioError: one of them cannot be loaded here.
    """
    for key, loaded in list(_loaded.items()):
        if loaded not in contents:
            del SAMPLERS[key], _loaded[key]
    for path, content in contents:
        if (path, content) not in _loaded.values():
            load_plugin(path, content)


def load_plugin(path: Path, content: bytes | None = None) -> str:
    """Run a file and register the sampler that it defines; return its key.

    A file that was loaded before takes the place of what it defined then.

    Args:
        path: the file.
        content: what to run; left out: what the file holds now.

    Raises:
        ScenarioError: the file cannot be read, fails, defines no sampler or several, or takes a key that is taken.
    """
    path = path.absolute()
    content = read_plugin(path) if content is None else content
    registered = dict(SAMPLERS)
    try:
        module = _run(path, content)
        with settings_kept():
            sampler = _guarded(_model(module, path), path)()
            check_words(sampler.kind)
            check_parameters(sampler)
            key = sampler.about.key
    except ScenarioError:
        raise
    except _ENDS as error:
        raise _fault(error, path) from error
    finally:  # the code may have reached into the register of the others
        if list(SAMPLERS.items()) != list(registered.items()):
            SAMPLERS.clear()
            SAMPLERS.update(registered)
    if key in SAMPLERS and (key not in _loaded or _loaded[key][0] != path):
        raise ScenarioError(
            str(path), "", f"there is already a sampler {key!r}; give this one another key or file name"
        )
    SAMPLERS[key] = sampler
    _loaded[key] = path, content
    return key


def _run(path: Path, content: bytes) -> ModuleType:
    module = ModuleType(f"plugin_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where a class's annotations are looked up
    try:
        with settings_kept():
            exec(compile(content, str(path), "exec"), module.__dict__)
    except _ENDS as error:
        raise _fault(error, path) from error
    except KeyboardInterrupt as error:
        if threading.current_thread() is threading.main_thread():
            raise  # Ctrl-C
        raise _fault(error, path) from error
    return module


def _model(module: ModuleType, path: Path) -> type[Sampler]:
    """The one sampler of a file: its class, or else its function as a class."""
    own = [value for name, value in vars(module).items() if not name.startswith("_")]
    classes = [value for value in own if isinstance(value, type) and value.__module__ == module.__name__]
    models = [value for value in classes if issubclass(value, Sampler) and not inspect.isabstract(value)]
    functions = [value for value in own if isinstance(value, FunctionType) and value.__code__.co_filename == str(path)]
    if not models and len(functions) == 1:
        return _of_function(functions[0], path)
    if len(models) != 1:
        found = [*(value.__name__ for value in models), *(value.__name__ for value in functions)]
        names = f" (defines {', '.join(found)})" if found else ""
        allowed = "must define one sampler: a function of (level, x), or a class that derives from ScoreSampler"
        raise ScenarioError(str(path), "", f"{allowed}{names}")
    return models[0]


def _of_function(function: Callable[..., Tensor], path: Path) -> type[Sampler]:
    """A class for a function: named after its file, described by the first line of its docstring."""
    if len(inspect.signature(function).parameters) != 2:
        raise ScenarioError(str(path), function.__name__, "must take two arguments, (level, x)")
    summary = (inspect.getdoc(function) or "A sampler of your own.").splitlines()[0]
    name = function.__name__.replace("_", r"\_")
    own = About(
        key=re.sub(r"[^\w+-]+", "-", path.stem),
        label=path.stem,
        colour=_COLOURS[len(_loaded) % len(_COLOURS)],
        formula=rf"\mathrm{{{name}}}(x_t)",
        summary=summary,
        source=path.name,
    )

    @final
    class FunctionSampler(ScoreSampler):
        """A score given by a function, which may depend on anything."""

        kind = own
        needs_measurement = False
        has_limit = False

        def score(self, level: Level, points: Tensor) -> Tensor:
            """What the function returns."""
            return function(level, points)

    update_wrapper(FunctionSampler.score, function)  # faults are named by its line
    return FunctionSampler


def _guarded(model: type[Sampler], path: Path) -> type[Sampler]:
    """The class, with its one method called at one level at a time, checked, and its faults named by line."""
    method = "score" if issubclass(model, ScoreSampler) else "kernel"
    evaluate, check = getattr(model, method), checked_score if method == "score" else checked_kernel
    place = _place_of(evaluate, path)

    @wraps(evaluate)
    def guarded(self: Sampler, level: Level, points: Tensor) -> Any:  # noqa: ANN401 - a score or a kernel
        single = points.ndim == 2
        levels, clouds = ([level], [points]) if single else (level.each(), points.unbind())
        results = [call(self, one, cloud) for one, cloud in zip(levels, clouds, strict=True)]
        return results[0] if single else _stacked(results, points)

    def call(self: Sampler, level: Level, points: Tensor) -> Any:  # noqa: ANN401 - a score or a kernel
        try:
            with settings_kept():
                result = evaluate(self, own_level(level), points.clone())
        except _ENDS as error:
            raise _fault(error, path) from error
        try:
            return check(result, points)
        except ValueError as error:
            raise ScenarioError(str(path), place, str(error)) from None

    setattr(model, method, guarded)
    return model


def _place_of(evaluate: Callable[..., Any], path: Path) -> str:
    """Where in a file a function begins, if it is there."""
    code = getattr(inspect.unwrap(evaluate), "__code__", None)
    return f"line {code.co_firstlineno}" if code is not None and code.co_filename == str(path) else ""


def _stacked(results: list[Any], points: Tensor) -> Any:  # noqa: ANN401 - a score or a kernel
    if isinstance(results[0], Tensor):
        return torch.stack(results)
    variances = [torch.as_tensor(each.variance, dtype=points.dtype).view(-1, 1) for each in results]
    return Kernel(torch.stack([each.mean for each in results]), torch.stack(variances))


def _fault(error: BaseException, path: Path) -> ScenarioError:
    """What went wrong in a user's file, and in which of its lines."""
    if isinstance(error, ScenarioError):
        return error
    if isinstance(error, SyntaxError):
        line, reason = error.lineno, error.msg
    else:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line, reason = (lines[-1] if lines else None), f"{type(error).__name__}: {error}{_meant(error)}"
    return ScenarioError(str(path), f"line {line}" if line else "", " ".join(str(reason).split()))


def _meant(error: BaseException) -> str:
    """What was probably meant by a name that there is not; Python itself only guesses where nobody reads it."""
    unknown = re.search(r"About.*unexpected keyword argument '(\w+)'", str(error))
    if unknown is not None:
        return suggest(unknown[1], (field.name for field in fields(About)))
    names = dir(error.obj) if isinstance(error, AttributeError) else ()
    near = get_close_matches(getattr(error, "name", None) or "", names, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
