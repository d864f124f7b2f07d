"""Deck: results of the scenes of a storyboard, each computed before it is needed."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QObject, Signal

from app.run.session import Session
from core.errors import ScenarioError
from core.runs.results import Results
from core.storyboard.storyboard import Storyboard


@final
class Deck(QObject):
    """Results of the shown scene, the one after it and the one before it; computed in this order, one at a time.

    Args:
        storyboard: equal scenarios of it are computed once.
    """

    began = Signal(int)
    """A scene whose first frame is there."""
    advanced = Signal(int)
    """A scene of which more is known: frames, terms, KL."""
    failed = Signal(int, object)
    """A scene that cannot be computed, and the ScenarioError."""

    def __init__(self, storyboard: Storyboard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.storyboard = storyboard
        shown = storyboard.shown
        self._first_of = [shown.index(scenario) for scenario in shown]
        """By scene: the first scene with an equal scenario."""
        self._found: dict[int, Results] = {}
        """By first scene: its results so far."""
        self._ended: set[int] = set()
        """First scenes about which nothing more will be known."""
        self._shown, self._running = 0, -1
        self._session = Session(self)
        self._session.began.connect(self._begin)
        self._session.advanced.connect(self._advance)
        self._session.refined.connect(self._advance)
        self._session.failed.connect(self._fail)
        self._session.settled.connect(self._settle)

    def show(self, scene: int) -> None:
        """Compute a scene first, then its neighbours; results of others are given up."""
        self._shown = scene
        wanted = self._wanted()
        for each in [key for key in self._found if key not in wanted]:
            del self._found[each]
            self._ended.discard(each)
        self._go_on()

    def results(self, scene: int) -> Results | None:
        """Return the results of a scene so far; None before its first frame is computed."""
        return self._found.get(self._first_of[scene])

    def is_ready(self, scene: int) -> bool:
        """Return True if all frames of a scene are computed."""
        found = self.results(scene)
        return found is not None and found.is_complete

    def close(self) -> None:
        """Stop computing."""
        self._session.close()

    def _wanted(self) -> list[int]:
        """Return the first scenes of those that are wanted, the most urgent first."""
        near = (self._shown, self._shown + 1, self._shown - 1)
        return list(dict.fromkeys(self._first_of[each] for each in near if 0 <= each < len(self._first_of)))

    def _go_on(self) -> None:
        urgent = next((each for each in self._wanted() if each not in self._ended), None)
        if urgent is None or urgent == self._running:
            return
        if self._running >= 0:  # what is not complete cannot be continued
            self._found.pop(self._running, None)
        self._running = urgent
        self._session.start(self.storyboard.shown[urgent])

    def _scenes_of(self, first: int) -> list[int]:
        return [scene for scene, each in enumerate(self._first_of) if each == first]

    def _begin(self, results: Results) -> None:
        self._found[self._running] = results
        for scene in self._scenes_of(self._running):
            self.began.emit(scene)

    def _advance(self) -> None:
        for scene in self._scenes_of(self._running):
            self.advanced.emit(scene)

    def _fail(self, error: ScenarioError) -> None:
        for scene in self._scenes_of(self._running):
            self.failed.emit(scene, error)

    def _settle(self) -> None:
        ended, self._running = self._running, -1
        self._ended.add(ended)
        for scene in self._scenes_of(ended):
            self.advanced.emit(scene)
        self._go_on()
