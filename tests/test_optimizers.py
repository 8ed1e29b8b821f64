"""The optimizers by hand: torch.optim's steps, state_dict, invalid settings, worked examples."""

import io
import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import concise
import scratch

SHAPES = [(6, 3), (3,)]
SETTINGS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1}),
    ("Adam", {"lr": 1e-4, "betas": (0.8, 0.99), "eps": 1e-6}),
]
every_setting = pytest.mark.parametrize(("name", "settings"), SETTINGS)
STEPS, EPOCHS = 50, 10  # the rate decays after each epoch of five steps


def train(twin, parameters, optimizer, scheduler, steps):
    """Take a step along each list of gradients; yield the parameters after each."""
    for number, gradients in enumerate(steps, start=1):
        if twin is scratch:
            optimizer.step(gradients)
        else:
            for p, g in zip(parameters, gradients, strict=True):
                p.grad = g.clone()
            optimizer.step()
        if number % (STEPS // EPOCHS) == 0:
            scheduler.step()
        yield [p.detach().clone() for p in parameters]


def make(twin, name, start, settings):
    """Return copies of the parameters, their optimizer, and its linear decay."""
    parameters = [p.clone().requires_grad_(twin is concise) for p in start]
    optimizer = getattr(twin, name)(parameters, **settings)
    return parameters, optimizer, twin.LinearDecay(optimizer, EPOCHS)


def random_parameters(generator, dtype=torch.float64):
    return [torch.randn(shape, dtype=dtype, generator=generator) for shape in SHAPES]


@every_setting
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_loaded_state_dict_continues_to_the_same_bits(twin, name, settings, dtype, generator):
    """Through a file; the second optimizer has other settings and takes steps before."""
    start = random_parameters(generator, dtype)
    steps = [random_parameters(generator, dtype) for _ in range(12)]
    whole = make(twin, name, start, settings)
    *_, middle = train(twin, *whole, steps=steps[:6])
    file = io.BytesIO()
    torch.save([part.state_dict() for part in whole[1:]], file)
    file.seek(0)
    other = make(twin, name, start, {"lr": 0.5})
    list(train(twin, *other, steps=steps[:5]))
    for p, saved in zip(other[0], middle, strict=True):
        p.detach().copy_(saved)
    for part, state in zip(other[1:], torch.load(file, weights_only=True), strict=True):
        part.load_state_dict(state)
    paths = [train(twin, *each, steps=steps[6:]) for each in (whole, other)]
    for one, two in zip(*paths, strict=True):
        assert all(map(torch.equal, one, two))


@every_setting
def test_steps_after_loading_leave_the_saved_tensors_as_they_are(name, settings, generator):
    start, gradients = random_parameters(generator), random_parameters(generator)
    (*_, one, _), (*_, two, _) = (make(scratch, name, start, settings) for _ in range(2))
    one.step(gradients)
    saved = one.state_dict()
    two.load_state_dict(saved)
    tensors = [tensor for value in saved.values() if isinstance(value, list) for tensor in value]
    before = [tensor.clone() for tensor in tensors]
    two.step(gradients)
    assert len(tensors) >= len(SHAPES)
    assert all(map(torch.equal, tensors, before))


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_state_dict_of_other_parameters_is_refused(name):
    parameters = [torch.zeros(1), torch.zeros(1)]
    one, two = (getattr(scratch, name)(parameters[:n], lr=0.1) for n in (1, 2))
    for optimizer, other in ((one, two), (two, one)):
        with pytest.raises(ValueError, match="argument"):
            optimizer.load_state_dict(other.state_dict())


def test_defaults_are_torchs():
    parameter = torch.zeros(1, requires_grad=True)
    for name, settings in (("SGD", {"lr": 0.1}), ("Adam", {})):
        other = getattr(concise, name)([parameter], **settings).defaults
        one = getattr(scratch, name)([torch.zeros(1)], **settings).state_dict()
        for setting in ("lr", "momentum", "betas", "eps", "weight_decay"):
            assert one.get(setting) == other.get(setting), setting


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


def test_a_gradient_for_each_parameter():
    for optimizer in (scratch.SGD([torch.zeros(1)], lr=0.1), scratch.Adam([torch.zeros(1)])):
        with pytest.raises(ValueError, match="argument"):
            optimizer.step([torch.zeros(1), torch.zeros(1)])


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_parameters_may_come_from_a_generator(name):
    p = torch.ones(2)
    optimizer = getattr(scratch, name)((parameter for parameter in [p]), lr=0.5)
    optimizer.step([torch.ones(2)])
    assert p.tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(
    ("name", "settings", "error", "message"),
    [
        ("SGD", {"lr": -1}, ValueError, "lr is -1, expected a number of at least 0"),
        ("SGD", {"lr": "0.1"}, TypeError, "lr is '0.1', expected a number"),
        ("SGD", {"lr": None}, TypeError, "lr is None"),
        ("SGD", {"lr": 0.1, "momentum": -0.5}, ValueError, "momentum is -0.5"),
        ("SGD", {"lr": 0.1, "weight_decay": -1e-3}, ValueError, "weight_decay is -0.001"),
        ("SGD", {"lr": 0.1, "weight_decay": "1e-3"}, TypeError, "weight_decay is '1e-3'"),
        ("Adam", {"lr": -1}, ValueError, "lr is -1"),
        ("Adam", {"lr": math.nan}, ValueError, "lr is nan"),
        ("Adam", {"lr": "0.1"}, TypeError, "lr is '0.1', expected a number"),
        ("Adam", {"eps": -1e-8}, ValueError, "eps is -1e-08"),
        ("Adam", {"betas": (1.0, 0.9)}, ValueError, r"beta1 is 1.0, expected .* in \[0, 1\)"),
        ("Adam", {"betas": (0.9, -0.1)}, ValueError, "beta2 is -0.1"),
        ("Adam", {"weight_decay": math.nan}, ValueError, "weight_decay is nan"),
    ],
)
def test_invalid_settings(twin, name, settings, error, message):
    parameters = [torch.zeros(2, requires_grad=twin is concise)]
    with pytest.raises(error, match=message if twin is scratch else None):
        getattr(twin, name)(parameters, **settings)


def test_settings_may_be_zero():
    scratch.SGD([torch.zeros(1)], lr=0, momentum=0, weight_decay=0)
    scratch.Adam([torch.zeros(1)], lr=0, eps=0, betas=(0, 0), weight_decay=0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_numpys_scalars_are_numbers(twin, name, dtype):
    settings = {"lr": dtype(1), "weight_decay": dtype(0)}
    settings |= {"momentum": dtype(0)} if name == "SGD" else {"eps": dtype(1)}
    floats = {key: float(value) for key, value in settings.items()}
    W, expected = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    for parameter, values in ((W, settings), (expected, floats)):
        optimizer = getattr(twin, name)([parameter], **values)
        parameter.grad = torch.tensor([1.0, -2.0])
        with torch.no_grad():
            optimizer.step(*([[parameter.grad]] if twin is scratch else []))
        if twin is scratch:  # torch.load(weights_only=True) refuses NumPy's
            numbers = [optimizer.state_dict()[key] for key in settings]
            assert all(type(number) is float for number in numbers)
    assert torch.equal(W, expected)
