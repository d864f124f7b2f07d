"""Overlays of a panel: heat map and arrows of score fields, lines to exact twins, and component weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle as Patch
from numpy.typing import NDArray

from core.drawing.layout import text_width
from core.drawing.palette import STRIP
from core.drawing.style import Style, current, pt
from core.figures.sheet import Entry, area_sign, line_sign
from core.geometry.fields import (
    FIELDS,
    HEAT_DECADES,
    TWINS,
    FieldName,
    WeightMarks,
    colour_of_exact,
    heat_shares,
    index_of_exact,
    missing_fields,
    plane_fields,
    twins,
    weight_marks,
)
from core.geometry.lens import LensPicture, lens_picture, lens_point
from core.geometry.placing import Box, place_labels
from core.geometry.scene import Projection
from core.geometry.shapes import Rectangle
from core.runs.results import Results
from core.snapshot.view import View
from core.text.number_format import number, percent

_DENSEST, _GAMMA, _SHADES = 0.75, 0.7, 256
"""Opacity of the heat map at its upper end, power with which it rises, and number of colours."""
_PARTS = {"all": "", "measured": ", measured directions", "unmeasured": ", unmeasured directions"}
_PIXELS = 96
"""Units of places of labels, in an inch of layouts."""
_BAR = 3.0
"""Height of a bar, in these units; weight one spans its box."""
_VEIL = 0.75
"""Opacity of the surface over what is behind the lens."""
_DASHES = (0, (4, 2))
_NUMBERS = "100 · 100 %"


@final
class LensView(NamedTuple):
    """Content of the lens in one panel."""

    sampler: int
    """Its index in the run."""
    place: tuple[float, float]
    """Of x_t in the plane."""
    picture: LensPicture


@final
class PanelOverlays:
    """Overlays of all panels of a figure, on common scales.

    Args:
        results: the run.
        frame: a computed frame.
        view: which overlays, and the directions of the mismatch.
        projection: the plane.
        place: visible part of the plane.
        samplers: indices of the samplers with panels.
    """

    def __init__(
        self,
        results: Results,
        frame: int,
        view: View,
        projection: Projection,
        place: Rectangle,
        samplers: Iterable[int],
    ) -> None:
        self._results, self._frame, self._view, self._place = results, frame, view, place
        self._shown, self._samplers = set(view.overlays), list(samplers)
        plane = results, frame, projection
        self._fields = plane_fields(*plane, place, self._samplers, self._shown, view.part)
        self._twins = twins(*plane, self._samplers) if "twins" in self._shown else {}
        self._weights = weight_marks(*plane, self._samplers) if "weights" in self._shown else {}
        self._lens = self._seen(projection) if "lens" in self._shown else None

    def _seen(self, projection: Projection) -> LensView | None:
        """Return what the lens shows; None where it looks nowhere, or at a sampler that is not drawn."""
        aim, keys = self._view.lens, [sampler.about.key for sampler in self._results.samplers]
        if aim is None or aim.sampler not in keys or keys.index(aim.sampler) not in self._samplers:
            return None
        index, t = keys.index(aim.sampler), self._results.t(self._frame)
        point, place = lens_point(self._results, index, self._frame, projection, aim.place, aim.particle)
        return LensView(index, place, lens_picture(self._results, index, t, point, projection, aim.particle))

    # Drawing

    def draw(self, axes: Axes, index: int) -> None:
        """Draw the overlays of one sampler's panel, whose limits are set."""
        fields = self._fields
        if fields is not None and fields.hottest is not None:
            shade = (_SHADES - 1) * heat_shares(fields.heats[index], fields.hottest)
            extent = self._place.left, self._place.right, self._place.bottom, self._place.top
            pixels = _heat_colours(current())[shade.astype(int)]
            axes.imshow(pixels, extent=extent, origin="lower", aspect="auto", interpolation="bilinear", zorder=1.5)
        if index in self._twins:
            self._draw_twins(axes, *self._twins[index])
        if fields is not None:
            for name, vectors in fields.arrows[index].items():
                seen = np.hypot(*vectors) > 0
                axes.quiver(
                    *fields.places[:, seen],
                    *vectors[:, seen],
                    color=self._colour(name, index),
                    angles="xy",
                    scale_units="xy",
                    scale=1,
                    units="inches",
                    width=pt(0.8) / 72,
                    headwidth=4.2,
                    headlength=4.2,
                    headaxislength=3.8,
                    minlength=0.4,
                    zorder=6,
                )
        if index in self._weights:
            _draw_weights(axes, self._weights[index], self._results.samplers[index].about.colour)
        if self._lens is not None and self._lens.sampler == index:
            _draw_lens(axes, self._lens, self._results.samplers[index].about.colour)

    def _draw_twins(self, axes: Axes, ours: NDArray[np.floating], exact: NDArray[np.floating]) -> None:
        gaps = np.full_like(ours, np.nan)
        lines = np.stack([ours, exact, gaps], axis=-1).reshape(2, -1)
        index = index_of_exact(self._results)
        assert index is not None
        axes.plot(*lines, color=current().ink, alpha=0.45, linewidth=pt(0.6), zorder=3.2)
        axes.plot(
            *exact,
            ls="none",
            marker="o",
            ms=pt(2.2),
            mew=0,
            color=self._results.samplers[index].about.colour,
            zorder=3.3,
        )

    def _colour(self, name: FieldName, index: int) -> str:
        if name == "used":
            return self._results.samplers[index].about.colour
        return colour_of_exact(self._results) if name == "exact" else current().ink

    # Words

    def entries(self) -> list[Entry]:
        """Return the legend."""
        fields, found, style = self._fields, list[Entry](), current()
        part = _PARTS[self._view.part]
        if fields is not None and fields.hottest is not None:
            low, high = number(fields.hottest / 10**HEAT_DECADES), number(fields.hottest)
            words = rf"mismatch $\beta_t|\Delta_t|^2/2${part}: {high} nats a step, transparent below {low}"
            found.append(Entry(words, area_sign(_dense(style), _DENSEST)))
        if fields is not None and self._samplers:
            labels: dict[FieldName, str] = {
                "mismatch": rf"$\Delta_t$ = exact score − score used{part}",
                "used": "score used",
                "exact": "exact score",
            }
            only = self._samplers[0] if len(self._samplers) == 1 else None
            for name in fields.arrows[self._samplers[0]]:
                colour = style.muted if name == "used" and only is None else self._colour(name, only or 0)
                sign = line_sign(colour, 1.0, marker=">", markersize=pt(4), markevery=[2])
                found.append(Entry(labels[name], sign))
        if self._twins:
            exact = index_of_exact(self._results)
            assert exact is not None
            count = min(TWINS, self._results.scenario.run.particles)
            words = f"Exact’s particle with the same noise ({count})"
            found.append(
                Entry(
                    words,
                    line_sign(
                        style.ink,
                        0.8,
                        marker="o",
                        markersize=pt(3.5),
                        markevery=[2],
                        markerfacecolor=self._results.samplers[exact].about.colour,
                        markeredgewidth=0,
                    ),
                )
            )
        if self._lens is not None:
            colour = style.words(self._results.samplers[self._lens.sampler].about.colour)
            found.append(Entry("lens: exact law of $x_0$ given $x_t$ and y", line_sign(style.ink, 1.8)))
            if self._lens.picture.assumed is not None:
                found.append(Entry("what the sampler assumes", line_sign(colour, 1.8, _DASHES)))
        if self._weights:
            found.append(Entry("weights: exact · sampled", line_sign(style.ink, _BAR)))
        return found

    def notes(self) -> str:
        """Return the scale of the arrows, and why something that is wanted is not drawn."""
        said = list[str]()
        if self._fields is not None:
            full, half = number(self._fields.full), number(self._fields.half)
            said.append(f"The longest arrows are {full} per unit of x and more, those of half their length {half}.")
        if self._shown & {*FIELDS}:
            if self._fields is None:
                said.append("No field of scores at t = 0, since no step follows.")
            else:
                said += missing_fields(self._results, self._samplers)
        if self._lens is not None:
            picture = self._lens.picture
            said.append(f"Lens: {picture.title}, {picture.where}: {'; '.join(picture.findings)}.".replace("..", "."))
        elif "lens" in self._shown:
            said.append("The lens looks at no point of these panels.")
        if "twins" in self._shown and index_of_exact(self._results) is None:
            said.append("No lines to Exact’s particles, since Exact does not run.")
        if "weights" in self._shown and not self._weights:
            said.append("No weights at t = 0, since the target has no density there.")
        return " ".join(said)


