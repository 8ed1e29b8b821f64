"""The optimizers by hand: torch.optim's steps, state_dict, invalid settings, worked examples."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import concise
import scratch

SETTINGS = [
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.1}),
]


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_a_loaded_state_dict_continues_to_the_same_bits(name, settings, generator):
    """In an optimizer of other settings; its steps leave the loaded tensors as they are."""
    gradients = torch.randn(6, 3, generator=generator)
    parameters = [torch.ones(3), torch.zeros(3)]
    one, two = (
        getattr(scratch, name)([p], **each)
        for p, each in zip(parameters, (settings, {"lr": 0.5}), strict=True)
    )
    decay, other_decay = scratch.LinearDecay(one, 9), scratch.LinearDecay(two, 4)

    def take_steps(optimizer, scheduler, gradients):
        for gradient in gradients:
            optimizer.step([gradient])
            scheduler.step()

    take_steps(one, decay, gradients[:3])
    parameters[1].copy_(parameters[0])
    saved = one.state_dict()
    two.load_state_dict(saved)
    other_decay.load_state_dict(decay.state_dict())
    before = str(saved)
    take_steps(two, other_decay, gradients[3:])
    assert str(saved) == before
    take_steps(one, decay, gradients[3:])
    assert torch.equal(*parameters)


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


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_gradients_and_states_of_other_parameters_are_refused(name):
    one, two = (getattr(scratch, name)([torch.zeros(1)] * n, lr=0.1) for n in (1, 2))
    for call in (
        lambda: one.step([torch.zeros(1)] * 2),
        lambda: one.load_state_dict(two.state_dict()),
        lambda: two.load_state_dict(one.state_dict()),
    ):
        with pytest.raises(ValueError, match="argument"):
            call()


@pytest.mark.parametrize(
    ("name", "settings", "error", "message"),
    [
        ("SGD", {"lr": -1}, ValueError, "lr is -1, expected a number of at least 0"),
        ("SGD", {"lr": "0.1"}, TypeError, "lr is '0.1', expected a number"),
        ("SGD", {"lr": 0.1, "momentum": -0.5}, ValueError, "momentum is -0.5"),
        ("Adam", {"eps": -1e-8}, ValueError, "eps is -1e-08"),
        ("Adam", {"betas": (1.0, 0.9)}, ValueError, r"beta1 is 1.0, expected .* in \[0, 1\)"),
        ("Adam", {"weight_decay": math.nan}, ValueError, "weight_decay is nan"),
    ],
)
def test_invalid_settings(name, settings, error, message):
    with pytest.raises(error, match=message):
        getattr(scratch, name)([torch.zeros(2)], **settings)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_numpys_scalars_are_kept_as_floats(name):
    settings = {"lr": np.float32(1), "weight_decay": np.int64(0)}
    optimizer = getattr(scratch, name)([torch.ones(2)], **settings)
    state = optimizer.state_dict()  # torch.load(weights_only=True) refuses NumPy's
    assert type(state["lr"]) is type(state["weight_decay"]) is float
