"""Argument checks of both twins: messages name the value and the expected value.

Checks of shapes and dtypes are cheap. On a CUDA device, label values are checked by device-side
assertions: a check on the host would synchronize in every step.
"""

from collections.abc import Callable
from numbers import Real

import torch
from torch import Tensor

from d2l_softmax.errors import UserError


class OtherEditionError(UserError, TypeError):
    """A call has the arguments of another edition of the book; the message shows the right call."""


def check_order(function: Callable, net: object, data_iter: object) -> None:
    """Raise OtherEditionError if the arguments `net` and `data_iter` are swapped."""
    if callable(data_iter) and not callable(net):
        name = function.__name__
        raise OtherEditionError(
            f"{name}({type(net).__name__}, {type(data_iter).__name__}, ...) has the argument order "
            "of Dive-into-DL-PyTorch and of the book's first edition;",
            f"here the model is the first argument: {name}(net, data_iter, ...)",
        )


def check_tensor(name: str, value: object) -> None:
    """Raise TypeError unless the value is a tensor; the message says how to convert it."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{name} is of type {type(value).__name__}, expected a tensor; "
            f"use torch.as_tensor({name})"
        )


def check_inputs(X: Tensor, W: Tensor) -> None:
    """Check that X is a batch (n, ...) with d numbers per example, for W (d, q).

    Raises TypeError if X is not a tensor, ValueError if its shape or dtype does not fit W.
    """
    check_tensor("X", X)
    if X.dim() < 2 or X.shape[1:].numel() != W.shape[0]:
        raise ValueError(
            f"X has shape {tuple(X.shape)}, expected (n, ...) with {len(W)} numbers per example"
        )
    if X.dtype != W.dtype:
        raise ValueError(f"X is {X.dtype}, expected the model's {W.dtype}")


def check_targets(predictions: Tensor, y: Tensor, reduction: str = "mean") -> None:
    """Check that y has a target for each row of the predictions (n, q).

    Targets are classes (n,), int64 from 0 to q - 1, or probabilities (n, q) in the predictions'
    dtype. Raises TypeError if an argument is not a tensor. Raises ValueError for wrong shapes,
    dtypes or probabilities, or a reduction other than "mean", "sum" and "none". Raises IndexError
    for classes out of range.
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction is {reduction!r}, expected 'mean', 'sum' or 'none'")
    check_tensor("y_hat", predictions)
    check_tensor("y", y)
    if predictions.dim() != 2 or predictions.shape[0] == 0:
        raise ValueError(f"predictions have shape {tuple(predictions.shape)}, expected (n, q)")
    n, q = predictions.shape
    if y.dim() == 2 and y.is_floating_point():
        check_probabilities(predictions, y)
        return
    if y.shape != (n,):
        raise ValueError(f"y has shape {tuple(y.shape)}, expected ({n},), one label per prediction")
    if y.dtype != torch.int64:
        raise ValueError(f"y is {y.dtype}, expected torch.int64")
    check_classes(y, q)


def check_classes(y: Tensor, q: int) -> None:
    """Raise IndexError if a label (n,) is not a class from 0 to q - 1.

    On a CUDA device a later operation raises torch's "device-side assert" instead.
    """
    if y.is_meta:  # meta tensors have no values
        return
    if y.is_cuda:
        torch._assert_async(((y >= 0) & (y < q)).all())
        return
    lowest, highest = torch.aminmax(y.cpu())  # Apple's GPU may lack aminmax for integers
    if lowest.item() < 0 or highest.item() >= q:
        raise IndexError(f"y has labels from {lowest} to {highest}, expected 0 to {q - 1}")


def check_probabilities(predictions: Tensor, y: Tensor) -> None:
    """Raise ValueError unless each row of y (n, q) is a distribution over the classes."""
    if y.shape != predictions.shape or y.dtype != predictions.dtype:
        raise ValueError(
            f"y is {y.dtype} of shape {tuple(y.shape)}, expected {predictions.dtype} of shape "
            f"{tuple(predictions.shape)}, like the predictions"
        )
    if y.is_cuda or y.is_meta:  # a check would synchronize; y indexes nothing, so it is safe
        return
    # summed in y's own dtype: Apple's GPU has no float64
    lowest, error = float(y.min()), float((y.sum(dim=1) - 1).abs().max())
    if not (lowest >= 0 and error <= max(1e-5, 4 * torch.finfo(y.dtype).eps)):
        raise ValueError(
            f"y has a smallest entry of {lowest:g} and row sums that differ from 1 by up to "
            f"{error:g}, expected probabilities"
        )


def check_numbers(below: float | None = None, **settings: float) -> list[float]:
    """Check that an optimizer's settings are numbers of at least 0; return them as floats.

    With `below`, each must be in [0, below). NumPy scalars are numbers. Raises TypeError if a
    setting is not a number, ValueError if it is out of range or NaN.
    """
    expected = "a number of at least 0" if below is None else f"a number in [0, {below})"
    for name, value in settings.items():
        if not isinstance(value, Real):
            raise TypeError(f"{name} is {value!r}, expected {expected}")
        if not (value >= 0 and (below is None or value < below)):
            raise ValueError(f"{name} is {value}, expected {expected}")
    return [float(value) for value in settings.values()]