def _heat_colours(style: Style) -> NDArray[np.float64]:
    """Return colours (shades, 4) of the heat map, from transparent to dense: cividis, safe for colour blindness."""
    first, last = (0.2, 1.0) if style.look == "dark" else (0.92, 0.25)
    shades = np.linspace(0, 1, _SHADES)
    colours = np.array(mpl.colormaps["cividis"](first + (last - first) * shades))
    colours[:, 3] = _DENSEST * shades**_GAMMA
    return colours


def _dense(style: Style) -> str:
    colour: str = mpl.colors.to_hex(_heat_colours(style)[-1][:3])
    return colour


def _draw_lens(axes: Axes, lens: LensView, colour: str) -> None:
    """Draw both laws of x_0 and the mark of x_t, with everything else faint."""
    style = current()
    axes.add_patch(
        Patch((0, 0), 1, 1, transform=axes.transAxes, facecolor=style.surface, alpha=_VEIL, linewidth=0, zorder=8)
    )
    shapes = (lens.picture.exact, style.ink, "-"), (lens.picture.assumed, style.words(colour), _DASHES)
    for shape, shade, dashes in shapes:
        if shape is None:
            continue
        for line in shape.lines:
            axes.plot(*line, color=shade, linewidth=pt(1.8), linestyle=dashes, zorder=8.1)
        axes.plot(
            *shape.points, ls="none", marker="o", ms=pt(7), mec=style.surface, mew=pt(1.5), color=shade, zorder=8.2
        )
    axes.plot(*lens.place, marker="x", ms=pt(7), mew=pt(2), color=style.words(STRIP), zorder=8.3)


