"""The notes' section 9: one-hot and soft targets, Adam at 1e-4, accuracy as a mean of `equal`."""

import math

import pytest
import torch
from torch.testing import assert_close

import concise
import scratch
from d2l_softmax import accuracy
from d2l_softmax.training.checks import check_targets
from d2l_softmax.training.metrics import count_correct


@pytest.fixture
def case(generator):
    """Return logits (32, 10), classes (32,), their one-hot form and soft targets, in float64."""
    logits = 3 * torch.randn(32, 10, dtype=torch.float64, generator=generator)
    y = torch.randint(10, (32,), generator=generator)
    one_hot = torch.nn.functional.one_hot(y, 10).double()
    return logits, y, one_hot, 0.9 * one_hot + 0.01


def losses_of_both(logits, y, reduction="mean"):
    return (
        scratch.cross_entropy(scratch.softmax(logits), y, reduction),
        concise.cross_entropy(logits, y, reduction),
    )


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_two_ways_of_the_loss(case, reduction):
    logits, y, one_hot, _ = case
    expected = concise.cross_entropy(logits, y, reduction)
    for targets in (y, one_hot):
        for loss in losses_of_both(logits, targets, reduction):
            assert_close(loss, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_soft_targets(case, reduction):
    logits, _, _, soft = case
    by_hand, by_library = losses_of_both(logits, soft, reduction)
    assert_close(by_hand, by_library, rtol=1e-13, atol=1e-14)


def test_soft_targets_of_a_probability_of_zero_have_a_finite_loss():
    y_hat = torch.tensor([[1.0, 0.0]])
    least = -math.log(torch.finfo(torch.float32).tiny)
    for y, expected in (([[1.0, 0.0]], 0.0), ([[0.5, 0.5]], least / 2), ([[0.0, 1.0]], least)):
        loss = scratch.cross_entropy(y_hat, torch.tensor(y))
        assert float(loss) == pytest.approx(expected)


def test_three_ways_of_the_accuracy(case):
    logits, y, one_hot, _ = case
    y_hat = scratch.softmax(logits)
    mean_of_equal = (y_hat.argmax(1) == one_hot.argmax(1)).to(torch.float64).mean()
    assert float(mean_of_equal) == accuracy(y_hat, y) / len(y)
    assert float(mean_of_equal) == int(count_correct(logits, y)) / len(y)
    assert float(mean_of_equal) == int(count_correct(logits, one_hot)) / len(y)
    assert 0 < mean_of_equal < 1


@pytest.mark.parametrize("kind", ["one-hot", "soft"])
def test_both_twins_train_on_targets_in_rows_with_adam(kind, generator):
    X = torch.rand(64, 1, 4, 4, dtype=torch.float64, generator=generator)
    y = torch.randint(3, (64,), generator=generator)
    rows = torch.nn.functional.one_hot(y, 3).double()
    targets = rows if kind == "one-hot" else 0.8 * rows + 0.2 / 3
    batches = list(zip(X.split(20), targets.split(20), strict=True))
    results = []
    for twin in (scratch, concise):
        start = torch.Generator().manual_seed(1)
        model = twin.SoftmaxRegression(16, 3, dtype=torch.float64, generator=start)
        optimizer = twin.Adam(model.parameters(), lr=1e-4)
        epochs = [twin.train_epoch(model, batches, optimizer) for _ in range(20)]
        results.append((epochs, model.W.detach()))
    (ours, W), (theirs, twin_W) = results
    for our, their in zip(ours, theirs, strict=True):
        assert our == pytest.approx(their, rel=0, abs=1e-12)
    assert_close(W, twin_W, rtol=0, atol=1e-12)
    assert ours[-1][0] < ours[0][0]


def test_gradient_of_soft_targets_is_autograd_of_the_same_functions(case, generator):
    X = torch.rand(32, 5, dtype=torch.float64, generator=generator)
    model = scratch.SoftmaxRegression(5, 10, dtype=torch.float64, generator=generator)
    by_hand = model.gradients(X, model(X), case[3])
    for parameter in model.parameters():
        parameter.requires_grad_()
    loss = scratch.cross_entropy(model(X), case[3])
    for ours, theirs in zip(by_hand, torch.autograd.grad(loss, model.parameters()), strict=True):
        assert_close(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (torch.full((2, 3), 0.5), "rows whose sums differ from 1 by up to 0.5"),
        (torch.full((2, 3), 0.25), "rows whose sums differ from 1 by up to 0.25"),
        (torch.tensor([[0.5, 0.50002, 0.0]] * 2), "rows whose sums differ from 1 by up to 2.0"),
        (torch.tensor([[1.5, -0.5, 0.0], [1.0, 0.0, 0.0]]), "entries from -0.5 on"),
        (torch.tensor([[1.05, -0.05, 0.0], [1.0, 0.0, 0.0]]), "entries from -0.05 on"),
        (torch.full((2, 3), torch.nan), "expected probabilities"),
        (torch.ones(2, 1), r"of shape \(2, 1\), expected torch.float32 of shape \(2, 3\)"),
        (torch.ones(2, 3, dtype=torch.float64), r"y is torch.float64 .* expected torch.float32"),
    ],
)
def test_targets_that_cannot_be(twin, y, message):
    with pytest.raises(ValueError, match=message):
        twin.cross_entropy(torch.full((2, 3), 1 / 3), y)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_targets_whose_sums_are_off_by_rounding_are_taken(twin, dtype):
    y = torch.tensor([[0.5, 0.500008, 0.0], [0.0, 0.499992, 0.5]], dtype=dtype)
    assert twin.cross_entropy(torch.full((2, 3), 1 / 3, dtype=dtype), y).isfinite()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_targets_of_half_precision_may_be_off_by_more(dtype):
    thirds = torch.full((2, 3), 1 / 3, dtype=dtype)
    assert (thirds.double().sum(1) - 1).abs().max() > 1e-5
    check_targets(thirds, thirds)
    with pytest.raises(ValueError, match="rows whose sums differ from 1"):
        check_targets(thirds, thirds * 1.1)
