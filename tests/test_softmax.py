"""Softmax and cross-entropy: the notes' worked examples, extremes, what may not be handed in."""

import math

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


def test_softmax_divides_by_the_sums_of_the_rows(twin):
    # exp undoes the logarithm, so each row is divided by its own sum: 6 and 15.
    expected = [[1 / 6, 2 / 6, 3 / 6], [4 / 15, 5 / 15, 6 / 15]]
    assert_close(twin.softmax(MATRIX.log()), torch.tensor(expected, dtype=torch.float64))


def test_gradient_of_the_biases_is_the_sums_of_the_columns():
    # The columns sum to 5, 7, 9. Both examples are of class 0, so 1 is taken away twice there.
    model = scratch.SoftmaxRegression(4, 3, dtype=torch.float64)
    images, y = torch.zeros(2, 4, dtype=torch.float64), torch.tensor([0, 0])
    _, db = model.gradients(images, MATRIX, y)
    assert db.tolist() == [(5 - 2) / 2, 7 / 2, 9 / 2]


def test_rows_of_a_normal_matrix_become_distributions(generator):
    probabilities = scratch.softmax(torch.normal(0.0, 1.0, (2, 5), generator=generator))
    assert (probabilities > 0).all()
    assert_close(probabilities.sum(1), torch.ones(2))


def test_softmax_by_hand():
    logits = torch.tensor([[0.0, math.log(2.0), math.log(5.0)]], dtype=torch.float64)
    assert_close(scratch.softmax(logits), torch.tensor([[1, 2, 5]], dtype=torch.float64) / 8)


def test_softmax_is_torchs(generator):
    logits = torch.randn(64, 10, dtype=torch.float64, generator=generator)
    assert_close(scratch.softmax(logits), concise.softmax(logits), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1e-4, 1.0, 100.0, 1e4])
def test_softmax_is_a_distribution_for_any_size_of_logits(generator, size, dtype):
    logits = size * (2 * torch.rand(50, 10, dtype=dtype, generator=generator) - 1)
    logits[0], logits[1], logits[2] = size, -size, torch.linspace(-size, size, 10)
    probabilities = scratch.softmax(logits)
    assert (probabilities >= 0).all()
    assert_close(probabilities.sum(1), torch.ones(50, dtype=dtype))
    assert torch.equal(probabilities.argmax(1), logits.argmax(1))
    for y in (logits.argmax(1), logits.argmin(1)):
        assert math.isfinite(scratch.cross_entropy(probabilities, y))


@pytest.mark.parametrize("shift", [-1e4, -1.0, 0.5, 1e4])
def test_only_differences_of_logits_matter(generator, shift):
    logits = torch.randn(20, 10, dtype=torch.float64, generator=generator)
    assert_close(scratch.softmax(logits + shift), scratch.softmax(logits), rtol=0, atol=1e-11)


def test_softmax_keeps_the_order(generator):
    logits = torch.randn(20, 10, generator=generator)
    assert torch.equal(scratch.softmax(logits).argsort(1), logits.argsort(1))


def test_cross_entropy_picks_the_probability_of_each_rows_class():
    picked = torch.exp(-scratch.cross_entropy(Y_HAT, Y, reduction="none"))
    assert picked.tolist() == pytest.approx([0.1, 0.5])
    for row, label in ((0, 1), (0, 2), (1, 0), (1, 1)):  # the others don't matter
        changed = Y_HAT.clone()
        changed[row, label] = 0.9
        assert scratch.cross_entropy(changed, Y) == scratch.cross_entropy(Y_HAT, Y)


def test_cross_entropy_of_the_notes():
    losses = scratch.cross_entropy(Y_HAT, Y, reduction="none")
    assert [f"{loss:.4f}" for loss in losses] == ["2.3026", "0.6931"]
    assert_close(scratch.cross_entropy(Y_HAT, Y), losses.mean())


def test_cross_entropy_of_the_notes_by_the_library():
    # log(y_hat) are logits of y_hat: softmax undoes the logarithm.
    losses = concise.cross_entropy(Y_HAT.log(), Y, reduction="none")
    assert [f"{loss:.4f}" for loss in losses] == ["2.3026", "0.6931"]


def test_accuracy_of_the_notes():
    assert Y_HAT.argmax(1).tolist() == [2, 2]
    assert accuracy(Y_HAT, Y) / len(Y) == 0.5
    assert int(count_correct(Y_HAT, Y)) == 1


