"""Target selector: the posterior given y, or a mixture as target, and conversion between them."""

from __future__ import annotations

from functools import partial
from typing import Any, final

from pydantic import ValidationError
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.controls import ComboBox
from app.widgets.user_text import plain_label
from core.problem.mixture import GaussianMixture
from core.problem.problem import Measurement
from core.samplers import About
from core.scenario.edits import patched
from core.scenario.scenario import Scenario
from core.scenario.schema import TargetSection

_POSTERIOR, _MIXTURE = 0, 1


@final
class TargetSelector(QWidget):
    """Combo box for the target; it remembers the other choice, and names samplers that had to be removed."""

    chosen = Signal(object)
    """An Edit that changes the target."""

    def __init__(self) -> None:
        super().__init__()
        self.box = ComboBox("Target distribution")
        self.box.setAccessibleName("Target")
        self.box.addItems(["target: the posterior given y", "target: a given mixture"])
        self.box.activated.connect(self._choose)
        self.left_out = plain_label(wordWrap=True, visible=False)
        self.left_out.setProperty("role", "muted")
        theme.set_font(self.left_out, 12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.box)
        layout.addWidget(self.left_out)
        self._scenario: Scenario | None = None
        self._before: Scenario | None = None
        """The scenario before the target was last changed."""

    def forget(self) -> None:
        """Forget the remembered choice, since another scenario is opened."""
        self._before = None

    def show_scenario(self, scenario: Scenario) -> None:
        """Show the target of a scenario."""
        if self._before is not None and self._before.dimension != scenario.dimension:
            self._before = None
        self._scenario = scenario
        self.box.setCurrentIndex(_POSTERIOR if scenario.target is None else _MIXTURE)
        self.left_out.hide()

    def _choose(self, index: int) -> None:
        scenario = self._scenario
        if scenario is None or (scenario.target is not None) == (index == _MIXTURE):
            return
        before, self._before = self._before, scenario
        words = _left_out(scenario) if index == _MIXTURE else ""
        self.chosen.emit(partial(_to_mixture if index == _MIXTURE else _to_posterior, before=before))
        self.left_out.setText(words)
        self.left_out.setVisible(bool(words) and self._scenario is not scenario)
        if self._scenario is scenario:  # invalid: show the present target
            self.show_scenario(scenario)


def _without_measurement(scenario: Scenario) -> list[About]:
    """Return the running samplers that need a measurement."""
    nothing = Measurement.none(scenario.problem().prior)
    return [sampler.about for sampler in scenario.build_samplers() if sampler.obstacle(nothing) is not None]


def _left_out(scenario: Scenario) -> str:
    """Return a sentence on the samplers that cannot run without a measurement."""
    labels = ", ".join(about.label for about in _without_measurement(scenario))
    return f"Removed, since they need a measurement: {labels}." if labels else ""


def _to_mixture(scenario: Scenario, before: Scenario | None) -> Scenario:
    """Make a mixture the target: the remembered one, or the present posterior."""
    if scenario.target is not None:
        return scenario
    known = None if before is None else before.to_dict().get("target")
    left = [about.key for about in _without_measurement(scenario)]
    kept = [key for key in scenario.run.samplers if key not in left]
    samplers = ["prior", "exact"] if kept in ([], ["exact"]) else kept  # one that differs, at least
    target = known or _written(scenario.problem().target)
    return patched(scenario, {"measurement": None, "target": target, "run": {"samplers": samplers}})


def _to_posterior(scenario: Scenario, before: Scenario | None) -> Scenario:
    """Make the posterior the target: of the remembered measurement, or of the first coordinate."""
    if scenario.target is None:
        return scenario
    if before is None or before.measurement is None:
        first = [float(index == 0) for index in range(scenario.dimension)]
        measurement: dict[str, Any] = {"matrix": [first], "noise": 0.3, "value": [0.0]}
        samplers = ["ddnm", "bo-ddnm", "exact"]
    else:
        measurement = before.to_dict()["measurement"]
        gone = before.samplers.keys() - scenario.samplers.keys()
        samplers = [key for key in before.run.samplers if key not in gone] or ["exact"]
    return patched(scenario, {"target": None, "measurement": measurement, "run": {"samplers": samplers}})


def _written(mixture: GaussianMixture) -> dict[str, Any]:
    """Return a mixture as TOML data, with the fewest digits that leave it valid."""
    kept = mixture.weights > 5e-4
    parts = {"weights": mixture.weights, "means": mixture.means, "covariances": mixture.covariances}
    for decimals in (3, 9, 15):
        data = {name: part[kept].round(decimals=decimals).tolist() for name, part in parts.items()}
        try:
            TargetSection.model_validate(data)
        except ValidationError:  # rounding has made a covariance indefinite
            continue
        break
    return data
