"""Sources of the commands: scenario files, built-in scenarios, and snapshots as text or within exported files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.scenario.builtin import LoadedScenario
    from core.snapshot.snapshot import Snapshot
    from core.snapshot.view import View

# torch and pydantic take a second to load, so that every command imports what it needs itself.
# ruff: noqa: PLC0415

_PASTED = "the snapshot"
"""Name of a snapshot that was given as text."""


def find_snapshot(name: str) -> Snapshot | None:
    """Return the snapshot that a text is or an exported file holds; None for other names.

    Raises:
        ScenarioError: the text or the file holds no whole snapshot.
    """
    from core.snapshot.carrier import carries_snapshot, read_snapshot
    from core.snapshot.snapshot import Snapshot, is_snapshot

    if is_snapshot(name):
        return Snapshot.from_text(name, _PASTED)
    path = Path(name)
    return read_snapshot(path) if carries_snapshot(path) else None


def find_other_page(name: str) -> Snapshot | None:
    """Return what the window shows of a snapshot, or of a file of another page than Explore; None for scenarios.

    Raises:
        ScenarioError: it is not valid.
    """
    from core.scenario.file_section import TomlFile
    from core.snapshot.kinds import kind_of
    from core.snapshot.snapshot import Snapshot
    from core.system.files import is_file

    path, snapshot = Path(name), find_snapshot(name)
    if snapshot is not None or path.suffix.lower() != ".toml" or not is_file(path):
        return snapshot
    file = TomlFile.read(path)
    kind = kind_of(file.data)
    if kind == "study":
        from core.studies.builtin import study_of

        return Snapshot(kind, study_of(file).to_toml())
    if kind == "spectrum":
        from core.spectrum.use import load_spectrum

        return Snapshot(kind, load_spectrum(name).to_toml())
    if kind == "storyboard":
        from core.storyboard.storyboard import Storyboard

        return Snapshot(kind, Storyboard.from_dict(file.data, name).to_toml())
    return None


def find_source(name: str) -> tuple[LoadedScenario, View]:
    """Return a scenario and the view of it, by its file or key, or from a snapshot.

    Raises:
        ScenarioError: there is no such scenario, it is not valid, or the snapshot is one of another page.
    """
    from core.errors import ScenarioError
    from core.scenario.builtin import LoadedScenario, find_scenario
    from core.scenario.scenario import Scenario
    from core.snapshot.snapshot import is_snapshot
    from core.snapshot.view import View

    snapshot = find_snapshot(name)
    if snapshot is None:
        return find_scenario(name), View()
    is_text = is_snapshot(name)
    source = _PASTED if is_text else name
    if snapshot.kind != "scenario":
        raise ScenarioError(source, "", f"holds no scenario but a {snapshot.kind}")
    scenario = Scenario.from_toml(snapshot.toml, source)
    return LoadedScenario(scenario, scenario.name if is_text else Path(name).stem, source, None), snapshot.view
