"""User text within Python code, as data."""

from __future__ import annotations

from core.text.user_text import one_line

PROGRAM = "mismatch-lab"
"""Name of the program on a command line."""


def docstring_line(name: str) -> str:
    """Return a name as it may stand within a docstring."""
    return one_line(name).replace("\\", "/").replace('"', "'")


def python_literal(text: str) -> str:
    """Return a text as a Python literal, over several lines where that is safe."""
    if "\\" in text or "'''" in text or text.endswith("'") or not text.replace("\n", "").isprintable():
        return repr(text)
    return f"'''\\\n{text}'''"
