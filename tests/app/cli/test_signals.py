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


def before(patch: Patch, owner: Any, name: str, number: int) -> None:
    """Have the signal come when a function is called."""
    real = getattr(owner, name)

    def wrapped(*args: Any, **named: Any) -> Any:
        patch.setattr(owner, name, real)
        send(number)
        return real(*args, **named)

    patch.setattr(owner, name, wrapped)


def in_a_step(patch: Patch, number: int) -> None:
    before(patch, Trace, "write", number)


def swallowed_in_a_step(patch: Patch, number: int) -> None:
    real = Trace.write

    def write(*args: Any) -> None:
        with suppress(KeyboardInterrupt):  # as a sampler of the user's own might
            send(number)
        real(*args)

    patch.setattr(Trace, "write", write)


def while_the_picture_is_drawn(patch: Patch, number: int) -> None:
    before(patch, Figure, "savefig", number)


def made_another_error_by_the_drawing(patch: Patch, number: int) -> None:
    def fail(*_: Any, **__: Any) -> None:
        try:
            send(number)
        except KeyboardInterrupt:
            raise RuntimeError("Can not load face") from None

    patch.setattr(Figure, "savefig", fail)


def lost_in_the_drawing(patch: Patch, number: int) -> None:
    class Deleted:
        def __del__(self) -> None:
            send(number)

    real = Figure.savefig

    def draw(*args: Any, **named: Any) -> None:
        Deleted()
        real(*args, **named)

    patch.setattr(Figure, "savefig", draw)


def while_the_files_are_written(patch: Patch, number: int) -> None:
    before(patch, Path, "write_bytes", number)


def before_the_files_are_moved(patch: Patch, number: int) -> None:
    before(patch, staging, "require_places", number)


@pytest.mark.parametrize("number", SIGNALS[:2], ids=lambda number: number.name)
@pytest.mark.parametrize(
    "moment",
    [
        in_a_step,
        swallowed_in_a_step,
        while_the_picture_is_drawn,
        made_another_error_by_the_drawing,
        lost_in_the_drawing,
        while_the_files_are_written,
        before_the_files_are_moved,
    ],
    ids=lambda moment: moment.__name__,
)
def test_a_signal_ends_a_run_in_one_sentence_and_leaves_nothing(
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


def test_a_signal_while_files_are_moved_waits_and_says_so(
    folder: Path, monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    for is_new in (True, False):
        before(monkeypatch, Path, "rename" if is_new else "replace", signal.SIGTERM)
        assert main(["run", "one-gaussian", "--out", "out", *QUICK]) == 143
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert f"after {', '.join(FILES)} had been written to out" in told
        assert sorted(path.name for path in (folder / "here" / "out").iterdir()) == sorted(FILES)
        assert [path.name for path in (folder / "here").iterdir()] == ["out"]
        (folder / "here" / "out" / "report.json").unlink()


def test_a_terminal_that_is_closed(folder: Path, monkeypatch: Patch, capsys: pytest.CaptureFixture[str]) -> None:
    while_the_picture_is_drawn(monkeypatch, signal.SIGHUP)
    assert main(["sweep", "one-gaussian", "--steps", "4,8"]) == 129
    assert capsys.readouterr().err == "mismatch-lab: interrupted by SIGHUP, nothing was written\n"
    assert not list((folder / "here").iterdir())


def test_a_second_signal_does_not_disturb_the_first_one_s_cleaning() -> None:
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


def test_what_is_ignored_stays_ignored() -> None:
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


def test_a_signal_while_the_program_is_loaded(tmp_path: Path) -> None:
    process = started("run", "one-gaussian", "--out", str(tmp_path / "out"), TMPDIR=str(tmp_path))
    maps = psutil.Process(process.pid).memory_maps
    wait_until(lambda: any("libtorch" in each.path for each in maps()), process)
    process.send_signal(signal.SIGTERM)
    told = process.communicate(timeout=60)
    assert told == ("", "mismatch-lab: interrupted by SIGTERM, nothing was written\n")
    assert process.returncode == 143
    assert not list(tmp_path.iterdir())
