"""The planes: one panel a sampler, with contours, particles, overlays and handles.

Import `PlaneGrid`; `scene` also serves thumbnails.
"""
