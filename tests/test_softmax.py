"""Worked examples of the notes, extremes, and invalid arguments; properties: test_properties.py."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import concise
import scratch
from d2l_softmax import accuracy
from d2l_softmax.training.metrics import count_correct

MATRIX = torch.tensor([[1, 2, 3], [4, 5, 6]], dtype=torch.float64)  # the notes, section 6
Y_HAT = torch.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]])  # section 7
Y = torch.tensor([0, 2])
THIRDS = torch.full((2, 3), 1 / 3)  # probabilities and logits alike


def loss(twin, y_hat, y, reduction="mean"):
    """Return the twin's cross-entropy; log(y_hat) are logits of y_hat."""
    return twin.cross_entropy(y_hat if twin is scratch else y_hat.log(), y, reduction)


# Worked examples


def test_softmax_divides_by_the_sums_of_the_rows(twin):
    # exp undoes the logarithm, so each row is divided by its own sum: 6 and 15.
    expected = [[1 / 6, 2 / 6, 3 / 6], [4 / 15, 5 / 15, 6 / 15]]
    assert_close(twin.softmax(MATRIX.log()), torch.tensor(expected, dtype=torch.float64))


def test_gradient_of_the_biases_is_the_sums_of_the_columns():
    # The columns sum to 5, 7, 9. Both examples are of class 0, so 1 is subtracted twice there.
    model = scratch.SoftmaxRegression(4, 3, dtype=torch.float64)
    images, y = torch.zeros(2, 4, dtype=torch.float64), torch.tensor([0, 0])
    _, db = model.gradients(images, MATRIX, y)
    assert db.tolist() == [(5 - 2) / 2, 7 / 2, 9 / 2]


def test_gradient_of_one_example():
    # Logits (0, 0): y_hat = (1/2, 1/2), so the derivative by the logits is (-1/2, 1/2) for y = 0.
    model = scratch.SoftmaxRegression(2, 2, dtype=torch.float64)
    model.W.zero_()
    X, y = torch.tensor([[3.0, 4.0]], dtype=torch.float64), torch.tensor([0])
    dW, db = model.gradients(X, model(X), y)
    assert dW.tolist() == [[-1.5, 1.5], [-2.0, 2.0]]
    assert db.tolist() == [-0.5, 0.5]


def test_cross_entropy_of_the_notes(twin):
    losses = loss(twin, Y_HAT, Y, "none")
    assert [f"{value:.4f}" for value in losses] == ["2.3026", "0.6931"]
    assert_close(loss(twin, Y_HAT, Y), losses.mean())
    assert_close(loss(twin, Y_HAT, Y, "sum"), losses.sum())


def test_one_hot_rows_and_indexing_give_the_same_loss():
    one_hot = scratch.softmax_regression.one_hot(Y, Y_HAT)
    assert one_hot.tolist() == [[1, 0, 0], [0, 0, 1]]
    expected = scratch.cross_entropy(Y_HAT, Y, "none")
    assert_close(-(one_hot * Y_HAT.log()).sum(1), expected)
    assert_close(scratch.cross_entropy(Y_HAT, one_hot, "none"), expected)


def test_three_ways_to_compute_the_accuracy_of_the_notes():
    one_hot = torch.nn.functional.one_hot(Y)
    mean_of_equal = (Y_HAT.argmax(1) == one_hot.argmax(1)).double().mean()
    assert float(mean_of_equal) == accuracy(Y_HAT, Y) / len(Y) == 0.5
    assert int(count_correct(Y_HAT.log(), Y)) == int(count_correct(Y_HAT, one_hot)) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_twins_start_from_the_same_weights(dtype):
    one, other = (
        twin.SoftmaxRegression(dtype=dtype, generator=torch.Generator().manual_seed(7))
        for twin in (scratch, concise)
    )
    assert one.W.shape == (784, 10)
    assert one.W.dtype == one.b.dtype == dtype
    assert one.W.std().item() == pytest.approx(0.01, rel=0.05)
    assert one.b.tolist() == [0] * 10
    assert_close((other.W, other.b), (one.W, one.b), rtol=0, atol=0)


