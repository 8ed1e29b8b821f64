"""Figures as PNG files, one file a subject; `drawing` is what all share. No display is needed."""
