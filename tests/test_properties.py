"""Properties for any input: softmax, cross-entropy, gradients, losses, optimizers, metrics.

hypothesis searches for inputs that break them. References are computed here, in float64 or with
fractions, by other formulas than those of the twins: no twin is tested against the other alone.

Tolerances are counted in eps = torch.finfo(dtype).eps. Rounding moves a number by at most eps / 2
of itself, so k operations in a row move it by about k * eps / 2; each test counts its own.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import nn

import concise
import scratch
from d2l_softmax import Accumulator, accuracy, evaluate_accuracy
from d2l_softmax.training.metrics import count_correct

both_twins = pytest.mark.parametrize("twin", [scratch, concise], ids=["scratch", "concise"])
REDUCTIONS = ["mean", "sum", "none"]


# Numbers and tensors

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
dtypes = st.sampled_from(DTYPES)
double = st.just(torch.float64)
short_integers = st.sampled_from([torch.uint8, torch.int8, torch.int16, torch.int32])
# exp underflows in float16 below -17, in float32 below -103, in float64 below -745: numbers around
logit_values = st.one_of(
    st.sampled_from([-1.0, 0.0, 0.5]),  # ties
    st.floats(-4, 4),
    st.floats(-60, 60),
    st.floats(-400, 400),
    st.floats(-1e4, 1e4),
    st.sampled_from([-1e30, -1e4, 1e4, 1e30]),
)


@st.composite
def matrices(draw, values, dtype, rows=(1, 4), columns=(1, 6)):
    """Draw tensors (n, q) of the values, clamped so that their differences are finite, too."""
    n, q = draw(st.integers(*rows)), draw(st.integers(*columns))
    numbers = draw(st.lists(values, min_size=n * q, max_size=n * q))
    limit = torch.finfo(dtype).max / 4
    return torch.tensor(numbers, dtype=torch.float64).clamp(-limit, limit).to(dtype).reshape(n, q)


def logits_of(values):
    """Draw logits (n, q) of any dtype."""
    return dtypes.flatmap(lambda dtype: matrices(values, dtype))


any_logits, moderate_logits = logits_of(logit_values), logits_of(st.floats(-4, 4))


@st.composite
def with_targets(draw, logits):
    """Draw logits (n, q) and targets for them: classes (n,), or distributions (n, q)."""
    logits = draw(logits)
    n, q = logits.shape
    if draw(st.booleans()):
        return logits, torch.tensor(draw(st.lists(st.integers(0, q - 1), min_size=n, max_size=n)))
    weights = st.lists(st.integers(0, 8), min_size=q, max_size=q).filter(any)
    rows = torch.tensor(draw(st.lists(weights, min_size=n, max_size=n)), dtype=torch.float64)
    return logits, (rows / rows.sum(dim=1, keepdim=True)).to(logits.dtype)


seeds = st.integers(0, 2**32 - 1)


def randn(seed, *shape, dtype=torch.float64):
    """Return normal numbers, where shrinking a failure to smaller ones would not help."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


LAYOUTS = [  # transposed, every other column, and inside a larger one
    lambda tensor: tensor.mT.contiguous().mT,
    lambda tensor: tensor.repeat_interleave(2, dim=-1)[..., ::2],
    lambda tensor: nn.functional.pad(tensor, (1, 2, 1, 2), value=torch.nan)[..., 1:-2, 1:-2],
]


# References in float64


def float64(values):
    """Return a tensor's numbers as a NumPy array of doubles."""
    return values.detach().double().numpy() if isinstance(values, torch.Tensor) else values


def assert_near(result, expected, error):
    """Fail unless the shapes agree and every number is within the error; NaN never is."""
    result, expected = float64(result), np.asarray(float64(expected))
    assert result.shape == expected.shape
    assert np.all(np.abs(result - expected) <= error), (result, expected, error)


