"""Files: only regular ones under a size limit are read, and writing is atomic."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from core.errors import ScenarioError
from core.scenario.scenario import Scenario
from core.scenario.toml import updated_toml
from core.system.files import is_file, read_bytes, read_text, write_whole

SCENARIO = """[prior]
weights = [1.0]
means = [[0.0, 0.0]]
covariances = [[[1.0, 0.0], [0.0, 1.0]]]

[measurement]  # one look
matrix = [[1.0, 0.0]]
noise = 0.3
value = [0.5]
"""


def rejection(path: Path) -> str:
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)
    return str(caught.value)


def test_special_files_are_rejected_without_opening(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("pipe", "link"):
        assert "regular file" in rejection(tmp_path / name)
    assert "regular file" in rejection(Path("/dev/zero"))
    assert "directory" in rejection(tmp_path)
    assert "no such file" in rejection(tmp_path / "dangling")
    assert "cannot be read" in rejection(tmp_path / "loop")
    assert "too long" in rejection(tmp_path / ("x" * 300))
    assert "the name is not a valid file name" in rejection(tmp_path / "a\0b")


def test_file_over_size_limit_is_rejected_unread(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ScenarioError, match="at most 16 MiB"):
        read_bytes(path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\xc3\x28", b"\xed\xa0\x80"])
def test_file_that_is_not_utf_8_is_rejected(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ScenarioError, match="UTF-8"):
        read_text(tmp_path / "a")


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SCENARIO.encode())
    assert Scenario.load(path) == Scenario.from_toml(SCENARIO) == Scenario.from_toml("\ufeff" + SCENARIO)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a = " + "[" * 3000 + "]" * 3000, "nest"),
        ("a = " + "{a = " * 2000 + "1" + "}" * 2000, "nest"),
        (SCENARIO + "\n[schedule]\nsteps = " + "9" * 4400, "digits"),
        (SCENARIO + "\n[schedule]\nsteps = 0x" + "f" * 5000, "schedule.steps"),
        (SCENARIO + "\n[run]\nseed = 0x" + "f" * 5000, "run.seed"),
        (SCENARIO.replace("noise = 0.3", "noise = 0x" + "f" * 5000), "noise"),
        (SCENARIO.replace("[[0.0, 0.0]]", "[[0x" + "f" * 5000 + ", 0.0]]"), "means"),
        ("k" * 200_000 + " = 1\n" + SCENARIO, "there is no key"),
        (SCENARIO + f"\n[run]\n{'k' * 200_000} = 1\n", "there is no key"),
        (SCENARIO + f"\n[samplers.{'k' * 200_000}]\nkind = 1\n", "samplers"),
        (SCENARIO + f"\n[run]\nsamplers = ['{'k' * 200_000}']\n", "there is no sampler"),
    ],
    ids=range(11),
)
def test_hostile_toml_raises_one_short_error(text: str, reason: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_toml(text, "a.toml")
    sentence = str(caught.value)
    assert reason in sentence
    assert len(sentence) < 900
    assert "\n" not in sentence


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_update_keeps_line_ends_and_comments(end: str) -> None:
    text = SCENARIO.replace("\n", end)
    scenario = Scenario.from_toml(text)
    assert updated_toml(text, scenario) == text
    data = scenario.to_dict()
    data["run"] |= {"seed": 5}
    changed = updated_toml(text, Scenario.from_dict(data))
    assert "# one look" in changed
    assert changed.count("\n") == changed.count(end) > text.count(end)
    assert Scenario.from_toml(changed).run.seed == 5


def test_write_replaces_file_and_keeps_links_and_permissions(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to("real")
    write_whole(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_write_keeps_file_name_that_is_not_utf_8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.toml"))
    write_whole(path, b"text")
    assert [os.fsencode(found.name) for found in tmp_path.iterdir()] == [b"caf\xe9.toml"]
    assert read_bytes(path) == b"text"


def test_failed_write_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "none" / "a", tmp_path / ("x" * 300), tmp_path / "a\0b"):
        with pytest.raises(ScenarioError, match="cannot be written"):
            write_whole(path, b"text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_impossible_file_names_are_not_files(tmp_path: Path) -> None:
    assert not any(is_file(path) for path in (tmp_path / ("x" * 300), tmp_path / "a\0b", tmp_path))
