"""A short version of ``python -m tests.kill_soak``."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core.scenario.builtin import load_builtin
from tests.app.random_edits import LOG, NAME
from tests.kill_soak import Soak


def test_killed_window_loses_no_edits_and_leaves_no_files(tmp_path: Path) -> None:
    soak = Soak(tmp_path, seed=1)
    soak.kill(soak.window(), 0)
    soak.start_once()
    soak.check_nothing_is_left("the next start")
    assert not soak.faults


def test_kill_soak_detects_lost_edits_and_left_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.kill_soak.LOST_SECONDS", -1.0)
    soak = Soak(tmp_path, seed=1)
    (tmp_path / "work" / NAME).write_text(load_builtin("one-gaussian").to_toml())
    (tmp_path / "work" / LOG).write_text(f"edit 5 {time.time()}\n")
    (tmp_path / "temporary" / "mismatch-lab-abcdefgh").touch()
    soak.check_recovered("a kill", time.time())
    soak.check_nothing_is_left("a start")
    assert len(soak.faults) == 2
