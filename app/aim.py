"""What the samples should follow: the posterior given y, or a mixture of its own; the way there and back."""

from __future__ import annotations

from typing import Any, final

from pydantic import ValidationError
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget

from app import theme
from core.mixture import GaussianMixture
from core.problem import Measurement
from core.scenario import Scenario
from core.sections import TargetSection

_POSTERIOR, _MIXTURE = 0, 1


@final
class AimBox(QWidget):
    """Chooses the target, remembers what the other choice was, and says which samplers had to go."""

    chosen = Signal(dict)
    """A scenario as nested dictionaries, to be tried."""

    def __init__(self) -> None:
        super().__init__()
        self.box = QComboBox(toolTip="What the samples should follow", accessibleName="Target")
        self.box.addItems(["target: the posterior given y", "target: a mixture of its own"])
        self.box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.box.activated.connect(self._choose)
        self.left_out = QLabel(wordWrap=True, visible=False)
        self.left_out.setProperty("role", "muted")
        self.left_out.setFont(theme.font(12))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.box)
        layout.addWidget(self.left_out)
        self._scenario: Scenario | None = None
        self._before: Scenario | None = None
        """The scenario before the target was last changed."""

    def show_scenario(self, scenario: Scenario) -> None:
        """Show what a scenario aims at."""
        if self._before is not None and not _is_one_problem(self._before, scenario):
            self._before = None
        self._scenario = scenario
        self.box.setCurrentIndex(_POSTERIOR if scenario.target is None else _MIXTURE)
        self.left_out.hide()

    def _choose(self, index: int) -> None:
        scenario = self._scenario
        if scenario is None or (scenario.target is not None) == (index == _MIXTURE):
            return
        data, words = (
            _to_mixture(scenario, self._before) if index == _MIXTURE else _to_posterior(scenario, self._before)
        )
        self._before = scenario
        self.chosen.emit(data)
        self.left_out.setText(words)
        self.left_out.setVisible(bool(words) and self._scenario is not scenario)
        if self._scenario is scenario:  # refused: the box says what holds
            self.show_scenario(scenario)


def _is_one_problem(one: Scenario, other: Scenario) -> bool:
    """Whether what was set for one still means something for the other."""
    return (one.name, one.dimension) == (other.name, other.dimension)


def _to_mixture(scenario: Scenario, before: Scenario | None) -> tuple[dict[str, Any], str]:
    """Aim at the mixture of before, or else at what the posterior is now; say which samplers cannot."""
    data = scenario.to_dict()
    del data["measurement"]
    problem = scenario.problem()
    known = None if before is None else before.to_dict().get("target")
    data["target"] = known or _written(problem.target)
    nothing = Measurement.none(problem.prior)
    left = [sampler.about for sampler in scenario.line_up() if sampler.obstacle(nothing) is not None]
    keys = [about.key for about in left]
    kept = [key for key in data["run"]["samplers"] if key not in keys]
    data["run"]["samplers"] = ["prior", "exact"] if kept in ([], ["exact"]) else kept  # one that differs, at least
    labels = ", ".join(about.label for about in left)
    return data, f"Left out, for want of a measurement: {labels}." if left else ""


def _to_posterior(scenario: Scenario, before: Scenario | None) -> tuple[dict[str, Any], str]:
    """Aim at the posterior of the measurement of before, or else of the first coordinate."""
    data = scenario.to_dict()
    del data["target"]
    if before is None or before.measurement is None:
        first = [float(index == 0) for index in range(scenario.dimension)]
        data["measurement"] = {"matrix": [first], "noise": 0.3, "value": [0.0]}
        data["run"]["samplers"] = ["ddnm", "bo-ddnm", "exact"]
        return data, ""
    old = before.to_dict()
    data["measurement"] = old["measurement"]
    gone = before.samplers.keys() - scenario.samplers.keys()
    data["run"]["samplers"] = [key for key in old["run"]["samplers"] if key not in gone] or ["exact"]
    return data, ""


def _written(mixture: GaussianMixture) -> dict[str, Any]:
    """A mixture as the file would hold it, in as few digits as leave it one."""
    kept = mixture.weights > 5e-4
    parts = {"weights": mixture.weights, "means": mixture.means, "covariances": mixture.covariances}
    for decimals in (3, 9, 15):
        data = {name: part[kept].round(decimals=decimals).tolist() for name, part in parts.items()}
        try:
            TargetSection.model_validate(data)
        except ValidationError:  # rounding made a singular covariance indefinite
            continue
        break
    return data
