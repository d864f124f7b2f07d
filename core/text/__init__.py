"""Numbers and user's text as they are written: on screens, in files and on terminals.

Import `number_format` and `user_text`; they import nothing of the product.
"""