def reference_softmax(logits):
    """Return 1 / sum_k exp(o_k - o_j): no maximum is subtracted, an overflow makes 1/inf = 0."""
    o = float64(logits)
    with np.errstate(over="ignore"):
        return 1 / np.exp(o[:, None, :] - o[:, :, None]).sum(axis=2)  # (n, 1, q) - (n, q, 1)


def reference_losses(logits, y, limit=math.inf):
    """Return sum_j y_j log sum_k exp(o_k - o_j), each logarithm cut at the limit: (n,)."""
    o = float64(logits)
    of_classes = np.logaddexp.reduce(o[:, None, :] - o[:, :, None], axis=2)  # (n, q)
    return (one_hot_rows(y, o.shape[1]) * np.minimum(of_classes, limit)).sum(axis=1)


def one_hot_rows(y, q):
    """Return targets as rows (n, q)."""
    y = float64(y)
    return y if y.ndim == 2 else (y[:, None] == np.arange(q)).astype(float)


# Softmax and cross-entropy


@both_twins
@given(any_logits)
def test_softmax_is_the_float64_formula_for_any_logits(twin, logits):
    probabilities, expected = twin.softmax(logits), reference_softmax(logits)
    assert probabilities.dtype == logits.dtype
    # o - max is rounded by eps / 2 of itself, which exp turns into a relative error; then come exp
    # itself, q - 1 sums and a quotient. Below `tiny` numbers have fewer digits, or none.
    depth = float64(logits).max(axis=1, keepdims=True) - float64(logits)
    eps, tiny = torch.finfo(logits.dtype).eps, torch.finfo(logits.dtype).tiny
    assert_near(probabilities, expected, (4 + logits.shape[1] + depth) * eps * expected + tiny)


def losses(twin, logits, y, reduction="none"):
    """Return the twin's cross-entropy of logits: scratch's takes the probabilities of them."""
    return twin.cross_entropy(twin.softmax(logits) if twin is scratch else logits, y, reduction)


def largest_loss(twin, dtype):
    """Return where the twin's loss of a class stops growing, in nats."""
    return -math.log(torch.finfo(dtype).tiny) if twin is scratch else math.inf


@both_twins
@given(with_targets(any_logits))
def test_cross_entropy_is_the_float64_formula_until_y_hat_underflows(twin, case):
    logits, y = case
    expected = reference_losses(logits, y, largest_loss(twin, logits.dtype))
    result = losses(twin, logits, y)
    assert result.dtype == logits.dtype
    assert (result >= 0).all()
    # -log turns softmax's relative error, see there, into an absolute one; the depth is a loss less
    # log(q) at most. Soft labels bring q products and q - 1 sums.
    q, eps = logits.shape[1], torch.finfo(logits.dtype).eps
    assert_near(result, expected, (8 + 2 * q + 3 * expected) * eps)


@both_twins
@given(with_targets(moderate_logits))
def test_mean_and_sum_are_those_of_the_single_losses(twin, case):
    logits, y = case
    single = float64(losses(twin, logits, y, "none"))
    total = math.fsum(single)
    # Of soft labels concise sums n * q products, and rounds none of the n sums in between.
    error = (4 + logits.numel()) * torch.finfo(logits.dtype).eps * (1 + total)
    assert_near(losses(twin, logits, y, "sum"), total, error)
    assert_near(losses(twin, logits, y, "mean"), total / len(y), error / len(y))


@both_twins
@given(with_targets(any_logits), st.data())
def test_the_loss_hides_no_nan(twin, case, data):
    logits, y = case
    n, q = logits.shape
    row, column = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, q - 1))
    logits[row, column] = torch.nan
    assert losses(twin, logits, y).isnan().tolist() == [other == row for other in range(n)]
    assert losses(twin, logits, y, "mean").isnan()


# Models and their gradients


def model_of(twin, W, b):
    """Return the twin's model with the parameters W (d, q) and b (q,), copied."""
    model = twin.SoftmaxRegression(*W.shape, dtype=W.dtype)
    with torch.no_grad():
        model.W.copy_(W)
        model.b.copy_(b)
    return model


