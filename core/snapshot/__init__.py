"""Snapshot of a screen: a file's content and the view of it, as one line of text and inside exported files.

Data only: pages of the window, films and figures take a view from here. May be imported by every page.
"""
