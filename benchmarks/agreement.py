"""Train the same model in other frameworks, and measure the differences from the twins.

All train in float64 for two epochs, from the same W and b and on the same batches as the twins. A
framework is a generator function of the initial W (d, q) and b (q,), and of the batches, X (n, d)
and y (n,). For each batch it yields the mean loss and the accuracy before the step, and W and b
after the step.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.peers import BATCH_SIZE, LR, TWINS, make_training
from d2l_softmax.training.metrics import Accumulator, evaluate_accuracy

EPOCHS, ADAM_LR = 2, 1e-4
SGD, ADAM = f"SGD at {LR}", f"Adam at {ADAM_LR}"
BOTH = ("--dtype=float64", f"--epochs={EPOCHS}")
OPTIONS = {SGD: (*BOTH, f"--lr={LR}"), ADAM: (*BOTH, "--optimizer=adam", f"--lr={ADAM_LR}")}
THREADS = ("OMP_NUM_THREADS", "NPROC", "TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS")
# No GPU. Keras uses TensorFlow, because with torch it computes partly in float32.
PLACE = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "KERAS_BACKEND": "tensorflow"}
PLACE |= dict.fromkeys(THREADS, "1")


def numpy_by_hand(W: np.ndarray, b: np.ndarray, batches: Iterable) -> Iterator[tuple]:
    """Train with NumPy; the gradient is computed by hand."""
    for X, y in batches:
        logits = X @ W + b
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        y_hat = exponentials / exponentials.sum(axis=1, keepdims=True)
        error = (y_hat - np.eye(10)[y]) / len(y)
        W, b = W - LR * (X.T @ error), b - LR * error.sum(axis=0)
        yield -np.log(y_hat[range(len(y)), y]).mean(), (y_hat.argmax(axis=1) == y).mean(), W, b


def scikit_learn(W: np.ndarray, b: np.ndarray, batches: Iterable) -> Iterator[tuple]:
    """Train with the loss and the gradient inside scikit-learn's LogisticRegression."""
    # These modules are private and may change; nothing public returns a gradient.
    from sklearn._loss.loss import HalfMultinomialLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    objective = LinearModelLoss(HalfMultinomialLoss(n_classes=10), fit_intercept=True)
    Wb = np.vstack([W, b]).T  # (q, d + 1)
    for X, y in batches:
        *_, logits = objective.weight_intercept_raw(Wb, X)
        loss, gradient = objective.loss_gradient(Wb, X, y.astype(float), raw_prediction=logits)
        Wb = Wb - LR * gradient
        yield loss, (logits.argmax(axis=1) == y).mean(), Wb[:, :-1].T, Wb[:, -1]


def keras(W: np.ndarray, b: np.ndarray, batches: Iterable) -> Iterator[tuple]:
    """Train with Keras."""
    import keras

    keras.config.set_floatx("float64")
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])
    model.set_weights([W, b])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(LR), loss, metrics=["accuracy"])
    for X, y in batches:
        model.reset_metrics()  # or train_on_batch would return means over all batches so far
        yield *model.train_on_batch(X, y), *model.get_weights()


def jax_and_optax(
    W: np.ndarray, b: np.ndarray, batches: Iterable, settings: str
) -> Iterator[tuple]:
    """Train with JAX and optax, whose Adam adds epsilon in the same place as torch's Adam."""
    import jax
    import optax

    jax.config.update("jax_enable_x64", True)
    optimizer = {SGD: optax.sgd(LR), ADAM: optax.adam(ADAM_LR)}[settings]
    parameters = jax.tree.map(jax.numpy.asarray, (W, b))
    state = optimizer.init(parameters)

    def measure(parameters, X, y):
        logits = X @ parameters[0] + parameters[1]
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, y)
        return losses.mean(), (logits.argmax(axis=1) == y).mean()

    @jax.jit
    def step(parameters, state, X, y):
        measured, gradients = jax.value_and_grad(measure, has_aux=True)(parameters, X, y)
        updates, state = optimizer.update(gradients, state)
        return measured, optax.apply_updates(parameters, updates), state

    for X, y in batches:
        measured, parameters, state = step(parameters, state, X, y)
        yield *measured, *parameters


def tensorflow(W, b, batches: Iterable, same_epsilon=False, number=float) -> Iterator[tuple]:
    """Train with a TensorFlow 1 graph and session, as the notes do in section 9.

    Its Adam differs from torch's in two ways. Its epsilon is the "epsilon hat" of Kingma and Ba
    (2015), which is added before the bias correction of the second moment. With `same_epsilon` it
    is torch's epsilon times sqrt(1 - beta2^t), which is equivalent. Python numbers become float32
    even with float64 variables, so that 0.999 is 0.9990000129; `number=np.float64` avoids this.
    """
    import tensorflow.compat.v1 as tf

    tf.disable_eager_execution()
    X, y = tf.placeholder(tf.float64, [None, 784]), tf.placeholder(tf.float64, [None, 10])
    parameters = tf.Variable(W), tf.Variable(b)
    logits = tf.matmul(X, parameters[0]) + parameters[1]
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
    correct = tf.cast(tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1)), tf.float64)
    epsilon = tf.placeholder_with_default(number(1e-8), [])  # like the betas, TensorFlow's default
    optimizer = tf.train.AdamOptimizer(*map(number, (ADAM_LR, 0.9, 0.999)), epsilon)
    fetches = loss, tf.reduce_mean(correct), optimizer.minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for t, (images, labels) in enumerate(batches, start=1):
            feed = {epsilon: 1e-8 * (1 - 0.999**t) ** 0.5} if same_epsilon else {}
            *measured, _ = session.run(fetches, {X: images, y: np.eye(10)[labels], **feed})
            yield *measured, *session.run(parameters)


