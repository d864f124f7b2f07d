"""Steps of the tour: widgets and texts, with numbers of the shown run."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.help.tour import TourStep
from app.help.window_parts import WindowParts
from app.widgets.fields import format_number
from core.text.number_format import with_error


def tour_steps(screen: WindowParts) -> list[TourStep]:
    """Return the six steps; the present noise is the reference for the user's change."""
    noise = _noise_now(screen)
    return [
        TourStep("Each panel is one sampler", lambda: _PLANES, lambda: screen.planes),
        TourStep("Time runs backwards", lambda: _TRANSPORT, lambda: screen.transport),
        TourStep(
            "Raise the measurement noise",
            lambda: _noise(screen, noise),
            lambda: _noise_slider(screen),
            lambda: screen.problem.measurement.noise.slider,
        ),
        TourStep("The error accumulates", lambda: _HEADLINE, lambda: screen.evidence.headline),
        TourStep("The terms of the bound", lambda: _terms(screen), lambda: screen.evidence.composition),
        TourStep("What a sampler assumes", lambda: _LENS, lambda: screen.planes.overlays),
    ]


_PLANES = """
<p>The strong contours are the target: the exact posterior given the measurement, which is the amber band. All
samplers use the same random numbers, so differences between panels come from the samplers alone.</p>
<p>A sampler is right where its particles fill the contours. Compare <b>DDNM</b> with <b>Exact</b>.</p>"""

_TRANSPORT = """
<p>Each run starts from pure noise on the left and ends with samples on the right.</p>
<p>Drag the bar, or press <b>Space</b>, and find the t at which DDNM departs from the others: a small one, at which
little noise is left.</p>"""

_HEADLINE = """
<p>Each step with a wrong score adds to the error. <b>Solid</b>: the mismatch accumulated so far. <b>Dashed</b>: the
upper bound on the KL divergence KL(target ‖ samples).</p>
<p>At first all curves agree. See which one rises at the end, and which ones stay flat.</p>"""

_LENS = """
<p>Go back to about t = 90, press <b>L</b>, or tick <i>Lens</i> in this list, and click a particle in DDNM's panel.
<b>Solid:</b> the exact law of x<sub>0</sub> given that particle and y. <b>Dashed, or a dot:</b> what the sampler
assumes instead. The card states what is wrong with the assumption. Both laws change as you move through t.</p>
<p>Four scenarios in the gallery (<b>Ctrl+G</b>) show the ways in which an assumption fails; the help page
<i>What a sampler assumes</i> derives them.</p>"""

_REASON = """
<p><b>Why:</b> DDNM pulls towards y with strength <nobr>1/(1−ᾱ)</nobr>, as if y had no noise, which grows without
bound towards the end. <b>BO-DDNM</b> includes the noise, <nobr>1/(1−ᾱ+ᾱσ²)</nobr> for a unit row of H, so that its
particles keep the width of the posterior.</p>"""


def _noise_slider(screen: WindowParts) -> QWidget:
    """Expand the slider's section and return the slider."""
    screen.problem.measurement.header.setChecked(True)
    return screen.problem.measurement.noise


def _noise_now(screen: WindowParts) -> float | None:
    """Return sigma_y, or None without a measurement."""
    measurement = screen.document.scenario.measurement
    return None if measurement is None else measurement.noise


def _noise(screen: WindowParts, before: float | None) -> str:
    """Return the text that asks for a change of the noise, or that explains its effect."""
    now = _noise_now(screen)
    if now is None or before is None:
        return "<p>This scenario has a given target and no measurement: open another one to change its noise.</p>"
    if now == before:
        return """
<p>This is σ<sub>y</sub>, the noise of the measurement.</p>
<p><b>Drag it to the right</b> (or hold <b>→</b>), towards 1, and watch the contours, DDNM and BO-DDNM.</p>"""
    change = f"<p>σ<sub>y</sub> went from {format_number(before)} to <b>{format_number(now)}</b>.</p>"
    if now < before:
        return f"""{change}
<p>With less noise DDNM and BO-DDNM come closer; at zero they are the same sampler. Now try the other way.</p>"""
    return f"""{change}
<p>Band and contours are wider now, since y determines x less. DDNM's particles still lie on the centre line of the
band; BO-DDNM's spread out as the contours do.</p>"""


def _terms(screen: WindowParts) -> str:
    """Return the text on the bound terms, with numbers if the run has both samplers."""
    shares = [share for share in (_share(screen, "ddnm"), _share(screen, "bo-ddnm")) if share]
    told = f"<p>At t = 1, {'; '.join(shares)}.</p>" if shares else ""
    return f"""
<p><b>Measured mismatch</b> is the part of the mismatch in the direction that H measures.</p>{told}{_REASON}"""


def _share(screen: WindowParts, key: str) -> str:
    """Return the share of measured mismatch in a sampler's bound as text; empty while unknown."""
    results = screen.results()
    if results is None or results.terms.completed < results.schedule.steps:
        return ""
    evidence = results.terms
    for index, sampler in enumerate(results.samplers):
        if sampler.about.key == key:
            at = index, results.frame(1)
            terms = ((evidence.value[name][at], evidence.error[name][at]) for name in ("mismatch_range", "bound"))
            part, whole = (with_error(*term).partition(" ±")[0] for term in terms)
            return f"it is <b>{part}</b> of {sampler.about.label}’s bound of {whole}"
    return ""
