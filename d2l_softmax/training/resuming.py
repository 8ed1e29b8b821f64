"""A training that another process can go on with: to the same numbers, to the last bit.

The pages know nothing of it. Their train_epoch is wrapped, so that it can be left after any batch;
their optimizers are looked into, and what is found there is called the same for both twins.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Generator, Tensor

from d2l_softmax.training.metrics import Accumulator

# What an optimizer remembers of the steps before: as scratch calls it, as torch.optim does.
MEMORY = {"velocities": "momentum_buffer", "means": "exp_avg", "squares": "exp_avg_sq"}


class ResumableEpoch:
    """A page's train_epoch, called as it is, that can be left and taken up again after any batch.

    `batch` counts the batches done in the epoch that is under way, and `after_batch`, if any, is
    called after each: whatever it raises leaves the epoch. `order` is the state that the shuffling
    generator had before it drew the epoch's order.
    """

    def __init__(self, train_epoch: Callable, generator: Generator):
        """Wrap a page's train_epoch; the generator is the one that shuffles its batches."""
        self.train_epoch, self.generator = train_epoch, generator
        self.after_batch: Callable[[], object] | None = None
        self.start_afresh()

    def start_afresh(self) -> None:
        """Stand before the first batch of an epoch."""
        self.batch, self.sums = 0, None
        self.order = self.generator.get_state()

    def __call__(
        self, model: Any, train_iter: Any, optimizer: Any, metric: Accumulator | None = None
    ) -> tuple[float, float]:
        """Train on the batches that are left; return the mean loss and accuracy of all of them."""
        self.metric = metric or Accumulator(3)  # as a page's: losses, correct ones, examples
        if self.sums:
            self.metric.load_state_dict(self.sums)
        result = self.train_epoch(model, self.rest_of(train_iter), optimizer, self.metric)
        self.start_afresh()
        return result

    def rest_of(self, train_iter: Any) -> Iterator:
        """Yield the batches that are left, and count each once the page is done with it."""
        for batch in train_iter.batches(self.batch) if self.batch else train_iter:
            yield batch
            self.batch += 1
            if self.after_batch:
                self.after_batch()

    def state(self) -> dict[str, Any]:
        """Return the position in the epoch and its sums; NonFiniteError if a loss was infinite."""
        return {"batch": self.batch, "sums": self.metric.state_dict() if self.batch else None}

    def restore(self, state: dict[str, Any], order: Tensor) -> None:
        """Stand where another process left an epoch; RuntimeError if `order` is no such state."""
        self.generator.set_state(order)
        self.order, self.batch, self.sums = order, state["batch"], state["sums"]


def memory_of(optimizer: Any) -> dict[str, Tensor]:
    """Return what an optimizer remembers, by names such as `velocities.W`, (d, q), or `means.b`.

    They are no copies: what is written to them, the optimizer goes on with.
    """
    if isinstance(optimizer, torch.optim.Optimizer):
        states = [optimizer.state[parameter] for parameter in parameters_of(optimizer)]
        lists = {
            ours: [state[theirs].t() for state in states]  # nn.Linear keeps W as (q, d)
            for ours, theirs in MEMORY.items()
            if all(state.get(theirs) is not None for state in states)
        }
    else:
        lists = {name: vars(optimizer)[name] for name in MEMORY if name in vars(optimizer)}
    return {
        f"{name}.{parameter}": tensor
        for name, tensors in lists.items()
        for parameter, tensor in zip("Wb", tensors, strict=True)
    }


def parameters_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Return the parameters of one of torch's optimizers, in their order."""
    return optimizer.param_groups[0]["params"]


def settings_of(optimizer: Any) -> dict[str, float]:
    """Return an optimizer's learning rate, and how many steps it counted, if it counts them."""
    if isinstance(optimizer, torch.optim.Optimizer):
        counted = optimizer.state[parameters_of(optimizer)[0]].get("step", 0)
        return {"lr": float(optimizer.param_groups[0]["lr"]), "steps": int(counted)}
    return {"lr": optimizer.lr, "steps": getattr(optimizer, "t", 0)}


def restore_optimizer(optimizer: Any, memory: dict[str, Tensor], settings: dict) -> None:
    """Let an optimizer of either twin go on from what memory_of and settings_of said of one.

    Raises KeyError or ValueError if they are not those of such an optimizer.
    """
    if isinstance(optimizer, torch.optim.Optimizer):
        optimizer.param_groups[0]["lr"] = settings["lr"]
        for parameter in parameters_of(optimizer):  # torch makes these in the first step
            state = optimizer.state[parameter]
            for name in {name.split(".")[0] for name in memory}:
                state[MEMORY[name]] = torch.zeros_like(parameter)
            if isinstance(optimizer, torch.optim.Adam):
                state["step"] = torch.tensor(float(settings["steps"]))
    else:
        optimizer.lr = settings["lr"]
        if hasattr(optimizer, "t"):
            optimizer.t = settings["steps"]
    for name, tensor in memory_of(optimizer).items():
        if name in memory:
            fill(tensor, memory[name])


def fill(tensor: Tensor, values: Tensor) -> None:
    """Write values into a tensor of their shape; ValueError if it has another."""
    if tensor.shape != values.shape:
        raise ValueError(f"shape {tuple(values.shape)}, expected {tuple(tensor.shape)}")
    with torch.no_grad():
        tensor.copy_(values)


def restore_scheduler(scheduler: Any, epochs: int) -> None:
    """Tell a scheduler of either twin how many epochs ended; that of scratch need not know."""
    if hasattr(scheduler, "last_epoch"):
        # torch warns at a count of 1 if no optimizer's step went before: that was another process
        scheduler.load_state_dict({"last_epoch": epochs, "_step_count": epochs + 2})
