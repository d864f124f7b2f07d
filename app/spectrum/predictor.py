"""Thread that predicts the setting under edit: one request at a time, the latest only, and what is shown of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import NamedTuple, final

from PySide6.QtCore import QObject, Qt, Signal

from app.run.process import wait_for
from app.spectrum.analysis import analyse
from app.spectrum.document import State
from core.errors import ScenarioError
from core.spectrum.optimum import curve
from core.spectrum.sections import LearningSection
from core.spectrum.setting import SpectrumSetting
from core.spectrum.spectra import Spectrum
from core.spectrum.views import block_means

_QUICK = 256
"""Dimension from which the produced spectrum is shown before the errors of learning are known."""

log = logging.getLogger(__name__)


@final
class Wanted(NamedTuple):
    """What is to be predicted."""

    state: State
    vary: str | None = None
    """Key of the number against which W2 is drawn; None: it is not shown."""
    has_kernel: bool = False
    """Whether the kernel norm is shown."""


@final
class Predictor(QObject):
    """Predictions of the latest request; one that comes meanwhile waits, and replaces any other that waits."""

    foreseen = Signal(object)
    """An Analysis with the exact score, before what learning adds is known."""
    predicted = Signal(object)
    """An Analysis."""
    drawn = Signal(object)
    """A Curve."""
    normed = Signal(object)
    """The kernel norm: a pair of edges and means, see :func:`core.spectrum.views.block_means`."""
    failed = Signal(object)
    """A ScenarioError: there is no prediction of the latest request."""

    _news = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._ready = threading.Condition()
        self._wanted: Wanted | None = None
        self._is_closed = False
        self._thread: threading.Thread | None = None
        self._spectrum: tuple[object, Spectrum] | None = None
        """The last spectrum, by its section and folder: a data set takes seconds to load."""
        self._news.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        """True while a request waits."""
        return self._wanted is not None

    def want(self, wanted: Wanted) -> None:
        """Predict this as soon as what is under way ends."""
        with self._ready:
            self._wanted = wanted
            self._ready.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="mismatch-lab-predictor", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread."""
        with self._ready:
            self._is_closed = True
            self._ready.notify()
        if self._thread is not None:
            wait_for(self._thread)

    def _tell(self, news: tuple[str, object]) -> None:
        """Emit a signal (on the interface's thread)."""
        name, item = news
        if not self._is_closed:
            getattr(self, name).emit(item)

    # On the thread

    def _work(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._is_closed or self._wanted is not None)
                if self._is_closed:
                    return
                wanted, self._wanted = self._wanted, None
            assert wanted is not None
            for name, item in self._answers(wanted):
                if self._is_closed:
                    return
                if name:
                    self._news.emit((name, item))
                elif self._wanted is not None:  # the curve takes long: a newer request comes first
                    break

    def _answers(self, wanted: Wanted) -> Iterator[tuple[str, object]]:
        """Yield signals with what they carry; an empty name between the pieces of longer work."""
        try:
            setting, spectrum = wanted.state.setting, self._built(wanted.state)
            if setting.learning.is_random and spectrum.dimension > _QUICK:
                yield "foreseen", analyse(exact(setting), spectrum)
            found = analyse(setting, spectrum)
            yield "predicted", found
            if wanted.has_kernel:
                yield "normed", block_means(spectrum.eigenvalues, found.produced)
            if wanted.vary is not None:
                work = curve(setting, wanted.vary, spectrum)
                while True:
                    try:
                        next(work)
                    except StopIteration as end:
                        yield "drawn", end.value
                        break
                    yield "", None
        except ScenarioError as error:
            yield "failed", error
        except Exception as error:  # whatever a file may hold: say it, and go on
            log.exception("a prediction failed")
            yield "failed", ScenarioError("", "", f"the prediction failed ({type(error).__name__}: {error})")

    def _built(self, state: State) -> Spectrum:
        key = state.setting.spectrum, state.folder
        if self._spectrum is None or self._spectrum[0] != key:
            self._spectrum = key, state.setting.spectrum.build(state.folder)
        return self._spectrum[1]


def exact(setting: SpectrumSetting) -> SpectrumSetting:
    """Return a setting whose score is exact."""
    return setting.model_copy(update={"learning": LearningSection()})
