"""Temporary files of killed processes are removed, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.system import leftovers
from core.system.files import write_whole
from core.system.leftovers import remove_leftovers, temporary_file, temporary_folder

fcntl = pytest.importorskip("fcntl")
NAME = ".mismatch-lab-abcd_123"


def test_temporary_files_are_removed_at_end_of_block(tmp_path: Path) -> None:
    with temporary_file(tmp_path) as file, temporary_folder(tmp_path) as folder:
        (folder / "report.json").write_text("{}")
        remove_leftovers([tmp_path])
        assert sorted(tmp_path.iterdir()) == sorted([file, folder]), "files in use are kept"
    assert not list(tmp_path.iterdir())
    with temporary_folder(tmp_path) as folder:
        folder.rename(tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


KILLED = """
import os, signal, sys
from pathlib import Path
from core.system.leftovers import temporary_file, temporary_folder
with temporary_file(Path(sys.argv[1])) as file, temporary_folder(Path(sys.argv[1])) as folder:
    file.write_text("some")
    (folder / "report.json").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_leftovers_of_killed_process_are_removed(tmp_path: Path) -> None:
    for _ in range(3):
        subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 6
    (tmp_path / "mine.txt").write_text("kept")
    remove_leftovers([tmp_path, tmp_path, tmp_path / "missing", tmp_path / "mine.txt", Path("a\0b")])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def link_to_folder(place: Path, precious: Path) -> None:
    place.symlink_to(precious.parent)


def link_to_file(place: Path, precious: Path) -> None:
    place.symlink_to(precious)


def hard_link(place: Path, precious: Path) -> None:
    os.link(precious, place)


def folder_with_link(place: Path, precious: Path) -> None:
    place.mkdir()
    (place / "link").symlink_to(precious)


def folder_with_subfolder(place: Path, _precious: Path) -> None:
    (place / "folder").mkdir(parents=True)


def named_pipe(place: Path, _precious: Path) -> None:
    os.mkfifo(place)


@pytest.mark.parametrize(
    "make", [link_to_folder, link_to_file, hard_link, folder_with_link, folder_with_subfolder, named_pipe]
)
def test_entries_of_unexpected_type_are_kept(make: Callable[[Path, Path], None], tmp_path: Path) -> None:
    precious = tmp_path / "precious" / "file"
    precious.parent.mkdir()
    precious.write_text("kept")
    searched = tmp_path / "searched"
    searched.mkdir()
    make(searched / NAME, precious)
    remove_leftovers([searched])
    assert os.path.lexists(searched / NAME)
    assert precious.read_text() == "kept"


@pytest.mark.parametrize("name", ["mismatch-lab-notes.txt", ".mismatch-lab-backup", ".mismatch-lab-", "mismatch-lab"])
def test_files_with_other_names_are_kept(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("kept")
    remove_leftovers([tmp_path])
    assert (tmp_path / name).exists()


def test_leftovers_of_other_user_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / NAME).write_text("theirs")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    remove_leftovers([tmp_path])
    assert (tmp_path / NAME).exists()


def test_temporary_file_removed_before_lock_is_recreated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, real = [], leftovers._empty_file

    def make(within: Path) -> str:
        name = real(within)
        made.append(name)
        if len(made) == 1:
            remove_leftovers([within])
        elif len(made) == 2:
            Path(name).unlink()
            Path(name).write_text("another one's")
            handles.append(os.open(name, os.O_RDONLY))
            fcntl.flock(handles[0], fcntl.LOCK_EX)
        return name

    handles: list[int] = []
    monkeypatch.setattr(leftovers, "_empty_file", make)
    with temporary_file(tmp_path) as file:
        assert [str(file)] == made[2:]
        assert not Path(made[0]).exists()
    os.close(handles[0])


def test_without_file_locks_writes_work_and_nothing_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no locks available")

    (tmp_path / NAME).write_text("whose?")
    monkeypatch.setattr(leftovers.fcntl, "flock", refuse)
    write_whole(tmp_path / "own.toml", b"text")
    remove_leftovers([tmp_path])
    monkeypatch.setattr(leftovers, "fcntl", None)
    write_whole(tmp_path / "own.toml", b"other")
    remove_leftovers([tmp_path])
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME, "own.toml"]
    assert (tmp_path / "own.toml").read_bytes() == b"other"
