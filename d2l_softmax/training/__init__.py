"""Training (`fit`, `checkpoint`, `distributed`), metrics, and evaluation of models.

`checks` has the argument checks of both twins. Nothing here imports figures or commands.
"""