# Invalid arguments


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (torch.tensor([0, 3]), IndexError, "labels from 0 to 3, expected 0 to 2"),
        (torch.tensor([-1, 2]), IndexError, "labels from -1 to 2, expected 0 to 2"),
        (torch.tensor([0, 2, 1]), ValueError, r"\(3,\), expected \(2,\)"),
        (torch.tensor([[0], [2]]), ValueError, r"\(2, 1\), expected \(2,\)"),
        (torch.tensor([0, 2], dtype=torch.uint8), ValueError, "uint8, expected torch.int64"),
        (torch.tensor([0.0, 2.0]), ValueError, "float32, expected torch.int64"),
        (torch.full((2, 3), 0.25), ValueError, "differ from 1 by up to 0.25"),
        (torch.tensor([[0.5, 0.50002, 0.0]] * 2), ValueError, "differ from 1 by up to 2.0"),
        (torch.tensor([[1.05, -0.05, 0]] * 2), ValueError, "smallest entry of -0.05"),
        (torch.full((2, 3), torch.nan), ValueError, "expected probabilities"),
        (torch.ones(2, 1), ValueError, r"of shape \(2, 1\), expected torch.float32 of shape"),
        (torch.ones(2, 3).double(), ValueError, r"torch.float64 .* expected torch.float32"),
    ],
)
def test_invalid_targets(twin, y, error, message):
    with pytest.raises(error, match=message):
        twin.cross_entropy(THIRDS, y)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sums_of_targets_may_be_off_by_rounding(twin, dtype):
    y = torch.tensor([[0.5, 0.500008, 0.0], [0.0, 0.499992, 0.5]], dtype=dtype)
    assert twin.cross_entropy(THIRDS.to(dtype), y).isfinite()


def test_invalid_reduction(twin):
    with pytest.raises(ValueError, match="reduction is 'avg'"):
        twin.cross_entropy(THIRDS, Y, "avg")


@pytest.mark.parametrize("shape", [(2,), (0, 3), (2, 3, 1)])
def test_invalid_shapes_of_predictions(twin, shape):
    with pytest.raises(ValueError, match=r"expected \(n, q\)"):
        twin.cross_entropy(torch.ones(shape), torch.zeros(2, dtype=torch.int64))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (torch.zeros(2, 1, 28, 27), r"\(2, 1, 28, 27\), expected \(n, ...\) with 784 numbers"),
        (torch.zeros(784), r"\(784,\), expected \(n, ...\)"),
        (torch.zeros(2, 392), r"expected \(n, ...\) with 784 numbers"),
        (torch.zeros(2, 784, dtype=torch.uint8), "torch.uint8, expected the model's torch.float32"),
    ],
)
def test_invalid_images(twin, X, message):
    with pytest.raises(ValueError, match=message):
        twin.SoftmaxRegression()(X)


@pytest.mark.parametrize("make", [list, np.array], ids=["list", "array"])
def test_lists_and_arrays_are_refused_by_name(twin, make):
    scores, y_hat, y = make([[0.2, 0.8], [0.6, 0.4]]), torch.eye(2), make([1, 0])
    calls = {
        "y_hat": [lambda: accuracy(scores, y_hat), lambda: twin.cross_entropy(scores, y_hat)],
        "y": [lambda: accuracy(y_hat, y), lambda: twin.cross_entropy(y_hat, y)],
        "X": [lambda: twin.SoftmaxRegression(2, 2)(scores)],
    }
    for name, call in [(name, call) for name, each in calls.items() for call in each]:
        with pytest.raises(TypeError, match=f"^{name} is of type {type(y).__name__}, expected a"):
            call()
