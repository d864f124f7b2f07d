"""Formatting of numbers, of user text and of tables for screens, files and terminals.

Import `number_format`, `user_text`, `code_text` and `table_files`; they import no other package of the product.
"""
