"""What may be handed to a twin: each check says what came and what was expected.

Shapes and dtypes cost nothing to look at. The range of the labels does: on an accelerator it would
make the host wait in every step, so it is looked at on the CPU only (accelerators check it in
their own indexing).
"""

import torch
from torch import Tensor


def check_inputs(X: Tensor, W: Tensor) -> None:
    """Raise ValueError unless X is a batch of images (n, ...) with as many pixels as W has rows."""
    if X.dim() < 2 or X[0:1].numel() != len(X[0:1]) * len(W):
        raise ValueError(
            f"X has shape {tuple(X.shape)}, expected (n, ...) with {len(W)} numbers an example"
        )
    if X.dtype != W.dtype:
        raise ValueError(f"X is {X.dtype}, expected the model's {W.dtype}")


def check_targets(predictions: Tensor, y: Tensor) -> None:
    """Raise unless y holds a class (int64, 0 to q - 1) for each row of the predictions (n, q).

    ValueError for shapes and dtypes, IndexError for a class that doesn't exist.
    """
    if predictions.dim() != 2 or len(predictions) == 0:
        raise ValueError(f"predictions have shape {tuple(predictions.shape)}, expected (n, q)")
    n, q = predictions.shape
    if y.shape != (n,):
        raise ValueError(f"y has shape {tuple(y.shape)}, expected ({n},), one label a prediction")
    if y.dtype != torch.int64:
        raise ValueError(f"y is {y.dtype}, expected torch.int64")
    if y.device.type == "cpu":
        lowest, highest = (int(extreme) for extreme in torch.aminmax(y))
        if lowest < 0 or highest >= q:
            raise IndexError(f"y has labels from {lowest} to {highest}, expected 0 to {q - 1}")
