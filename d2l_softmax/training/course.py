"""The course of a training: its weights before the first epoch and after each, for figures."""

import torch
from torch import Tensor


class Course(dict[int, Tensor]):
    """Weights (d, q) on the CPU by the epoch that they come after, without a gap; 0 is the start.

    Of many classes the first ones are kept.
    """

    def __init__(self, most_classes: int):
        """Keep nothing yet."""
        super().__init__()
        self.most_classes = most_classes

    def keep(self, epoch: int, W: Tensor) -> None:
        """Keep the weights (d, q) as they are now, after an epoch."""
        self[epoch] = W.detach()[:, : self.most_classes].to("cpu", copy=True)

    def state(self) -> dict[str, Tensor]:
        """Return what is kept as one tensor (epochs, d, q), by its name in a checkpoint, if any."""
        return {"course": torch.stack(list(self.values()))} if self else {}

    def restore(self, kept: Tensor, last: int, W: Tensor) -> None:
        """Keep what state() said after the epoch `last`; ValueError if W (d, q) is no such W."""
        shape = W[:, : self.most_classes].shape
        if kept.shape[1:] != shape or not 0 < len(kept) <= last + 1:
            raise ValueError(f"weights by epoch of shape {tuple(kept.shape)}")
        self.clear()
        self.update(zip(range(last + 1 - len(kept), last + 1), kept, strict=True))
