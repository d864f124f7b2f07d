"""View of one-dimensional problems: densities as curves over x, and time below them as a heat map of x against t.

- `layout`: what lies at which height; `densities`: curves and likelihood; `curves`: their drawings by t
- `items`: graphics items (histogram, grid); `bins`: the histogram's numbers
- `rows`: densities by row of the time map; `time_map`: its widget
- `part`: what all this is in one panel; `line_view`: the parts of all panels, and their updates
"""
