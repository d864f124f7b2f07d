"""The lens: what a sampler assumes of x_0 at one point of its panel, beside the exact law given x_t and y.

`lens` holds the point or particle, and has its picture (`core.geometry.lens`) computed on a thread; `card` shows the
numbers and words in the panel.
"""
