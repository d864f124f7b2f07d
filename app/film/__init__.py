"""Films: a run, or several scenes one after the other, played on the stage and encoded as MP4, WebP, GIF or PNGs.

Window and command line make them alike, off the screen and in a process of their own (`process`, `runner`).
"""
