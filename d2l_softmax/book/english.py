"""The classes of the book's English edition: data, models and their training.

Zhang, Lipton, Li and Smola, "Dive into Deep Learning", PyTorch code of the English edition,
chapters "Linear Neural Networks for Regression", "Linear Neural Networks for Classification" and
"Multilayer Perceptrons". Each docstring names the section that introduces the class or function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from d2l_softmax.book.animation import show_images
from d2l_softmax.book.chapters import (
    get_dataloader_workers,
    load_array,
    squared_loss,
    try_all_gpus,
    try_gpu,
)
from d2l_softmax.book.convolutional import init_xavier
from d2l_softmax.book.progress_board import HyperParameters, ProgressBoard
from d2l_softmax.data import get_fashion_mnist_labels, load_data_fashion_mnist
from d2l_softmax.data.batches import ArrayLoader
from d2l_softmax.training.checks import check_classes
from d2l_softmax.training.metrics import NonFiniteError

nn_Module = nn.Module  # noqa: N816  # the book's spelling
init_cnn = init_xavier  # "LeNet"


def add_to_class(cls: type) -> Callable[[Callable], Callable]:
    """Return a decorator that adds a function to `cls` as a method ("Object-Oriented Design")."""

    def add(function: Callable) -> Callable:
        setattr(cls, function.__name__, function)
        return function

    return add


class Module(HyperParameters, nn.Module):
    """A model with its loss and its optimizer ("Object-Oriented Design for Implementation").

    A subclass defines `net` or `forward`, `loss(y_hat, y)`, and `lr` or `configure_optimizers`.
    `board` plots the training loss `plot_train_per_epoch` times an epoch, and the validation loss
    `plot_valid_per_epoch` times.
    """

    trainer: Trainer

    def __init__(self, plot_train_per_epoch: int = 2, plot_valid_per_epoch: int = 1):
        super().__init__()
        self.save_hyperparameters()
        self.board = ProgressBoard()

    def loss(self, y_hat: Tensor, y: Tensor) -> Tensor:
        """Return the mean loss of a batch. Each subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} has no loss(y_hat, y); define it")

    def forward(self, X: Tensor) -> Tensor:
        """Return self.net(X)."""
        return self.net(X)

    def plot(self, key: str, value: Tensor | float, train: bool) -> None:
        """Plot a value of the current batch as `train_<key>` or `val_<key>` against epochs.

        Raises NonFiniteError if a training value is infinite or NaN.
        """
        value, trainer = float(torch.as_tensor(value).detach()), self.trainer
        if train and not math.isfinite(value):
            raise NonFiniteError(value, trainer.train_batch_idx + 1)
        self.board.xlabel = "epoch"
        if train:
            x = trainer.train_batch_idx / trainer.num_train_batches
            every_n = trainer.num_train_batches / self.plot_train_per_epoch
        else:
            x = trainer.epoch + 1
            every_n = trainer.num_val_batches / self.plot_valid_per_epoch
        self.board.draw(x, value, f"{'train' if train else 'val'}_{key}", int(every_n))

    def training_step(self, batch: Sequence[Tensor]) -> Tensor:
        """Return the loss of a batch (X, …, y), and plot it."""
        loss = self.loss(self(*batch[:-1]), batch[-1])
        self.plot("loss", loss, train=True)
        return loss

    def validation_step(self, batch: Sequence[Tensor]) -> None:
        """Plot the loss of a batch (X, …, y)."""
        self.plot("loss", self.loss(self(*batch[:-1]), batch[-1]), train=False)

    def configure_optimizers(self) -> Any:
        """Return SGD with the learning rate `lr` ("The Base Classification Model")."""
        return torch.optim.SGD(self.parameters(), lr=self.lr)

    def apply_init(self, inputs: Sequence[Tensor], init: Callable | None = None) -> None:
        """Infer the shapes of lazy layers from `inputs`, then apply `init` to `net`.

        From "Lazy Initialization".
        """
        self(*inputs)
        if init is not None:
            self.net.apply(init)


