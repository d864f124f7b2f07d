"""Fixtures of the spectrum's tests: the published spectrum and table, which are not part of the product."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from core.spectrum.jets import Array

ROOT = Path(__file__).parents[3]


def _path(name: str) -> Path:
    """Return a file of ``shared/data`` beside the repository, or beside the folder of its worktrees."""
    places = [folder / "shared" / "data" / name for folder in (ROOT.parent, ROOT.parent.parent)]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        pytest.skip(f"the published data are not here ({places[0]})")
    return found


@pytest.fixture(scope="session")
def cifar10() -> Array:
    """Return the 3072 eigenvalues of CIFAR-10, descending; nine of them are zero."""
    return np.sort(np.abs(np.load(_path("cifar10_spectrum.npy")).astype(np.float64)))[::-1]


@pytest.fixture(scope="session")
def published_cells() -> list[dict[str, str]]:
    """Return the rows of Pierret and Galerne's table that are given."""
    with _path("pierret_galerne_table.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
