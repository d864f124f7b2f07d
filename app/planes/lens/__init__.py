"""The lens: what a sampler assumes of x_0 at one point of its panel, beside the exact law given x_t and y.

`lens` holds the point or particle and asks for its picture; `picture` computes it on a thread; `card` shows numbers
and words in the panel.
"""
