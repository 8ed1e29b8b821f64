"""The book's functions for linear and softmax regression; only the import differs.

Zhang, Lipton, Li and Smola, "Dive into Deep Learning", PyTorch code of the Chinese edition.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset, TensorDataset

from d2l_softmax.book.animation import Animator, show_images
from d2l_softmax.data.fashion_mnist import CLASSES
from d2l_softmax.training.checks import OtherEditionError, check_order
from d2l_softmax.training.metrics import Accumulator, count_correct, evaluate_accuracy

float32 = torch.float32  # the book's text for several frameworks writes d2l.float32


def get_dataloader_workers() -> int:
    """Return the number of worker processes for a DataLoader: 4, or fewer on fewer cores.

    It is 0 where processes are not forked (Windows, macOS, Python 3.14 and later). There, each
    worker runs a script again that lacks `if __name__ == "__main__"`. `load_data_fashion_mnist`
    needs no workers.
    """
    default_start_method = multiprocessing.get_all_start_methods()[0]
    return min(4, os.cpu_count() or 1) if default_start_method == "fork" else 0


def load_array(
    data_arrays: Iterable[Tensor], batch_size: int, is_train: bool = True, drop_last: bool = False
) -> DataLoader:
    """Return a DataLoader over tensors of equal length, shuffled if `is_train`.

    With `drop_last` the last batch of an epoch is dropped if it is smaller.
    """
    dataset = TensorDataset(*data_arrays)
    return DataLoader(dataset, int(batch_size), shuffle=is_train, drop_last=drop_last)


def synthetic_data(w: Tensor, b: float, num_examples: int) -> tuple[Tensor, Tensor]:
    """Return X (n, d) from N(0, 1) and y = X w + b + noise (n, 1), noise from N(0, 0.01²)."""
    X = torch.normal(0.0, 1.0, (num_examples, len(w)))
    y = linreg(X, w, b)
    y = y + torch.normal(0.0, 0.01, y.shape)
    return X, y.reshape(-1, 1)


def linreg(X: Tensor, w: Tensor, b: Tensor | float) -> Tensor:
    """Return the linear model X w + b: (n, d) @ (d, q) -> (n, q)."""
    return X @ w + b


def squared_loss(y_hat: Tensor, y: Tensor) -> Tensor:
    """Return half the squared difference for each example, in the shape of y_hat."""
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def sgd(params: Iterable[Tensor], lr: float, batch_size: int) -> None:
    """Take a step of minibatch SGD, and zero the gradients.

    The gradients are sums over `batch_size` examples. Raises ValueError for a parameter without a
    gradient.
    """
    with torch.no_grad():
        for param in params:
            if param.grad is None:
                raise ValueError("a parameter has no gradient, expected one from backward()")
            param -= lr * param.grad / batch_size
            param.grad.zero_()


def try_gpu(i: int = 0) -> torch.device:
    """Return the i-th CUDA GPU, or for i = 0 Apple's GPU (MPS); the CPU if there is none."""
    if 0 <= i < torch.cuda.device_count():
        return torch.device(f"cuda:{i}")
    return torch.device("mps" if i == 0 and torch.backends.mps.is_available() else "cpu")


def try_all_gpus() -> list[torch.device]:
    """Return a list of all GPUs, or of the CPU if there are none."""
    return [try_gpu(i) for i in range(torch.cuda.device_count() or 1)]


def sum_losses(loss: Callable, y_hat: Tensor, y: Tensor) -> tuple[Tensor, Tensor, int]:
    """Return a batch's loss as the function returns it, the sum of losses, and their number.

    A single number is the mean over the batch, or the sum if `loss.reduction` is "sum". Raises
    ValueError if y_hat and y were broadcast to all their pairs.
    """
    losses, n = torch.as_tensor(loss(y_hat, y)), len(y)
    if losses.numel() == 1:
        is_sum = getattr(loss, "reduction", "mean") == "sum"
        return losses, losses if is_sum else losses * n, n
    if losses.shape == (n, n) and (y_hat.shape != (n, n) or y.shape == (n, 1)):
        raise ValueError(
            f"loss(y_hat, y) has shape ({n}, {n}), expected {n} losses; pass class labels as (n,), "
            "y.flatten(), and real values in the shape of y_hat"
        )
    return losses, losses.sum(), losses.numel()


def evaluate_loss(net: Callable, data_iter: Iterable, loss: Callable) -> float:
    """Return the mean of a loss over all examples of all batches."""
    check_order(evaluate_loss, net, data_iter)
    metric = Accumulator(2)  # sum of losses, their number
    with torch.no_grad():
        for X, y in data_iter:
            y_hat = net(X)
            same_size = y.numel() == y_hat.numel()  # class labels (n,) keep their shape
            _, total, number = sum_losses(loss, y_hat, y.reshape(y_hat.shape) if same_size else y)
            metric.add(total, number)
    return metric[0] / check_not_empty(metric[1])


