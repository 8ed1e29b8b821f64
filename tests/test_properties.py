"""What holds for any input: softmax, cross-entropy, gradients, losses, optimizers, metrics.

hypothesis looks for inputs that break a property. What is right is worked out here, in float64 or
exactly, by other formulas than the twins': neither twin judges the other.

Tolerances are counted in eps = torch.finfo(dtype).eps. Rounding moves a number by eps / 2 of itself
at most, so k operations in a row move it by about k * eps / 2; each test counts its own.
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
from d2l_softmax.training.metrics import NonFiniteError, count_correct

both_twins = pytest.mark.parametrize("twin", [scratch, concise], ids=["scratch", "concise"])
REDUCTIONS = ["mean", "sum", "none"]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Keep torch to one thread: to wake another takes longer than to add up a few numbers."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
    """Give tensors (n, q) of the values, cut at a quarter of the dtype's largest number.

    Differences of such numbers are finite, too.
    """
    n, q = draw(st.integers(*rows)), draw(st.integers(*columns))
    numbers = draw(st.lists(values, min_size=n * q, max_size=n * q))
    limit = torch.finfo(dtype).max / 4
    return torch.tensor(numbers, dtype=torch.float64).clamp(-limit, limit).to(dtype).reshape(n, q)


def logits_of(values):
    """Give logits (n, q) of any dtype."""
    return dtypes.flatmap(lambda dtype: matrices(values, dtype))


any_logits, moderate_logits = logits_of(logit_values), logits_of(st.floats(-4, 4))


@st.composite
def with_targets(draw, logits, kinds=("classes", "soft")):
    """Give logits (n, q) and targets for them: classes (n,), or distributions (n, q)."""
    logits = draw(logits)
    n, q = logits.shape
    if draw(st.sampled_from(kinds)) == "classes":
        return logits, torch.tensor(draw(st.lists(st.integers(0, q - 1), min_size=n, max_size=n)))
    weights = st.lists(st.integers(0, 8), min_size=q, max_size=q).filter(any)
    rows = torch.tensor(draw(st.lists(weights, min_size=n, max_size=n)), dtype=torch.float64)
    return logits, (rows / rows.sum(dim=1, keepdim=True)).to(logits.dtype)


seeds = st.integers(0, 2**32 - 1)


def randn(seed, *shape, dtype=torch.float64):
    """Return normal numbers, for where a failure gets no clearer by smaller ones."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def transposed(tensor):
    return tensor.mT.contiguous().mT


def every_other_column(tensor):
    return tensor.repeat_interleave(2, dim=-1)[..., ::2]


def inside_a_larger_one(tensor):
    return nn.functional.pad(tensor, (1, 2, 1, 2), value=torch.nan)[..., 1:-2, 1:-2]


LAYOUTS = [transposed, every_other_column, inside_a_larger_one]


# What is right, in float64


def float64(values):
    """Return a tensor's numbers as doubles, which hold those of all the dtypes here."""
    return values.detach().double().numpy() if isinstance(values, torch.Tensor) else values


def assert_near(result, expected, error):
    """Fail unless the shapes agree and every number is within the error, as NaN never is."""
    result, expected = float64(result), np.asarray(float64(expected))
    assert result.shape == expected.shape
    assert np.all(np.abs(result - expected) <= error), (result, expected, error)


def right_softmax(logits):
    """Return 1 / sum_k exp(o_k - o_j): no maximum is subtracted, an overflow makes 1/inf = 0."""
    o = float64(logits)
    with np.errstate(over="ignore"):
        return 1 / np.exp(o[:, None, :] - o[:, :, None]).sum(axis=2)  # (n, 1, q) - (n, q, 1)


def right_losses(logits, y, limit=math.inf):
    """Return sum_j y_j log sum_k exp(o_k - o_j), each logarithm cut at the limit: (n,)."""
    o = float64(logits)
    of_classes = np.logaddexp.reduce(o[:, None, :] - o[:, :, None], axis=2)  # (n, q)
    return (right_rows(y, o.shape[1]) * np.minimum(of_classes, limit)).sum(axis=1)


def right_rows(y, q):
    """Return targets as rows (n, q): classes by comparison with 0, 1, …, q - 1."""
    y = float64(y)
    return y if y.ndim == 2 else (y[:, None] == np.arange(q)).astype(float)


# Softmax


@both_twins
@given(any_logits)
def test_softmax_is_the_float64_formula_for_any_logits(twin, logits):
    probabilities, expected = twin.softmax(logits), right_softmax(logits)
    assert probabilities.dtype == logits.dtype
    # o - max is rounded by eps / 2 of itself, which exp turns into a relative error; then come exp
    # itself, q - 1 sums and a quotient. Below `tiny` numbers have fewer digits, or none.
    depth = float64(logits).max(axis=1, keepdims=True) - float64(logits)
    eps, tiny = torch.finfo(logits.dtype).eps, torch.finfo(logits.dtype).tiny
    assert_near(probabilities, expected, (4 + logits.shape[1] + depth) * eps * expected + tiny)


