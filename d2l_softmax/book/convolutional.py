"""The book's functions for convolutional networks: train any nn.Module on any device.

Zhang, Lipton, Li and Smola, "Dive into Deep Learning", PyTorch code of the Chinese edition.
"""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from d2l_softmax.book.animation import Animator
from d2l_softmax.training.checks import check_order
from d2l_softmax.training.metrics import Accumulator, Timer, count_correct, evaluate_accuracy


def corr2d(X: Tensor, K: Tensor) -> Tensor:
    """Return the cross-correlation of X (h, w) and a kernel K (a, b): (h - a + 1, w - b + 1)."""
    return nn.functional.conv2d(X[None], K[None, None])[0]


def evaluate_accuracy_gpu(
    net: Callable, data_iter: Iterable, device: torch.device | str | None = None
) -> float:
    """Return the accuracy over batches (X, y), 0 to 1, computed on a device.

    `device` defaults to the device of the first parameter of an nn.Module. Without parameters the
    batches are not moved. X may be a list of tensors, for a net with several inputs. Like
    `evaluate_accuracy`, this leaves an nn.Module in evaluation mode.
    """
    check_order(evaluate_accuracy_gpu, net, data_iter)
    if device is None and isinstance(net, nn.Module):
        device = next((param.device for param in net.parameters()), None)
    return evaluate_accuracy(net, on_device(data_iter, device))


def on_device(data_iter: Iterable, device: torch.device | str | None) -> Iterator[tuple]:
    """Yield batches (X, y), moved to a device unless it is None; X may be a list of tensors."""
    for X, y in data_iter:
        moved = [x.to(device) for x in X] if isinstance(X, list) else X.to(device)
        yield moved, y.to(device)


def init_xavier(layer: nn.Module) -> None:
    """Initialize the weights of a linear or convolutional layer by `nn.init.xavier_uniform_`."""
    # Not isinstance: lazy layers are of subclasses, and have no weights yet.
    if type(layer) is nn.Linear or type(layer) is nn.Conv2d:
        nn.init.xavier_uniform_(layer.weight)


def train_ch6(
    net: nn.Module,
    train_iter: DataLoader,
    test_iter: Iterable,
    num_epochs: int,
    lr: float,
    device: torch.device | str,
) -> None:
    """Reinitialize a model and train it by SGD; draw its curves (in a terminal: print them).

    Training loss and accuracy are means over the epoch so far. They are shown after every fifth of
    the batches (rounded down) and after the last. The test accuracy is measured once an epoch. At
    the end the last values are printed, with the examples per second. The time of loading, testing
    and drawing is not counted.

    Raises ValueError for less than one epoch or batch.
    """
    check_order(train_ch6, net, train_iter)
    num_batches = len(train_iter)
    if num_epochs < 1 or num_batches < 1:
        message = f"{num_epochs} epochs of {num_batches} batches, expected at least one of each"
        raise ValueError(message)
    net.apply(init_xavier)
    print("training on", device)
    net.to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    legend = ["train loss", "train acc", "test acc"]
    xlim = [min(1, num_epochs - 1), num_epochs]  # limits (1, 1) would show nothing
    animator, timer = Animator(xlabel="epoch", xlim=xlim, legend=legend), Timer()
    for epoch in range(num_epochs):
        net.train()
        metric = Accumulator(3)  # sum of losses, correct predictions, examples
        for i, (X, y) in enumerate(train_iter, start=1):
            timer.start()
            X, y = X.to(device), y.to(device)
            metric.add(*train_batch(net, X, y, optimizer), len(y))
            # Reading the sums waits for the device, so the timer includes its work.
            train_loss, train_acc = metric[0] / metric[2], metric[1] / metric[2]
            timer.stop()
            if i % max(num_batches // 5, 1) == 0 or i == num_batches:
                animator.add(epoch + i / num_batches, (train_loss, train_acc, None))
        test_acc = evaluate_accuracy_gpu(net, test_iter, device)
        animator.add(epoch + 1, (None, None, test_acc))
    print(f"loss {train_loss:.3f}, train acc {train_acc:.3f}, test acc {test_acc:.3f}")
    print(f"{metric[2] * num_epochs / timer.sum():.1f} examples/sec on {device}")


def train_batch(
    net: Callable, X: Tensor, y: Tensor, optimizer: torch.optim.Optimizer
) -> tuple[Tensor, Tensor]:
    """Take a step on a batch; return the sum of losses and the number of correct predictions."""
    optimizer.zero_grad()
    y_hat = net(X)
    loss = nn.functional.cross_entropy(y_hat, y)
    loss.backward()
    optimizer.step()
    return loss * len(y), count_correct(y_hat, y)
