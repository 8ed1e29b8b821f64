"""Peers of the twins: implementations of the same epoch, each in the style of its library.

A peer is a generator function. Up to its first yield it sets up; then each step does the work that
is timed. For most peers this is an epoch: training with batch size 256 and learning rate 0.1, and
an evaluation on the test data. They yield (train loss, train accuracy, test accuracy), which a test
compares. Data are in memory, 784 pixels per row.
"""

import importlib
import operator
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import book
from d2l_softmax import load_data_fashion_mnist
from d2l_softmax.commands.train import Training, load_loaders, parse, prepare

BATCH_SIZE, LR = 256, 0.1
TWINS = ("scratch", "concise")


def read_rows(dtype: str = "uint8") -> tuple[np.ndarray, ...]:
    """Return X, y, X_test, y_test: images (n, 784), float32 in [0, 1] or uint8, and labels (n,)."""
    train, test = (each.dataset for each in load_data_fashion_mnist(BATCH_SIZE))
    X, X_test = (each.images.flatten(1).numpy() for each in (train, test))
    if dtype == "float32":
        X, X_test = (each.astype(np.float32) / 255 for each in (X, X_test))
    return X, train.labels.numpy(), X_test, test.labels.numpy()


def make_training(name: str, *arguments: str, seed: int = 0) -> Training:
    """Return the Training of a twin, "scratch" or "concise", for arguments of its command."""
    options = parse(name, ["--device=cpu", f"--seed={seed}", *arguments])
    return prepare(importlib.import_module(name), options, load_loaders(options))


def twin(name: str, *arguments: str, seed: int = 0) -> Iterator:
    """Train a twin with the code of its command."""
    records = make_training(name, *arguments, seed=seed).fit()
    yield
    for record in records:
        yield record.train_loss, record.train_acc, record.test_acc


def numpy_by_hand() -> Iterator[tuple[float, float, float]]:
    """Train with NumPy; the gradient is computed by hand."""
    X, y, X_test, y_test = read_rows()
    rng = np.random.default_rng(0)
    W = rng.normal(0, 0.01, (784, 10)).astype(np.float32)
    b = np.zeros(10, np.float32)
    yield
    while True:
        loss = correct = 0.0
        for batch in np.split(rng.permutation(len(y)), range(BATCH_SIZE, len(y), BATCH_SIZE)):
            images = np.divide(X.take(batch, axis=0), 255, dtype=np.float32)
            labels = y.take(batch)
            picked = np.arange(len(batch)), labels
            logits = images @ W + b
            logits -= logits.max(axis=1, keepdims=True)
            y_hat = np.exp(logits, out=logits)
            y_hat /= y_hat.sum(axis=1, keepdims=True)
            loss -= np.log(y_hat[picked]).sum()
            correct += (y_hat.argmax(axis=1) == labels).sum()
            y_hat[picked] -= 1
            y_hat *= np.float32(LR / len(batch))
            W -= images.T @ y_hat
            b -= y_hat.sum(axis=0)
        logits = np.divide(X_test, 255, dtype=np.float32) @ W + b
        test_acc = (logits.argmax(axis=1) == y_test).mean()
        yield float(loss / len(y)), float(correct / len(y)), float(test_acc)


