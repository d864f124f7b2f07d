"""Particles of several samplers, stepped side by side on common noise, and the time that steps take.

Import `simulate`, `work` (blocks of bounded size) and `pace`.
"""
