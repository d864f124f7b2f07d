"""Snapshots in finished GIF and WebP files, as XMP metadata, whose text both formats keep in one piece."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from core.snapshot.snapshot import Snapshot

_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:identifier="{text}"/>'
    "</rdf:RDF></x:xmpmeta>"
)
_GIF_TRAILER = b"\x3b"
_GIF_XMP = b"\x21\xff\x0bXMP DataXMP"
_GIF_END = bytes([1, *range(255, -1, -1), 0])
"""Block lengths that end the packet, at whichever of its bytes a reader of blocks arrives."""
_WEBP_XMP = 0b100
"""Flag of a WebP file with XMP metadata."""


def stamp_gif(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot into a GIF file, before its trailer.

    Source: XMP Specification, Part 3: Storage in Files, section 1.1.2.

    Raises:
        ValueError: it is no whole GIF file.
        OSError: it cannot be written.
    """
    with path.open("r+b") as file:
        is_gif = file.read(4) == b"GIF8"
        file.seek(-1, os.SEEK_END)
        if not is_gif or file.read(1) != _GIF_TRAILER:
            raise ValueError("not a whole GIF file")
        file.seek(-1, os.SEEK_END)
        file.write(_GIF_XMP + _packet(snapshot) + _GIF_END + _GIF_TRAILER)


def stamp_webp(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot into an animated WebP file, as its last chunk.

    Source: WebP Container Specification (RFC 9649), sections 2.7.1 and 2.7.1.5.

    Raises:
        ValueError: it is no WebP file of the extended format, which animations have.
        OSError: it cannot be written.
    """
    with path.open("r+b") as file:
        head = file.read(21)
        if head[:4] != b"RIFF" or head[8:16] != b"WEBPVP8X":
            raise ValueError("not a WebP file of the extended format")
        packet = _packet(snapshot)
        file.seek(0, os.SEEK_END)
        file.write(b"XMP " + struct.pack("<I", len(packet)) + packet + b"\0" * (len(packet) % 2))
        size = file.tell()
        file.seek(4)
        file.write(struct.pack("<I", size - 8))
        file.seek(20)
        file.write(bytes([head[20] | _WEBP_XMP]))


def _packet(snapshot: Snapshot) -> bytes:
    return _XMP.format(text=snapshot.to_text()).encode()
