"""A setting on the page Spectrum, as the export dialog takes it; no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, final

from matplotlib.figure import Figure

from app.export.taken import Contents, Taken
from core.drawing.style import Style
from core.snapshot.snapshot import Snapshot
from core.spectrum.code import spectrum_command, spectrum_script
from core.spectrum.figure import What, spectrum_figure
from core.spectrum.numbers import Arrays, budget_table, spectrum_columns
from core.spectrum.optimum import Curve
from core.spectrum.prediction import Prediction
from core.spectrum.report import spectrum_report_bytes
from core.spectrum.setting import SpectrumSetting
from core.spectrum.simulation import Simulated
from core.text.table_files import TABLE_ENDINGS, TableForm, csv_bytes, npz_bytes

_FIGURES: Mapping[str, str] = {
    "page": "page: all plots",
    "spectrum": "produced and true spectrum",
    "shares": "share of each eigenvalue in W₂²",
    "budget": "W₂² by source",
    "curve": "W₂ against a number",
    "kernel": "kernel norm",
    "clouds": "clouds of data and samples",
    "pictures": "samples as pictures",
}
_NUMBERS = {
    "table": "W₂² by source",
    "eigenvalues": "eigenvalues, true and produced",
    "curve": "curve of W₂",
    "report": "spectrum.json",
}


@final
@dataclass(frozen=True)
class TakenSpectrum(Taken):
    """A prediction, with the simulation and the curve that are shown beside it."""

    setting: SpectrumSetting
    """With an absolute path of numbers in a file."""
    prediction: Prediction
    simulated: Simulated | None
    curve: Curve | None
    source: str
    """The setting on a command line: its file, the key of a built-in one, or a snapshot."""
    snapshot: Snapshot

    @property
    def name(self) -> str:
        """Name of the setting."""
        return self.setting.name

    @property
    def figures(self) -> Mapping[str, str]:
        """The page, and each of its plots."""
        has_pictures = self.prediction.spectrum.picture is not None
        return {name: words for name, words in _FIGURES.items() if has_pictures or name != "pictures"}

    @property
    def numbers(self) -> Mapping[str, str]:
        """Table, arrays and report."""
        return _NUMBERS

    def figure(self, what: str, style: Style) -> Figure:
        """Draw the prediction, with what is simulated of it."""
        return spectrum_figure(self.prediction, self.simulated, self.curve, style, cast("What", what))

    def contents(self, what: str, form: TableForm, *, every_t: bool) -> Contents:
        """Return the table of sources, columns, or the report."""
        del every_t
        shown = self.prediction, self.simulated, self.curve
        if what == "table":
            return {TABLE_ENDINGS[form]: lambda: budget_table(*shown[:2], form).encode()}
        if what == "report":
            return {".json": lambda: spectrum_report_bytes(*shown)}
        arrays = cast("Arrays", what)
        return {
            ".csv": lambda: csv_bytes(spectrum_columns(*shown, arrays)),
            ".npz": lambda: npz_bytes(spectrum_columns(*shown, arrays)),
        }

    def script(self) -> str:
        """Return a script that predicts the setting, and simulates it where a simulation is shown."""
        return spectrum_script(self.setting, is_simulated=self.simulated is not None)

    def command(self) -> str:
        """Return the command that draws the page."""
        vary = None if self.curve is None else self.curve.key
        return spectrum_command(self.source, "page", vary, None if self.simulated is None else self._repeats)

    @property
    def _repeats(self) -> int:
        assert self.simulated is not None
        return self.simulated.w2_squared.count
