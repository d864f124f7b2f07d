"""Help: pages, tour, shortcuts, sampler cards, about.

Import `Help` from `help`.
"""
