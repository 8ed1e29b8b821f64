"""The optimizers by hand against torch.optim's, step by step from the same start."""

import io

import pytest
import torch
from torch.testing import assert_close

import concise
import scratch

SHAPES = [(6, 3), (3,)]


def assert_same_path(name, steps=50, epochs=None, **settings):
    """Take the steps with both twins' optimizers on the same gradients and compare after each."""
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(s, dtype=torch.float64, generator=generator) for s in SHAPES]
    ours = [p.clone() for p in start]
    theirs = [p.clone().requires_grad_() for p in start]
    optimizers = (
        getattr(scratch, name)(ours, **settings),
        getattr(concise, name)(theirs, **settings),
    )
    schedulers = [
        twin.LinearDecay(optimizer, epochs)
        for twin, optimizer in zip((scratch, concise), optimizers, strict=True)
        if epochs
    ]
    for step in range(steps):
        gradients = [torch.randn(s, dtype=torch.float64, generator=generator) for s in SHAPES]
        for parameter, gradient in zip(theirs, gradients, strict=True):
            parameter.grad = gradient.clone()
        optimizers[0].step(gradients)
        optimizers[1].step()
        for scheduler in schedulers:
            if (step + 1) % (steps // epochs) == 0:
                scheduler.step()
        for our, their in zip(ours, theirs, strict=True):
            assert_close(our, their.detach(), rtol=0, atol=1e-12)
    assert all((our != first).all() for our, first in zip(ours, start, strict=True))


OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    "adam": ("Adam", {"lr": 0.01, "weight_decay": 0.1}),
}


@pytest.mark.parametrize(("name", "settings"), OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("twin", [scratch, concise], ids=["scratch", "concise"])
def test_a_loaded_state_dict_continues_to_the_same_bits(twin, name, settings):
    """Through a file; the second optimizer has other settings and steps until it is loaded."""
    generator = torch.Generator().manual_seed(0)
    gradients = [[torch.randn(s, generator=generator) for s in SHAPES] for _ in range(6)]
    start = [torch.randn(s, generator=generator) for s in SHAPES]

    def make(parameters, **settings):
        parameters = [p.clone().requires_grad_(twin is concise) for p in parameters]
        optimizer = getattr(twin, name)(parameters, **settings)
        return parameters, optimizer, twin.LinearDecay(optimizer, 6)

    def train(training, steps):
        parameters, optimizer, scheduler = training
        for step in steps:
            if twin is scratch:
                optimizer.step(gradients[step])
            else:
                for p, g in zip(parameters, gradients[step], strict=True):
                    p.grad = g.clone()
                optimizer.step()
            scheduler.step()

    whole = make(start, **settings)
    train(whole, range(3))
    file = io.BytesIO()
    torch.save([part.state_dict() for part in whole[1:]], file)
    other = make([p.detach() for p in whole[0]], lr=0.5)
    train(other, range(1))
    for p, saved in zip(other[0], whole[0], strict=True):
        p.detach().copy_(saved.detach())
    file.seek(0)
    for part, state in zip(other[1:], torch.load(file, weights_only=True), strict=True):
        part.load_state_dict(state)
    for training in (whole, other):
        train(training, range(3, 6))
    for one, two in zip(whole[0], other[0], strict=True):
        assert torch.equal(one, two)
    assert not torch.equal(whole[0][0], start[0])


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 1e-3, 0.1])
def test_sgd_is_torchs(momentum, weight_decay):
    assert_same_path("SGD", lr=0.1, momentum=momentum, weight_decay=weight_decay)


@pytest.mark.parametrize("weight_decay", [0.0, 1e-3, 0.1])
def test_adam_is_torchs(weight_decay):
    assert_same_path("Adam", lr=1e-2, weight_decay=weight_decay)


def test_defaults_are_torchs():
    parameter = torch.zeros(1, requires_grad=True)
    theirs = concise.Adam([parameter]).defaults
    ours = scratch.Adam([torch.zeros(1)])
    assert (ours.lr, ours.betas, ours.eps, ours.weight_decay) == (
        theirs["lr"],
        theirs["betas"],
        theirs["eps"],
        theirs["weight_decay"],
    )
    theirs = concise.SGD([parameter], lr=0.1).defaults
    ours = scratch.SGD([torch.zeros(1)], lr=0.1)
    assert (ours.momentum, ours.weight_decay) == (theirs["momentum"], theirs["weight_decay"])


def test_adam_with_other_settings_is_torchs():
    assert_same_path("Adam", lr=1e-4, betas=(0.8, 0.99), eps=1e-6)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_linear_decay_is_torchs(name):
    assert_same_path(name, lr=0.1, epochs=10)


def test_linear_decay_ends_at_zero():
    optimizer = scratch.SGD([torch.zeros(1)], lr=0.4)
    scheduler = scratch.LinearDecay(optimizer, epochs=4)
    rates = []
    for _ in range(4):
        rates.append(optimizer.lr)
        scheduler.step()
    assert rates == pytest.approx([0.4, 0.3, 0.2, 0.1])
    assert optimizer.lr == pytest.approx(0, abs=1e-15)


def test_two_steps_with_momentum_worked_by_hand():
    # v = 1, p = 2 - 0.1; then v = 0.5 + 1 = 1.5, p = 1.9 - 0.15.
    p = torch.tensor([2.0], dtype=torch.float64)
    optimizer = scratch.SGD([p], lr=0.1, momentum=0.5)
    for expected in (1.9, 1.75):
        optimizer.step([torch.tensor([1.0], dtype=torch.float64)])
        assert float(p) == pytest.approx(expected, abs=1e-15)


def test_first_step_of_adam_is_the_learning_rate():
    # Both moments are divided by their bias, so m_hat / sqrt(s_hat) is the gradient's sign.
    p = torch.tensor([1.0, 1.0], dtype=torch.float64)
    scratch.Adam([p], lr=0.01).step([torch.tensor([5.0, -1e-3], dtype=torch.float64)])
    assert_close(p, torch.tensor([0.99, 1.01], dtype=torch.float64), rtol=0, atol=1e-6)


def test_as_many_gradients_as_parameters():
    for optimizer in (scratch.SGD([torch.zeros(1)], lr=0.1), scratch.Adam([torch.zeros(1)])):
        with pytest.raises(ValueError, match="argument"):
            optimizer.step([torch.zeros(1), torch.zeros(1)])


@pytest.mark.parametrize(
    ("name", "settings"),
    [("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}), ("Adam", {"weight_decay": 0.1})],
)
def test_gradients_are_left_as_they_were(name, settings, generator):
    parameters = [torch.randn(s, generator=generator) for s in SHAPES]
    gradients = [torch.randn(s, generator=generator) for s in SHAPES]
    before = [gradient.clone() for gradient in gradients]
    optimizer = getattr(scratch, name)(parameters, **settings)
    for _ in range(2):
        optimizer.step(gradients)
    assert all(map(torch.equal, gradients, before))


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_parameters_may_come_from_a_generator(name):
    p = torch.ones(2)
    optimizer = getattr(scratch, name)((parameter for parameter in [p]), lr=0.5)
    optimizer.step([torch.ones(2)])
    assert p.tolist() == pytest.approx([0.5, 0.5])
