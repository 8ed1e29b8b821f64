"""One training (`fit`, `checkpoint`, `distributed`), and how good a model is.

`checks` says what may be handed to a twin. Nothing here knows of figures or commands.
"""
