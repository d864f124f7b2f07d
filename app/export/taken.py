"""Content of a page for the export dialog and the command line: figures, numbers and code; no Qt."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Literal

from matplotlib.figure import Figure

from core.drawing.style import Style
from core.snapshot.snapshot import Snapshot
from core.text.table_files import TABLE_ENDINGS, TableForm

CodeForm = Literal["python", "command", "snapshot"]
Contents = dict[str, Callable[[], bytes]]
"""Makers of a file's content by its ending, the usual one first."""


def endings_of(what: str) -> tuple[str, ...]:
    """Return the endings of the files of numbers, by their name."""
    if what == "table":
        return tuple(TABLE_ENDINGS.values())
    return (".json",) if what == "report" else (".csv", ".parquet" if what == "rows" else ".npz")


class Taken(ABC):
    """Content of one page that can be taken away.

    Its methods are called on another thread than the interface's.

    Raises:
        ScenarioError: from any method: it cannot be made.
    """

    snapshot: Snapshot
    """Opens again what is shown."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of what is shown."""

    @property
    @abstractmethod
    def figures(self) -> Mapping[str, str]:
        """Words for each figure, by its name."""

    @property
    @abstractmethod
    def numbers(self) -> Mapping[str, str]:
        """Words for each file of numbers, by its name; ``table`` has several forms."""

    @abstractmethod
    def figure(self, what: str, style: Style) -> Figure:
        """Draw one of :attr:`figures`."""

    @abstractmethod
    def contents(self, what: str, form: TableForm, *, every_t: bool) -> Contents:
        """Return the files of one of :attr:`numbers`.

        Args:
            what: its name.
            form: of the table.
            every_t: of a run's particles and laws, those at every t.
        """

    @abstractmethod
    def script(self) -> str:
        """Return a Python script that computes again what is shown."""

    @abstractmethod
    def command(self) -> str:
        """Return a command line that shows it again without a window."""
