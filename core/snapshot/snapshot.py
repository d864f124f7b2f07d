"""Snapshot: the content of a scenario, study, spectrum or storyboard file and a view of it, as one line of text."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from dataclasses import dataclass, field
from typing import Literal, Self, cast, final, get_args

from core.errors import ScenarioError, suggest
from core.snapshot.view import View

Kind = Literal["scenario", "study", "spectrum", "storyboard"]

MARK = "mismatch-lab:1:"
"""Start of a snapshot's text; the number is that of the form."""
LARGEST = 8 << 20
"""Largest size in bytes of a snapshot's text, and of its content after decompression."""
_FORM = re.compile(rf"{MARK}([0-9A-Za-z_-]+)")
_ANY_FORM = re.compile(r"mismatch-lab:(\d+):")


@final
@dataclass(frozen=True)
class Snapshot:
    """What a screen shows: a file's content as TOML text, and the view of it."""

    kind: Kind
    toml: str
    """Content of the file; whoever opens it validates it."""
    view: View = field(default_factory=View)

    def to_text(self) -> str:
        """Return one line of ASCII letters, digits, ``:``, ``-`` and ``_``."""
        data = {"kind": self.kind, "toml": self.toml, "view": self.view.to_dict()}
        packed = zlib.compress(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(), 9)
        return MARK + base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def from_text(cls, text: str, source: str = "") -> Self:
        """Read the first snapshot within a text, such as a line from a chat.

        White space inside of it, where a program has broken the line, is left out.

        Raises:
            ScenarioError: there is none, or it is not whole or not valid.
        """
        if len(text) > 2 * LARGEST:
            raise ScenarioError(source, "", f"a snapshot must have at most {LARGEST >> 20} MiB")
        found = _FORM.search(re.sub(r"\s+", "", text[text.find("mismatch-lab:") :]) if "mismatch-lab:" in text else "")
        if found is None:
            raise ScenarioError(source, "", _why_none(text))
        return cls._from_data(_unpacked(found[1], source), source)

    @classmethod
    def _from_data(cls, data: object, source: str) -> Self:
        if not isinstance(data, dict) or not isinstance(data.get("toml"), str) or not isinstance(data.get("kind"), str):
            raise ScenarioError(source, "", "is not a snapshot of this program")
        kinds = get_args(Kind)
        if data["kind"] not in kinds:
            raise ScenarioError(
                source, "", f"there is no kind of snapshot {data['kind']!r}{suggest(data['kind'], kinds)}"
            )
        return cls(cast("Kind", data["kind"]), data["toml"], View.from_dict(data.get("view", {}), source))


def _why_none(text: str) -> str:
    other = _ANY_FORM.search(text)
    if other is not None and not text[other.start() :].startswith(MARK):
        return "holds a snapshot in a form of a later version of this program"
    return "holds no snapshot of this program" if other is None else "holds a snapshot that is not whole"


def _unpacked(packed: str, source: str) -> object:
    """Return the data of a snapshot; nothing larger than :data:`LARGEST` is decompressed."""
    broken = ScenarioError(source, "", "holds a snapshot that is not whole")
    if len(packed) > LARGEST:
        raise ScenarioError(source, "", f"a snapshot must have at most {LARGEST >> 20} MiB")
    try:
        # Letters that follow in a chat are after the end of the compressed stream, and are ignored.
        whole = packed[:-1] if len(packed) % 4 == 1 else packed
        raw = base64.urlsafe_b64decode(whole + "=" * (-len(whole) % 4))
        stream = zlib.decompressobj()
        content = stream.decompress(raw, LARGEST)
    except (binascii.Error, zlib.error, ValueError):
        raise broken from None
    if stream.unconsumed_tail:
        raise ScenarioError(source, "", f"a snapshot must have at most {LARGEST >> 20} MiB after decompression")
    if not stream.eof:
        raise broken
    try:
        data: object = json.loads(content)
    except (ValueError, RecursionError):
        raise broken from None
    return data


def is_snapshot(text: str) -> bool:
    """Return True if a text begins with a snapshot, whole or not."""
    return text.lstrip().startswith("mismatch-lab:")
