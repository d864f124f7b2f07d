"""Texts of the read-out at the cursor: every sampler's value with its kind and error in words."""

from __future__ import annotations

from collections.abc import Mapping

from app.theme import theme
from app.widgets.read_out import table
from app.widgets.user_text import rich_text
from core.samplers import About
from core.studies.chart_data import Panel, words_of
from core.studies.summary import Point
from core.text.user_text import one_line

LineUp = Mapping[str, About]
"""Descriptions of the samplers by key, in their order."""

_LINE = 60
"""Longest line of a place."""
_NOTE = 90
"""Longest reason for an unknown value."""
_ERRORS = "± one standard error; of a computed value its error."
HINT = "Click or Enter opens this run in Explore."


def value_table(title: str, panel: Panel, points: Mapping[str, Point | None], abouts: LineUp, note: str = "") -> str:
    """Return rich text with a row for every sampler: value, and kind in words.

    Args:
        title: the place, in one line or two.
        panel: the metric.
        points: by sampler; None where there is no row.
        abouts: descriptions of the samplers.
        note: plain text below the table.
    """
    shown = []
    for key, point in points.items():
        words = words_of(point)
        shown.append((abouts[key].colour, abouts[key].short_label, (words.value, one_line(words.kind, _NOTE))))
    first, *others = (one_line(line, _LINE) for line in title.split("\n"))
    above = "".join(f"<b>{rich_text(line)}</b>" for line in ([first] if others else []))
    text = above + table((others or [first])[-1], (one_line(panel.title_and_unit), "kind"), shown)
    has_error = any("±" in words_of(point).value for point in points.values())
    notes = [note, _ERRORS if has_error else "", HINT]
    muted = theme.current().muted
    return text + "".join(f'<p style="color:{muted}; margin:4px 0 0 0">{rich_text(each)}</p>' for each in notes if each)
