"""The page Studies: a study is set up, measured while its charts grow, and kept.

`charts` draws what a study has measured; it knows neither the runner nor the window.
"""
