"""The bound on the KL and its terms: closed form, Monte Carlo, and the limit of many steps.

- `terms`: what the terms are called, and the formulas that closed forms and samples share (`variance_term`)
- `bound_terms`: `BoundTerms`, the table of all terms along t, and `accumulate`, which fills it
- `closed_form`, `monte_carlo`: the terms for one Gaussian, and as means over sampled paths
- `affine`: a sampler's kernel as an affine map, for the closed forms
- `asymptote`: the limit of the mismatch as steps are refined
"""
