"""Figures as PNG files, one file a subject; `style` is what all share. No display is needed."""
