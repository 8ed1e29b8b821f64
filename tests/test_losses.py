"""The losses of regression: by hand, from the library, and worked examples."""

import pytest
import torch
from torch.testing import assert_close

from concise import losses as by_library
from d2l_softmax import __main__ as d2l_main
from scratch import losses as by_hand

NAMES = ["squared", "l1", "huber"]
ERRORS = [-1e6, -3.0, -1.5, -1.0, -0.5, -1e-9, 0.0, 1e-9, 0.5, 1.0, 1.5, 3.0, 1e6]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", NAMES + [f"{name}_gradient" for name in NAMES])
def test_twins_agree_at_zero_and_at_delta_too(name, dtype):
    y = torch.full((len(ERRORS),), 0.25, dtype=dtype)
    y_hat = y + torch.tensor(ERRORS, dtype=dtype)
    settings = [{"delta": d} for d in (0.5, 1.0, 1.5)] if name.startswith("huber") else [{}]
    for setting in settings:
        ours, theirs = (getattr(t, name)(y_hat, y, **setting) for t in (by_hand, by_library))
        assert ours.shape == y.shape
        assert_close(ours, theirs, rtol=1e-15 if dtype == torch.float64 else 1e-6, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_finite_differences(name):
    y_hat = torch.tensor([-2.5, -0.7, 0.3, 0.9, 1.8], dtype=torch.float64)
    y, step = torch.zeros_like(y_hat), 1e-6
    loss = getattr(by_hand, name)
    estimate = (loss(y_hat + step, y) - loss(y_hat - step, y)) / (2 * step)
    assert_close(getattr(by_hand, f"{name}_gradient")(y_hat, y), estimate, rtol=0, atol=1e-9)


@pytest.mark.parametrize("twin", [by_hand, by_library], ids=["scratch", "concise"])
def test_worked_examples(twin):
    y_hat, y = torch.tensor([3.0, 0.5, 0.0]), torch.zeros(3)
    assert twin.squared(y_hat, y).tolist() == [4.5, 0.125, 0.0]
    assert twin.l1(y_hat, y).tolist() == [3.0, 0.5, 0.0]
    assert twin.huber(y_hat, y).tolist() == [2.5, 0.125, 0.0]
    assert twin.huber(y_hat, y, delta=2.0).tolist() == [4.0, 0.125, 0.0]
    assert twin.squared_gradient(y_hat, y).tolist() == [3.0, 0.5, 0.0]
    assert twin.l1_gradient(y_hat, y).tolist() == [1.0, 1.0, 0.0]
    assert twin.huber_gradient(y_hat, y).tolist() == [1.0, 0.5, 0.0]


@pytest.mark.parametrize("name", NAMES)
def test_what_gradients_are_asked_of_is_left_as_it_was(name):
    for twin in (by_hand, by_library):
        y_hat = torch.tensor([3.0, 0.5])
        gradient = getattr(twin, f"{name}_gradient")(y_hat, torch.zeros(2))
        assert not y_hat.requires_grad
        assert not gradient.requires_grad
        assert y_hat.tolist() == [3.0, 0.5]


def test_huber_is_smooth_where_it_turns():
    delta = torch.tensor([1.0], dtype=torch.float64)
    zero = torch.zeros(1, dtype=torch.float64)
    for step in (-1e-9, 1e-9):
        for function in (by_hand.huber, by_hand.huber_gradient):
            near, at = function(delta + step, zero), function(delta, zero)
            assert_close(near, at, atol=2e-9, rtol=0)


def test_losses_command(tmp_path, capsys):
    assert d2l_main.main(["losses", f"--output-dir={tmp_path}", "--delta=2"]) == 0
    assert (tmp_path / "losses.png").stat().st_size > 10_000
    assert capsys.readouterr().out == f"wrote {tmp_path / 'losses.png'}\n"


@pytest.mark.parametrize("delta", ["0", "-1", "nan"])
def test_losses_command_with_a_delta_that_cannot_be(capsys, delta):
    with pytest.raises(SystemExit) as caught:
        d2l_main.main(["losses", f"--delta={delta}"])
    assert caught.value.code == 2
    assert "--delta" in capsys.readouterr().err
