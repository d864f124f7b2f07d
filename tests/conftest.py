"""Environment of every test: Qt's offscreen platform with a large screen, one torch thread, compiled modules kept."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_SCREEN = Path(__file__).parent / "data" / "offscreen.json"
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if os.environ["QT_QPA_PLATFORM"] == "offscreen":
    os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={_SCREEN}"
# Small tensors gain nothing from a second thread, and lose much on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Otherwise this process, and every process that a test starts, compiles all modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")  # no test depends on how busy the machine is


gc.disable()  # nothing that collection makes is garbage, and searching it takes seconds


def pytest_collection_finish() -> None:
    """Search for garbage from here on, but never among what modules and collected tests hold."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="module", autouse=True)
def freeze_imports() -> Iterator[None]:
    """Search no more for garbage, after a file's tests, among the modules and caches that they have left."""
    yield
    gc.collect()
    gc.freeze()


def _is_compiled() -> bool:
    for source in (Path(__file__).parents[1] / "core/kl").glob("compiled*.py"):
        kept = [path.stat().st_mtime for path in (source.parent / "__pycache__").glob(f"{source.stem}.*.nbi")]
        if not kept or min(kept) < source.stat().st_mtime:
            return False
    return True


def pytest_configure(config: pytest.Config) -> None:
    """Compile the functions of computed laws once, before every process of a distributed run would do it itself."""
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput") and not _is_compiled():
        from core import compute_kls, load_scenario  # noqa: PLC0415 - after the environment is set
        from core.scenario.edits import patched  # noqa: PLC0415

        for name in ("valley", "three-components"):
            compute_kls(patched(load_scenario(name), {"schedule": {"steps": 5}, "run": {"samplers": ["ddnm", "dps"]}}))
