"""The transport bar: play, step, scrub, and the scales of the time axis.

Import `Player` and `Transport`; plots take `time_scale`.
"""
