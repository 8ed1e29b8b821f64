"""Seeds, devices, invalid arguments of loaders, no network, and errors as users see them."""

import math
import re
import sys
from unittest import mock

import pytest
import torch
from conftest import TWINS, run_python
from torch.testing import assert_close

from d2l_softmax import evaluate_accuracy, get_fashion_mnist_labels, load_data_fashion_mnist
from d2l_softmax.commands import train
from d2l_softmax.data.batches import ArrayDataset
from d2l_softmax.errors import UserError
from d2l_softmax.io import OutputError, write_atomically
from d2l_softmax.training.metrics import count_correct

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


# Seeds


def test_torchs_global_seed_gives_both_twins_the_same_start_and_the_same_batches(made_up):
    starts, losses = [], []
    for twin in TWINS.values():
        torch.manual_seed(0)
        model = twin.SoftmaxRegression()
        starts.append(model.W.detach().clone())
        train_iter, _ = load_data_fashion_mnist(16, data_dir=made_up)
        losses.append(twin.train_epoch(model, train_iter, twin.SGD(model.parameters(), lr=0.01))[0])
    assert torch.equal(*starts)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


# Loaders


@pytest.mark.parametrize(
    ("argument", "values", "message"),
    [
        ("batch_size", (0, -1, 2.5, True), "batch_size={}"),
        ("test_batch_size", (0, False), "batch_size={}"),
        ("dtype", (torch.complex64, torch.int64), "dtype is {}"),
        ("validation", (-1, 60, 61, 2.5, True), "can't hold out {} of 60"),
        ("resize", (0, 2049, True, (28,), (1, 2, 3), (5, 0), (5.5, 5)), "resize is {}"),
    ],
)
def test_options_of_the_loader_that_cannot_be(made_up, argument, values, message):
    for value in values:
        with pytest.raises(ValueError, match=re.escape(message.format(value))):
            load_data_fashion_mnist(**{"batch_size": 8, argument: value}, data_dir=made_up)


@pytest.mark.parametrize(("num_images", "num_labels"), [(0, 0), (3, 2), (2, 3)])
def test_a_data_set_has_images_and_as_many_labels(num_images, num_labels):
    images = torch.zeros(num_images, 28, 28, dtype=torch.uint8)
    with pytest.raises(ValueError, match=f"{num_images} images and {num_labels} labels"):
        ArrayDataset(images, torch.zeros(num_labels, dtype=torch.int64), ["only"])


def test_a_feature_that_the_dtype_cannot_hold_is_refused():
    features, labels = torch.tensor([[1.0], [1e300]], dtype=torch.float64), torch.tensor([0, 0])
    with pytest.raises(ValueError, match=r"example 1 \(from 0\) has a feature that is inf"):
        ArrayDataset(features, labels, ["only"])[torch.tensor([0, 1])]
    X, _ = ArrayDataset(features, labels, ["only"], dtype=torch.float64)[torch.tensor([0, 1])]
    assert torch.equal(X, features)


@pytest.mark.parametrize("label", [1.5, math.nan])
def test_a_label_that_is_no_whole_number_has_no_name(label):
    with pytest.raises(ValueError, match=f"label {label} is not a whole number"):
        get_fashion_mnist_labels(torch.tensor([label]))
    assert get_fashion_mnist_labels(torch.tensor([1.0])) == ["trouser"]


# Devices: "meta" tensors have shapes and no values


def test_a_model_on_another_device_stays_there(twin):
    model = twin.SoftmaxRegression(device="meta")
    X, y = torch.zeros(5, 1, 28, 28, device="meta"), torch.zeros(5, device="meta").long()
    outputs = model(X)
    assert (outputs.device.type, outputs.shape) == ("meta", (5, 10))
    assert twin.cross_entropy(outputs, y).device.type == "meta"
    assert count_correct(outputs, y).device.type == "meta"
    if twin is TWINS["scratch"]:
        gradients = model.gradients(X, outputs, y)
        assert [gradient.device.type for gradient in gradients] == ["meta"] * 2
        parameters = model.parameters()
        for optimizer in (twin.SGD(parameters, 0.1, 0.9, 0.1), twin.Adam(parameters)):
            optimizer.step(gradients)


