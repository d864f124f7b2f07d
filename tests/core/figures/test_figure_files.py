"""Files of figures: two independent renderers, embedded typefaces, equal bytes, and snapshots."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
import resvg_py
from numpy.typing import NDArray
from PIL import Image

from core.drawing.files import ENDINGS
from core.drawing.style import Style
from core.errors import ScenarioError
from core.figures.figures import figure, figure_content, require_ending, write_figure
from core.runs.results import Results
from core.scenario.scenario import Scenario
from core.snapshot.carrier import read_snapshot
from core.snapshot.snapshot import Snapshot
from core.snapshot.view import View

DPI = 96
VIEW = View(t=4, overlays=("target", "trails", "law"))
STYLES = (Style("paper", 84.0, serif=True), Style("dark", 174.0))


def content(results: Results, ending: str, style: Style, what: str = "page") -> bytes:
    snapshot = Snapshot("scenario", results.scenario.to_toml(), VIEW)
    return figure_content(figure(results, VIEW, what, style), ending, style, snapshot, dpi=DPI)  # type: ignore[arg-type]


def grey(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image.convert("L"), dtype=float) / 255


def of_svg(svg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg.decode(), dpi=DPI))))


def of_pdf(pdf: bytes) -> Image.Image:
    return pypdfium2.PdfDocument(pdf)[0].render(scale=DPI / 72).to_pil()


def unlike(one: Image.Image, other: Image.Image) -> float:
    """Return the share of blocks of 8 by 8 pixels whose mean brightness differs by more than a tenth."""
    a, b = (grey(image) for image in (one, other.resize(one.size)))
    rows, columns = (side // 8 for side in a.shape)
    blocks = [part[: 8 * rows, : 8 * columns].reshape(rows, 8, columns, 8).mean((1, 3)) for part in (a, b)]
    return float((np.abs(blocks[0] - blocks[1]) > 0.1).mean())


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.look)
def test_independent_renderers_show_what_the_png_shows(plane: Results, style: Style) -> None:
    what = "page" if style.look == "paper" else "panels"
    png = Image.open(io.BytesIO(content(plane, ".png", style, what)))
    assert png.width == pytest.approx(style.inches * DPI, abs=1), "the width that was asked for"
    svg, pdf = of_svg(content(plane, ".svg", style, what)), of_pdf(content(plane, ".pdf", style, what))
    assert abs(svg.width - png.width) <= 2
    assert abs(pdf.width - png.width) <= 2
    assert unlike(png, svg) < 0.03
    assert unlike(png, pdf) < 0.03
    other = Image.open(io.BytesIO(content(plane, ".png", style, "headline")))
    assert unlike(png, other) > 0.06, "another figure is told from it"


def test_pdf_embeds_every_typeface_as_truetype(plane: Results) -> None:
    pdf = content(plane, ".pdf", STYLES[0])
    fonts = re.findall(rb"/FontFile(\d?)", pdf)
    assert fonts
    assert set(fonts) == {b"2"}, "FontFile2 is TrueType"
    assert b"/Subtype /Type3" not in pdf
    page = pypdfium2.PdfDocument(pdf)[0]
    text = page.get_textpage().get_text_range()
    assert "STIX" in pdf.decode("latin-1")
    assert "D$NM_1 & <i>" in text, "text can be searched, and a user's label is no markup"
    objects = list(page.get_objects(filter=(pdfium.FPDF_PAGEOBJ_TEXT,)))
    assert len(objects) > 20


def test_svg_has_text_as_outlines_and_needs_no_typeface(plane: Results) -> None:
    svg = content(plane, ".svg", STYLES[0], "panels").decode()
    assert "<text" not in svg
    assert "font-family" not in svg
    assert "<i>" not in svg


@pytest.mark.parametrize("ending", ENDINGS)
def test_equal_figures_are_equal_files_and_carry_their_snapshot(gaussian: Results, ending: str, tmp_path: Path) -> None:
    path, again = tmp_path / f"one{ending}", tmp_path / f"two{ending}"
    for each in (path, again):
        write_figure(each, gaussian, VIEW, "panel", STYLES[0], dpi=72)
    assert path.read_bytes() == again.read_bytes()
    found = read_snapshot(path)
    assert found.view == VIEW
    assert Scenario.from_toml(found.toml) == gaussian.scenario
    assert not list(tmp_path.glob("*.tmp")), "nothing else is left"


def test_many_particles_are_an_image_within_a_vector_file(gaussian: Results, plane: Results) -> None:
    many, few = (content(each, ".svg", Style("paper", 84.0), "panels") for each in (gaussian, plane))
    assert b"<image" in many
    assert len(many) < 1_000_000
    assert len(few) < 1_000_000


def test_hostile_labels_are_text_in_every_figure(plane: Results) -> None:
    for what in ("panels", "headline", "per-step", "composition", "weights", "table"):
        drawn = figure(plane, View(t=1), what, Style("light", 174.0))  # type: ignore[arg-type]
        words = [text.get_text() for text in drawn.findobj(lambda part: hasattr(part, "get_text"))]
        assert any(r"D\$NM_1 & <i>" in each for each in words), what


def test_file_of_another_ending_is_refused() -> None:
    assert require_ending(Path("a.PDF")) == ".pdf"
    with pytest.raises(ScenarioError, match=r"must end in \.svg, \.pdf or \.png"):
        require_ending(Path("figure.eps"))


def test_too_many_pixels_are_refused(plane: Results) -> None:
    style = Style("paper", 1000.0)
    drawn = figure(plane, View(t=1), "table", style)
    with pytest.raises(ScenarioError, match=r"dpi: would make 47244 x \d+ pixels"):
        figure_content(drawn, ".png", style, dpi=1200)
