"""The KL itself: what is known of it, and the bracket that is refined where it has no closed form.

Import `known_kl`, `bracket` and `refine`; estimators of single limits have a module each.
"""