@both_twins
@given(any_logits)
def test_softmax_gives_distributions_that_keep_the_order(twin, logits):
    n, q = logits.shape
    eps, tiny = torch.finfo(logits.dtype).eps, torch.finfo(logits.dtype).tiny
    probabilities, o = float64(twin.softmax(logits)), float64(logits)
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1
    assert_near(probabilities.sum(axis=1), np.ones(n), (q + 2) * eps)  # q - 1 sums and a quotient
    # Logits 1/4 apart have probabilities 28 % apart: rounding can't hide that, only underflow can.
    apart = o[:, :, None] - o[:, None, :] >= 0.25
    larger, smaller = probabilities[:, :, None], probabilities[:, None, :]
    assert np.all((larger > smaller)[apart & (larger > tiny)])
    assert np.all((larger >= smaller)[apart])


@both_twins
@given(dtypes, st.data())
def test_softmax_gives_the_same_bits_after_a_shift_of_each_row(twin, dtype, data):
    # Eighths, and whole numbers so small that the sums of both are exact.
    reach = int(0.125 / torch.finfo(dtype).eps) - 4
    logits = data.draw(matrices(st.integers(-32, 32).map(lambda number: number / 8), dtype))
    shifts = data.draw(matrices(st.integers(-reach, reach), dtype, [len(logits)] * 2, (1, 1)))
    assert torch.equal((logits + shifts).double(), logits.double() + shifts.double())
    assert torch.equal(twin.softmax(logits + shifts), twin.softmax(logits))


@both_twins
@given(any_logits, st.data())
def test_softmax_of_a_row_knows_nothing_of_the_others(twin, logits, data):
    row = data.draw(st.integers(0, len(logits) - 1))
    error = 4 * torch.finfo(logits.dtype).eps  # exp may be rounded otherwise in another place
    together = twin.softmax(logits)
    assert_near(twin.softmax(logits[row : row + 1]), together[row : row + 1], error)
    spoilt = twin.softmax(logits.index_fill(0, torch.tensor([row]), torch.nan))
    assert spoilt[row].isnan().all()
    others = [other for other in range(len(logits)) if other != row]
    assert_near(spoilt[others], together[others], error)


# Cross-entropy


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
    expected = right_losses(logits, y, largest_loss(twin, logits.dtype))
    result = losses(twin, logits, y)
    assert result.dtype == logits.dtype
    assert (result >= 0).all()
    # -log turns softmax's relative error, see there, into an absolute one; the depth is a loss less
    # log(q) at most. Soft labels bring q products and q - 1 sums.
    q, eps = logits.shape[1], torch.finfo(logits.dtype).eps
    assert_near(result, expected, (8 + 2 * q + 3 * expected) * eps)


@both_twins
@given(dtypes, st.floats(0.5, 1e4))
def test_scratchs_loss_stops_where_y_hat_underflows_and_concises_grows_on(twin, dtype, beyond):
    limit = largest_loss(scratch, dtype)
    assert dtype != torch.float32 or 87.3 < limit < 87.4  # as the docstring says
    logits = torch.tensor([[limit + beyond, 0.0]], dtype=dtype)
    expected = limit if twin is scratch else float(logits[0, 0])
    for y in (torch.tensor([1]), torch.tensor([[0.0, 1.0]], dtype=dtype)):
        assert_near(losses(twin, logits, y), [expected], torch.finfo(dtype).eps * expected)


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
@given(with_targets(any_logits, kinds=["classes"]), st.sampled_from(REDUCTIONS))
def test_one_hot_labels_cost_what_their_classes_cost(twin, case, reduction):
    logits, y = case
    logits = logits.clamp(-4e3, 4e3)  # float16 has no room for the sum of larger losses
    one_hot = torch.from_numpy(right_rows(y, logits.shape[1])).to(logits.dtype)
    expected = float64(losses(twin, logits, y, reduction))
    # One product of a row is its loss, the others are 0: only the rows may be summed otherwise.
    error = len(y) * torch.finfo(logits.dtype).eps * expected
    assert_near(losses(twin, logits, one_hot, reduction), expected, error)


@both_twins
@given(with_targets(any_logits), st.data())
def test_the_loss_hides_no_nan(twin, case, data):
    logits, y = case
    n, q = logits.shape
    row, column = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, q - 1))
    logits[row, column] = torch.nan
    assert losses(twin, logits, y).isnan().tolist() == [other == row for other in range(n)]
    assert losses(twin, logits, y, "mean").isnan()


