"""A stand-in for Apple's GPU: tensors on "mps" are the CPU's, and float64 is refused there."""

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

ACROSS_DEVICES = (
    *(Tensor.copy_, Tensor.data.__set__),
    torch._has_compatible_shallow_copy_type,  # called by nn.Module.to
)


def is_named(value, *devices):
    return isinstance(value, str | torch.device) and str(value) in devices


class FakeMPS(TorchFunctionMode):
    """Follow tensors that were moved to "mps"; raise as PyTorch does if one is float64.

    Tensors of different devices raise, too, except for single numbers.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in (torch.device, torch._C._nn._parse_to):
            return func(*args, **(kwargs or {}))
        leaves = tree_leaves((args, kwargs))
        tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        is_mps = any(hasattr(tensor, "is_on_mps") for tensor in tensors)
        is_on_cpu = any(tensor.dim() and not hasattr(tensor, "is_on_mps") for tensor in tensors)
        if is_mps and is_on_cpu and func not in ACROSS_DEVICES:
            raise RuntimeError("expected all tensors to be on the same device")
        if func == Tensor.device.__get__:
            return torch.device("mps" if is_mps else "cpu")
        if any(is_named(leaf, "cpu", "mps") for leaf in leaves):
            is_mps = any(is_named(leaf, "mps") for leaf in leaves)
        elif func is Tensor.cpu or func is Tensor.numpy:
            is_mps = False
        result = func(
            *tree_map(lambda leaf: "cpu" if is_named(leaf, "mps") else leaf, args),
            **tree_map(lambda leaf: "cpu" if is_named(leaf, "mps") else leaf, kwargs or {}),
        )
        if func in (Tensor.to, Tensor.cpu):
            result = result.view_as(result)  # another object, which may be on another device
        created = [args[0]] if func == Tensor.data.__set__ else tree_leaves(result)
        for tensor in created if is_mps else ():
            if isinstance(tensor, Tensor):
                if tensor.dtype == torch.float64:
                    raise TypeError("the MPS framework doesn't support float64")
                tensor.is_on_mps = True
        return result
