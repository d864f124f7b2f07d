"""Priors fitted to points: the request for a fit, and the scenario made from its result."""

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
    """Columns of a table to fit mixtures to, and how."""

    table: Table
    columns: tuple[int, ...]
    standardised: bool
    gaps: bool
    """True if rows without a number in one of the columns are left out."""
    counts: tuple[int, ...]
    """Candidate numbers of components."""
    seed: int

    def check(self) -> None:
        """Raise an error where no fit is possible; fast for any number of rows.

        Raises:
            ScenarioError: the table is incomplete, or :meth:`Table.check` fails.
        """
        if not self.table.complete:
            raise ScenarioError(self.table.source, "", "is still being read")
        self.table.check(self.columns, standardised=self.standardised, gaps=self.gaps)

    def points(self) -> Points:
        """Return the points (n, d) of the chosen columns.

        Raises:
            ScenarioError: no mixture can be fitted to them.
        """
        self.check()
        return self.table.points(self.columns, standardised=self.standardised, gaps=self.gaps)

    def fitted(self, fit: Fit, points: Points) -> FittedPrior:
        """Return a fit together with its points and a description of the preprocessing."""
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
    """A fitted mixture with its points and their source."""

    fit: Fit
    points: Points
    source: str
    details: str = ""
    """Columns and preprocessing, in words."""

    @property
    def words(self) -> str:
        """Sentences for the scenario's notes: number of components, points and source."""
        count, used = len(self.points), self.fit.used
        number = "1 component" if self.fit.components == 1 else f"{self.fit.components} components"
        of = f"{used} of {count} points, drawn with the seed," if used < count else f"{count} points"
        return f"{number} fitted to {of} of {self.source}. {self.details}".strip()

    def scenario(self, base: Scenario) -> Scenario:
        """Return a copy of a scenario with this prior.

        The measurement is kept if the dimension stays, else the first coordinate is measured with
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