@given(
    with_targets(moderate_logits, kinds=["classes"]), short_integers, st.sampled_from(REDUCTIONS)
)
def test_short_integers_are_refused_by_both_losses_in_the_same_words(case, dtype, reduction):
    logits, y = case
    refusals = []
    for twin in (scratch, concise):
        with pytest.raises(ValueError, match=f"y is {dtype}, expected torch.int64") as caught:
            losses(twin, logits, y.to(dtype), reduction)
        refusals.append((caught.type, str(caught.value)))
    assert refusals[0] == refusals[1]


@both_twins
@given(dtypes, st.integers(1, 5))
def test_one_class_is_certain_and_costs_nothing(twin, dtype, n):
    logits = torch.linspace(-1e4, 1e4, n, dtype=dtype).unsqueeze(1)
    assert torch.equal(twin.softmax(logits), torch.ones(n, 1, dtype=dtype))
    for y in (torch.zeros(n, dtype=torch.int64), torch.ones(n, 1, dtype=dtype)):
        assert torch.equal(losses(twin, logits, y), torch.zeros(n, dtype=dtype))


@both_twins
@given(dtypes, st.integers(1, 10))
def test_an_empty_batch_has_no_loss_and_nothing_right(twin, dtype, q):
    empty = torch.zeros(0, q, dtype=dtype)
    assert torch.equal(twin.softmax(empty), empty)
    for y in (torch.zeros(0, dtype=torch.int64), empty):
        assert accuracy(empty, y) == int(count_correct(empty, y)) == 0
        for reduction in REDUCTIONS:
            with pytest.raises(ValueError, match=rf"have shape \(0, {q}\), expected \(n, q\)"):
                twin.cross_entropy(empty, y, reduction)


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


@st.composite
def small_models(draw):
    """Give W (d, q), b (q,), images X (n, 1, d, 1) and targets for them, in float64."""
    parameters = draw(matrices(st.floats(-2, 2), torch.float64, (2, 4)))
    W, b = parameters[1:], parameters[0]
    X = draw(matrices(st.floats(-1, 1), torch.float64, columns=[len(W)] * 2))
    _, y = draw(with_targets(st.just(X @ W)))
    return W, b, X.reshape(len(X), 1, -1, 1), y


@both_twins
@given(with_targets(any_logits))
def test_gradient_by_the_logits_is_y_hat_minus_y_and_its_rows_sum_to_zero(twin, case):
    logits, y = case
    n, q = logits.shape
    # With X the identity and b zero the logits are W, exactly, and dW is the gradient by them.
    X, b = torch.eye(n, dtype=logits.dtype), torch.zeros(q, dtype=logits.dtype)
    dW, db = gradients(twin, logits, b, X, y)
    expected = (right_softmax(logits) - right_rows(y, q)) / n
    # softmax's error, see there, where y_hat * depth is 1/e at most; a difference, a quotient, and
    # for db n sums. The rows of soft labels sum to 1 but for an eps.
    error = (8 + q) * torch.finfo(logits.dtype).eps / n
    assert_near(dW, expected, error)
    assert_near(db, expected.sum(axis=0), n * error)
    assert_near(float64(dW).sum(axis=1), np.zeros(n), q * error)


@both_twins
@given(small_models())
def test_gradients_are_finite_differences_of_the_float64_loss(twin, case):
    W, b, X, y = case
    flat, parameters, step = float64(X.flatten(1)), float64(torch.vstack([W, b])), 1e-5
    estimate = np.zeros_like(parameters)
    for index in np.ndindex(parameters.shape):
        for sign in (1, -1):
            moved = parameters.copy()
            moved[index] += sign * step
            estimate[index] += sign * right_losses(flat @ moved[:-1] + moved[-1], y).mean()
    estimate /= 2 * step
    # The third derivative is below 1: an error of step² / 6, and of 1e-15 / step by rounding.
    dW, db = gradients(twin, W, b, X, y)
    assert_near(dW, estimate[:-1], 1e-9)
    assert_near(db, estimate[-1], 1e-9)


@given(
    seeds,
    st.tuples(st.integers(1, 40), st.integers(1, 30), st.integers(1, 12)),
    st.sampled_from([0.1, 1.0, 100.0]),
    st.sampled_from([torch.float32, torch.float64]),
    st.booleans(),
)
def test_gradients_by_hand_are_autograds(seed, shape, size, dtype, soft):
    n, d, q = shape
    X, y = randn(seed, n, d, dtype=dtype), randn(seed + 1, n, q, dtype=dtype)
    W, b = size * randn(seed + 2, d, q, dtype=dtype), size * randn(seed + 3, q, dtype=dtype)
    y = scratch.softmax(y) if soft else y.argmax(1)
    # y_hat is off by as much as its logits are at most: d + 1 roundings of what they are a sum of.
    logits = float((X.abs() @ W.abs() + b.abs()).max())
    error = (8 + n + d + q) * torch.finfo(dtype).eps * (1 + logits) * float(1 + X.abs().max())
    by_hand, by_autograd = (gradients(twin, W, b, X, y) for twin in (scratch, concise))
    for ours, theirs in zip(by_hand, by_autograd, strict=True):
        assert_near(ours, theirs, error)