class DataModule(HyperParameters):
    """Data for training and validation ("Object-Oriented Design for Implementation").

    A subclass defines `get_dataloader(train)`, or both `train_dataloader()` and `val_dataloader()`.
    `num_workers` defaults to `get_dataloader_workers()`, at most 4.
    """

    batch_size: int

    def __init__(self, root: str = "../data", num_workers: int | None = None):
        self.save_hyperparameters()
        if num_workers is None:
            self.num_workers = get_dataloader_workers()

    def get_dataloader(self, train: bool) -> Iterable:
        """Return the training or validation batches. Each subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} has no get_dataloader(train); define it")

    def train_dataloader(self) -> Any:
        """Return the training batches."""
        return self.get_dataloader(train=True)

    def val_dataloader(self) -> Any:
        """Return the validation batches."""
        return self.get_dataloader(train=False)

    def get_tensorloader(
        self, tensors: Iterable[Tensor], train: bool, indices: Any = slice(None)
    ) -> DataLoader:
        """Return a DataLoader over rows of tensors, shuffled for training.

        From "Synthetic Regression Data".
        """
        return load_array([tensor[indices] for tensor in tensors], self.batch_size, train)


class Trainer(HyperParameters):
    """Trains a Module on a DataModule ("Object-Oriented Design for Implementation").

    `prepare_batch` and `fit_epoch` are from "Linear Regression Implementation from Scratch",
    `num_gpus` is from "GPUs", and `clip_gradients` from "Recurrent Neural Network Implementation
    from Scratch".
    """

    train_dataloader: Any
    val_dataloader: Any
    optim: Any
    model: Any

    def __init__(self, max_epochs: int, num_gpus: int = 0, gradient_clip_val: float = 0):
        """Set the number of epochs, of GPUs (0 or 1; the CPU if there is none), and clipping."""
        self.save_hyperparameters()
        self.gpus = [device for device in try_all_gpus() if device.type != "cpu"][:num_gpus]

    def prepare_data(self, data: DataModule) -> None:
        """Set the loaders from `data`; its validation loader may be None."""
        self.train_dataloader, self.val_dataloader = data.train_dataloader(), data.val_dataloader()
        self.num_train_batches = len(self.train_dataloader)
        self.num_val_batches = 0 if self.val_dataloader is None else len(self.val_dataloader)

    def prepare_model(self, model: Module) -> None:
        """Attach `model` to this trainer, and move it to the GPU if one is used."""
        model.trainer = self
        model.board.xlim = [0, self.max_epochs]
        if self.gpus:
            model.to(self.gpus[0])
        self.model = model

    def prepare_batch(self, batch: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return the batch, moved to the GPU if one is used."""
        return [tensor.to(self.gpus[0]) for tensor in batch] if self.gpus else batch

    def fit(self, model: Module, data: DataModule) -> None:
        """Train a model for `max_epochs` epochs, each followed by validation."""
        self.prepare_data(data)
        self.prepare_model(model)
        self.optim = model.configure_optimizers()
        self.epoch = self.train_batch_idx = self.val_batch_idx = 0
        for epoch in range(self.max_epochs):
            self.epoch = epoch
            self.fit_epoch()

    def fit_epoch(self) -> None:
        """Train on each training batch, then evaluate on each validation batch."""
        self.model.train()
        for batch in self.train_dataloader:
            loss = self.model.training_step(self.prepare_batch(batch))
            self.optim.zero_grad()
            loss.backward()
            if self.gradient_clip_val > 0:
                self.clip_gradients(self.gradient_clip_val, self.model)
            with torch.no_grad():  # an optimizer written by hand changes parameters in place
                self.optim.step()
            self.train_batch_idx += 1
        if self.val_dataloader is None:
            return
        self.model.eval()
        with torch.no_grad():
            for batch in self.val_dataloader:
                self.model.validation_step(self.prepare_batch(batch))
                self.val_batch_idx += 1

    def clip_gradients(self, grad_clip_val: float, model: nn.Module) -> None:
        """Scale the gradients so that their total norm is at most `grad_clip_val`."""
        nn.utils.clip_grad_norm_(model.parameters(), grad_clip_val)


