"""Detection and undoing of changes that user code makes to the product's modules, torch and NumPy.

User code shares the process: where it replaces a function that others call, their numbers
change, too.
"""

from __future__ import annotations

import builtins
import inspect
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from operator import is_
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final, NamedTuple, TypeAlias, final

import numpy as np
import torch

Owner: TypeAlias = ModuleType | type

_LIBRARIES: Final[tuple[Owner, ...]] = (
    builtins, math, torch, torch.linalg, torch.nn.functional, torch.Tensor, torch.Generator, np, np.linalg,
)  # fmt: skip
_MACHINERY = (
    "__pydantic",
    "_abc_",
    "__abstractmethods__",
    "__slotnames__",
    "__warningregistry__",
    "__annotations__",
    "__builtins__",
)
"""Names that Python and pydantic set themselves."""
_REGISTERS = {"SAMPLERS", "_loaded"}
"""Registries that loading a sampler changes, which the loader restores itself."""


class _Name(NamedTuple):
    """Recorded value of a name in a module or class."""

    value: Any
    inside: tuple[Any, ...]
    """Parts that may be changed in place: code and defaults of a function, entries of a dictionary or list."""
    copy: Any
    """Copy of a dictionary or list."""


_Names: TypeAlias = dict[str, _Name]


@final
class _Latest:
    """Names of the latest snapshot, whose entries the next one takes over where nothing has changed.

    An attribute, since a dictionary of a module would be taken for the product's.
    """

    def __init__(self) -> None:
        self.names: dict[Owner, _Names] = {}


_LATEST: Final = _Latest()


@final
class ProductCode:
    """Snapshot of the values of names in the product's modules and classes."""

    def __init__(self) -> None:
        earlier = _LATEST.names
        self._names = {owner: _names(owner, earlier.get(owner, {})) for owner in _owners()}
        _LATEST.names = self._names

    def put_back(self) -> str | None:
        """Undo every change since the snapshot; return the name that was changed first, or None."""
        first = None
        for owner, names in self._names.items():
            space = vars(owner)
            changed = [name for name, was in names.items() if name not in space or not _is_same(space[name], was)]
            added = [name for name in _added(owner, space) if name not in names]
            for name in changed:
                _restore(owner, name, names[name])
            for name in added:
                type.__delattr__(owner, name)
            if first is None and (changed or added):
                first = f"{getattr(owner, '__module__', '')}.{owner.__name__}.{[*changed, *added][0]}".lstrip(".")
        return first


def _owners() -> Iterator[Owner]:
    yield from _LIBRARIES
    for name, module in list(sys.modules.items()):
        if _is_own(name):
            yield module
            yield from (each for each in vars(module).values() if isinstance(each, type) and each.__module__ == name)


def _names(owner: Owner, earlier: _Names) -> _Names:
    """Return all names of a class or of a product module; of other modules the public functions."""
    whole = isinstance(owner, type) or _is_own(owner.__name__)
    found: _Names = {}
    for name, value in list(vars(owner).items()):
        was = earlier.get(name)
        if was is not None and value is was.value and _has_same_parts(value, was):
            found[name] = was
        elif (
            not name.startswith(_MACHINERY)
            and name not in _REGISTERS
            and not isinstance(value, ModuleType)
            and (whole or (callable(value) and not name.startswith("_")))
        ):
            found[name] = _Name(value, *_inside(value))
    return found


def _is_own(module: str) -> bool:
    return module == "core" or module.startswith("core.")


def _added(owner: Owner, space: Mapping[str, object]) -> list[str]:
    """Return names added to a class; modules may gain names by lazy imports."""
    return [] if isinstance(owner, ModuleType) else [name for name in space if not name.startswith(_MACHINERY)]


def _inside(value: object) -> tuple[tuple[Any, ...], Any]:
    if (function := _function(value)) is not None:
        return (function.__code__, function.__defaults__, function.__kwdefaults__), None
    if isinstance(value, dict):
        return tuple(part for item in value.items() for part in item), dict(value)
    if isinstance(value, list):
        return tuple(value), list(value)
    return (), None


def _function(value: object) -> FunctionType | None:
    """Return the function behind a method, a property and the like."""
    if isinstance(value, property):
        value = value.fget
    elif isinstance(value, cached_property):
        value = value.func
    elif isinstance(value, staticmethod | classmethod):
        value = value.__func__
    return value if isinstance(value, FunctionType) else None


def _is_same(value: object, was: _Name) -> bool:
    return _has_same_parts(value, was) if value is was.value else _is_wrapped_by_torch(value, was.value)


def _has_same_parts(value: object, was: _Name) -> bool:
    """Return whether a recorded object has not been changed in place."""
    if was.copy is None and not was.inside:
        return True
    if type(value) is FunctionType:  # by far the most
        code, defaults, keywords = was.inside
        return value.__code__ is code and value.__defaults__ is defaults and value.__kwdefaults__ is keywords
    now = _inside(value)[0]
    return len(now) == len(was.inside) and all(map(is_, now, was.inside))


def _is_wrapped_by_torch(value: object, was: object) -> bool:
    """Return whether torch has wrapped a function of its own, as it does when its compiler is loaded."""
    if not isinstance(value, FunctionType) or not isinstance(was, FunctionType):
        return False
    is_torchs = Path(value.__code__.co_filename).is_relative_to(Path(torch.__file__).parent)
    return is_torchs and inspect.unwrap(value) is inspect.unwrap(was)


def _restore(owner: Owner, name: str, was: _Name) -> None:
    function = _function(was.value)
    if function is not None:
        function.__code__, function.__defaults__, function.__kwdefaults__ = was.inside
    if isinstance(was.value, dict):
        was.value.clear()
        was.value.update(was.copy)
    if isinstance(was.value, list):
        was.value[:] = was.copy
    put: Callable[[Any, str, Any], None] = type.__setattr__ if isinstance(owner, type) else setattr
    with suppress(AttributeError, TypeError):  # what cannot be set has not been changed
        put(owner, name, was.value)
