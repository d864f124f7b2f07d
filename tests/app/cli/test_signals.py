"""Signals that end the program: one sentence, the status that shells have for it, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from matplotlib.figure import Figure

from app.cli.commands import main
from core.reporting.report import FILES
from core.simulation.simulate import Trace
from core.system import staging
from core.system.stop import stop

QUICK = ("--particles", "50", "--paths", "20", "--steps", "4", "--rounds", "0", "--device", "cpu")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WORDS = dict(zip(SIGNALS, ("", " by SIGTERM", " by SIGHUP"), strict=True))
Patch = pytest.MonkeyPatch


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: Patch) -> Path:
    """Where a run is started, with temporary files inside."""
    (tmp_path / "temporary").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0)  # Python hears of it at the latest here


def signal_before_call(patch: Patch, owner: Any, name: str, number: int) -> None:
    """Have the signal come when a function is called."""
    real = getattr(owner, name)

    def wrapped(*args: Any, **named: Any) -> Any:
        patch.setattr(owner, name, real)
        send(number)
        return real(*args, **named)

    patch.setattr(owner, name, wrapped)


def during_step(patch: Patch, number: int) -> None:
    signal_before_call(patch, Trace, "write", number)


def swallowed_by_sampler(patch: Patch, number: int) -> None:
    real = Trace.write

    def write(*args: Any) -> None:
        with suppress(KeyboardInterrupt):  # as a sampler of the user's own might
            send(number)
        real(*args)

    patch.setattr(Trace, "write", write)


def during_figure_drawing(patch: Patch, number: int) -> None:
    signal_before_call(patch, Figure, "savefig", number)


def turned_into_other_error_by_figure_drawing(patch: Patch, number: int) -> None:
    def fail(*_: Any, **__: Any) -> None:
        try:
            send(number)
        except KeyboardInterrupt:
            raise RuntimeError("Can not load face") from None

    patch.setattr(Figure, "savefig", fail)


def lost_in_destructor_during_figure_drawing(patch: Patch, number: int) -> None:
    class Deleted:
        def __del__(self) -> None:
            send(number)

    real = Figure.savefig

    def draw(*args: Any, **named: Any) -> None:
        Deleted()
        real(*args, **named)

    patch.setattr(Figure, "savefig", draw)


def during_file_writing(patch: Patch, number: int) -> None:
    signal_before_call(patch, Path, "write_bytes", number)


def before_files_are_moved(patch: Patch, number: int) -> None:
    signal_before_call(patch, staging, "require_places", number)


@pytest.mark.parametrize("number", SIGNALS[:2], ids=lambda number: number.name)
@pytest.mark.parametrize(
    "moment",
    [
        during_step,
        swallowed_by_sampler,
        during_figure_drawing,
        turned_into_other_error_by_figure_drawing,
        lost_in_destructor_during_figure_drawing,
        during_file_writing,
        before_files_are_moved,
    ],
    ids=lambda moment: moment.__name__,
)
def test_signal_during_run_prints_one_sentence_and_leaves_no_files(
    moment: Callable[[Patch, int], None],
    number: signal.Signals,
    folder: Path,
    monkeypatch: Patch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    moment(monkeypatch, number)
    handler = signal.getsignal(number)
    assert main(["run", "one-gaussian", "--out", "out", *QUICK]) == 128 + number
    assert signal.getsignal(number) == handler
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"mismatch-lab: interrupted{WORDS[number]}, nothing was written\n"
    assert sorted(path.name for path in folder.rglob("*")) == ["here", "temporary"]


def test_signal_while_files_are_moved_is_deferred_until_all_are_written(
    folder: Path, monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    for is_new in (True, False):
        signal_before_call(monkeypatch, Path, "rename" if is_new else "replace", signal.SIGTERM)
        assert main(["run", "one-gaussian", "--out", "out", *QUICK]) == 143
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert f"after {', '.join(FILES)} had been written to out" in told
        assert sorted(path.name for path in (folder / "here" / "out").iterdir()) == sorted(FILES)
        assert [path.name for path in (folder / "here").iterdir()] == ["out"]
        (folder / "here" / "out" / "report.json").unlink()


def test_sighup_during_sweep_exits_with_129_and_leaves_no_files(
    folder: Path, monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    during_figure_drawing(monkeypatch, signal.SIGHUP)
    assert main(["sweep", "one-gaussian", "--steps", "4,8"]) == 129
    assert capsys.readouterr().err == "mismatch-lab: interrupted by SIGHUP, nothing was written\n"
    assert not list((folder / "here").iterdir())


def test_second_signal_does_not_interrupt_cleanup_after_the_first() -> None:
    cleaned = []

    def work() -> None:
        try:
            send(signal.SIGTERM)
        finally:
            send(signal.SIGINT)
            cleaned.append(True)

    with stop.listening():
        with pytest.raises(KeyboardInterrupt):
            work()
        assert (cleaned, stop.status) == ([True], 143)


def test_signals_ignored_at_start_stay_ignored() -> None:
    handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop.listening():
            send(signal.SIGHUP)
            assert stop.signal is None
    finally:
        signal.signal(signal.SIGHUP, handler)


def started(*words: str, **env: str) -> subprocess.Popen[str]:
    """The program, with signals as a terminal has them, whatever this process ignores."""
    return subprocess.Popen(
        [sys.executable, "-m", "app", *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | env,
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in SIGNALS],  # noqa: PLW1509
    )


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_signal_during_imports_prints_one_sentence_and_leaves_no_files(tmp_path: Path) -> None:
    process = started("run", "one-gaussian", "--out", str(tmp_path / "out"), TMPDIR=str(tmp_path))
    maps = psutil.Process(process.pid).memory_maps
    wait_until(lambda: any("libtorch" in each.path for each in maps()), process)
    process.send_signal(signal.SIGTERM)
    told = process.communicate(timeout=60)
    assert told == ("", "mismatch-lab: interrupted by SIGTERM, nothing was written\n")
    assert process.returncode == 143
    assert not list(tmp_path.iterdir())
