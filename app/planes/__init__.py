"""The planes: one panel a sampler, with contours, particles, overlays and handles.

- `planes`: `PlanesWidget`, all panels with one view; `grid` arranges them, `panel` is one of them
- `legend`: what lines and colours mean; `line`: the view of one-dimensional problems
- `contours`, `view`: contours at each t, and the view with its keys (`core.geometry` computes what is drawn)
- `lens`: what a sampler assumes of x_0 at a point, beside the exact law
- `handles`, `overlays`: what can be dragged, and what can be shown on top
- `probe`: the scores at a point; `sampler_menu`, `filler`: which sampler a panel shows, and the cell without one
"""
