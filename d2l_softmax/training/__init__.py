"""Training a model epoch by epoch, and how good it became: loop, metrics, evaluation, agreement.

`checks` says what may be handed to a twin. This room knows nothing of files, figures or commands.
"""
