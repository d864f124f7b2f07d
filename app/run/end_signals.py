"""Termination signals (SIGINT, SIGTERM, SIGHUP) delivered to Qt's event loop through a socket notifier."""

from __future__ import annotations

import signal
import socket
from typing import final

from PySide6.QtCore import QObject, QSocketNotifier, Signal

from core.system.stop import stop


@final
class EndSignals(QObject):
    """Emitter for termination signals; without it Python runs handlers only when Qt returns to Python code."""

    came = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        stop.hold()
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.setblocking(False)
        self._before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._hear)
        if stop.signal is not None:  # received before the notifier was set up
            self._writer.send(b"\0")

    def _hear(self) -> None:
        self._reader.recv(4096)
        if stop.signal is not None:
            self._notifier.setEnabled(False)  # once is enough
            self.came.emit()

    def close(self) -> None:
        """Stop listening and close the sockets."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._before)
        self._reader.close()
        self._writer.close()
