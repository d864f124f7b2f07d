"""Encoders of films: pictures go to ffmpeg through a pipe, or become numbered PNG files, on a thread of their own."""

from __future__ import annotations

import io
import os
import queue
import re
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import final

import imageio_ffmpeg
from PIL import Image

from core.errors import ScenarioError
from core.snapshot.animations import stamp_gif, stamp_webp
from core.snapshot.carrier import stamped_png
from core.snapshot.snapshot import Snapshot
from core.system.files import why

_AHEAD = 4
"""Pictures that wait for the encoder at most."""
_THREADS = 4
"""Threads of the video encoder, on every computer, since its output depends on their number."""
_QUIET = ("-hide_banner", "-loglevel", "error", "-nostdin", "-y")
_PACKED = "bgra"
"""Order of the bytes of a QImage of the format RGB32."""
_PNG_LEVEL = 4
"""Compression of PNG files: larger is slower, and hardly smaller."""
_PALETTE_FRAMES, _PALETTE_BYTES = 24, 100 << 20
"""Pictures from which the palette of a GIF is made, and their size together: at most."""
_PATIENCE_SECONDS = 5.0

Size = tuple[int, int]


class EncodingError(RuntimeError):
    """The encoder has failed; the message is its own."""


class _Feed:
    """Thread that hands pictures on, so that rendering does not wait for encoding."""

    def __init__(self, take: Callable[[bytes, Snapshot], object]) -> None:
        self._take = take
        self._queue: queue.Queue[tuple[bytes, Snapshot] | None] = queue.Queue(_AHEAD)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="mismatch-lab-encoder", daemon=True)
        self._thread.start()

    def put(self, pixels: bytes, snapshot: Snapshot) -> None:
        """Add a picture; wait while too many are on their way.

        Raises:
            OSError: an earlier picture could not be written.
        """
        self._queue.put((pixels, snapshot))
        if self._error is not None:
            raise self._error

    def close(self, *, is_wanted: bool) -> None:
        """Wait for the pictures that are on their way, or drop them."""
        while not is_wanted and not self._queue.empty():
            with suppress(queue.Empty):
                self._queue.get_nowait()
        self._queue.put(None)
        self._thread.join(None if is_wanted else _PATIENCE_SECONDS)
        if is_wanted and self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._error is None:
                try:
                    self._take(*item)
                except Exception as error:  # told at the next picture
                    self._error = error