@both_twins
@given(seeds, st.integers(0, 5), st.integers(1, 4), st.integers(1, 4))
def test_a_model_is_softmax_of_x_w_plus_b_however_the_pixels_lie(twin, seed, n, height, width):
    X, W, b = randn(seed, n, 1, height, width), randn(seed + 1, height * width, 3), randn(seed, 3)
    model = model_of(twin, W, b)
    logits = float64(X.flatten(1)) @ float64(W) + float64(b)
    assert_near(model(X), right_softmax(logits) if twin is scratch else logits, 1e-12)
    for images in (X, X.flatten(1), X.flatten(2), *[layout(X) for layout in LAYOUTS]):
        assert_near(model.probabilities(images), right_softmax(logits), 1e-12)


@both_twins
@given(seeds, st.lists(st.integers(1, 4), min_size=1, max_size=4), st.floats(0, 2))
def test_an_epoch_measures_each_batch_and_then_takes_a_step_down_its_gradient(
    twin, seed, sizes, lr
):
    X, y = randn(seed, sum(sizes), 3), randn(seed + 1, sum(sizes), 4).argmax(1)
    W, b = randn(seed + 2, 3, 4), randn(seed + 3, 4)
    model = model_of(twin, W, b)
    batches = list(zip(X.split(sizes), y.split(sizes), strict=True))
    measured = twin.train_epoch(model, batches, twin.SGD(model.parameters(), lr=lr))
    W, b, loss, right = float64(W), float64(b), 0.0, 0
    for images, classes in batches:
        logits = float64(images) @ W + b
        loss += right_losses(logits, classes).sum()
        right += (logits.argmax(axis=1) == float64(classes)).sum()
        error = (right_softmax(logits) - right_rows(classes, 4)) / len(classes)
        W, b = W - lr * float64(images).T @ error, b - lr * error.sum(axis=0)
    assert measured == pytest.approx((loss / len(y), right / len(y)), rel=1e-12, abs=1e-12)
    assert_near(model.W, W, 1e-12)
    assert_near(model.b, b, 1e-12)


# The losses of regression

LOSSES = ["squared", "l1", "huber"]
each_loss = pytest.mark.parametrize("name", LOSSES)
deltas = st.sampled_from([0.5, 1.0]) | st.floats(0.1, 10)


def has_losses(dtype):
    """Tell whether torch has its losses in a dtype: in half precision older ones warn or fail."""
    zero = torch.zeros(1, dtype=dtype)
    try:
        concise.losses.squared_gradient(zero, zero)
        concise.losses.huber_gradient(zero, zero)
    except (RuntimeError, UserWarning):
        return False
    return True


LOSS_DTYPES = [dtype for dtype in DTYPES if has_losses(dtype)]


@st.composite
def predictions_and_labels(draw):
    """Give y_hat and y of one shape and dtype; some are equal, or apart by exactly delta."""
    dtype = draw(st.sampled_from(LOSS_DTYPES))
    far = 100 if dtype == torch.float16 else 1e6  # float16 holds 200², not more
    values = st.sampled_from([-1.0, 0.0, 0.5, 1.0]) | st.floats(-3, 3) | st.floats(-far, far)
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


@both_twins
@each_loss
@given(predictions_and_labels(), deltas)
def test_a_loss_is_symmetric_and_its_gradient_points_away_from_y(twin, name, pair, delta):
    y_hat, y = pair
    loss, gradient = loss_and_gradient(twin, name, y_hat, y, delta)
    mirrored_loss, mirrored_gradient = loss_and_gradient(twin, name, y, y_hat, delta)
    assert torch.equal(loss, mirrored_loss)
    assert torch.equal(gradient, -mirrored_gradient)
    assert (loss >= 0).all()
    assert torch.equal(gradient.sign(), (y_hat - y).sign())


@both_twins
@each_loss
@given(st.tuples(*[st.floats(-5, 5)] * 3), st.floats(0, 1), st.floats(0.1, 3))
def test_a_loss_lies_below_its_chords_and_above_its_tangents(twin, name, points, share, delta):
    a, b, y = torch.tensor(points, dtype=torch.float64).unsqueeze(1)
    between = share * a + (1 - share) * b
    (at_a, slope), (at_b, _), (there, _) = (
        loss_and_gradient(twin, name, point, y, delta) for point in (a, b, between)
    )
    assert there <= share * at_a + (1 - share) * at_b + 1e-12
    assert at_b >= at_a + slope * (b - a) - 1e-12


