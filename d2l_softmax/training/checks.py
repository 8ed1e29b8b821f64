"""What may be handed to a twin: each check says what came and what was expected.

Shapes and dtypes cost nothing to look at. The range of the labels does: on an accelerator it would
make the host wait in every step, so it is looked at on the CPU only. (On an accelerator indexing
itself still refuses a class of q or more.)
"""

import math

import torch
from torch import Tensor


def check_inputs(X: Tensor, W: Tensor) -> None:
    """Raise ValueError unless X is a batch of images (n, ...) with as many pixels as W has rows."""
    if X.dim() < 2 or math.prod(X.shape[1:]) != len(W):
        raise ValueError(
            f"X has shape {tuple(X.shape)}, expected (n, ...) with {len(W)} numbers an example"
        )
    if X.dtype != W.dtype:
        raise ValueError(f"X is {X.dtype}, expected the model's {W.dtype}")


def check_targets(predictions: Tensor, y: Tensor, reduction: str = "mean") -> None:
    """Raise unless y is a target for each row of the predictions (n, q).

    Either classes (n,), int64 from 0 to q - 1, or probabilities (n, q) of the predictions' dtype.
    ValueError for shapes, dtypes, probabilities and for a reduction other than "mean", "sum" and
    "none", IndexError for a class that doesn't exist.
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction is {reduction!r}, expected 'mean', 'sum' or 'none'")
    if predictions.dim() != 2 or len(predictions) == 0:
        raise ValueError(f"predictions have shape {tuple(predictions.shape)}, expected (n, q)")
    n, q = predictions.shape
    if y.is_floating_point() and y.dim() == 2:
        check_probabilities(predictions, y)
        return
    if y.shape != (n,):
        raise ValueError(f"y has shape {tuple(y.shape)}, expected ({n},), one label a prediction")
    if y.dtype != torch.int64:
        raise ValueError(f"y is {y.dtype}, expected torch.int64")
    if y.device.type == "cpu":
        lowest, highest = (int(extreme) for extreme in torch.aminmax(y))
        if lowest < 0 or highest >= q:
            raise IndexError(f"y has labels from {lowest} to {highest}, expected 0 to {q - 1}")


def check_probabilities(predictions: Tensor, y: Tensor) -> None:
    """Raise ValueError unless each row of y (n, q) is a distribution over the classes."""
    if y.shape != predictions.shape or y.dtype != predictions.dtype:
        raise ValueError(
            f"y is {y.dtype} of shape {tuple(y.shape)}, expected {predictions.dtype} of shape "
            f"{tuple(predictions.shape)}, the predictions'"
        )
    if y.device.type == "cpu":
        lowest, error = float(y.min()), float((y.sum(dim=1) - 1).abs().max())
        if not (lowest >= 0 and error <= 1e-5):
            raise ValueError(
                f"y has entries from {lowest:g} on and rows whose sums miss 1 by up to {error:g}, "
                "expected probabilities"
            )
