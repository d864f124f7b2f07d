"""The bound on the KL and its terms: closed form, Monte Carlo, and the limit of many steps.

Import `divergence` to accumulate terms, `asymptote` for their limit, `affine` for Gaussian closed forms.
"""
