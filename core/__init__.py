"""The mathematics of score-mismatched diffusion samplers, on torch; no interface code."""
