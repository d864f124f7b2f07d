"""Files in the window: open, save, gallery, data, and samplers of the user's own.

Import `Files` from `files`; dialogs are its own.
"""