class SyntheticRegressionData(DataModule):
    """Synthetic data: X (n, d) from N(0, 1), and y = X w + b + noise, of shape (n, 1).

    From "Synthetic Regression Data".
    """

    def __init__(
        self,
        w: Tensor,
        b: float,
        noise: float = 0.01,
        num_train: int = 1000,
        num_val: int = 1000,
        batch_size: int = 32,
    ):
        super().__init__()
        self.save_hyperparameters()
        n = num_train + num_val
        self.X = torch.randn(n, len(w))
        errors = torch.randn(n, 1) * noise
        self.y = self.X @ torch.as_tensor(w, dtype=self.X.dtype).reshape(-1, 1) + b + errors

    def get_dataloader(self, train: bool) -> DataLoader:
        """Return batches of the first `num_train` examples, or of the rest for validation."""
        rows = slice(self.num_train) if train else slice(self.num_train, None)
        return self.get_tensorloader((self.X, self.y), train, rows)


class LinearRegressionScratch(Module):
    """Linear regression from scratch, with weights w (d, 1) and bias b (1,).

    From "Linear Regression Implementation from Scratch".
    """

    def __init__(self, num_inputs: int, lr: float, sigma: float = 0.01):
        super().__init__()
        self.save_hyperparameters()
        self.w = nn.Parameter(torch.normal(0, sigma, (num_inputs, 1)))
        self.b = nn.Parameter(torch.zeros(1))

    def forward(self, X: Tensor) -> Tensor:
        """Return X w + b: (n, d) @ (d, 1) -> (n, 1)."""
        return X @ self.w + self.b

    def loss(self, y_hat: Tensor, y: Tensor) -> Tensor:
        """Return the mean of half the squared differences."""
        return squared_loss(y_hat, y).mean()

    def configure_optimizers(self) -> SGD:
        """Return the from-scratch optimizer `SGD`."""
        return SGD([self.w, self.b], self.lr)


class SGD(HyperParameters):
    """Minibatch SGD from scratch ("Linear Regression Implementation from Scratch")."""

    def __init__(self, params: Iterable[Tensor], lr: float):
        params = list(params)
        self.save_hyperparameters()

    @torch.no_grad()
    def step(self) -> None:
        """Subtract `lr` times the gradient from each parameter."""
        for param in self.params:
            param -= self.lr * param.grad

    def zero_grad(self) -> None:
        """Set the gradients to zero."""
        for param in self.params:
            if param.grad is not None:
                param.grad.zero_()


class LinearRegression(Module):
    """A lazy nn.Linear with one output ("Concise Implementation of Linear Regression").

    The weights keep PyTorch's default initialization. So they do in the book's code, which calls
    `normal_` and `fill_` before the lazy layer has weights.
    """

    def __init__(self, lr: float):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.LazyLinear(1)

    def loss(self, y_hat: Tensor, y: Tensor) -> Tensor:
        """Return the mean of the squared differences."""
        return nn.functional.mse_loss(y_hat, y)

    def get_w_b(self) -> tuple[Tensor, Tensor]:
        """Return the weights (1, d) and the bias (1,)."""
        return self.net.weight.data, self.net.bias.data


class SameOrderLoader(ArrayLoader):
    """An ArrayLoader that draws the same batches as torch's DataLoader for the same seed."""

    def indices(self) -> Iterator[Tensor]:
        """Yield the indices (n,) of each batch."""
        # A DataLoader first draws a seed for its workers, even without workers.
        torch.empty((), dtype=torch.int64).random_(generator=self.generator)
        assert self.batch_sampler is not None
        return map(torch.tensor, self.batch_sampler)


