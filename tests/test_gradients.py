"""The gradient by hand against autograd, finite differences and the other twin."""

import pytest
import torch
from torch.testing import assert_close

import concise
import scratch
from scratch.softmax_regression import SoftmaxRegression, cross_entropy


@pytest.fixture
def batch(generator):
    """Return a model of 12 inputs and 4 classes in float64, 7 examples and their classes."""
    model = SoftmaxRegression(12, 4, dtype=torch.float64, generator=generator)
    model.W.mul_(100)  # probabilities far from equal
    X = torch.rand(7, 1, 3, 4, dtype=torch.float64, generator=generator)
    return model, X, torch.randint(4, (7,), generator=generator)


def test_by_hand_is_autograd_of_the_same_functions(batch):
    model, X, y = batch
    by_hand = model.gradients(X, model(X), y)
    for parameter in model.parameters():
        parameter.requires_grad_()
    by_autograd = torch.autograd.grad(cross_entropy(model(X), y), model.parameters())
    for ours, theirs in zip(by_hand, by_autograd, strict=True):
        assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_by_hand_is_central_finite_differences(batch):
    model, X, y = batch
    step = 1e-5
    for parameter, gradient in zip(
        model.parameters(), model.gradients(X, model(X), y), strict=True
    ):
        estimate = torch.zeros_like(parameter)
        for index in torch.cartesian_prod(*map(torch.arange, parameter.shape)):
            index = tuple(index.reshape(-1).tolist())
            value = float(parameter[index])
            parameter[index] = value + step
            above = cross_entropy(model(X), y)
            parameter[index] = value - step
            below = cross_entropy(model(X), y)
            parameter[index] = value
            estimate[index] = (above - below) / (2 * step)
        assert_close(gradient, estimate, rtol=0, atol=1e-6)


def test_gradient_of_one_example_worked_by_hand():
    # Logits (0, 0): y_hat = (1/2, 1/2), so the derivative by the logits is (-1/2, 1/2) for y = 0.
    model = SoftmaxRegression(2, 2, dtype=torch.float64)
    model.W.zero_()
    X, y = torch.tensor([[3.0, 4.0]], dtype=torch.float64), torch.tensor([0])
    dW, db = model.gradients(X, model(X), y)
    assert dW.tolist() == [[-1.5, 1.5], [-2.0, 2.0]]
    assert db.tolist() == [-0.5, 0.5]


@pytest.mark.parametrize("scale", [1.0, 300.0, 1e4])
def test_gradients_never_part_even_where_the_losses_do(scale, generator):
    models = []
    for twin in (scratch, concise):
        model = twin.SoftmaxRegression(
            6, 3, dtype=torch.float64, generator=generator.manual_seed(0)
        )
        with torch.no_grad():
            model.W.copy_(scale * model.W / 0.01)
        models.append(model)
    by_hand, by_library = models
    X = torch.rand(9, 6, dtype=torch.float64, generator=generator)
    y = torch.randint(3, (9,), generator=generator)
    concise.cross_entropy(by_library(X), y).backward()
    dW, db = by_hand.gradients(X, by_hand(X), y)
    assert_close(dW, by_library.net[1].weight.grad.T, rtol=0, atol=1e-12)
    assert_close(db, by_library.b.grad, rtol=0, atol=1e-12)


def test_twins_start_from_the_same_weights():
    for dtype in (torch.float32, torch.float64):
        models = [
            twin.SoftmaxRegression(dtype=dtype, generator=torch.Generator().manual_seed(7))
            for twin in (scratch, concise)
        ]
        assert torch.equal(models[0].W, models[1].W)
        assert torch.equal(models[0].b, models[1].b)
        assert models[0].W.shape == (784, 10)
        assert models[0].W.std().item() == pytest.approx(0.01, rel=0.05)