def gradients(twin, W, b, X, y):
    """Return [dW (d, q), db (q,)] of the mean cross-entropy, by the twin's own way to them."""
    model = model_of(twin, W, b)
    if twin is scratch:
        return model.gradients(X, model(X), y)
    twin.cross_entropy(model(X), y).backward()
    return [model.net[1].weight.grad.T, model.b.grad]


@both_twins
@given(with_targets(any_logits))
def test_gradient_by_the_logits_is_y_hat_minus_y(twin, case):
    logits, y = case
    n, q = logits.shape
    # With X the identity and b zero the logits are W, exactly, and dW is the gradient by them.
    X, b = torch.eye(n, dtype=logits.dtype), torch.zeros(q, dtype=logits.dtype)
    dW, db = gradients(twin, logits, b, X, y)
    expected = (reference_softmax(logits) - one_hot_rows(y, q)) / n
    # softmax's error, see there, where y_hat * depth is 1/e at most; a difference, a quotient, and
    # for db n sums. The rows of soft labels sum to 1 but for an eps.
    error = (8 + q) * torch.finfo(logits.dtype).eps / n
    assert_near(dW, expected, error)
    assert_near(db, expected.sum(axis=0), n * error)


@both_twins
@given(seeds, st.integers(0, 5), st.integers(1, 4), st.integers(1, 4))
def test_a_model_is_softmax_of_x_w_plus_b_in_any_layout(twin, seed, n, height, width):
    X, W, b = randn(seed, n, 1, height, width), randn(seed + 1, height * width, 3), randn(seed, 3)
    model = model_of(twin, W, b)
    logits = float64(X.flatten(1)) @ float64(W) + float64(b)
    assert_near(model(X), reference_softmax(logits) if twin is scratch else logits, 1e-12)
    for images in (X, X.flatten(1), X.flatten(2), *[layout(X) for layout in LAYOUTS]):
        assert_near(model.probabilities(images), reference_softmax(logits), 1e-12)


@both_twins
@given(seeds, st.lists(st.integers(1, 4), min_size=1, max_size=4), st.floats(0, 2), st.booleans())
def test_an_epoch_measures_each_batch_and_then_takes_a_step_down_its_gradient(
    twin, seed, sizes, lr, soft
):
    X, y = randn(seed, sum(sizes), 3), randn(seed + 1, sum(sizes), 4)
    y = y.softmax(1) if soft else y.argmax(1)
    W, b = randn(seed + 2, 3, 4), randn(seed + 3, 4)
    model = model_of(twin, W, b)
    batches = list(zip(X.split(sizes), y.split(sizes), strict=True))
    measured = twin.train_epoch(model, batches, twin.SGD(model.parameters(), lr=lr))
    W, b, loss, right = float64(W), float64(b), 0.0, 0
    for images, targets in batches:
        logits, rows = float64(images) @ W + b, one_hot_rows(targets, 4)
        loss += reference_losses(logits, targets).sum()
        right += (logits.argmax(axis=1) == rows.argmax(axis=1)).sum()
        error = (reference_softmax(logits) - rows) / len(rows)
        W, b = W - lr * float64(images).T @ error, b - lr * error.sum(axis=0)
    assert measured == pytest.approx((loss / len(y), right / len(y)), rel=1e-12, abs=1e-12)
    assert_near(model.W, W, 1e-12)
    assert_near(model.b, b, 1e-12)


# The losses of regression

LOSSES = ["squared", "l1", "huber"]
each_loss = pytest.mark.parametrize("name", LOSSES)
deltas = st.sampled_from([0.5, 1.0]) | st.floats(0.1, 10)


@st.composite
def predictions_and_labels(draw):
    """Draw y_hat and y of one shape and dtype; some are equal, or apart by exactly delta."""
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    values = st.sampled_from([-1.0, 0.0, 0.5, 1.0]) | st.floats(-3, 3) | st.floats(-1e6, 1e6)
    return draw(matrices(values, dtype, (2, 2), (0, 6))).unbind()


