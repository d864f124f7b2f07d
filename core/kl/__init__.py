"""The KL between target and samples: exact values, and brackets that are refined where there is no closed form.

Import `known_kl`, `bracket` and `refine`; estimators of single limits have a module each.
"""
