"""Loader of user-defined samplers: registers the function or class of a Python file as a sampler.

A function of ``(level, x)`` returns the score g_t at points x, (d, N); whatever it is called, its key is the file's
name without ``.py``. A class derives from :class:`~core.samplers.ScoreSampler` or :class:`~core.samplers.Sampler`, and
brings its key in its ``kind``, an :class:`~core.samplers.About`. Loading a file runs its code: ask the user first.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import re
import sys
import tokenize
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import update_wrapper
from pathlib import Path
from types import FunctionType, ModuleType
from typing import final

from torch import Tensor

from core.errors import ScenarioError
from core.plugins.calls import fault, guard, is_of_the_user
from core.plugins.guard import check_flags, check_parameters, check_words
from core.plugins.settings import settings_kept, surroundings_kept
from core.plugins.tampering import ProductCode
from core.problem.problem import Level
from core.samplers import SAMPLERS, About, Sampler, ScoreSampler
from core.system.files import read_bytes

_COLOURS = ("#4C9F70", "#B07AA1", "#9C755F", "#76B7B2", "#D4A6C8", "#86BCB6")
"""Default colour of function samplers."""
_loaded: dict[str, tuple[Path, bytes]] = {}
"""By key: file and content that were loaded, so that the file may be loaded again after an edit."""


def read_plugin(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        ScenarioError: it cannot be read.
    """
    return read_bytes(path)


def fingerprint(content: bytes) -> str:
    """Return a hash of a file's content."""
    return hashlib.sha256(content).hexdigest()


def source_text(content: bytes) -> str:
    """Return a file's source code, decoded as Python does it, including an encoding declaration."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    except (SyntaxError, UnicodeError):  # Python will report the error when it compiles it
        return content.decode("utf-8", errors="replace")


def loaded_files() -> list[Path]:
    """Return the files whose samplers are registered, in order of loading."""
    return [path for path, _ in loaded_contents()]


def loaded_contents() -> list[tuple[Path, bytes]]:
    """Return the loaded files with their contents, for :func:`load_exactly` in another process."""
    return list(_loaded.values())


def loaded_by_key() -> dict[str, tuple[Path, bytes]]:
    """Return file and content by the key of the sampler that each defines, in order of loading."""
    return dict(_loaded)


def load_exactly(contents: Sequence[tuple[Path, bytes]]) -> None:
    """Register the samplers of these files and of no others; the argument comes from :func:`loaded_contents`.

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

    Loading a file again replaces the sampler that it defined before.

    Args:
        path: the file.
        content: code to run; None: the file's present content.

    Raises:
        ScenarioError: the file cannot be read, fails, defines no sampler or several, or takes a key that is taken.
    """
    path = path.absolute()
    content = read_plugin(path) if content is None else content
    with _own_run(path):
        model = guard(_model(_run(path, content), path), path)
        check_words(getattr(model, "kind", None))
        check_flags(model)
        sampler = model()
        check_parameters(sampler)
        key = sampler.about.key
    if key in SAMPLERS and (key not in _loaded or _loaded[key][0] != path):
        raise ScenarioError(
            str(path), "", f"a sampler with the key {key!r} is already loaded; choose another key or file name"
        )
    SAMPLERS[key] = sampler
    _loaded[key] = path, content
    return key


@contextmanager
def _own_run(path: Path) -> Iterator[None]:
    """Run a file's code in this context: errors get file and line, and changes of global state are undone.

    Raises:
        ScenarioError: the code fails, or changes the product's own code.
    """
    registered, code = dict(SAMPLERS), ProductCode()
    try:
        with surroundings_kept(), settings_kept():
            yield
    except BaseException as error:
        if is_of_the_user(error):
            raise
        raise fault(error, path) from error
    finally:
        changed = code.put_back()
        if list(SAMPLERS.items()) != list(registered.items()):  # the code may have changed the registry
            SAMPLERS.clear()
            SAMPLERS.update(registered)
    if changed:
        raise ScenarioError(str(path), "", f"must not change the product's own code ({changed}); the change was undone")


def _run(path: Path, content: bytes) -> ModuleType:
    module = ModuleType(f"plugin_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # pydantic looks up annotations there
    exec(compile(content, str(path), "exec"), module.__dict__)
    return module


def _model(module: ModuleType, path: Path) -> type[Sampler]:
    """Return the sampler class of a file: its class, or one made from its function."""
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
    """Return a sampler class for a function, with the file's name as key and its docstring's first line as summary."""
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
        """Sampler whose score is the user's function."""

        kind = own
        needs_measurement = False
        has_limit = False

        def score(self, level: Level, points: Tensor) -> Tensor:
            """Return the function's result."""
            return function(level, points)

    update_wrapper(FunctionSampler.score, function)  # errors are reported with its line
    return FunctionSampler
