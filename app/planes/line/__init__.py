"""View of one-dimensional problems: densities as curves over x, and time below them as a heat map of x against t.

- `curves`: drawings of densities and likelihood by t, which `core.geometry` computes
- `items`: graphics items (histogram, grid)
- `time_map`, `map_image`: map of x against t
- `part`: what all this is in one panel; `line_view`: the parts of all panels, and their updates
"""
