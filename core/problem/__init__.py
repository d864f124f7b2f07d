"""Mathematics of a problem: Gaussian mixtures, measurement, noise schedule, and the problem at one noise level.

Import `Problem`, `Level`, `GaussianMixture` and `Schedule` from their modules; no sampler is known here.
"""