@both_twins
@given(predictions_and_labels(), deltas)
def test_hubers_loss_lies_below_parabola_and_line_by_a_constant_at_most(twin, pair, delta):
    square, line = float64(twin.losses.squared(*pair)), delta * float64(twin.losses.l1(*pair))
    huber = float64(twin.losses.huber(*pair, delta=delta))
    eps, tiny = torch.finfo(pair[0].dtype).eps, torch.finfo(pair[0].dtype).tiny
    assert np.all(huber <= (1 + 4 * eps) * np.minimum(square, line) + tiny)
    assert np.all(huber >= (1 - 4 * eps) * (line - delta**2 / 2) - tiny)


# Optimizers


@st.composite
def descents(draw, dtype=dtypes):
    """Give where four parameters start (4,), and their gradients in each of some steps (t, 4)."""
    rows = draw(matrices(st.floats(-10, 10), draw(dtype), (2, 6), (4, 4)))
    return rows[0], rows[1:]


def in_two(numbers):
    """Return four numbers as two new parameters, so that each needs a state of its own."""
    return [numbers[:2].clone().reshape(2, 1), numbers[2:].clone()]


def start_of(twin, name, parameters, **settings):
    """Return the twin's optimizer of the parameters."""
    return getattr(twin, name)([p.requires_grad_(twin is concise) for p in parameters], **settings)


def take_step(twin, optimizer, parameters, gradients):
    """Take a step down the gradients: handed over, or left where autograd would leave them."""
    if twin is scratch:
        optimizer.step(gradients)
        return
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()


def descend(twin, name, start, steps, **settings):
    """Return where (4,) the twin's optimizer gets to from the start."""
    parameters = in_two(start)
    optimizer = start_of(twin, name, parameters, **settings)
    for step in steps:
        take_step(twin, optimizer, parameters, in_two(step))
    return torch.cat([p.detach().flatten() for p in parameters])


def right_sgd(p, steps, lr, momentum=0.0, weight_decay=0.0):
    """Return where v = momentum * v + (g + weight_decay * p), p = p - lr * v gets to."""
    v = np.zeros_like(p)
    for g in steps:
        v = momentum * v + (g + weight_decay * p)
        p = p - lr * v
    return p


