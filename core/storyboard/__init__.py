"""Storyboard: scenes of a talk as one TOML file, and the built-in ones.

Data only: the presenter shows them and films render them. May be imported by every page.
"""
