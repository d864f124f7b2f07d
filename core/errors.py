"""Errors of scenarios and files: one sentence that names the field and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NoReturn

from pydantic_core import ErrorDetails, PydanticCustomError

from core.text.user_text import one_line, quoted

_LONGEST_WORD, _LONGEST_REASON = 60, 2000

UNION_TAG = "covariance-"
"""Start of the tags by which pydantic names the forms of a covariance in paths; errors leave them out."""
FieldPath = tuple[int | str, ...]
"""Path of keys and indices into nested tables and lists."""


class ScenarioError(ValueError):
    """Error in a scenario or a file of the user: names source and field, and says what is allowed."""

    def __init__(self, source: str, field: str, reason: str) -> None:
        self.source, self.field, self.reason = one_line(source), one_line(field), one_line(reason, _LONGEST_REASON)
        super().__init__(": ".join(part for part in (self.source, self.field, self.reason) if part))


def refuse(field: str, reason: str) -> NoReturn:
    """Raise a validation error for a field; ``reason`` says what is allowed."""
    raise PydanticCustomError("scenario", "{reason}", {"field": field, "reason": reason})


_WORDS = {
    "missing": "is missing",
    "too_short": "must not be empty",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "dict_type": "must be a table",
    "tuple_type": "must be a list",
}
"""Replacements for pydantic messages that mention Python types."""


def suggest(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that lists the allowed words and suggests the nearest one."""
    allowed = list(known)
    word = word[:_LONGEST_WORD]  # matching takes quadratic time
    near = difflib.get_close_matches(word, allowed, n=3, cutoff=0.5)
    near.sort(key=lambda other: sorted(other) != sorted(word))  # letters in another order are the likeliest slip
    hint = f"; did you mean {quoted(near[0])}?" if near else ";"
    return f"{hint} allowed: {', '.join(allowed)}"


def explain(
    error: ErrorDetails,
    source: str,
    keys: Callable[[FieldPath], Iterable[str]],
    kinds: Mapping[str, Iterable[str]],
) -> ScenarioError:
    """Return a pydantic error as a :class:`ScenarioError`.

    Args:
        error: one of the errors of a validation.
        source: of the scenario, for the sentence.
        keys: returns the allowed keys of the table at a path.
        kinds: kinds of each table that has several; pydantic puts the kind into the path, after the table's name.
    """
    context = error.get("ctx", {})
    loc = tuple(part for part in error["loc"] if not str(part).startswith(UNION_TAG))
    if error["type"] == "scenario":
        return ScenarioError(source, context["field"], context["reason"])
    place = tuple(part for index, part in enumerate(loc) if not _is_kind(loc, index, kinds))
    if error["type"] == "extra_forbidden":
        key = str(place[-1])
        where = f" in the {loc[-3]} {loc[-2]!r}" if _is_kind(loc, len(loc) - 2, kinds) else ""
        reason = f"there is no key {quoted(key)}{where}{suggest(key, keys(loc[:-1]))}"
        return ScenarioError(source, ".".join(map(str, place[:-1])), reason)
    if error["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        table, kind = str(place[-1]), str(context.get("tag", ""))
        reason = f"there is no {table} {quoted(kind)}{suggest(kind, kinds[table])}"
        return ScenarioError(source, ".".join([*map(str, place), "kind"]), reason)
    return ScenarioError(source, _words_for(place), reason_for(error))


def _is_kind(loc: FieldPath, index: int, kinds: Mapping[str, Iterable[str]]) -> bool:
    """Return whether a part of a path is no key, but the kind of the table before it."""
    return 0 < index < len(loc) and loc[index] in tuple(kinds.get(str(loc[index - 1]), ()))


def reason_for(error: ErrorDetails) -> str:
    """Return what a pydantic error allows, and the value that was given."""
    given = error["input"]
    is_text = error["type"] in {"float_type", "float_parsing"} and isinstance(given, str)
    if is_text and re.fullmatch(r"[\d\s'.]*,[\d,]*", given):
        return f"must be a number with a decimal point (is {quoted(given)})"
    if error["type"] == "too_long":
        context = error["ctx"]
        return f"must have at most {context['max_length']} entries (has {context['actual_length']})"
    reason = _WORDS.get(error["type"]) or re.sub(r"^Input should", "must", error["msg"])
    if error["type"] != "missing" and not isinstance(error["input"], dict | list | tuple):
        reason += f" (is {quoted(error['input'])})"
    return reason


def _words_for(place: Sequence[int | str]) -> str:
    """Return a path in words: ``("prior", "means", 1, 0)`` as ``prior.means, component 2, entry 1``."""
    names = [part for part in place if isinstance(part, str)]
    numbers = [part + 1 for part in place if isinstance(part, int)]
    outer = "component" if names[:1] in (["prior"], ["target"]) else "row" if names[-1:] == ["matrix"] else "entry"
    words = [outer, *["entry"] * len(numbers)]
    return ", ".join(
        [one_line(".".join(names), 120), *(f"{word} {number}" for word, number in zip(words, numbers, strict=False))]
    )
