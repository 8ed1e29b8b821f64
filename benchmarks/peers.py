"""What the twins are measured against: the same epoch, as each library's users would write it.

A peer is a function without arguments that makes ready and returns the work to be timed: one epoch
over the training data at batch size 256 and learning rate 0.1, and an evaluation on the test data.
The work returns (train loss, train accuracy, test accuracy), so that a test can see that all learn
the same thing. Data are in memory, 784 pixels a row.
"""

import functools
import importlib
import operator
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmarks import book
from d2l_softmax import evaluate_accuracy, load_data_fashion_mnist
from d2l_softmax.data.fashion_mnist import TEST_BATCH_SIZE
from d2l_softmax.data.parsed import read_fashion_mnist
from d2l_softmax.data.sources import ensure_fashion_mnist

Work = Callable[[], tuple[float, float, float]]
BATCH_SIZE, LR = 256, 0.1


def rows() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return training images (n, 784) uint8 and labels (n,), and those of the test data."""
    (X, y), (X_test, y_test) = read_fashion_mnist(ensure_fashion_mnist())
    return X.flatten(1), y, X_test.flatten(1), y_test


def floats() -> tuple[np.ndarray, ...]:
    """Return the same as scikit-learn takes them: float32 in [0, 1], and labels."""
    X, y, X_test, y_test = (tensor.numpy() for tensor in rows())
    return X.astype(np.float32) / 255, y, X_test.astype(np.float32) / 255, y_test


def twin(name: str, device: str = "cpu") -> Work:
    """Return the epoch of a twin, `scratch` or `concise`, as its command trains it."""
    page = importlib.import_module(f"{name}.softmax_regression")
    train_iter, test_iter = load_data_fashion_mnist(
        BATCH_SIZE, test_batch_size=TEST_BATCH_SIZE, device=device
    )
    model = page.SoftmaxRegression(device=device)
    optimizer = page.SGD(model.parameters(), lr=LR)

    def epoch():
        train_loss, train_acc = page.train_epoch(model, train_iter, optimizer)
        return train_loss, train_acc, evaluate_accuracy(model, test_iter)

    return epoch


def book_epoch(num_workers: int) -> Work:
    """Return the epoch of the book's way."""
    return book.Trainer(num_workers).epoch


