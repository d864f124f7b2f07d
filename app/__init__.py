"""The window, the command line, and everything else that people touch."""
