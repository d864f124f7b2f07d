"""The matrix editor: a grid of numbers with colours, patterns, paste and import, and the button that opens it.

Import `button` where a matrix is shown, and `dialog` to open the editor.
"""
