"""The book's functions for linear and softmax regression; only the import has to be changed.

Zhang, Lipton, Li and Smola, "Dive into Deep Learning", PyTorch code of the Chinese edition.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from d2l_softmax.book.animation import Animator, show_images
from d2l_softmax.data import get_fashion_mnist_labels
from d2l_softmax.training.metrics import Accumulator, count_correct, evaluate_accuracy

float32 = torch.float32  # the book's texts for several libraries write d2l.float32


def get_dataloader_workers() -> int:
    """Return the number of worker processes of a DataLoader: 4, or fewer on fewer cores.

    0 where processes are not forked (Windows, macOS, Python 3.14 on): there a script without
    `if __name__ == "__main__"` would be run again in each. `load_data_fashion_mnist` needs none.
    """
    default_start_method = multiprocessing.get_all_start_methods()[0]
    return min(4, os.cpu_count() or 1) if default_start_method == "fork" else 0


def load_array(data_arrays: Iterable[Tensor], batch_size: int, is_train: bool = True) -> DataLoader:
    """Return a DataLoader over tensors of equal length, shuffled if it is for training."""
    return DataLoader(TensorDataset(*data_arrays), batch_size, shuffle=is_train)


def synthetic_data(w: Tensor, b: float, num_examples: int) -> tuple[Tensor, Tensor]:
    """Return X (n, d), normal(0, 1), and y = X w + b (n, 1) with noise normal(0, 0.01)."""
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
    """Take a step of gradient descent on gradients summed over a batch, and set them to zero."""
    with torch.no_grad():
        for param in params:
            if param.grad is None:
                raise ValueError("a parameter has no gradient, expected one from backward()")
            param -= lr * param.grad / batch_size
            param.grad.zero_()


def try_gpu(i: int = 0) -> torch.device:
    """Return the i-th CUDA device if there is one, otherwise the CPU."""
    return torch.device(f"cuda:{i}" if 0 <= i < torch.cuda.device_count() else "cpu")


def try_all_gpus() -> list[torch.device]:
    """Return all CUDA devices if there are any, otherwise the CPU alone."""
    return [try_gpu(i) for i in range(torch.cuda.device_count() or 1)]


def evaluate_loss(net: Callable, data_iter: Iterable, loss: Callable) -> float:
    """Return the mean of a loss over all examples of all batches."""
    metric = Accumulator(2)  # sum of losses, examples
    with torch.no_grad():
        for X, y in data_iter:
            y_hat = net(X)
            total = total_loss(loss(y_hat, y.reshape(y_hat.shape)), y.numel())
            metric.add(total, y.numel())
    return metric[0] / metric[1]


def train_epoch_ch3(
    net: Callable, train_iter: Iterable, loss: Callable, updater: Callable
) -> tuple[float, float]:
    """Train any model on every batch once; return the mean loss and the accuracy.

    `net` is a function or an nn.Module; `loss` gives a value an example (reduction="none") or
    their mean, both are weighted by batch size here; `updater` is an optimizer, or a function of
    the batch size that uses gradients summed over the batch, such as `sgd`.
    """
    if isinstance(net, nn.Module):
        net.train()
    metric = Accumulator(4)  # sum of losses and their number, correct predictions, examples
    for X, y in train_iter:
        y_hat = net(X)
        losses = loss(y_hat, y)
        if isinstance(updater, torch.optim.Optimizer):
            updater.zero_grad()
            losses.mean().backward()
            updater.step()
        else:
            total_loss(losses, len(y)).backward()
            updater(X.shape[0])
        num_losses = losses.numel() if losses.dim() else len(y)
        metric.add(total_loss(losses, num_losses), num_losses, count_correct(y_hat, y), len(y))
    return metric[0] / metric[1], metric[2] / metric[3]


def total_loss(losses: Tensor, n: int) -> Tensor:
    """Return the sum over n examples, from a loss each or from their mean."""
    return losses.sum() if losses.dim() else losses * n


def train_ch3(
    net: Callable,
    train_iter: Iterable,
    test_iter: Iterable,
    loss: Callable,
    num_epochs: int,
    updater: Callable,
) -> None:
    """Train any model, with its loss and accuracies drawn (in a terminal: printed) every epoch."""
    legend = ["train loss", "train acc", "test acc"]
    animator = Animator(xlabel="epoch", xlim=[1, max(num_epochs, 2)], legend=legend)
    for epoch in range(num_epochs):
        train_metrics = train_epoch_ch3(net, train_iter, loss, updater)
        animator.add(epoch + 1, (*train_metrics, evaluate_accuracy(net, test_iter)))


def predict_ch3(net: Callable, test_iter: Iterable, n: int = 6) -> None:
    """Draw the first n images of the test data under their true and predicted labels."""
    X, y = next(iter(test_iter))
    with torch.no_grad():
        predicted = net(X).argmax(dim=1)
    trues, guesses = get_fashion_mnist_labels(y[:n]), get_fashion_mnist_labels(predicted[:n])
    titles = [f"{true}\n{guess}" for true, guess in zip(trues, guesses, strict=True)]
    show_images(X[:n].squeeze(1), 1, n, titles=titles)