def _draw_weights(axes: Axes, marks: WeightMarks, colour: str) -> None:
    """Draw a box beside each mean with exact and sampled weight, as percentages and as bars."""
    style, figure = current(), axes.figure
    unit = style.scale * figure.dpi / _PIXELS
    size = _PIXELS * text_width(_NUMBERS, pt(9)) / style.scale + 6, _PIXELS * 0.15 + 2 * _BAR + 5
    kept = marks.heaviest()
    points = axes.transData.transform(marks.places[:, kept].T) / unit
    frame = axes.get_window_extent()
    edges: Box = frame.x0 / unit + 2, frame.y0 / unit + 2, frame.width / unit - 4, frame.height / unit - 4
    inside = [edges[0] <= x <= edges[0] + edges[2] and edges[1] <= y <= edges[1] + edges[3] for x, y in points.tolist()]
    kept, points = kept[inside], points[inside]
    boxes = place_labels(tuple((x, y) for x, y in points.tolist()), size, (), edges)
    to_axes = axes.transAxes.inverted()

    def place(x: float, y: float) -> tuple[float, float]:
        across, up = to_axes.transform((x * unit, y * unit))
        return float(across), float(up)

    def fill(box: Box, **how: object) -> None:
        (left, low), (right, high) = place(box[0], box[1]), place(box[0] + box[2], box[1] + box[3])
        patch = Patch((left, low), right - left, high - low, transform=axes.transAxes, zorder=7, **how)  # type: ignore[arg-type]
        axes.add_patch(patch)

    for point, box, component in zip(points.tolist(), boxes, kept.tolist(), strict=True):
        if box is None:
            continue
        left, low, width, height = box
        ends = np.array([place(*point), place(left + width / 2, low + height / 2)]).T
        axes.plot(*ends, transform=axes.transAxes, color=style.ink, linewidth=pt(0.8), zorder=6.9)
        fill(box, facecolor=style.surface, edgecolor=style.faint, linewidth=pt(0.8))
        exact, sampled = float(marks.exact[component]), float(marks.sampled[component])
        for row, share, shade in ((1, exact, style.ink), (0, sampled, colour)):
            if share > 0:
                fill((left + 3, low + 3 + row * (_BAR + 1), share * (width - 6), _BAR), facecolor=shade, linewidth=0)
        words = f"{percent(exact).removesuffix(' %')} · {percent(sampled)}"
        middle = place(left + width / 2, low + height - 3)
        axes.text(
            *middle, words, transform=axes.transAxes, ha="center", va="top", size=pt(9), color=style.ink, zorder=8
        )
