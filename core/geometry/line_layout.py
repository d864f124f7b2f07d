"""Heights in the view of a one-dimensional problem: densities above zero, then particles, then components' handles."""

from __future__ import annotations

from core.scenario.plane_edits import LINE_HEIGHT, VALUE_HEIGHT

BOTTOM, TOP = LINE_HEIGHT - 0.12, 1.08
"""Ends of the vertical axis; the highest density that must be seen has height 1."""
STRIP = (-0.15, -0.02)
"""Lower and upper end of the strip of particles."""
LIKELIHOOD_HEIGHT = VALUE_HEIGHT
"""Height of the likelihood's peak, which carries the handle of y."""
