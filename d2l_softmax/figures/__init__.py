"""The figures, one file a subject; `drawing` is what all share. No display is ever needed."""