def lean_batches(
    images: np.ndarray, labels: np.ndarray, shuffle: bool = True
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield X (n, 784) and y (n,): rows taken and divided as the loader does it, nothing else."""
    order = torch.randperm if shuffle else torch.arange
    for batch in order(len(labels)).split(BATCH_SIZE):
        rows = batch.numpy()
        X = np.divide(images.take(rows, axis=0), 255, dtype=np.float32)
        yield torch.from_numpy(X), torch.from_numpy(labels.take(rows))


def lean_loader() -> Iterator[None]:
    """Pass over the training data with no class, no check and no option."""
    X, y, _, _ = read_rows()
    yield
    while True:
        for _ in lean_batches(X, y):
            pass
        yield


def lean_scratch() -> Iterator[tuple[float, float, float]]:
    """Train with the formulas of scratch: the limit of PyTorch without compiling."""
    *train, X_test, y_test = read_rows()
    W, b = torch.normal(0.0, 0.01, (10, 784)), torch.zeros(10)
    tiny = torch.finfo(torch.float32).tiny
    yield
    while True:
        loss = correct = right = 0.0
        for X, y in lean_batches(*train):
            logits = (W @ X.T).T + b
            exponentials = torch.exp(logits - logits.amax(dim=1, keepdim=True))
            y_hat = exponentials / exponentials.sum(dim=1, keepdim=True)
            loss -= float(torch.log(y_hat[torch.arange(len(y)), y].clamp(min=tiny)).sum())
            correct += int((y_hat.max(dim=1).indices == y).sum())
            one_hot = torch.zeros_like(y_hat).scatter_(1, y.unsqueeze(1), 1.0)
            error = (y_hat - one_hot) / len(y)
            W.sub_(error.T @ X, alpha=LR)
            b.sub_(error.sum(dim=0), alpha=LR)
        for X, y in lean_batches(X_test, y_test, shuffle=False):
            right += int((((W @ X.T).T + b).max(dim=1).indices == y).sum())
        yield loss / len(train[1]), correct / len(train[1]), right / len(y_test)


def lean_concise() -> Iterator[tuple[float, float, float]]:
    """Train with `nn.Linear` and `torch.optim`, and nothing between them and the data."""
    *train, X_test, y_test = read_rows()
    model, cross_entropy = nn.Linear(784, 10), nn.CrossEntropyLoss()
    nn.init.normal_(model.weight, std=0.01)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    yield
    while True:
        total = correct = right = 0.0
        for X, y in lean_batches(*train):
            logits = model(X)
            loss = cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
            correct += int((logits.argmax(dim=1) == y).sum())
        with torch.no_grad():
            for X, y in lean_batches(X_test, y_test, shuffle=False):
                right += int((model(X).argmax(dim=1) == y).sum())
        yield total / len(train[1]), correct / len(train[1]), right / len(y_test)


def jax_scan(dtype: str) -> Iterator[tuple[float, float, float]]:
    """Train with JAX, each epoch compiled as a whole; `dtype` of the images: uint8 or float32."""
    import jax
    from jax import numpy as jnp

    X, y, X_test, y_test = map(jnp.asarray, read_rows(dtype))
    whole = len(y) // BATCH_SIZE * BATCH_SIZE  # the last batch is smaller

    @partial(jax.value_and_grad, has_aux=True)
    def loss_and_gradients(parameters, images, labels):
        W, b = parameters
        floats = images if dtype == "float32" else images.astype(jnp.float32) / 255
        logits = floats @ W + b
        picked = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
        return -picked.mean(), (logits.argmax(axis=1) == labels).sum()

    def step(parameters, batch):
        (loss, correct), gradients = loss_and_gradients(parameters, X[batch], y[batch])
        parameters = jax.tree.map(lambda p, g: p - LR * g, parameters, gradients)
        return parameters, (loss * len(batch), correct)

    @partial(jax.jit, donate_argnums=0)
    def train_and_test(parameters, key):
        order = jax.random.permutation(key, len(y))
        parameters, sums = jax.lax.scan(step, parameters, order[:whole].reshape(-1, BATCH_SIZE))
        parameters, last = step(parameters, order[whole:])
        means = [(each.sum() + rest) / len(y) for each, rest in zip(sums, last, strict=True)]
        (_, correct), _ = loss_and_gradients(parameters, X_test, y_test)  # jit drops the gradients
        return parameters, (*means, correct / len(y_test))

    parameters = jax.random.normal(jax.random.key(0), (784, 10)) * 0.01, jnp.zeros(10)
    yield
    for key in jax.random.split(jax.random.key(1), 1000):
        parameters, measured = train_and_test(parameters, key)
        yield tuple(map(float, measured))


def torch_in_memory(compile_mode: str = "") -> Iterator:
    """Train with torch, optimized for speed: no DataLoader, images in memory as float32.

    With `compile_mode`, model and loss are compiled by torch.compile, forward and backward.
    """
    X, y, X_test, y_test = (torch.from_numpy(each) for each in read_rows("float32"))
    model = nn.Linear(784, 10)
    nn.init.normal_(model.weight, std=0.01)
    nn.init.zeros_(model.bias)
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, fused=True)

    def loss_and_correct(images, labels):
        logits = model(images)
        return loss_function(logits, labels), (logits.argmax(dim=1) == labels).sum()

    if compile_mode:
        loss_and_correct = torch.compile(loss_and_correct, mode=compile_mode)
    yield
    while True:
        sums = torch.zeros(2)
        for batch in torch.randperm(len(y)).split(BATCH_SIZE):
            loss, correct = loss_and_correct(X.index_select(0, batch), y.index_select(0, batch))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            sums += torch.stack([loss.detach() * len(batch), correct])
        with torch.no_grad():
            test_acc = (model(X_test).argmax(dim=1) == y_test).float().mean()
        yield *(sums / len(y)).tolist(), float(test_acc)


@torch.inference_mode()
def lower_bound(way: str = "") -> Iterator[None]:
    """Do the minimum of data loading: look up images and labels in random order, scale images.

    With `way`, do the minimum of an epoch: two matrix products per batch, and one for the test
    data. `way` is "written", or "transpose" for (B.T @ A.T).T, which is faster and used in scratch.
    """
    X, y, X_test, _ = map(torch.from_numpy, read_rows())
    W = torch.randn(10, 784).T
    multiply = operator.matmul if way == "written" else lambda A, B: (B.T @ A.T).T
    yield
    while True:
        for batch in torch.randperm(len(y)).split(BATCH_SIZE):
            if way:
                images = X.index_select(0, batch).float().div_(255)
                multiply(images.T, multiply(images, W))
            else:
                X.index_select(0, batch).float().div_(255), y.index_select(0, batch)
        if way:
            multiply(X_test.float().div_(255), W)
        yield


def loader(load: Callable, *arguments: int) -> Iterator[None]:
    """Iterate over the training data of a loader, once per step."""
    train_iter, _ = load(BATCH_SIZE, *arguments)
    yield
    while True:
        for _ in train_iter:
            pass
        yield


ENDLESS = "--epochs=1000000"
BOOK = "the book's code, 4 workers"
BOOK_LOADER = "the book's loader, 4 workers"
LOADER = "`load_data_fashion_mnist`"
TORCH = "torch, `nn.Linear`"
IN_MEMORY = f"{TORCH}, `SGD(fused=True)`, float32 in memory"
PASSES = {
    LOADER: partial(loader, load_data_fashion_mnist),
    BOOK_LOADER: partial(loader, book.load, 4),
    "the book's loader, 0 workers": partial(loader, book.load, 0),
    "lean PyTorch, take and divide": lean_loader,
    "lower bound: look up and scale": lower_bound,
}
EPOCHS = {
    "scratch": partial(twin, "scratch", ENDLESS),
    "concise": partial(twin, "concise", ENDLESS),
    BOOK: partial(book.train, 4),
    "the book's code, 0 workers": partial(book.train, 0),
    "lean PyTorch, by hand": lean_scratch,
    "lean PyTorch, `nn`": lean_concise,
    "NumPy by hand": numpy_by_hand,
    "JAX, `jit` and `scan`, uint8 in memory": partial(jax_scan, "uint8"),
    "JAX, `jit` and `scan`, float32 in memory": partial(jax_scan, "float32"),
    IN_MEMORY: torch_in_memory,
    f"{TORCH}, the same, `torch.compile`": partial(torch_in_memory, "default"),
    "lower bound: look up, two products": partial(lower_bound, "transpose"),
    "the same, products as written": partial(lower_bound, "written"),
}
