"""Start and end of the presenter from the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow

from app.document.document import Document
from app.presenter.storyboards import Storyboards
from app.run.session import Session
from app.transport.transport import Player
from core.storyboard.storyboard import Storyboard

if TYPE_CHECKING:
    from app.presenter.presenter import Presenter


@final
class Presenting(QObject):
    """The presenter, while it is open; the window pauses meanwhile, and goes on afterwards.

    Args:
        window: activated again at the end.
        storyboards: start the presenter, and choose the scene where it ended.
        session: its run is left to the presenter's.
        player: pauses.
        document: whose run begins again, if it was not complete.
    """

    def __init__(
        self, window: QMainWindow, storyboards: Storyboards, session: Session, player: Player, document: Document
    ) -> None:
        super().__init__(window)
        self._window, self._storyboards = window, storyboards
        self._session, self._player, self._document = session, player, document
        self.presenter: Presenter | None = None
        """The open presenter."""
        self._was_running = False
        storyboards.presented.connect(self.begin)

    def begin(self, storyboard: Storyboard, scene: int) -> None:
        """Present a storyboard from a scene on."""
        from app.presenter.presenter import Presenter  # noqa: PLC0415 - the first frame does not wait for it

        if self.presenter is not None:
            return
        self._player.pause()
        self._was_running = self._session.is_running
        self._session.cancel()
        self.presenter = Presenter(storyboard, scene)
        self.presenter.closed.connect(self._ended)
        self.presenter.begin()

    def _ended(self, scene: int) -> None:
        self.presenter = None
        if self._storyboards.is_shown:
            self._storyboards.strip.list.setCurrentRow(scene)
        if self._was_running:
            self._session.start(self._document.scenario)
        self._window.activateWindow()
        self._window.setFocus()

    def close(self) -> None:
        """End the presenter."""
        if self.presenter is not None:
            self._was_running = False
            self.presenter.close()
