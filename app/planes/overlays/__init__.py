"""Overlays of the planes: score fields, arrows, weights and differences.

Import `overlays` (pictures of a frame) and `choice` (which are shown).
"""
