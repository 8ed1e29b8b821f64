"""Argument checks of both twins: messages name the value and the expected one.

Checks of shapes and dtypes are cheap. Checks of label values would synchronize a CUDA device with
the host in every step, so there the device itself asserts.
"""

from collections.abc import Callable
from numbers import Real

import torch
from torch import Tensor

from d2l_softmax.errors import UserError


class OtherEditionError(UserError, TypeError):
    """A call is written as in another edition of the book; the message has the one for here."""


def check_order(function: Callable, net: object, data_iter: object) -> None:
    """Raise OtherEditionError if the model and the batches are in each other's place."""
    if callable(data_iter) and not callable(net):
        name = function.__name__
        raise OtherEditionError(
            f"{name}({type(net).__name__}, {type(data_iter).__name__}, ...) is the order of "
            "Dive-into-DL-PyTorch and of the book's first edition;",
            f"here the model comes first: {name}(net, data_iter, ...)",
        )


def check_tensor(name: str, value: object) -> None:
    """Raise TypeError unless the value is a tensor; the message says how to make one."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{name} is of type {type(value).__name__}, expected a tensor: "
            f"torch.as_tensor({name}) makes one"
        )


def check_inputs(X: Tensor, W: Tensor) -> None:
    """Raise unless X is a batch of images (n, ...) with as many pixels as W (d, q) has rows.

    TypeError if it is no tensor, ValueError if its shape or dtype is not the model's.
    """
    check_tensor("X", X)
    if X.dim() < 2 or X.shape[1:].numel() != W.shape[0]:
        raise ValueError(
            f"X has shape {tuple(X.shape)}, expected (n, ...) with {len(W)} numbers an example"
        )
    if X.dtype != W.dtype:
        raise ValueError(f"X is {X.dtype}, expected the model's {W.dtype}")


def check_targets(predictions: Tensor, y: Tensor, reduction: str = "mean") -> None:
    """Raise unless y is a target for each row of the predictions (n, q).

    Either classes (n,), int64 from 0 to q - 1, or probabilities (n, q) of the predictions' dtype.
    TypeError if an argument is no tensor, ValueError for wrong shapes, dtypes, probabilities or
    reductions ("mean", "sum" and "none" are known), IndexError for classes out of range.
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
        raise ValueError(f"y has shape {tuple(y.shape)}, expected ({n},), one label a prediction")
    if y.dtype != torch.int64:
        raise ValueError(f"y is {y.dtype}, expected torch.int64")
    check_classes(y, q)


def check_classes(y: Tensor, q: int) -> None:
    """Raise IndexError if a label (n,) is not one of the classes 0 to q - 1.

    On a CUDA device the error is torch's "device-side assert" and comes with a later operation.
    """
    if y.is_meta:  # it has no values
        return
    if y.is_cuda:
        torch._assert_async(((y >= 0) & (y < q)).all())
        return
    lowest, highest = torch.aminmax(y.cpu())  # Apple's GPU may lack it for integers
    if lowest.item() < 0 or highest.item() >= q:
        raise IndexError(f"y has labels from {lowest} to {highest}, expected 0 to {q - 1}")


def check_probabilities(predictions: Tensor, y: Tensor) -> None:
    """Raise ValueError unless each row of y (n, q) is a distribution over the classes."""
    if y.shape != predictions.shape or y.dtype != predictions.dtype:
        raise ValueError(
            f"y is {y.dtype} of shape {tuple(y.shape)}, expected {predictions.dtype} of shape "
            f"{tuple(predictions.shape)}, the predictions'"
        )
    if y.is_cuda or y.is_meta:  # checking would wait for the device, and nothing is indexed
        return
    # summed in y's own dtype: Apple's GPU has no float64
    lowest, error = float(y.min()), float((y.sum(dim=1) - 1).abs().max())
    if not (lowest >= 0 and error <= max(1e-5, 4 * torch.finfo(y.dtype).eps)):
        raise ValueError(
            f"y has entries from {lowest:g} on and rows whose sums differ from 1 by up to "
            f"{error:g}, expected probabilities"
        )


def check_numbers(below: float | None = None, **settings: float) -> list[float]:
    """Return the settings of an optimizer as floats; raise unless each is a number of at least 0.

    With `below`, it must also be less than that. NumPy's scalars are numbers. TypeError if a
    setting is no number, ValueError if it is out of range or NaN.
    """
    expected = "a number of at least 0" if below is None else f"a number from 0 to below {below}"
    for name, value in settings.items():
        if not isinstance(value, Real):
            raise TypeError(f"{name} is {value!r}, expected {expected}")
        if not (value >= 0 and (below is None or value < below)):
            raise ValueError(f"{name} is {value}, expected {expected}")
    return [float(value) for value in settings.values()]