def right_adam(p, steps, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
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


@both_twins
@given(descents(), rates, shares, shares)
def test_sgd_takes_the_steps_of_the_float64_formula(twin, descent, lr, momentum, weight_decay):
    start, steps = descent
    settings = {"momentum": momentum, "weight_decay": weight_decay}
    result = descend(twin, "SGD", start, steps, lr=lr, **settings)
    assert result.dtype == start.dtype
    # A step rounds six times, by eps / 2 of no more than the sum of all magnitudes: the formula
    # with every sign turned to plus.
    sizes = right_sgd(np.abs(float64(start)), np.abs(float64(steps)), -lr, **settings)
    error = 3 * len(steps) * torch.finfo(start.dtype).eps * sizes + torch.finfo(start.dtype).tiny
    assert_near(result, right_sgd(float64(start), float64(steps), lr, **settings), error)


@both_twins
@given(descents(double), rates, shares)
def test_momentum_adds_each_gradient_to_all_later_steps(twin, descent, lr, momentum):
    start, steps = descent
    result = descend(twin, "SGD", start, steps, lr=lr, momentum=momentum)
    # A gradient with k steps after it moves p by lr * (1 + momentum + … + momentum^k) of itself.
    weights = np.cumsum(momentum ** np.arange(len(steps)))[::-1]
    assert_near(result, float64(start) - lr * weights @ float64(steps), 1e-12)


@both_twins
@given(
    descents(double),
    rates,
    st.tuples(shares, shares | st.just(0.999)),
    st.sampled_from([1e-8, 1e-3, 0.5]),
    shares,
)
def test_adam_takes_the_steps_of_the_float64_formula(twin, descent, lr, betas, eps, weight_decay):
    start, steps = descent
    settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
    result = descend(twin, "Adam", start, steps, **settings)
    # Where weight decay cancels a gradient some 1e-15 are left, by rounding, and divided by eps.
    error = 1e-11 + 1e-13 * lr * len(steps) / eps
    assert_near(result, right_adam(float64(start), float64(steps), **settings), error)


@both_twins
@given(descents(st.just(torch.float32)), rates)
def test_adam_is_as_exact_as_single_precision(twin, descent, lr):
    start, steps = descent
    result = descend(twin, "Adam", start, steps, lr=lr)
    # A step is little more than lr at most, so p stays below 16: 8 eps for its rounding, and 12 for
    # two dozen roundings of the step.
    error = 20 * len(steps) * torch.finfo(torch.float32).eps
    assert_near(result, right_adam(float64(start), float64(steps), lr), error)


optimizers = st.sampled_from(
    [
        ("SGD", {"lr": 0.5}),
        ("SGD", {"lr": 0.5, "momentum": 0.9}),
        ("SGD", {"lr": 0.5, "weight_decay": 0.1}),
        ("SGD", {"lr": 0.5, "momentum": 0.9, "weight_decay": 0.1}),
        ("Adam", {"lr": 0.5}),
        ("Adam", {"lr": 0.5, "weight_decay": 0.1}),
    ]
)


@both_twins
@given(optimizers, descents(double), st.sampled_from(LAYOUTS))
def test_an_optimizer_moves_the_parameter_itself_wherever_it_lies(twin, optimizer, descent, layout):
    (name, settings), (start, steps) = optimizer, descent
    parameters = [layout(start.reshape(2, 2))]
    optimizer = start_of(twin, name, parameters, **settings)
    for step in steps:
        take_step(twin, optimizer, parameters, [layout(step.reshape(2, 2))])
    formula = right_sgd if name == "SGD" else right_adam
    expected = formula(float64(start), float64(steps), **settings)
    # The tests above say how exact a step is; here it is whether the parameter is what moves.
    assert_near(parameters[0].flatten(), expected, 1e-4)


@both_twins
@given(optimizers, descents())
def test_an_optimizer_leaves_the_gradients_alone(twin, optimizer, descent):
    (name, settings), (start, steps) = optimizer, descent
    parameters = in_two(start)
    optimizer = start_of(twin, name, parameters, **settings)
    for step in steps:
        gradients = in_two(step)
        take_step(twin, optimizer, parameters, gradients)
        assert torch.equal(torch.cat([g.flatten() for g in gradients]), step)


@both_twins
@given(st.floats(1e-6, 10), st.integers(1, 60), st.integers(1, 5))
def test_linear_decay_falls_evenly_to_zero_and_stays_there(twin, lr, epochs, more):
    parameters = [torch.zeros(1, dtype=torch.float64)]
    optimizer = start_of(twin, "SGD", parameters, lr=lr)
    scheduler = twin.LinearDecay(optimizer, epochs)
    way, lowest = Fraction(0), lr
    for epoch in range(epochs + more):
        rate = optimizer.lr if twin is scratch else optimizer.param_groups[0]["lr"]
        expected = Fraction(lr) * max(0, Fraction(epochs - epoch, epochs))
        assert_near(np.float64(rate), float(expected), epochs * torch.finfo(torch.float64).eps * lr)
        assert 0 <= rate <= lowest
        take_step(twin, optimizer, parameters, [torch.ones(1, dtype=torch.float64)])
        scheduler.step()
        way, lowest = way + expected, rate
        assert float(parameters[0].detach()) == pytest.approx(-float(way), rel=1e-12)


# Tensors of any layout, and what becomes of them


@both_twins
@given(seeds, st.tuples(st.integers(1, 40), st.integers(2, 20)), dtypes, st.sampled_from(LAYOUTS))
def test_a_layout_changes_no_result(twin, seed, shape, dtype, layout):
    logits, y = 5 * randn(seed, *shape, dtype=dtype), randn(seed + 1, *shape).argmax(1)
    soft = scratch.softmax(randn(seed + 2, *shape)).to(dtype)
    strided = layout(logits)
    assert torch.equal(strided, logits)
    assert not strided.is_contiguous() or 1 in shape
    # Sums may be taken in another order, of as many numbers as a row has.
    error = shape[1] * torch.finfo(dtype).eps
    assert_near(twin.softmax(strided), twin.softmax(logits), error)
    for targets, strided_targets in ((y, y.repeat_interleave(3)[::3]), (soft, layout(soft))):
        expected = float64(losses(twin, logits, targets))
        assert_near(losses(twin, strided, strided_targets), expected, error * (1 + expected))
        assert count_correct(strided, strided_targets) == count_correct(logits, targets)
    for name in LOSSES if dtype in LOSS_DTYPES else ():
        results = loss_and_gradient(twin, name, strided, layout(soft))
        for result, expected in zip(
            results, loss_and_gradient(twin, name, logits, soft), strict=True
        ):
            assert_near(result, expected, 2 * torch.finfo(dtype).eps * np.abs(float64(expected)))


@both_twins
@given(seeds, st.integers(1, 20), st.sampled_from(LAYOUTS), st.booleans())
def test_a_layout_changes_no_gradient(twin, seed, n, layout, soft):
    X, W, b, y = randn(seed, n, 6), randn(seed + 1, 6, 4), randn(seed + 2, 4), randn(seed + 3, n, 4)
    y = scratch.softmax(y) if soft else y.argmax(1)
    strided = layout(y) if soft else y.repeat_interleave(3)[::3]
    results = gradients(twin, W, b, layout(X), strided)
    for result, expected in zip(results, gradients(twin, W, b, X, y), strict=True):
        assert_near(result, expected, 1e-13)


@both_twins
@given(with_targets(moderate_logits))
def test_what_is_handed_over_is_left_alone(twin, case):
    logits, y = case
    X, b, y_hat = torch.eye(len(logits), dtype=logits.dtype), logits[0].clone(), logits.softmax(1)
    kept = [(tensor, tensor.clone()) for tensor in (logits, y, X, b, y_hat)]
    twin.softmax(logits)
    for reduction in REDUCTIONS:
        twin.cross_entropy(y_hat, y, reduction)
    gradients(twin, logits, b, X, y)
    if twin is scratch:
        model_of(twin, logits, b).gradients(X, y_hat, y)
    for name in LOSSES if logits.dtype in LOSS_DTYPES else ():
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
    (whole_numbers | st.booleans()).map(torch.tensor),
    real_numbers.map(lambda number: torch.tensor(number, dtype=torch.float64)),
    st.builds(
        lambda number, dtype, shape: torch.tensor(number, dtype=dtype).reshape(shape),
        st.integers(0, 127),
        dtypes | short_integers,
        st.sampled_from([(), (1,), (1, 1)]),
    ),
    st.builds(
        lambda number, dtype: torch.tensor(number, dtype=dtype), st.floats(-6e4, 6e4), dtypes
    ),
)
rows_to_add = st.one_of(
    [st.lists(st.tuples(each, each), max_size=12) for each in (numbers | tensors, tensors)]
)