as_torch = partial(tensorflow, same_epsilon=True)
FRAMEWORKS = (  # packages, optimizer, remark, function
    ("NumPy", SGD, "", numpy_by_hand),
    ("scikit-learn", SGD, "", scikit_learn),
    ("Keras, TensorFlow", SGD, "", keras),
    ("JAX, optax", SGD, "", partial(jax_and_optax, settings=SGD)),
    ("JAX, optax", ADAM, "", partial(jax_and_optax, settings=ADAM)),
    ("TensorFlow", ADAM, ", as in the notes", tensorflow),
    ("TensorFlow", ADAM, ", torch's epsilon", as_torch),
    ("TensorFlow", ADAM, ", torch's epsilon, all float64", partial(as_torch, number=np.float64)),
)


def train_twin(name: str, settings: str) -> tuple[np.ndarray, np.ndarray]:
    """Train a twin; return loss and accuracies of each epoch (2, 3), and W above b (d + 1, q)."""
    training = make_training(name, *OPTIONS[settings])
    epochs = np.array([record[1:4] for record in training.fit()])
    return epochs, torch.vstack([training.model.W, training.model.b]).detach().numpy()


def train(framework: Callable, settings: str) -> tuple[np.ndarray, np.ndarray]:
    """Train with a framework; return the same arrays as `train_twin`.

    The test accuracy is computed with torch from the framework's W and b.
    """
    training = make_training("scratch", *OPTIONS[settings])
    data, epochs = training.train_iter, []
    batches = ((X.flatten(1).numpy(), y.numpy()) for _ in range(EPOCHS) for X, y in data)
    steps = framework(training.model.W.numpy(), training.model.b.numpy(), batches)
    for _ in range(EPOCHS):
        metric = Accumulator(3)  # sum of losses, correct predictions, examples
        for indices in torch.arange(len(data.dataset)).split(BATCH_SIZE):
            (loss, accuracy, *parameters), n = next(steps), len(indices)
            metric.add(float(loss) * n, round(float(accuracy) * n), n)
        W, b = map(torch.tensor, map(np.asarray, parameters))
        test_acc = evaluate_accuracy(lambda X, W=W, b=b: X.flatten(1) @ W + b, training.test_iter)
        epochs.append((metric[0] / metric[2], metric[1] / metric[2], test_acc))
    return np.array(epochs), torch.vstack([W, b]).numpy()


def mute() -> None:
    """Discard this process's stderr: TensorFlow logs there, at any level, that it has no GPU."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def in_new_process(function: Callable, *arguments: object) -> tuple[np.ndarray, np.ndarray]:
    """Return function(*arguments), run in a new process because frameworks have global settings."""
    with patch.dict(os.environ, PLACE), ProcessPoolExecutor(1, get_context("spawn"), mute) as pool:
        return pool.submit(function, *arguments).result()


def describe(framework: str, settings: str, trained: tuple, twins: dict[str, tuple]) -> dict:
    """Return a record of the largest differences between a framework's results and each twin's."""
    differences = {}
    for name, twin in twins.items():
        (loss, *accuracies), weights = (abs(trained[i] - twin[i]).max(axis=0) for i in (0, 1))
        differences[name] = {"loss": loss, "accuracy": max(accuracies), "weights": max(weights)}
    return {"framework": framework, "settings": settings, "differences": differences}


def measure(rounds: int | None = None) -> list[dict]:
    """Train both twins and all frameworks once; return the differences from each twin."""
    twins = {s: {name: in_new_process(train_twin, name, s) for name in TWINS} for s in OPTIONS}
    results = [describe("scratch", s, each["scratch"], each) for s, each in twins.items()]
    for packages, s, more, framework in FRAMEWORKS:
        label = ", ".join(f"{name} {version(name)}" for name in packages.split(", "))
        results.append(describe(label, s + more, in_new_process(train, framework, s), twins[s]))
    return results


def table(results: list[dict]) -> Iterator[tuple]:
    """Yield a table of the largest differences of each framework from each twin."""
    columns = list(itertools.product(TWINS, ("loss", "accuracy", "weights")))
    yield "largest difference from", *(f"{twin}: {what}" for twin, what in columns)
    for each in results:
        cells = (f"{each['differences'][twin][what]:.2g}" for twin, what in columns)
        yield f"{each['framework']}: {each['settings']}", *cells
