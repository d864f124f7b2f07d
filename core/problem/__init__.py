"""The mathematics of a problem: mixtures, measurement, noise schedule, and the level at one noise step.

Import `Problem`, `Level`, `GaussianMixture` and `Schedule` from their modules; no sampler is known here.
"""
