"""Presenter: a storyboard shown full screen, scene by scene, and the strip in which it is made.

Import `Presenter` from `presenter`, and `Storyboards` from `storyboards`.
"""
