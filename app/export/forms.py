"""Forms of the export dialog, each with the plan that its fields say."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TypeVar, final

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QFormLayout, QWidget

from app.export.plans import CodePlan, FigurePlan, FilmPlan, NumbersPlan, Plan
from app.export.taken import CodeForm, Taken
from app.export.taken_run import TakenRun
from app.stage.stage import What as FilmWhat
from app.widgets.controls import ComboBox, SpinBox
from app.widgets.fields import TextField
from core.drawing.files import DPI, LEAST_DPI, MOST_DPI
from core.drawing.style import SLIDE, TEXT, Look, Style
from core.text.table_files import TableForm

_LOOKS: dict[Look, str] = {"paper": "paper: white, 8 pt", "light": "slide, light: 12 pt", "dark": "slide, dark: 12 pt"}
_FILMED: dict[FilmWhat, str] = {
    "panels and evidence": "panels and plot",
    "panels": "all panels",
    "panel": "one panel",
    "evidence": "plots",
}
_SIZES = ("1280 × 720", "1920 × 1080", "2560 × 1440", "3840 × 2160", "640 × 360")
_TABLES: dict[TableForm, str] = {"latex": "LaTeX (booktabs)", "markdown": "Markdown", "tsv": "TSV, for spreadsheets"}
_CODE: dict[CodeForm, str] = {
    "python": "Python script",
    "command": "command line, without a window",
    "snapshot": "snapshot: one line of text that opens here",
}


_Key = TypeVar("_Key", bound=str)


class Form(QWidget):
    """Fields of one kind of export."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.fields = QFormLayout(self)
        self.fields.setContentsMargins(0, 0, 0, 0)
        self.fields.setVerticalSpacing(8)
        self.fields.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)

    @abstractmethod
    def plan(self) -> Plan | FilmPlan:
        """Return what the fields say."""

    def take(self, taken: Taken) -> None:
        """Offer what can be exported of this."""

    @staticmethod
    def _offer(box: ComboBox, words: Mapping[str, str]) -> None:
        """Offer other choices; the chosen one stays where it is among them."""
        if {box.itemData(row): box.itemText(row) for row in range(box.count())} == words:
            return
        kept = box.currentData()
        with QSignalBlocker(box):
            box.clear()
            for key, text in words.items():
                box.addItem(text, key)
            box.setCurrentIndex(max(box.findData(kept), 0))

    def _choice(self, name: str, words: Mapping[_Key, str], tip: str) -> ComboBox:
        box = ComboBox(tip)
        box.setAccessibleName(name)
        for key, text in words.items():
            box.addItem(text, key)
        box.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.fields.addRow(name, box)
        return box

    def _number(self, name: str, low: int, high: int, value: int, tip: str) -> SpinBox:
        box = SpinBox(low, high, tip)
        box.setAccessibleName(name)
        box.setValue(value)
        box.valueChanged.connect(lambda _: self.changed.emit())
        self.fields.addRow(name, box)
        return box

    def _check(self, words: str, tip: str) -> QCheckBox:
        box = QCheckBox(words, toolTip=tip)
        box.toggled.connect(lambda _: self.changed.emit())
        self.fields.addRow("", box)
        return box


