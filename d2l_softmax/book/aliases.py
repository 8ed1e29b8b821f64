"""PyTorch functions under the names that the book's sources use for every framework."""

import functools
from typing import Any

import torch
from torch import Tensor

ALIASES: dict[str, Any] = {
    "abs": torch.abs,
    "arange": torch.arange,
    "argmax": Tensor.argmax,
    "astype": Tensor.type,
    "batch_matmul": torch.bmm,
    "concat": torch.cat,
    "cos": torch.cos,
    "cosh": torch.cosh,
    "exp": torch.exp,
    "expand_dims": Tensor.unsqueeze,
    "eye": torch.eye,
    "int32": torch.int32,
    "int64": torch.int64,
    "linspace": torch.linspace,
    "log": torch.log,
    "matmul": torch.matmul,
    "meshgrid": torch.meshgrid,
    "normal": torch.normal,
    "numpy": functools.partial(Tensor.numpy, force=True),  # from any device, detached
    "ones": torch.ones,
    "ones_like": torch.ones_like,
    "rand": torch.rand,
    "randn": torch.randn,
    "reduce_mean": Tensor.mean,
    "reduce_sum": Tensor.sum,
    "repeat": Tensor.repeat,
    "reshape": Tensor.reshape,
    "sigmoid": torch.sigmoid,
    "sin": torch.sin,
    "sinh": torch.sinh,
    "size": Tensor.numel,
    "stack": torch.stack,
    "swapaxes": Tensor.swapaxes,
    "tanh": torch.tanh,
    "tensor": torch.tensor,
    "to": Tensor.to,
    "transpose": Tensor.t,
    "zeros": torch.zeros,
    "zeros_like": torch.zeros_like,
}
