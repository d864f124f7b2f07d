"""What the page lets its process do: simulate the setting, simulate along a curve, choose the best numbers."""

from __future__ import annotations

from typing import final

from PySide6.QtCore import QObject, Signal

from app.spectrum.centre import Centre
from app.spectrum.curve_plot import Dot
from app.spectrum.document import SettingDocument
from app.spectrum.editor import SettingEditor
from app.spectrum.evidence import Evidence
from app.spectrum.measured import Measured, is_alike
from app.spectrum.simulator import Simulator
from core.spectrum.optimum import Budget, Optimum, value_of
from core.spectrum.setting import SpectrumSetting
from core.spectrum.simulation import Simulated


@final
class Jobs(QObject):
    """One job at a time, of which an edit that changes its result is the end; what was found is shown while it holds.

    Args:
        document: whose setting the jobs are about.
        editor: has the start of the simulation.
        centre: shows simulated variances.
        evidence: has the start of the other jobs, and shows what was found.
    """

    started = Signal()
    """A job was started."""

    def __init__(
        self, document: SettingDocument, editor: SettingEditor, centre: Centre, evidence: Evidence, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._document, self._editor, self._centre, self._evidence = document, editor, centre, evidence
        self.simulator = Simulator(self)
        self.measured = Measured()
        """What simulations have shown of this setting and of others."""
        self._best: tuple[SpectrumSetting, Optimum] | None = None
        """The last choice, and the setting that it was made for."""
        self._along: tuple[SpectrumSetting, str, str] | None = None
        """Setting, key, and why some values of the last simulated curve are missing."""
        bar, card = editor.simulation, evidence.card
        bar.started.connect(self.simulate)
        bar.stopped.connect(self.simulator.stop)
        card.along_wanted.connect(self.simulate_along)
        card.stopped.connect(self.simulator.stop)
        card.best.wanted.connect(self.choose)
        card.best.stopped.connect(self.simulator.stop)
        card.best.taken.connect(self.take)
        self.simulator.took.connect(self._took)
        self.simulator.tried.connect(card.best.show_running)
        self.simulator.chose.connect(self._chose)
        self.simulator.ended.connect(self._ended)

    def close(self) -> None:
        """End the process, when the window closes."""
        self.simulator.close()

    # Starting and ending

    def simulate(self) -> None:
        """Simulate the document's setting."""
        if self._is_ready():
            self.simulator.start(self._document.state)
            self.show()

    def simulate_along(self) -> None:
        """Simulate the document's setting along the curve that is shown."""
        if self._is_ready():
            self._along = None
            self.simulator.start(self._document.state, along=self._evidence.card.key)
            self.show()

    def choose(self, budget: Budget, keys: tuple[str, ...]) -> None:
        """Choose numbers of the document's setting under a budget."""
        if self._is_ready():
            self.simulator.start(self._document.state, budget=budget, keys=keys)
            self._evidence.card.best.show_running(0)
            self.show()

    def _is_ready(self) -> bool:
        self._editor.window().setFocus()  # commits what is being typed
        if self._editor.error is not None:
            return False
        self.started.emit()
        return True

    def take(self) -> None:
        """Set the best numbers: one edit."""
        if self._best is None:
            return
        present, chosen = self._document.setting, self._best[1].setting
        learning = chosen.learning.model_copy(
            update={name: getattr(present.learning, name) for name in ("repeats", "seed", "sgd_steps")}
        )
        changes = {"name": present.name, "notes": present.notes, "learning": learning}
        self._document.edit(chosen.model_copy(update=changes))

    def follow(self) -> None:
        """Go with the document's setting: end the job if it is about another one, and show what still holds."""
        running, job = self.simulator.state, self.simulator.job
        if running is not None and job is not None:
            free = job.keys if job.budget is not None else (job.along,)
            is_another = job.along not in {"", self._evidence.card.key}
            if is_another or not is_alike(running.setting, self._document.setting, *free):
                self.simulator.stop()
        self.show()

    # What was found

    def _took(self, setting: SpectrumSetting, simulated: Simulated) -> None:
        self.measured.add(setting, simulated)
        self.show()

    def _chose(self, found: Optimum) -> None:
        self._best = self._document.setting, found
        self.show()

    def _ended(self) -> None:
        job, skipped = self.simulator.job, self.simulator.skipped
        if job is not None and job.along:
            words = f"{len(skipped)} values cannot be simulated: {skipped[0]}" if skipped else ""
            self._along = SpectrumSetting.from_dict(job.setting), job.along, words
        self.show()

    def show(self) -> None:
        """Show progress, and what was found of the present setting."""
        setting, simulator = self._document.setting, self.simulator
        found = self.measured.of(setting)
        self._centre.show_simulated(found)
        self._evidence.show_simulated(found)
        self._show_bar(found)
        card = self._evidence.card
        key = card.key
        card.curve.show_dots(self.measured.dots(setting, key))
        done, total = simulator.progress
        if simulator.is_along:
            left = simulator.time_left()
            words = f"{int(done)} of {total:g} values, about {left} left" if left else "starting"
            card.show_running(done / total, words)
        else:
            is_shown = self._along is not None and self._along[1] == key and is_alike(self._along[0], setting, key)
            card.show_ended(self._along[2] if is_shown and self._along is not None else "")
        self._show_best(setting)

    def _show_bar(self, found: Simulated | None) -> None:
        bar, repeats = self._editor.simulation, self._document.setting.learning.repeats
        if self.simulator.is_simulating:
            done = 0 if found is None else found.w2_squared.count
            bar.show_running(done, repeats, self.simulator.time_left() if done else "")
        else:
            bar.show_found(found, repeats)

    def _show_best(self, setting: SpectrumSetting) -> None:
        card, best = self._evidence.card, None
        is_taken = False
        if self._best is not None:
            base, found = self._best
            is_taken = is_alike(found.setting, setting)
            best = found if is_taken or is_alike(base, setting, *found.values) else None
        if self.simulator.is_choosing:
            card.curve.show_best(None)
            return
        card.best.show_found(best, is_taken=is_taken)
        value = None if best is None else value_of(best.setting, card.key)
        card.curve.show_best(None if best is None or value is None else Dot(value, best.w2, 0.0))