@final
class FigureFields(Form):
    """Fields of a figure: content, look, width, type and resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.what = self._choice("What", {}, "What the figure shows, as on the screen")
        self.look = self._choice("Look", _LOOKS, "White for papers, or the screen's colours for slides")
        self.millimetres = self._number(
            "Width in mm", 60, 400, round(TEXT), "84 mm is a column, 174 mm the text of a journal"
        )
        self.points = self._number("Type in pt", 5, 24, 8, "Size of type in points")
        self.dpi = self._number("Dots per inch", LEAST_DPI, MOST_DPI, DPI, "Resolution of PNG files")
        self.serif = self._check("Typeface with serifs", "Such as Times, for papers set in it")
        self.title = self._check("Name above", "Write the scenario's name and t above")
        self.look.currentIndexChanged.connect(lambda _: self._fit())

    def _fit(self) -> None:
        """Take the usual width, size of type and title of a look."""
        is_paper = self.look.currentData() == "paper"
        self.millimetres.setValue(round(TEXT if is_paper else SLIDE))
        self.points.setValue(8 if is_paper else 12)
        self.title.setChecked(not is_paper)

    def take(self, taken: Taken) -> None:
        """Offer the figures that there are."""
        self._offer(self.what, taken.figures)

    def plan(self) -> FigurePlan:
        """Return the figure."""
        style = Style(
            self.look.currentData(),
            float(self.millimetres.value()),
            self.serif.isChecked(),
            float(self.points.value()),
            self.title.isChecked(),
        )
        return FigurePlan(self.what.currentData(), style, self.dpi.value())


@final
class FilmFields(Form):
    """Fields of a film: content, size, colours, speed and stretch of t."""

    def __init__(self) -> None:
        super().__init__()
        self.what = self._choice("What", _FILMED, "What every picture shows, with the overlays of the screen")
        self.pixels = self._choice("Size", {size: size for size in _SIZES}, "Width and height in pixels")
        self.theme = self._choice("Colours", {"light": "light", "dark": "dark"}, "Colours of the pictures")
        self.text = self._number("Text in %", 80, 200, 125, "Size of text and width of lines")
        self.fps = self._number("Pictures a second", 1, 60, 30, "Pictures a second")
        self.seconds = self._number("Seconds", 1, 600, 6, "Duration from the first to the last t")
        self.hold = self._number("Hold, seconds", 0, 60, 2, "Time for which the film stays at the end")
        self.start = self._number("t from", 0, 1, 1, "The t at which the film starts")
        self.end = self._number("to", 0, 1, 1, "The t at which it ends")
        self.caption = TextField(accessibleName="Caption", placeholderText="Words below the panels")
        self.caption.textChanged.connect(lambda _: self.changed.emit())
        self.fields.addRow("Caption", self.caption)
        self.loop = self._check("Start again at the end", "Of animated WebP and GIF; players decide for MP4")
        self.loop.setChecked(True)

    def take(self, taken: Taken) -> None:
        """Take the run's T as the largest t; the whole run is filmed where another was before."""
        steps = taken.results.schedule.steps if isinstance(taken, TakenRun) else self.start.maximum()
        if self.start.maximum() != steps:
            with QSignalBlocker(self.start), QSignalBlocker(self.end):
                self.start.setMaximum(steps)
                self.end.setMaximum(steps)
                self.start.setValue(steps)
                self.end.setValue(min(1, steps))

    def plan(self) -> FilmPlan:
        """Return the film."""
        width, height = (int(side) for side in self.pixels.currentData().split(" × "))
        factor = self.text.value() / 100
        looks = {
            "width": width,
            "height": height,
            "fps": float(self.fps.value()),
            "text": factor,
            "line": factor,
            "theme": self.theme.currentData(),
            "loop": self.loop.isChecked(),
        }
        scene = {
            "what": self.what.currentData(),
            "start": self.start.value(),
            "end": self.end.value(),
            "seconds": float(self.seconds.value()),
            "hold": float(self.hold.value()),
            "caption": self.caption.text(),
        }
        return FilmPlan(tuple(looks.items()), tuple(scene.items()))


@final
class NumbersFields(Form):
    """Which numbers, and in which form."""

    def __init__(self) -> None:
        super().__init__()
        self.what = self._choice("What", {}, "Which numbers, each with its error and kind")
        self.form = self._choice("Form", _TABLES, "Form of the table")
        self.every_t = self._check("At every t", "Particles or laws at every t, not only at the cursor's")
        self.what.currentIndexChanged.connect(lambda _: self._fit())

    def take(self, taken: Taken) -> None:
        """Offer the numbers that there are."""
        self._offer(self.what, taken.numbers)
        self._fit()

    def _fit(self) -> None:
        what = self.what.currentData()
        self.fields.setRowVisible(self.form, what == "table")
        self.fields.setRowVisible(self.every_t, what in {"particles", "law"})

    def plan(self) -> NumbersPlan:
        """Return the numbers."""
        return NumbersPlan(self.what.currentData(), self.form.currentData(), self.every_t.isChecked())


@final
class CodeFields(Form):
    """In which form what is on the screen is written down."""

    def __init__(self) -> None:
        super().__init__()
        self.form = self._choice("As", _CODE, "What computes again, or opens again, what is on the screen")

    def plan(self) -> CodePlan:
        """Return the code."""
        return CodePlan(self.form.currentData())
