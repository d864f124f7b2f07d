from __future__ import annotations

import sys
from typing import Any

import pytest

from core.errors import ScenarioError
from core.kl.refine import Sizes
from core.runs.memory import RunSize, require_room
from tests.benchmarks.memory import measure

MIB, GIB = 2**20, 2**30
USUAL = RunSize(2, 3, 300, 3, 4000, 4000, Sizes(), keep_frames=False)
CELLS: dict[str, dict[str, Any]] = {
    "many particles": {"dimension": 4, "components": 2, "particles": 1_000_000, "steps": 2, "samplers": ["ddnm"]},
    "many components": {"dimension": 4, "components": 30, "particles": 20_000, "steps": 2, "samplers": ["tmpd"]},
    "many dimensions": {
        "dimension": 300,
        "components": 10,
        "steps": 2,
        "rows": 3,
        "short": True,
        "samplers": ["tmpd"],
        "particles": 500,
    },
    "many frames": {"dimension": 2, "components": 2, "particles": 200_000, "steps": 30, "frames": True},
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_measured_peak_memory_is_close_to_and_below_announced() -> None:
    found = measure([{"paths": 500, **cell} for cell in CELLS.values()])
    for name, (announced, measured) in zip(CELLS, found, strict=True):
        assert measured <= announced <= 1.5 * measured + 256 * MIB, name


def test_default_run_needs_less_than_256_mib() -> None:
    assert USUAL.total < 256 * MIB
    require_room(USUAL, GIB)


@pytest.mark.parametrize(
    ("field", "larger", "words"),
    [
        ("run.particles", {"particles": 10**8}, "fewer particles"),
        ("run.particles", {"particles": 10**6, "keep_frames": True}, "every frame is kept"),
        ("run.paths", {"paths": 10**8}, "fewer paths"),
        ("run.kl_rounds", {"dimension": 64, "sizes": Sizes().after(12)}, "fewer rounds"),
        ("schedule.steps", {"steps": 100_000, "samplers": 40}, "fewer steps"),
        ("prior", {"components": 5000, "dimension": 64}, "fewer components"),
    ],
)
def test_run_exceeding_memory_names_its_largest_part(field: str, larger: dict[str, Any], words: str) -> None:
    with pytest.raises(
        ScenarioError, match=rf"would need [\d.]+ GiB of memory, and 2.0 GiB are free; .*{words}"
    ) as caught:
        require_room(USUAL._replace(**larger), 2 * GIB)
    assert caught.value.field == field


@pytest.mark.parametrize("field", ["particles", "paths", "steps", "samplers", "dimension"])
def test_announced_memory_grows_with_every_size(field: str) -> None:
    sizes = [USUAL._replace(**{field: getattr(USUAL, field) * factor}).total for factor in (1, 10, 100)]
    assert sizes == sorted(sizes)
