"""Figures as PNG files, one module per subject; `style` has shared code. No display is needed."""