def exact(value):
    """Return a number, or that in a tensor, as a fraction."""
    return Fraction(value.item() if isinstance(value, torch.Tensor) else value)


@example([(torch.tensor(2**24 + 1), 0), (torch.tensor(0.5), 0)])  # float32 can't hold the first
@given(rows_to_add)
def test_an_accumulator_rounds_the_exact_sum_once(rows):
    metric = Accumulator(2)
    for again in range(2):
        for row in rows:
            metric.add(*row)
        if again:
            for column in (0, 1):
                assert metric[column] == float(sum(exact(row[column]) for row in rows))
        metric.reset()
        assert metric[0] == metric[1] == 0


@given(rows_to_add, st.sets(st.integers(0, 11)))
def test_an_accumulator_that_is_read_in_between_rounds_once_a_reading(rows, reads):
    metric, total, largest = Accumulator(2), Fraction(0), Fraction(0)
    for step, row in enumerate(rows):
        metric.add(*row)
        total += exact(row[0])
        largest = max(largest, abs(total))
        if step in reads or step == len(rows) - 1:
            assert abs(exact(metric[0]) - total) <= (step + 1) * Fraction(2) ** -52 * largest


@given(seeds, st.integers(1000, 2100), st.sampled_from([torch.float32, torch.int64]))
def test_an_accumulator_forgets_nothing_when_it_reads_by_itself(seed, n, dtype):
    values = (2**20 * randn(seed, n)).round().to(dtype)
    metric = Accumulator(1)
    for value in values:
        metric.add(value)
    assert metric[0] == sum(map(int, values.tolist()))


@given(
    st.lists(st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 2), min_size=1, max_size=12),
    st.lists(st.sampled_from([math.nan, math.inf, -math.inf]), min_size=1, max_size=4),
    st.booleans(),
    st.data(),
)
def test_an_accumulator_names_the_first_value_that_is_not_finite_and_its_step(
    rows, wrong_values, in_tensors, data
):
    rows = [list(row) for row in rows]
    for value in wrong_values:
        rows[data.draw(st.integers(0, len(rows) - 1))][data.draw(st.integers(0, 1))] = value
    step, first = next((i, v) for i, row in enumerate(rows) for v in row if not math.isfinite(v))
    read = data.draw(st.integers(0, step))
    metric = Accumulator(2)
    for index, row in enumerate(rows):
        if index == read:
            assert metric[1] == math.fsum(row[1] for row in rows[:index])
        metric.add(*(map(torch.tensor, row) if in_tensors else row))
    with pytest.raises(NonFiniteError) as caught:
        metric[0]
    assert caught.value.step == step + 1
    assert str(caught.value.value) == str(first)  # as text NaN is equal to itself


tame_scores = st.sampled_from([-1.0, 0.0, 0.5, 1.0]) | st.floats(-4, 4)
wild_scores = tame_scores | st.sampled_from([math.nan, math.inf, -math.inf])


