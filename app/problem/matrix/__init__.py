"""The matrix editor: a grid of numbers with colours, patterns, paste and import, and the button that opens it."""
