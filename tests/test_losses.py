"""The losses of regression: worked examples and the command; properties: test_properties.py."""

import pytest
import torch

from concise import losses as by_library
from d2l_softmax import __main__ as d2l_main
from scratch import losses as by_hand


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


def test_losses_command(tmp_path, capsys):
    assert d2l_main.main(["losses", f"--output-dir={tmp_path}", "--delta=2"]) == 0
    assert (tmp_path / "losses.png").stat().st_size > 10_000
    assert capsys.readouterr().out == f"wrote {tmp_path / 'losses.png'}\n"


def test_losses_command_refuses_an_invalid_delta(error_line):
    for delta in ("0", "nan"):
        assert "--delta" in error_line(2, d2l_main.main, ["losses", f"--delta={delta}"])
