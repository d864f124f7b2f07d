"""What a prediction says, in sentences and as a table; every number with its kind."""

from __future__ import annotations

import math

from app.spectrum.analysis import Analysis
from app.spectrum.plot import COLOURS
from app.theme import theme
from app.widgets.user_text import rich_text
from core.spectrum.budget import SourceError
from core.spectrum.methods import Source
from core.spectrum.prediction import EXACT, Prediction
from core.spectrum.simulation import Simulated
from core.text.number_format import number, percent, with_error

MEANINGS: dict[Source, str] = {
    "noise": "the score is that of the data with noise σ",
    "truncation": "the reverse process ends at ε, not at 0",
    "initialisation": "the start is not the noised data's law",
    "discretisation": "steps in place of continuous time",
    "generalisation": "the score is learned from N samples",
    "optimisation": "SGD does not rest at the minimum of its loss",
}
"""What every source of error is."""
_UNSTABLE = "The method is unstable"
_MAIN = 0.5
"""Share from which a source is said to make most of W2^2."""


def headline(prediction: Prediction) -> str:
    """Return W2 with its kind."""
    return f"W₂ = {number(prediction.w2)}"


def kind_words(prediction: Prediction) -> str:
    """Return of which kind W2 is."""
    kind = prediction.w2_squared.kind
    return "exact: nothing is learned" if kind == EXACT and not prediction.setting.learning.is_random else kind


def main_sentence(analysis: Analysis) -> str:
    """Return which source makes most of W2^2."""
    prediction = analysis.prediction
    total = prediction.w2_squared.value
    if analysis.unstable.any():
        end = "are far too wide" if math.isfinite(total) else "explode"
        return f"The steps are too large for some eigenvalues: along them the samples {end}."
    known = [each for each in prediction.budget.sources if each.added is not None]
    if total <= 0 or not known:
        return "The samples have exactly the data's law."
    first = max(known, key=lambda each: each.added or 0.0)
    share = (first.added or 0.0) / total
    verb = (
        f"makes {percent(min(share, 1.0))} of W₂²"
        if share >= _MAIN
        else f"is the largest source: {percent(share)} of W₂²"
    )
    return f"{first.source.capitalize()} {verb}: {MEANINGS[first.source]}."


def table_html(analysis: Analysis, simulated: Simulated | None) -> str:
    """Return sources, W2, KL and cost with their kinds, as rich text."""
    prediction = analysis.prediction
    muted = theme.current().muted
    head = "".join(
        f'<td align="{side}" style="color:{muted}">{words}</td>'
        for side, words in (("left", "W₂² by source"), ("right", "added"), ("right", "alone"), ("right", "inter­action"))
    )
    rows = [f"<tr>{head}</tr>", *(_source_row(each) for each in prediction.budget.sources)]
    total = number(prediction.w2_squared.value)
    rows.append(f'<tr><td>total W₂²</td><td align="right"><b>{total}</b></td><td></td><td></td></tr>')
    if simulated is not None:
        found = simulated.w2_squared
        kind = f"± s.e., {found.count} repeats" if found.error > 0 else "exact propagation"
        rows.append(
            f'<tr><td>simulated</td><td align="right">{with_error(found.mean, found.error).replace(" ", "&nbsp;")}</td>'
            f'<td colspan="2" align="right" style="color:{muted}">{kind}</td></tr>'
        )
    return f'<table width="100%" cellspacing="0" cellpadding="1">{"".join(rows)}</table>'


def _source_row(each: SourceError) -> str:
    cells = "".join(
        f'<td align="right">{"–" if value is None else number(value)}</td>'
        for value in (each.added, each.alone, each.interaction)
    )
    dot = f'<span style="color:{COLOURS[each.source]}">■</span>'
    mark = "" if each.kind == "exact" else "*"
    return f"<tr><td>{dot} {each.source}{mark}</td>{cells}</tr>"


def measures(analysis: Analysis) -> str:
    """Return KL both ways with their kind, and the cost, in a line of rich text."""
    prediction, cost = analysis.prediction, analysis.prediction.method.nfe
    muted = theme.current().muted
    evaluations = "infinitely many" if cost is None else f"{cost:,}"
    return (
        f"KL(data ‖ produced) {number(prediction.kl.value)}, reversed {number(analysis.reverse_kl)} nats "
        f'<span style="color:{muted}">(exact score)</span>; '
        f"{evaluations} score evaluations"
    )


ORDER = "Sources are switched on from top to bottom; interaction is what a source adds less what it is alone."
"""What the columns of the table are."""


def footnote(prediction: Prediction) -> str:
    """Return of which kinds the numbers of the table are."""
    return "* second order; others exact" if prediction.setting.learning.is_random else "all exact"


def instability(analysis: Analysis) -> str:
    """Return along how many eigenvalues the method diverges, as a sentence; empty where it is stable."""
    mask = analysis.unstable
    if not mask.any():
        return ""
    which = "the only eigenvalue" if len(mask) == 1 else f"{int(mask.sum())} of {len(mask)} eigenvalues"
    return f"Unstable along {which} (red): the steps are too large there."


def warnings(prediction: Prediction) -> str:
    """Return why the prediction may not be right, as rich text; empty where nothing speaks against it.

    Instability is said above the spectrum.
    """
    return "<br>".join(rich_text(each) for each in prediction.validity if not each.startswith(_UNSTABLE))
