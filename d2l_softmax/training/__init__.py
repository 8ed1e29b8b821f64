"""Training (`fit`, `checkpoint`, `distributed`), metrics, and evaluation of models.

`checks` has the argument checks of both twins. Nothing in this package imports figures or commands.
"""