@final
class VideoEncoder:
    """Encoder of one file by ffmpeg.

    Args:
        path: of the file, in a folder of its own, where further files are written.
        size: width and height of the pictures, even.
        fps: pictures a second.
        kind: ``mp4``, ``webp`` or ``gif``.
        snapshot: what the file carries.
        loops: true if a WebP or GIF starts again at its end.
        samples: some of the pictures, from which the palette of a GIF is made.
    """

    def __init__(
        self,
        path: Path,
        size: Size,
        fps: float,
        kind: str,
        snapshot: Snapshot,
        *,
        loops: bool,
        samples: Sequence[bytes] = (),
    ) -> None:
        self._path, self._kind, self._snapshot = path, kind, snapshot
        repeats = "0" if loops else ("1" if kind == "webp" else "-1")
        raw = ["-f", "rawvideo", "-pix_fmt", _PACKED, "-s", "{}x{}".format(*size), "-r", f"{fps:g}", "-i", "-"]
        if kind == "mp4":
            options = self._mp4()
        else:
            options = _webp(repeats) if kind == "webp" else self._gif(raw, repeats, samples)
        self._process = _ffmpeg([*raw, *options, str(path)])
        self._feed = _Feed(lambda pixels, _: self._write(pixels))

    def _mp4(self) -> list[str]:
        """Return the options of H.264 that every player shows; the snapshot is the comment."""
        metadata = self._beside("metadata", f";FFMETADATA1\ncomment={self._snapshot.to_text()}\n".encode())
        video = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-threads", str(_THREADS)]
        colours = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p"]
        colours += ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
        exact = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "1", "-map", "0:v"]
        return ["-f", "ffmetadata", "-i", str(metadata), *video, *colours, *exact, "-movflags", "+faststart",
                "-f", "mp4"]  # fmt: skip

    def _gif(self, raw: Sequence[str], repeats: str, samples: Sequence[bytes]) -> list[str]:
        """Make the palette, and return the options."""
        palette = self._beside("palette", b"")
        filters = "palettegen=max_colors=255:reserve_transparent=0:stats_mode=full"
        maker = _ffmpeg([*raw, "-vf", filters, "-frames:v", "1", "-c:v", "png", "-f", "image2pipe", str(palette)])
        try:
            _finish(maker, b"".join(samples))
        except BaseException:
            _kill(maker)
            raise
        use = "[0:v][1:v]paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle"
        return ["-f", "png_pipe", "-i", str(palette), "-lavfi", use, "-fflags", "+bitexact", "-loop", repeats,
                "-f", "gif"]  # fmt: skip

    def _beside(self, name: str, content: bytes) -> Path:
        """Write a file that ffmpeg reads, beside the film's."""
        path = self._path.with_name(name)
        path.write_bytes(content)
        return path

    def add(self, pixels: bytes, snapshot: Snapshot) -> None:
        """Add a picture, as bytes blue, green, red, unused.

        Raises:
            EncodingError: ffmpeg has failed.
            OSError: it cannot be written to.
        """
        try:
            self._feed.put(pixels, snapshot)
        except (BrokenPipeError, ValueError):
            raise EncodingError(_message(self._process)) from None

    def _write(self, pixels: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(pixels)

    def finish(self) -> None:
        """Complete the file.

        Raises:
            EncodingError: ffmpeg has failed.
            OSError: the file cannot be written.
        """
        try:
            self._feed.close(is_wanted=True)
            _finish(self._process)
        except BrokenPipeError:
            raise EncodingError(_message(self._process)) from None
        if self._kind == "gif":
            stamp_gif(self._path, self._snapshot)
        elif self._kind == "webp":
            stamp_webp(self._path, self._snapshot)

    def abandon(self) -> None:
        """End ffmpeg; what it has written is left to the caller."""
        _kill(self._process)
        self._feed.close(is_wanted=False)


def _webp(repeats: str) -> list[str]:
    lossy = ["-c:v", "libwebp_anim", "-lossless", "0", "-compression_level", "2", "-quality", "82"]
    return [*lossy, "-pix_fmt", "yuv420p", "-fflags", "+bitexact", "-loop", repeats, "-f", "webp"]


@final
class PictureEncoder:
    """Encoder of numbered PNG files, each of which carries what it shows.

    Args:
        folder: existing folder.
        size: width and height of the pictures.
        count: number of the pictures.
    """

    def __init__(self, folder: Path, size: Size, count: int) -> None:
        self._folder, self._size, self._digits = folder, size, max(len(str(count)), 4)
        self._number = 0
        self._last: tuple[bytes, Snapshot, bytes] | None = None
        self._feed = _Feed(self._write)

    def add(self, pixels: bytes, snapshot: Snapshot) -> None:
        """Add a picture, as bytes blue, green, red, unused.

        Raises:
            OSError: an earlier one cannot be written.
        """
        self._feed.put(pixels, snapshot)

    def _write(self, pixels: bytes, snapshot: Snapshot) -> None:
        last = self._last
        if last is None or last[0] is not pixels or last[1] != snapshot:
            packed = io.BytesIO()
            Image.frombuffer("RGB", self._size, pixels, "raw", "BGRX", 0, 1).save(
                packed, "PNG", compress_level=_PNG_LEVEL
            )
            last = self._last = pixels, snapshot, stamped_png(packed.getvalue(), snapshot)
        self._number += 1
        (self._folder / f"{self._number:0{self._digits}}.png").write_bytes(last[2])

    def finish(self) -> None:
        """Complete the files.

        Raises:
            OSError: one cannot be written.
        """
        self._feed.close(is_wanted=True)

    def abandon(self) -> None:
        """Write no more files."""
        self._feed.close(is_wanted=False)


def sample_places(count: int, size: Size) -> list[int]:
    """Return the pictures, of so many, from which the palette of a GIF is made."""
    few = min(count, _PALETTE_FRAMES, max(_PALETTE_BYTES // (4 * size[0] * size[1]), 1))
    return sorted({round(place * (count - 1) / max(few - 1, 1)) for place in range(few)})


def _ffmpeg(options: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start ffmpeg; Ctrl-C does not reach it."""
    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
        return subprocess.Popen(
            [program, *_QUIET, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0 if os.name == "posix" else None,
        )
    except (RuntimeError, OSError) as error:
        reason = why(error) if isinstance(error, OSError) else str(error)
        raise ScenarioError("", "", f"the video encoder ffmpeg cannot be started ({reason})") from None


def _finish(process: subprocess.Popen[bytes], content: bytes | None = None) -> None:
    """Send the rest, and wait until ffmpeg is done."""
    _, words = process.communicate(content)
    if process.returncode:
        raise EncodingError(_last_line(words) or f"it ended with status {process.returncode}")


def _message(process: subprocess.Popen[bytes]) -> str:
    """Return why ffmpeg has ended."""
    assert process.stderr is not None
    process.wait(_PATIENCE_SECONDS)
    return _last_line(process.stderr.read()) or f"it ended with status {process.returncode}"


def _last_line(words: bytes) -> str:
    """Return the last line of what ffmpeg says, without the part of it that speaks, such as ``[out#0/mp4 @ 0x5]``."""
    lines = words.decode(errors="replace").strip().splitlines()
    return re.sub(r"^(\[[^\]]* @ 0x[0-9a-f]+\] *)+", "", lines[-1]) if lines else ""


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stderr):
        if pipe is not None:
            with suppress(OSError, ValueError):
                pipe.close()
