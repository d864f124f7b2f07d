"""The stage: results with a view, without docks, handles and controls; shown live, or rendered to an image of any size.

Films and the presenter show it; theme and sizes are those of the application (`app.theme`).
"""
