"""Export of a study's tables and figures from the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from app.studies.library import Entry
from core.errors import ScenarioError
from core.studies.export import write_study
from core.studies.store import Store


def exported(entry: Entry, folder: Path) -> Iterator[str]:
    """Write an entry's tables and figures, and yield a sentence that says so (on a thread)."""
    assert entry.study is not None
    try:
        with Store.open(entry.store, entry.study, entry.fingerprints()) as store:
            write_study(store, folder)
    except OSError as error:
        raise ScenarioError(str(folder), "", f"cannot be written to ({error.strerror or error})") from None
    yield f"Tables and figures were written to {folder}."
