"""The scenario whose prior was fitted to points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from core.data.fit import Fit, places, some, tuples
from core.data.table import Points, Table
from core.errors import ScenarioError
from core.scenario.scenario import Scenario
from core.scenario.schema import DataSection

_MOST_SHOWN = 1000


@final
@dataclass(frozen=True)
class FitRequest:
    """What is to be fitted: which columns of which table, and how."""

    table: Table
    columns: tuple[int, ...]
    standardised: bool
    gaps: bool
    """Whether rows without a number in one of the columns are left out."""
    counts: tuple[int, ...]
    """Numbers of components to choose from."""
    seed: int

    def check(self) -> None:
        """Refuse what cannot be fitted; quick, however many rows there are.

        Raises:
            ScenarioError: why.
        """
        if not self.table.complete:
            raise ScenarioError(self.table.source, "", "is still being read")
        self.table.check(self.columns, standardised=self.standardised, gaps=self.gaps)

    def points(self) -> Points:
        """The points to fit to.

        Raises:
            ScenarioError: nothing can be fitted to them.
        """
        self.check()
        return self.table.points(self.columns, standardised=self.standardised, gaps=self.gaps)

    def fitted(self, fit: Fit, points: Points) -> FittedPrior:
        """A fit to these points, as one of this order."""
        names = [self.table.name(index) for index in self.columns]
        details = f"Columns: {', '.join(names)}"
        if self.standardised:
            details += ", each shifted and scaled to mean 0, standard deviation 1"
        if left := len(self.table.values) - len(points):
            details += f"; {left:,} row{'s' if left > 1 else ''} without a number left out"
        return FittedPrior(fit, points, self.table.source, f"{details}.")


@final
@dataclass(frozen=True)
class FittedPrior:
    """A fit and what it was made from."""

    fit: Fit
    points: Points
    source: str
    details: str = ""
    """How they were taken from there."""

    @property
    def words(self) -> str:
        """What was fitted to what."""
        count, used = len(self.points), self.fit.used
        number = "1 component" if self.fit.components == 1 else f"{self.fit.components} components"
        of = f"{used} of {count} points, drawn with the seed," if used < count else f"{count} points"
        return f"{number} fitted to {of} of {self.source}. {self.details}".strip()

    def scenario(self, base: Scenario) -> Scenario:
        """Return a scenario with this prior, and all else as in another where it fits.

        The measurement is kept where the dimension is, else the first coordinate is measured with
        noise of a third of its spread. Either way y is drawn from the model.
        """
        dimension, kept = self.points.shape[1], base.to_dict()
        kept.pop("target", None)
        measurement = kept.get("measurement")
        if measurement is None or base.dimension != dimension:
            spread = float(self.points[:, 0].std())
            noise = round(spread / 3, places(spread / 3) - 1)
            measurement = {"matrix": [[1.0, *[0.0] * (dimension - 1)]], "noise": noise}
        measurement.pop("value", None)
        shown = some(self.points, _MOST_SHOWN, 0)
        data = DataSection(source=self.source, points=tuples(np.round(shown, places(float(shown.std(0).min())) + 1)))
        return Scenario.from_dict(
            {
                **kept,
                "name": f"Prior from {self.source}",
                "group": "From data",
                "notes": self.words,
                "prior": self.fit.prior.model_dump(),
                "measurement": measurement,
                "data": data.model_dump(),
            }
        ).with_value()