def numpy_by_hand() -> Work:
    """Return an epoch written in NumPy, gradient by hand."""
    X, y, X_test, y_test = (tensor.numpy() for tensor in rows())
    rng = np.random.default_rng(0)
    W = rng.normal(0, 0.01, (784, 10)).astype(np.float32)
    b = np.zeros(10, np.float32)

    def scaled(images):
        return images.astype(np.float32) / np.float32(255)

    def epoch():
        loss = correct = 0.0
        order = rng.permutation(len(y))
        for start in range(0, len(y), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            A, labels, picked = scaled(X[batch]), y[batch], np.arange(len(batch))
            logits = A @ W + b
            logits -= logits.max(axis=1, keepdims=True)
            y_hat = np.exp(logits)
            y_hat /= y_hat.sum(axis=1, keepdims=True)
            loss -= np.log(y_hat[picked, labels]).sum()
            correct += (y_hat.argmax(axis=1) == labels).sum()
            y_hat[picked, labels] -= 1
            y_hat *= np.float32(LR / len(batch))
            W[:] -= A.T @ y_hat
            b[:] -= y_hat.sum(axis=0)
        test_acc = ((scaled(X_test) @ W + b).argmax(axis=1) == y_test).mean()
        return loss / len(y), correct / len(y), test_acc

    return epoch


def jax_scan(keep: str) -> Work:
    """Return an epoch that JAX compiles as a whole: `jit` around `scan` over the batches.

    The images are kept as `uint8`, a quarter of the memory, or as `float32`, scaled beforehand.
    """
    import jax
    from jax import numpy as jnp

    X, y, X_test, y_test = (jnp.asarray(tensor.numpy()) for tensor in rows())
    if keep == "float32":
        X, X_test = X.astype(jnp.float32) / 255, X_test.astype(jnp.float32) / 255
    whole = len(y) // BATCH_SIZE * BATCH_SIZE

    def logits_of(parameters, images):
        scaled = images if keep == "float32" else images.astype(jnp.float32) / 255
        return scaled @ parameters[0] + parameters[1]

    def loss_of(parameters, images, labels):
        logits = logits_of(parameters, images)
        picked = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
        return -picked.mean(), (logits.argmax(axis=1) == labels).sum()

    def step(parameters, batch):
        labels = y[batch]
        value_and_grad = jax.value_and_grad(loss_of, has_aux=True)
        (loss, correct), gradients = value_and_grad(parameters, X[batch], labels)
        moved = jax.tree.map(lambda p, g: p - LR * g, parameters, gradients)
        return moved, (loss * len(labels), correct)

    @jax.jit
    def compiled(parameters, key):
        order = jax.random.permutation(key, len(y))
        batches = order[:whole].reshape(-1, BATCH_SIZE)
        parameters, (losses, correct) = jax.lax.scan(step, parameters, batches)
        parameters, (last_loss, last_correct) = step(parameters, order[whole:])
        test_acc = (logits_of(parameters, X_test).argmax(axis=1) == y_test).mean()
        means = (losses.sum() + last_loss) / len(y), (correct.sum() + last_correct) / len(y)
        return parameters, (*means, test_acc)

    keys = iter(jax.random.split(jax.random.key(0), 1000))
    parameters = jax.random.normal(next(keys), (784, 10)) * 0.01, jnp.zeros(10)

    def epoch():
        nonlocal parameters
        parameters, measured = compiled(parameters, next(keys))
        return tuple(map(float, measured))

    return epoch


def torch_autograd(device: str = "cpu", compiled: str = "") -> Work:
    """Return a plain epoch in torch: floats in memory, indexing, autograd, no DataLoader.

    `compiled` is a mode of torch.compile for loss, gradient and step together; "reduce-overhead"
    captures them in a CUDA graph.
    """
    X, y, X_test, y_test = (tensor.to(device) for tensor in rows())
    X, X_test = X.float() / 255, X_test.float() / 255
    generator = torch.Generator().manual_seed(0)
    W = (torch.randn(784, 10, generator=generator) * 0.01).to(device).requires_grad_()
    b = torch.zeros(10, device=device, requires_grad=True)

    def step(images, labels):
        logits = images @ W + b
        loss = torch.nn.functional.cross_entropy(logits, labels)
        gradients = torch.autograd.grad(loss, [W, b])
        with torch.no_grad():
            for parameter, gradient in zip([W, b], gradients, strict=True):
                parameter -= LR * gradient
        return loss.detach() * len(labels), (logits.argmax(dim=1) == labels).sum()

    if compiled:
        step = torch.compile(step, mode=compiled)

    def epoch():
        total = torch.zeros(2, device=device)
        for batch in torch.randperm(len(y), generator=generator).to(device).split(BATCH_SIZE):
            total += torch.stack(step(X[batch], y[batch]))
        with torch.no_grad():
            test_acc = ((X_test @ W + b).argmax(dim=1) == y_test).float().mean()
        return *(total / len(y)).tolist(), float(test_acc)

    return epoch


def sklearn_sgd() -> Work:
    """Return an epoch of scikit-learn's SGDClassifier: ten binary regressions, image by image."""
    from sklearn.linear_model import SGDClassifier

    X, y, X_test, y_test = floats()
    model = SGDClassifier(loss="log_loss", random_state=0, n_jobs=-1)

    def epoch():
        model.partial_fit(X, y, classes=np.arange(10))
        return np.nan, np.nan, model.score(X_test, y_test)

    return epoch


def gather_only() -> Work:
    """Return the least a pass can do: look the images up in a random order and scale them."""
    X, y, _, _ = rows()

    def one_pass():
        for batch in torch.randperm(len(y)).split(BATCH_SIZE):
            X.index_select(0, batch).float().div_(255), y.index_select(0, batch)

    return one_pass


def by_transpose(A: Tensor, B: Tensor) -> Tensor:
    """Return A @ B, (m, k) @ (k, q) -> (m, q), as scratch multiplies: faster for a small q."""
    return (B.T @ A.T).T


def floor(product: Callable[[Tensor, Tensor], Tensor]) -> Work:
    """Return the least an epoch can do: gather, multiply forward and backward, evaluate."""
    X, y, X_test, _ = rows()
    W = torch.randn(10, 784).T

    @torch.inference_mode()
    def epoch():
        for batch in torch.randperm(len(y)).split(BATCH_SIZE):
            images = X.index_select(0, batch).float().div_(255)
            product(images.T, product(images, W))
        product(X_test.float().div_(255), W)

    return epoch


def one_pass(load: Callable, *arguments) -> Work:
    """Return a pass over the training data of a loader."""
    train_iter = load(BATCH_SIZE, *arguments)[0]

    def work():
        for _ in train_iter:
            pass

    return work


def passes() -> dict[str, Callable[[], Work]]:
    """Return the peers of a pass over the training data, by name."""
    return {
        "`load_data_fashion_mnist`": functools.partial(one_pass, load_data_fashion_mnist),
        "the book's loader, 4 workers": functools.partial(one_pass, book.load, 4),
        "the book's loader, 0 workers": functools.partial(one_pass, book.load, 0),
        "floor: look up and scale": gather_only,
    }


def epochs() -> dict[str, Callable[[], Work]]:
    """Return the peers of an epoch, by name."""
    return {
        "scratch": functools.partial(twin, "scratch"),
        "concise": functools.partial(twin, "concise"),
        "the book's way, 4 workers": functools.partial(book_epoch, 4),
        "the book's way, 0 workers": functools.partial(book_epoch, 0),
        "NumPy by hand": numpy_by_hand,
        "JAX, `jit` and `scan`, uint8 in memory": functools.partial(jax_scan, "uint8"),
        "JAX, `jit` and `scan`, float32 in memory": functools.partial(jax_scan, "float32"),
        "torch, autograd, float32 in memory": torch_autograd,
        "scikit-learn, `SGDClassifier`": sklearn_sgd,
        "floor: look up, two products": functools.partial(floor, by_transpose),
        "the same, products as written": functools.partial(floor, operator.matmul),
    }


def on_gpu() -> dict[str, Callable[[], Work]]:
    """Return the peers of an epoch on a CUDA device, by name."""
    return {
        "scratch, CUDA": functools.partial(twin, "scratch", "cuda"),
        "concise, CUDA": functools.partial(twin, "concise", "cuda"),
        "torch, autograd, CUDA": functools.partial(torch_autograd, "cuda"),
        "torch, compiled into a CUDA graph": functools.partial(
            torch_autograd, "cuda", "reduce-overhead"
        ),
    }
