"""The transport bar: play, step, scrub, and the scales of the time axis.

Import `Player` and `Transport`; `core.geometry.time_scale` has the scales.
"""
