"""Formatting of numbers and of user text for screens, files and terminals.

Import `number_format` and `user_text`; they import no other package of the product.
"""
