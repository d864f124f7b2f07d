"""Encoding of a text file, detected by its byte order mark or by trial decoding."""

from __future__ import annotations

import codecs

from core.errors import ScenarioError

_MARKS = {
    codecs.BOM_UTF8: ("utf-8-sig", "UTF-8"),
    codecs.BOM_UTF32_LE: ("utf-32", "UTF-32"),  # before UTF-16, whose mark is its beginning
    codecs.BOM_UTF32_BE: ("utf-32", "UTF-32"),
    codecs.BOM_UTF16_LE: ("utf-16", "UTF-16"),
    codecs.BOM_UTF16_BE: ("utf-16", "UTF-16"),
}
_BINARY = bytes({*range(32)} - {*b"\t\n\r\f\v\x1a\x1b\x1c\x1d\x1e\x1f"})
"""Bytes that do not occur in single-byte text."""
_LOOKED_AT = 1 << 16
_OFTEN = 0.4


def encoding_of(content: bytes, source: str) -> tuple[str, str]:
    """Return the codec of a text file's content and the encoding's display name.

    Raises:
        ScenarioError: it is no text.
    """
    if content.startswith(b"PK\x03\x04"):
        raise ScenarioError(source, "", "is an archive or a spreadsheet; save it as CSV")
    for codec, name in _candidates(content):
        try:
            text = content.decode(codec)
        except (UnicodeDecodeError, UnicodeError):
            continue
        if "\0" not in text:
            return codec, name
    raise ScenarioError(source, "", "is not a text file in UTF-8, UTF-16 or Windows-1252")


def _candidates(content: bytes) -> list[tuple[str, str]]:
    for mark, known in _MARKS.items():
        if content.startswith(mark):
            return [known]
    beginning = content[:_LOOKED_AT]
    half = max(len(beginning) // 2, 1)
    if beginning[1::2].count(0) > _OFTEN * half:
        return [("utf-16-le", "UTF-16")]
    if beginning[::2].count(0) > _OFTEN * half:
        return [("utf-16-be", "UTF-16")]
    is_text = len(beginning.translate(None, _BINARY)) == len(beginning)
    return [("utf-8", "UTF-8"), *([("cp1252", "Windows-1252"), ("latin-1", "Latin-1")] if is_text else [])]
