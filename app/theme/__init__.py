"""Colours, typefaces, icons and style sheet, in a light and a dark theme.

Import `theme`; `choice` is the menu for it.
"""