def loss_and_gradient(twin, name, y_hat, y, delta=1.0):
    """Return the twin's loss and its gradient by y_hat, both in the shape of y."""
    setting = {"delta": delta} if name == "huber" else {}
    both = (getattr(twin.losses, each) for each in (name, f"{name}_gradient"))
    return [function(y_hat, y, **setting) for function in both]


@both_twins
@each_loss
@given(predictions_and_labels(), deltas)
def test_a_loss_and_its_gradient_are_the_float64_formulas(twin, name, pair, delta):
    e = float64(pair[0]) - float64(pair[1])
    line = delta * np.abs(e) - delta**2 / 2
    right = {
        "squared": (e**2 / 2, e),
        "l1": (np.abs(e), np.sign(e)),
        "huber": (np.where(np.abs(e) < delta, e**2 / 2, line), np.clip(e, -delta, delta)),
    }
    # e is rounded, a product of it, and Huber's difference, no less than half of its larger part.
    # A square may fall below `tiny`, where numbers have fewer digits.
    eps, tiny = torch.finfo(pair[0].dtype).eps, torch.finfo(pair[0].dtype).tiny
    results = loss_and_gradient(twin, name, *pair, delta)
    for result, expected in zip(results, right[name], strict=True):
        assert result.dtype == pair[0].dtype
        assert_near(result, expected, 4 * eps * np.abs(expected) + tiny)


# Optimizers. Those of concise are torch's own; test_agreement.py compares both twins.


@st.composite
def descents(draw, dtype=dtypes):
    """Draw where four parameters start (4,), and their gradients in each of some steps (t, 4)."""
    rows = draw(matrices(st.floats(-10, 10), draw(dtype), (2, 6), (4, 4)))
    return rows[0], rows[1:]


def in_two(numbers, layout):
    """Return four numbers as two new parameters (2, 1), so that each needs a state of its own."""
    return [layout(part.clone().reshape(2, 1)) for part in (numbers[:2], numbers[2:])]


def descend(optimizer, start, steps, layout, **settings):
    """Return where (4,) an optimizer gets to from the start; it may not change the gradients."""
    parameters = in_two(start, layout)
    optimizer = optimizer(parameters, **settings)
    for step in steps:
        gradients = in_two(step, layout)
        optimizer.step(gradients)
        assert all(map(torch.equal, gradients, in_two(step, layout)))
    return torch.cat([p.flatten() for p in parameters])


def reference_sgd(p, steps, lr, momentum=0.0, weight_decay=0.0):
    """Return where v = momentum * v + (g + weight_decay * p), p = p - lr * v gets to."""
    v = np.zeros_like(p)
    for g in steps:
        v = momentum * v + (g + weight_decay * p)
        p = p - lr * v
    return p


