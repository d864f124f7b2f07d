"""The KL between target and samples: exact values, and brackets that are refined where there is no closed form.

Import `knowledge` (what a run knows), `known_kl` (kinds), `bracket` and `refine`, `law` and `computed` (laws on grids);
estimators of single limits have a module each.
"""
