"""Diagnostics of particles and scores: distances to exact samples, component weights, score fields.

Import `sample_metrics`, `component_weights` and `score_field`.
"""