class FashionMNIST(DataModule):
    """Fashion-MNIST, in memory, without workers ("The Image Classification Dataset").

    `train` has the 60,000 training images and labels, `val` the 10,000 test images and labels. They
    are loaded by `load_data_fashion_mnist`.
    """

    def __init__(self, batch_size: int = 64, resize: int | tuple[int, int] = (28, 28)):
        super().__init__()
        self.save_hyperparameters()
        train_iter, test_iter = load_data_fashion_mnist(batch_size, resize)
        self.train, self.val = train_iter.dataset, test_iter.dataset

    def text_labels(self, indices: Iterable[float]) -> list[str]:
        """Return the names of the classes with the given indices, 0 to 9."""
        return get_fashion_mnist_labels(indices)

    def get_dataloader(self, train: bool) -> DataLoader:
        """Return batches of X (n, 1, h, w), in [0, 1], and y (n,); shuffled for training."""
        dataset = self.train if train else self.val
        return SameOrderLoader(dataset, self.batch_size, shuffle=train)

    def visualize(
        self,
        batch: Sequence[Tensor],
        nrows: int = 1,
        ncols: int = 8,
        labels: Sequence[str] = (),
    ) -> None:
        """Draw the first images of a batch with titles, by default their class names."""
        X, y = batch
        show_images(X.squeeze(1), nrows, ncols, titles=labels or self.text_labels(y))


class Classifier(Module):
    """Base class for classifiers, with cross-entropy loss ("The Base Classification Model").

    A model returns scores (…, q); labels (…) are int64 from 0 to q - 1.
    """

    def validation_step(self, batch: Sequence[Tensor]) -> None:
        """Plot the loss and the accuracy of a batch (X, …, y)."""
        Y_hat = self(*batch[:-1])
        self.plot("loss", self.loss(Y_hat, batch[-1]), train=False)
        self.plot("acc", self.accuracy(Y_hat, batch[-1]), train=False)

    def accuracy(self, Y_hat: Tensor, Y: Tensor, averaged: bool = True) -> Tensor:
        """Return the accuracy, or with `averaged=False` a 1 or 0 for each prediction."""
        correct = (Y_hat.flatten(0, -2).argmax(dim=1) == Y.flatten()).float()
        return correct.mean() if averaged else correct

    def loss(self, Y_hat: Tensor, Y: Tensor, averaged: bool = True) -> Tensor:
        """Return the mean cross-entropy, or with `averaged=False` the loss of each example.

        From "Concise Implementation of Softmax Regression". `Y_hat` are logits. Raises IndexError
        for labels out of range.
        """
        logits, labels = Y_hat.flatten(0, -2), Y.flatten()
        check_classes(labels, logits.shape[1])
        reduction = "mean" if averaged else "none"
        return nn.functional.cross_entropy(logits, labels, reduction=reduction)

    def layer_summary(self, X_shape: Sequence[int]) -> None:
        """Print the output shape of each layer for an input of shape `X_shape` ("LeNet")."""
        X = torch.randn(*X_shape)
        for layer in self.net:
            X = layer(X)
            print(f"{type(layer).__name__} output shape:\t{X.shape}")


class SoftmaxRegression(Classifier):
    """A lazy linear layer on flattened images ("Concise Implementation of Softmax Regression")."""

    def __init__(self, num_outputs: int, lr: float):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Flatten(), nn.LazyLinear(num_outputs))


def cpu() -> torch.device:
    """Return the CPU ("GPUs")."""
    return torch.device("cpu")


def gpu(i: int = 0) -> torch.device:
    """Return the i-th GPU as a device, even if it does not exist ("GPUs")."""
    device = try_gpu(i)
    return torch.device(f"cuda:{i}") if device.type == "cpu" else device


def num_gpus() -> int:
    """Return the number of GPUs ("GPUs")."""
    return sum(device.type != "cpu" for device in try_all_gpus())