@st.composite
def scores_and_classes(draw, values, rows=(0, 6)):
    """Give scores (n, q) of two classes or more, and the classes (n,) in any integer dtype."""
    n, q = draw(st.integers(*rows)), draw(st.integers(2, 4))
    numbers = draw(st.lists(values, min_size=n * q, max_size=n * q))
    scores = torch.tensor(numbers, dtype=torch.float64).reshape(n, q).to(draw(dtypes))
    y = draw(st.lists(st.integers(0, q - 1), min_size=n, max_size=n))
    return scores, torch.tensor(y, dtype=draw(short_integers | st.just(torch.int64)))


def right_count(scores, y):
    """Count the rows without a NaN whose first largest score is that of their class."""
    rows = zip(scores.tolist(), y.tolist(), strict=True)
    return sum(row.index(max(row)) == c for row, c in rows if not any(map(math.isnan, row)))


@given(scores_and_classes(wild_scores))
def test_right_is_a_row_whose_first_largest_score_is_its_classs_and_none_with_a_nan(case):
    scores, y = case
    assert count_correct(scores, y).shape == ()
    assert int(count_correct(scores, y)) == accuracy(scores, y) == right_count(scores, y)


@given(scores_and_classes(tame_scores))
def test_scores_classes_columns_and_one_hot_rows_count_the_same(case):
    scores, y = case
    expected = right_count(scores, y)
    predicted = torch.tensor([row.index(max(row)) for row in scores.tolist()], dtype=y.dtype)
    one_hot = torch.from_numpy(right_rows(y, scores.shape[1]))
    for y_hat, labels in [
        (scores, y.double()),
        (scores, one_hot),
        (predicted, y),
        (predicted.unsqueeze(1), y),
        (predicted, y.unsqueeze(1)),
        (predicted.float(), y),
    ]:
        assert accuracy(y_hat, labels) == expected
    assert accuracy(one_hot, y) == len(y)


@given(scores_and_classes(wild_scores), st.data())
def test_accuracy_is_the_same_in_any_order_and_adds_up_over_parts(case, data):
    scores, y = case
    whole = accuracy(scores, y)
    order = torch.tensor(data.draw(st.permutations(range(len(y)))), dtype=torch.int64)
    assert accuracy(scores[order], y[order]) == whole
    cut = data.draw(st.integers(0, len(y)))
    assert accuracy(scores[:cut], y[:cut]) + accuracy(scores[cut:], y[cut:]) == whole


@both_twins
@given(scores_and_classes(st.integers(-16, 16).map(lambda number: number / 4)))
def test_probabilities_are_right_as_often_as_their_logits(twin, case):
    # These logits are equal or 1/4 apart; rounding may give nearer ones the same probability.
    logits, y = case
    assert accuracy(twin.softmax(logits), y) == accuracy(logits, y) == right_count(logits, y)


@given(scores_and_classes(tame_scores, rows=(1, 6)), st.floats(0.01, 0.99), st.data())
def test_accuracy_refuses_labels_between_two_classes(case, part, data):
    scores, y = case[0], case[1].double()
    y[data.draw(st.integers(0, len(y) - 1))] += part
    with pytest.raises(ValueError, match="not whole numbers"):
        accuracy(scores, y)


@st.composite
def batches_of_scores(draw):
    """Give batches (scores, classes) of any sizes, empty ones too, with an example in all."""
    scores, y = draw(scores_and_classes(wild_scores, rows=(1, 8)))
    edges = [0, *sorted(draw(st.lists(st.integers(0, len(y)), max_size=4))), len(y)]
    return [(scores[start:end], y[start:end]) for start, end in itertools.pairwise(edges)]


@given(batches_of_scores())
def test_evaluate_accuracy_is_the_share_of_all_examples_however_they_are_batched(batches):
    right = sum(right_count(scores, y) for scores, y in batches)
    expected = float(Fraction(right, sum(len(y) for _, y in batches)))
    net = nn.Identity()
    assert evaluate_accuracy(net, iter(batches)) == expected
    assert not net.training
    assert evaluate_accuracy(lambda X: X, batches) == expected


@given(st.integers(0, 3), st.integers(2, 5))
def test_evaluate_accuracy_wants_an_example(batches, q):
    empty = (torch.zeros(0, q), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(ValueError, match="expected at least one"):
        evaluate_accuracy(lambda X: X, [empty] * batches)


@both_twins
@given(seeds, st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_evaluate_accuracy_of_a_twin_is_that_of_the_float64_logits(twin, seed, sizes):
    X, y = randn(seed, sum(sizes), 1, 2, 3), randn(seed + 1, sum(sizes), 4).argmax(1)
    W, b = randn(seed + 2, 6, 4), randn(seed + 3, 4)
    batches = zip(X.split(sizes), y.split(sizes), strict=True)
    logits = float64(X.flatten(1)) @ float64(W) + float64(b)
    share = (logits.argmax(axis=1) == float64(y)).mean()
    assert evaluate_accuracy(model_of(twin, W, b), batches) == share
