"""Search of the gallery: entries that match all typed words, ranked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.scenario.builtin import GalleryEntry

_NOT_FOUND, _BEGINS_TEXT, _SHORT_BEGINS_TITLE, _IN_TEXT, _BEGINS_TITLE, _IN_TITLE = range(6)
"""Ranks of a match: not found, prefix or whole word, in the texts or in the title."""
_SHORT = 3
"""Length up to which a prefix ranks low: "no" is rarely meant for "noise"."""


def matching(entries: Sequence[GalleryEntry], typed: str) -> list[GalleryEntry]:
    """Return the entries in which every typed word is a word or a prefix, the best first; all if nothing is typed.

    Entries are ranked by their worst match, then the next; among equals those come first whose title contains the
    typed text, and the earlier in it the better.
    """
    words = _words(typed)
    ranked = [(_rank(entry, words), entry) for entry in entries]
    found = [(rank, entry) for rank, entry in ranked if _NOT_FOUND not in rank[0]]
    return [entry for _, entry in sorted(found, key=lambda pair: pair[0], reverse=True)]


def _rank(entry: GalleryEntry, words: Sequence[str]) -> tuple[list[int], int]:
    """Return the sort key of an entry: ranks of the words, worst first, and position of the text in its title."""
    name = _words(entry.name)
    title, texts = {*name, *_words(entry.key)}, {*_words(entry.group), *_words(entry.sentence)}
    place = next((at for at in range(len(name)) if name[at : at + len(words)] == list(words)), len(name))
    return sorted(_quality(word, title, texts) for word in words), -place if place < len(name) else -1000


def _quality(word: str, title: set[str], texts: set[str]) -> int:
    begins_title = any(each.startswith(word) for each in title)
    if word in title:
        return _IN_TITLE
    if begins_title and len(word) > _SHORT:
        return _BEGINS_TITLE
    if word in texts:
        return _IN_TEXT
    if begins_title:
        return _SHORT_BEGINS_TITLE
    return _BEGINS_TEXT if any(each.startswith(word) for each in texts) else _NOT_FOUND


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
