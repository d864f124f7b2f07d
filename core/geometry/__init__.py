"""Geometry of what screens and figures draw: planes of x, contours, densities on a line, laws, and the axis of time.

Data only, without a drawing library.

- `shapes`: polylines, bands and rectangles; `time_scale`: the axis of reverse time
- `scene`: planes of x, contours and the measurement there; `laws`: contours of laws and log ratios to the target
- `fields`: overlays: score fields on common scales, twins, weights; `placing`: labels beside points, without overlaps
- `lens`: the laws of x_0 given x_t that the lens compares
- `densities`, `bins`, `line_laws`, `line_layout`: curves, histogram and laws of a one-dimensional problem
- `rows`: densities by row of a map of x against t
"""
