"""Drawing shared by screens and figures: palettes, styles of figures, their layout and their files.

- `palette`: colours of the light and dark themes, of the measurement, and colours that are legible on a surface
- `style`: look and size of a figure (matplotlib is loaded when one is applied); `layout`: texts and legends
- `files`: SVG, PDF and PNG, the same bytes for the same figure
"""