def test_torchs_default_device_changes_nothing(made_up):
    """All defaults are the CPU; with "meta" as torch's own, anything left to it has no values."""
    losses = []
    for device in ("cpu", "meta"):
        torch.set_default_device(device)
        try:
            for twin in TWINS.values():
                order = torch.Generator("cpu").manual_seed(0)
                loaders = load_data_fashion_mnist(16, data_dir=made_up, generator=order)
                start = torch.Generator("cpu").manual_seed(0)
                model = twin.SoftmaxRegression(generator=start)
                optimizer = twin.SGD(model.parameters(), lr=0.01)
                losses.append(twin.train_epoch(model, loaders[0], optimizer)[0])
                assert 0 <= evaluate_accuracy(model, loaders[1]) <= 1
        finally:
            torch.set_default_device(None)
    assert losses[:2] == losses[2:]


@needs_cuda
@pytest.mark.parametrize("label", [-100, -1, 10])
@pytest.mark.parametrize("name", TWINS)
def test_labels_that_cannot_be_are_noticed_on_cuda(name, label):
    """In a process of its own: a failed check on the device ends the use of CUDA in its process."""
    code = (
        f"import torch, {name} as twin\n"
        "logits = torch.zeros(4, 10, device='cuda')\n"
        f"y = torch.tensor([0, 1, 2, {label}], device='cuda')\n"
        "print(float(twin.cross_entropy(logits, y)))\n"
    )
    done = run_python("-c", code)
    assert (done.returncode != 0, done.stdout) == (True, "")


@needs_cuda
def test_a_seed_gives_the_same_start_and_order_on_cuda(twin, made_up):
    """All is drawn on the CPU."""
    results = []
    for device in ("cpu", "cuda"):
        order = torch.Generator().manual_seed(0)
        loaders = load_data_fashion_mnist(16, data_dir=made_up, generator=order, device=device)
        model = twin.SoftmaxRegression(device=device, generator=torch.Generator().manual_seed(0))
        optimizer = twin.SGD(model.parameters(), lr=0.01)
        results.append((twin.train_epoch(model, loaders[0], optimizer)[0], model.W.detach().cpu()))
    (loss, W), (cuda_loss, cuda_W) = results
    assert loss == pytest.approx(cuda_loss, rel=1e-5)
    assert_close(W, cuda_W, rtol=0, atol=1e-5)


# Networks


@pytest.mark.slow
@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize("name", TWINS)
def test_training_opens_no_connection(name, tmp_path):
    code = f"""
import runpy, sys

def forbid(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        raise AssertionError(event)

sys.addaudithook(forbid)
sys.argv[1:] = ["--epochs=1", "--quiet", "--device=cpu", {f"--output-dir={tmp_path}"!r}]
runpy.run_module({name!r}, run_name="__main__", alter_sys=True)
"""
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.html").exists()


# Errors


def test_remedies_name_settings_as_python_or_the_command_line_does():
    error = UserError("weights of {W} grew;", "try a smaller {lr} or {weight_decay}")
    assert str(error) == "weights of {W} grew; try a smaller lr or weight_decay"
    assert error.for_command_line() == "weights of {W} grew; try a smaller --lr or --weight-decay"
    assert str(UserError("no {remedy} is known")) == "no {remedy} is known"


def test_an_unexpected_error_is_not_reported_as_a_users(made_up, tmp_path, monkeypatch):
    mistake = mock.Mock(side_effect=FileNotFoundError(2, "No such file", "template.jinja"))
    monkeypatch.setattr(train, "write_results", mistake)
    argv = [f"--data-dir={made_up}", f"--output-dir={tmp_path}", "--epochs=1", "--quiet"]
    with pytest.raises(FileNotFoundError):
        train.main(TWINS["scratch"], "scratch", argv)


def test_a_file_that_another_program_holds_open_on_windows(tmp_path, monkeypatch):
    """A file can't be replaced while another program has it open; its old content is kept."""
    path = tmp_path / "history.csv"
    path.write_text("epoch 1")
    monkeypatch.setattr(sys, "platform", "win32")
    refuse = mock.Mock(side_effect=PermissionError(13, "Permission denied"))
    monkeypatch.setattr(type(path), "replace", refuse)
    with pytest.raises(OutputError, match="another program"):
        write_atomically(path, b"epoch 2")
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["history.csv"]
    assert path.read_text() == "epoch 1"