def check_not_empty(number: float) -> float:
    """Return the number of losses; ValueError if there are none."""
    if not number:
        raise ValueError("no batches, expected at least one (X, y)")
    return number


def train_epoch_ch3(
    net: Callable, train_iter: Iterable, loss: Callable, updater: Callable
) -> tuple[float, float]:
    """Train any model on every batch once; return the mean loss and the accuracy.

    `net` is a function or an nn.Module. `loss` returns one value per example (reduction="none"),
    their mean or their sum. `updater` is an optimizer, or a function of the batch size. A function,
    such as `sgd`, uses gradients summed over the batch. An optimizer uses the gradient of the loss,
    or of the mean if there is one loss per example.
    """
    check_order(train_epoch_ch3, net, train_iter)
    check_updater(updater)
    if isinstance(net, nn.Module):
        net.train()
    metric = Accumulator(4)  # sum of losses and their number, correct predictions, examples
    for X, y in train_iter:
        y_hat = net(X)
        losses, total, number = sum_losses(loss, y_hat, y)
        if isinstance(updater, torch.optim.Optimizer):
            updater.zero_grad()
            losses.mean().backward()
            updater.step()
        else:
            total.backward()
            updater(X.shape[0])
        metric.add(total, number, count_correct(y_hat, y), len(y))
    return metric[0] / check_not_empty(metric[1]), metric[2] / metric[3]


def check_updater(updater: object) -> None:
    """Raise TypeError unless the updater is an optimizer or a function."""
    if not (callable(updater) or isinstance(updater, torch.optim.Optimizer)):
        kind = type(updater).__name__
        message = f"updater is of type {kind}, expected an optimizer of torch.optim or a function"
        raise TypeError(message)


def train_ch3(
    net: Callable,
    train_iter: Iterable,
    test_iter: Iterable,
    loss: Callable,
    num_epochs: int,
    updater: Any = None,
    *others: object,
    **other_names: object,
) -> None:
    """Train any model; after each epoch draw its loss and accuracies (in a terminal: print them).

    `net`, `loss` and `updater` are as in `train_epoch_ch3`. Raises OtherEditionError, a TypeError,
    for the nine arguments of another edition, which end in batch_size, params, lr and optimizer.
    """
    check_order(train_ch3, net, train_iter)
    if others or other_names:
        given = 5 + (updater is not None) + len(others) + len(other_names)
        raise OtherEditionError(
            f"train_ch3 has {given} arguments, as in the edition Dive-into-DL-PyTorch;",
            "here it is train_ch3(net, train_iter, test_iter, loss, num_epochs, updater), with an "
            "optimizer or lambda n: sgd([W, b], lr, n) as updater",
        )
    check_updater(updater)
    legend = ["train loss", "train acc", "test acc"]
    animator = Animator(xlabel="epoch", xlim=[1, max(num_epochs, 2)], legend=legend)
    for epoch in range(num_epochs):
        train_metrics = train_epoch_ch3(net, train_iter, loss, updater)
        animator.add(epoch + 1, (*train_metrics, evaluate_accuracy(net, test_iter)))


def predict_ch3(net: Callable, test_iter: Iterable, n: int = 6) -> None:
    """Draw the first n images of the first batch under their true and predicted labels.

    Class names are read from `classes` of the loader's data set. Without this attribute they are
    Fashion-MNIST's for a model with ten classes, otherwise numbers. Images are (n, c, h, w),
    (n, h, w), or flattened from 28×28.
    """
    check_order(predict_ch3, net, test_iter)
    device = None
    if isinstance(net, nn.Module):
        net.eval()
        device = next((parameter.device for parameter in net.parameters()), None)
    X, y = next(iter(test_iter))
    X, y = X[:n], y[:n]
    with torch.no_grad():
        y_hat = net(X.to(device))
    if y.dim() == 2 and y.shape[1] > 1:
        y = y.argmax(dim=1)
    dataset = getattr(test_iter, "dataset", None)
    dataset = dataset.dataset if isinstance(dataset, Subset) else dataset
    names = getattr(dataset, "classes", None)
    names = names or (CLASSES if y_hat.shape[1] == 10 else range(y_hat.shape[1]))
    pairs = zip(y.flatten().tolist(), y_hat.argmax(dim=1).tolist(), strict=True)
    titles = [f"{names[int(true)]}\n{names[predicted]}" for true, predicted in pairs]
    show_images(X.reshape(-1, 28, 28) if X.dim() == 2 else X, 1, len(X), titles=titles)
