"""Structure-aware mutations of scenario files: edge values of every field, and damage to the text."""

from __future__ import annotations

import copy
import json
import random
import tomllib
from collections.abc import Iterator
from typing import Any

from tests.nasty import NASTY

NUMBERS = (
    *(0, 1, -1, 2, 3, 0.0, -0.0, 0.5, 1e-3, 1e-6, 1e-9, 1e-12, 1e-18, 1e-30, 1e-150, 1e-300, 5e-324),
    *(1e3, 1e6, -1e6, 1e6 + 1, 1e12, 1e150, 1e300, 1.7e308, float("inf"), float("nan"), 10**12, 10**18, -(2**63)),
)
OTHERS = (True, False, "", "ddnm", "ddim:prior", "heun", "cosine", "linear", "etc", "posterior", [], [[]], [[[]]], {})
KEYS = ("steps", "seed", "noise", "weights", "kind", "zeta", "value", "unknown", "paths", "kl_rounds", "delta", "c")


def texts(originals: list[str], seed: int) -> Iterator[str]:
    """Yield mutated texts without end, reproducible by the seed."""
    chance = random.Random(seed)
    parsed = [tomllib.loads(text) for text in originals]
    for data in parsed:
        if "data" in data:  # hundreds of points would take all the time
            data["data"]["points"] = data["data"]["points"][:3]
    while True:
        data = copy.deepcopy(chance.choice(parsed))
        for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5))):
            _mutate(data, chance)
        text = _toml(data)
        yield _damaged(text, chance) if chance.random() < 0.15 else text


def _toml(data: dict[str, Any]) -> str:
    """Write a scenario's tables as TOML, ten times as fast as a writer that keeps comments."""
    plain = [f"{json.dumps(key)} = {_value(value)}" for key, value in data.items() if not isinstance(value, dict)]
    for name, table in data.items():
        if isinstance(table, dict):
            plain += [
                f"[{json.dumps(name)}]",
                *(f"{json.dumps(key)} = {_value(value)}" for key, value in table.items()),
            ]
    return "\n".join(plain) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value) if isinstance(value, float) else json.dumps(value)


def _places(data: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Return every pair of a container and a key or index in it."""
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in entries:
        found.append((data, key))
        _places(value, found)
    return found


def _mutate(data: dict[str, Any], chance: random.Random) -> None:
    places = _places(data, [])
    if not places:
        return
    container, key = chance.choice(places)
    value = container[key]
    if isinstance(value, int | float) and not isinstance(value, bool) and chance.random() < 0.5:
        container[key] = value * chance.choice((-1, 10.0, 1e-3, 1e3, 1e-8, 1e-12, 1e5, 2)) + chance.choice((0, 0, 1))
        return
    match chance.randrange(10):
        case 0:
            del container[key]
        case 1 if isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        case 2:
            container[key] = chance.choice(OTHERS)
        case 3 if isinstance(container, dict):
            container[chance.choice(KEYS)] = chance.choice(NUMBERS)
        case 4:
            container[key] = chance.choice(NASTY)
        case 5 | 6:
            other, where = chance.choice(places)
            if not isinstance(other[where], dict | list):
                container[key] = other[where]
        case _:
            container[key] = chance.choice(NUMBERS)


def _damaged(text: str, chance: random.Random) -> str:
    """Return the text with characters removed, doubled or inserted."""
    at, length = chance.randrange(len(text) + 1), chance.choice((1, 2, 5, 50))
    match chance.randrange(4):
        case 0:
            return text[:at] + text[at + length :]
        case 1:
            return text[:at] + text[at : at + length] * 2 + text[at + length :]
        case 2:
            return text[:at]
        case _:
            return text[:at] + chance.choice((*NASTY[:12], '"', "[", "]", "=", "\0", "\ufeff", "9" * 30)) + text[at:]
