"""Diagnostics of particles and scores: distances to exact samples, component weights, score fields, the lens.

Import `sample_metrics`, `component_weights`, `score_field`, and `lens`: what a sampler assumes of x_0, held against
the exact law; `modes` finds the modes of a mixture.
"""