def test_one_hot_form_and_indexing_form_are_one(generator):
    y_hat = scratch.softmax(torch.randn(8, 10, dtype=torch.float64, generator=generator))
    y = torch.randint(10, (8,), generator=generator)
    one_hot = scratch.softmax_regression.one_hot(y, y_hat)
    assert torch.equal(one_hot, torch.nn.functional.one_hot(y, 10).double())
    assert_close(
        -(one_hot * y_hat.log()).sum(1),
        scratch.cross_entropy(y_hat, y, reduction="none"),
        rtol=1e-15,
        atol=0,
    )


def test_both_cross_entropies_are_one(generator):
    logits = torch.randn(64, 10, dtype=torch.float64, generator=generator)
    y = torch.randint(10, (64,), generator=generator)
    for reduction in ("mean", "sum", "none"):
        by_hand = scratch.cross_entropy(scratch.softmax(logits), y, reduction)
        assert_close(by_hand, concise.cross_entropy(logits, y, reduction), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, 87.3), (torch.float64, 708.3)])
def test_where_the_losses_part(dtype, limit):
    y = torch.tensor([1])
    for difference in (1.0, limit - 1, limit):
        logits = torch.tensor([[difference, 0.0]], dtype=dtype)
        by_hand = scratch.cross_entropy(scratch.softmax(logits), y)
        assert_close(by_hand, concise.cross_entropy(logits, y), rtol=1e-5, atol=0)
    logits = torch.tensor([[1000.0, 0.0]], dtype=dtype)
    assert float(concise.cross_entropy(logits, y)) == 1000.0
    assert float(scratch.cross_entropy(scratch.softmax(logits), y)) == pytest.approx(
        -math.log(torch.finfo(dtype).tiny)
    )


def test_probabilities_are_softmax_of_the_scores(twin, generator):
    model = twin.SoftmaxRegression(4, 3, dtype=torch.float64, generator=generator)
    images = 100 * torch.rand(5, 1, 2, 2, dtype=torch.float64, generator=generator)
    with torch.no_grad():
        y_hat = model.probabilities(images)
        expected = scratch.softmax(images.flatten(1) @ model.W + model.b)
    assert_close(y_hat, expected)
    assert_close(y_hat.sum(1), torch.ones(5, dtype=torch.float64))


def first(twin):
    """Return what the twin's cross_entropy takes first, for 2 examples of 3 classes."""
    return Y_HAT if twin.__name__.startswith("scratch") else Y_HAT.log()


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (torch.tensor([0, 3]), IndexError, "labels from 0 to 3, expected 0 to 2"),
        (torch.tensor([-1, 2]), IndexError, "labels from -1 to 2, expected 0 to 2"),
        (torch.tensor([-100, 2]), IndexError, "labels from -100 to 2"),
        (torch.tensor([0, 2, 1]), ValueError, r"\(3,\), expected \(2,\)"),
        (torch.tensor([[0], [2]]), ValueError, r"\(2, 1\), expected \(2,\)"),
        (torch.tensor([0, 2], dtype=torch.int32), ValueError, r"torch.int32, expected torch.int64"),
        (torch.tensor([0.0, 2.0]), ValueError, r"torch.float32, expected torch.int64"),
    ],
)
def test_labels_that_cannot_be(twin, y, error, message):
    with pytest.raises(error, match=message):
        twin.cross_entropy(first(twin), y)


def test_reduction_that_cannot_be(twin):
    with pytest.raises(ValueError, match="reduction is 'avg'"):
        twin.cross_entropy(first(twin), Y, "avg")


@pytest.mark.parametrize("shape", [(2,), (0, 3), (2, 3, 1)])
def test_predictions_that_cannot_be(twin, shape):
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
def test_images_that_cannot_be(twin, X, message):
    with pytest.raises(ValueError, match=message):
        twin.SoftmaxRegression()(X)


@pytest.mark.parametrize("shape", [(5,), ()])
def test_images_of_one_pixel_are_still_in_rows(twin, shape):
    model = twin.SoftmaxRegression(1, 3)
    assert model(torch.zeros(5, 1)).shape == (5, 3)
    with pytest.raises(ValueError, match=r"expected \(n, ...\) with 1 numbers an example"):
        model(torch.zeros(shape))