def reference_adam(p, steps, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    """Return where Adam gets to: an unbiased moment is a mean with weights beta^age."""
    seen = []
    for g in steps:
        seen.insert(0, g + weight_decay * p)
        mean = np.average(seen, axis=0, weights=betas[0] ** np.arange(len(seen)))
        square = np.average(np.square(seen), axis=0, weights=betas[1] ** np.arange(len(seen)))
        p = p - lr * mean / (np.sqrt(square) + eps)
    return p


rates = st.floats(0, 1)
shares = st.sampled_from([0.0, 0.9]) | st.floats(0, 0.99)
layouts = st.sampled_from([torch.clone, *LAYOUTS])


@given(descents(), rates, shares, shares, layouts)
def test_sgd_takes_the_steps_of_the_float64_formula(descent, lr, momentum, weight_decay, layout):
    start, steps = descent
    settings = {"momentum": momentum, "weight_decay": weight_decay}
    result = descend(scratch.SGD, start, steps, layout, lr=lr, **settings)
    assert result.dtype == start.dtype
    # A step rounds six times, by eps / 2 of no more than the sum of all magnitudes: the formula
    # with every sign turned to plus.
    sizes = reference_sgd(np.abs(float64(start)), np.abs(float64(steps)), -lr, **settings)
    error = 3 * len(steps) * torch.finfo(start.dtype).eps * sizes + torch.finfo(start.dtype).tiny
    assert_near(result, reference_sgd(float64(start), float64(steps), lr, **settings), error)


@given(
    descents(double),
    rates,
    st.tuples(shares, shares | st.just(0.999)),
    st.sampled_from([1e-8, 1e-3, 0.5]),
    shares,
    layouts,
)
def test_adam_takes_the_steps_of_the_float64_formula(descent, lr, betas, eps, weight_decay, layout):
    start, steps = descent
    settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
    result = descend(scratch.Adam, start, steps, layout, **settings)
    # Where weight decay cancels a gradient some 1e-15 are left, by rounding, and divided by eps.
    error = 1e-11 + 1e-13 * lr * len(steps) / eps
    assert_near(result, reference_adam(float64(start), float64(steps), **settings), error)


@given(st.floats(1e-6, 10), st.integers(1, 60), st.integers(1, 5))
def test_linear_decay_falls_evenly_to_zero_and_stays_there(lr, epochs, more):
    optimizer = scratch.SGD([], lr=lr)
    scheduler = scratch.LinearDecay(optimizer, epochs)
    lowest = lr
    for epoch in range(epochs + more):
        expected = Fraction(lr) * max(0, Fraction(epochs - epoch, epochs))
        error = epochs * torch.finfo(torch.float64).eps * lr
        assert_near(np.float64(optimizer.lr), float(expected), error)
        assert 0 <= optimizer.lr <= lowest
        lowest = optimizer.lr
        scheduler.step()


# Arguments


@both_twins
@given(with_targets(moderate_logits))
def test_arguments_are_not_changed(twin, case):
    logits, y = case
    X, b, y_hat = torch.eye(len(logits), dtype=logits.dtype), logits[0].clone(), logits.softmax(1)
    kept = [(tensor, tensor.clone()) for tensor in (logits, y, X, b, y_hat)]
    twin.softmax(logits)
    for reduction in REDUCTIONS:
        twin.cross_entropy(y_hat, y, reduction)
    gradients(twin, logits, b, X, y)
    if twin is scratch:
        model_of(twin, logits, b).gradients(X, y_hat, y)
    for name in LOSSES if logits.dtype in (torch.float32, torch.float64) else ():
        loss_and_gradient(twin, name, logits, y_hat)
    accuracy(logits, y)
    for tensor, before in kept:
        assert torch.equal(tensor, before)
        assert not tensor.requires_grad


# Metrics

# A double holds whole numbers up to 2^53, so that only their sums are rounded.
whole_numbers = st.integers(-(2**53), 2**53)
real_numbers = st.floats(-1e300, 1e300) | st.sampled_from([1e16, -1e16, 1.0, 0.1])  # 1e16 hides 1
numbers = whole_numbers | real_numbers | st.booleans()
tensors = st.one_of(
    whole_numbers.map(torch.tensor),
    real_numbers.map(lambda number: torch.tensor(number, dtype=torch.float64)),
    st.builds(
        lambda number, dtype, shape: torch.tensor(number, dtype=dtype).reshape(shape),
        st.integers(0, 127),
        dtypes | short_integers,
        st.sampled_from([(), (1,), (1, 1)]),
    ),
)
rows_to_add = st.one_of(
    [st.lists(st.tuples(each, each), max_size=12) for each in (numbers | tensors, tensors)]
)


def exact(value):
    """Return a number, or that in a tensor, as a fraction."""
    return Fraction(value.item() if isinstance(value, torch.Tensor) else value)


@example([(torch.tensor(2**24 + 1), 0), (torch.tensor(0.5), 0)], set())  # too long for float32
@given(rows_to_add, st.sets(st.integers(0, 11)))
def test_an_accumulator_is_as_exact_as_its_last_rounding(rows, reads):
    metric, total, largest = Accumulator(2), Fraction(0), Fraction(0)
    for step, row in enumerate(rows):
        metric.add(*row)
        total += exact(row[0])
        largest = max(largest, abs(total))
        if step in reads:
            assert abs(exact(metric[0]) - total) <= (step + 1) * Fraction(2) ** -52 * largest
    metric.reset()
    assert metric[0] == metric[1] == 0
    for row in rows:
        metric.add(*row)
    for column in (0, 1):
        values = [exact(row[column]) for row in rows]
        error = abs(exact(metric[column]) - sum(values))
        hidden = Fraction(2) ** -90 * sum(map(abs, values))
        assert error <= Fraction(2) ** -52 * abs(sum(values)) + hidden


tame_scores = st.sampled_from([-1.0, 0.0, 0.5, 1.0]) | st.floats(-4, 4)
wild_scores = tame_scores | st.sampled_from([math.nan, math.inf, -math.inf])


@st.composite
def scores_and_classes(draw, values, rows=(0, 6)):
    """Draw scores (n, q) of two classes or more, and the classes (n,) in any integer dtype."""
    n, q = draw(st.integers(*rows)), draw(st.integers(2, 4))
    numbers = draw(st.lists(values, min_size=n * q, max_size=n * q))
    scores = torch.tensor(numbers, dtype=torch.float64).reshape(n, q).to(draw(dtypes))
    y = draw(st.lists(st.integers(0, q - 1), min_size=n, max_size=n))
    return scores, torch.tensor(y, dtype=draw(short_integers | st.just(torch.int64)))


def reference_count(scores, y):
    """Count the rows without a NaN whose first largest score is that of their class."""
    rows = zip(scores.tolist(), y.tolist(), strict=True)
    return sum(row.index(max(row)) == c for row, c in rows if not any(map(math.isnan, row)))


@given(scores_and_classes(wild_scores))
def test_a_row_is_correct_if_its_first_largest_score_is_its_class_and_none_is_nan(case):
    scores, y = case
    assert count_correct(scores, y).shape == ()
    assert int(count_correct(scores, y)) == accuracy(scores, y) == reference_count(scores, y)


@given(scores_and_classes(tame_scores))
def test_scores_classes_columns_and_one_hot_rows_count_the_same(case):
    scores, y = case
    expected = reference_count(scores, y)
    predicted = torch.tensor([row.index(max(row)) for row in scores.tolist()], dtype=y.dtype)
    one_hot = torch.from_numpy(one_hot_rows(y, scores.shape[1]))
    for y_hat, labels in [
        (scores, y.double()),
        (scores, one_hot),
        (scores, y.unsqueeze(1)),
        (predicted, y),
        (predicted.unsqueeze(1), y),
        (predicted, y.unsqueeze(1)),
        (predicted.float(), y),
    ]:
        assert accuracy(y_hat, labels) == expected
    assert accuracy(one_hot, y) == len(y)


@st.composite
def batches_of_scores(draw):
    """Draw batches (scores, classes) of any sizes, empty ones too, with an example in all."""
    scores, y = draw(scores_and_classes(wild_scores, rows=(1, 8)))
    edges = [0, *sorted(draw(st.lists(st.integers(0, len(y)), max_size=4))), len(y)]
    return [(scores[start:end], y[start:end]) for start, end in itertools.pairwise(edges)]


@given(batches_of_scores())
def test_evaluate_accuracy_weights_batches_by_their_size(batches):
    right = sum(reference_count(scores, y) for scores, y in batches)
    expected = float(Fraction(right, sum(len(y) for _, y in batches)))
    modes = []
    net = nn.Identity()
    net.register_forward_hook(lambda *_: modes.append((net.training, torch.is_grad_enabled())))
    assert evaluate_accuracy(net, iter(batches)) == expected
    assert set(modes) == {(False, False)}
    assert evaluate_accuracy(lambda X: X, batches) == expected
