"""Fuzzing of files of points, CSV and NPY: ``python -m tests.fuzz.points [COUNT] [SEED]``, or ``make fuzz``."""

from __future__ import annotations

import io
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from core.data import read_table
from core.errors import ScenarioError
from tests.fuzz.scenarios import SEED
from tests.nasty import NASTY

_CELLS = (
    "1",
    "-2.5",
    "1e3",
    "1,5",
    "1.000",
    "1,000.5",
    "nan",
    "inf",
    "",
    " ",
    "NA",
    "1e999",
    "0x10",
    '"2,5"',
    "12%",
    "½",
)
_NAMES = ("x", "petal length", "", "0", "1", '"two\nlines"', "a;b", *NASTY[:10])
_TYPES = ("f8", "f4", "i4", "u1", "c16", "U5", "?", "O", "f2", "M8[s]")


def csv_bytes(chance: random.Random) -> bytes:
    """Return a CSV table in a random dialect, with occasional faults."""
    mark, end = chance.choice(",;\t |"), chance.choice(("\n", "\r\n", "\r"))
    columns = chance.randrange(1, 6)
    lines = [f"sep={mark}"] if chance.random() < 0.1 else []
    if chance.random() < 0.6:
        lines.append(mark.join(chance.choice(_NAMES) for _ in range(columns)))
    for row in range(chance.randrange(30)):
        cells = [f"{chance.gauss(0, 10):.4g}" for _ in range(columns)]
        if chance.random() < 0.15:
            cells[chance.randrange(columns)] = chance.choice(_CELLS)
        if chance.random() < 0.03:
            cells.append("7")
        lines.append(mark.join([str(row), *cells[1:]] if chance.random() < 0.1 else cells))
    return end.join(lines).encode(chance.choice(("utf-8", "utf-8-sig", "utf-16", "latin-1")), errors="replace")


def npy_bytes(chance: random.Random) -> bytes:
    """Return an NPY file, sometimes with a false header."""
    shape = chance.choice(((7, 2), (12,), (0, 2), (), (2, 2, 2), (40, 3)))
    array = np.zeros(shape, dtype=chance.choice(_TYPES)) if chance.random() < 0.5 else np.ones(shape) * chance.random()
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    content = file.getvalue()
    if chance.random() < 0.4:
        new = chance.choice((b"(99999999999, 99)", b"(-1, 2)", b"'x'", b"(1e9,)", b"((((", b"(" + b"9" * 400 + b",)"))
        content = content.replace(str(array.shape).encode(), new)
    return content


def files(seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents without end, reproducible by the seed."""
    chance = random.Random(seed)
    while True:
        is_csv = chance.random() < 0.7
        content = csv_bytes(chance) if is_csv else npy_bytes(chance)
        if content and chance.random() < 0.3:
            at = chance.randrange(len(content))
            insert = chance.choice((b"", b"\0", b'"', b"\xff", bytes([chance.randrange(256)]) * 5))
            content = content[:at] + insert + content[at + chance.randrange(4) :]
        yield ("a.csv" if is_csv else "a.npy"), content


def fuzz(count: int, seed: int = SEED) -> dict[str, int]:
    """Read some files; an error must be a ScenarioError of one line.

    Raises:
        AssertionError: a file failed.
    """
    tally = {"read": 0, "refused": 0}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        for index, (name, content) in enumerate(islice(files(seed), count)):
            path = Path(folder, name)
            path.write_bytes(content)
            try:
                table = read_table(path)
                if not np.isfinite(
                    table.values[:, [i for i in range(len(table.columns)) if i not in table.wrong]]
                ).all():
                    raise AssertionError("a column without a fault has values that are not finite")
                tally["read"] += 1
            except ScenarioError as error:
                if "\n" in str(error) or len(str(error)) > 1000:
                    raise AssertionError(f"not one sentence: {str(error)[:200]!r}") from None
                tally["refused"] += 1
            except Exception as error:
                raise AssertionError(f"file {index} of seed {seed}, {content[:300]!r}: {error!r}") from error
    return tally


def main() -> None:
    """Try as many files as the command line says."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    start = time.perf_counter()
    print(f"{count} files of points, seed {seed}: {fuzz(count, seed)} in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
