"""Escaping of text from files and users for each destination, so that it is never taken for markup.

One function per destination: terminal, figure, table cell, file name, sentence.
"""

from __future__ import annotations

import re
import unicodedata

_HARMLESS = {"\n", "\t"}
_SPOKEN_OF = 60
"""Longest quotation of a value in an error, in characters."""
_FILE_NAME = 80
"""Longest file name made from a title, in characters; with a suffix it stays below every system's limit."""
_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{name}{index}" for name in ("COM", "LPT") for index in range(1, 10))}
"""Device names that Windows reserves, with any suffix."""


def plain(text: str) -> str:
    """Return text with invisible characters replaced: controls, escapes, lone surrogates, direction marks.

    Line breaks and tabs stay; each of the others becomes U+FFFD.
    """
    if text.replace("\n", "").replace("\t", "").isprintable():  # nearly always, and many times as fast
        return str(text)
    return "".join(char if char in _HARMLESS or _is_visible(char) else "\ufffd" for char in text)


def _is_visible(char: str) -> bool:
    # Cc controls, Cf formats (among them reversals of direction), Cs lone surrogates, Zl and Zp other line breaks
    return char == "\u200d" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def one_line(text: str, most: int = 200) -> str:
    """Return text as :func:`plain` on one line, cut to ``most`` characters."""
    line = " ".join(plain(text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def quoted(value: object) -> str:
    """Return a value as an error quotes it: in Python's notation, on one line, cut where it is long."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**_SPOKEN_OF:
        return f"a whole number of about {int(value.bit_length() * 0.30103) + 1} digits"
    if isinstance(value, str):
        value = value[: 4 * _SPOKEN_OF]
    return one_line(repr(value), _SPOKEN_OF)


def terminal_text(text: str) -> str:
    """Return text for a terminal: without escape sequences, with line breaks kept."""
    return plain(text).replace("\t", " ")


def figure_text(text: str, most: int = 200) -> str:
    r"""Return text for matplotlib with dollar signs escaped, which would begin mathematics."""
    return one_line(text, most).replace("$", r"\$")


def cell_text(text: str) -> str:
    """Return text for a CSV cell that spreadsheets do not take for a formula."""
    line = one_line(text)
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line


def file_name(title: str, default: str = "scenario") -> str:
    """Return a file name valid on any system: no separators, no device name, not hidden."""
    name = re.sub(r"[^\w.+-]+", "-", one_line(title)).strip(".-_ ")[:_FILE_NAME].rstrip(".-_ ")
    return name if name and name.split(".")[0].upper() not in _RESERVED else default
