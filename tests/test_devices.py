"""Devices other than CUDA's: Apple's GPU has no float64, here with a stand-in for it."""

import numpy as np
import pytest
import torch
from conftest import TWINS
from mps import FakeMPS

import d2l_softmax as d2l
from d2l_softmax.data.batches import ArrayDataset
from d2l_softmax.data.standardize import measure

every_twin = pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)


@every_twin
@pytest.mark.parametrize("soft", [False, True])
def test_both_twins_train_without_float64(twin, soft):
    y = torch.arange(12) % 3
    expected = results_of(twin, "cpu", y, soft)
    with FakeMPS():
        assert results_of(twin, "mps", y, soft) == pytest.approx(expected, rel=1e-6)


def results_of(twin, device, y, soft):
    """Return loss and accuracy of an epoch on a device, and the accuracy after it."""
    generator = torch.Generator().manual_seed(0)
    model = twin.SoftmaxRegression(4, 3, device=device, generator=generator)
    X = torch.linspace(0, 1, 48).reshape(12, 4)
    targets = torch.nn.functional.one_hot(y, 3).float() if soft else y
    batches = [(X.to(device), targets.to(device))]
    optimizer = twin.SGD(model.parameters(), lr=0.5)
    return *twin.train_epoch(model, batches, optimizer), d2l.evaluate_accuracy(model, batches)


@pytest.mark.parametrize("images", [np.eye(6), np.arange(48, dtype=np.uint8).reshape(3, 4, 4)])
def test_data_are_standardized_there(images):
    y = torch.arange(len(images))
    names = [str(k) for k in y.tolist()]
    on_cpu = ArrayDataset(images, y, names)
    expected = on_cpu.standardized(*measure(on_cpu))[torch.arange(3)][0]
    with FakeMPS():
        dataset = ArrayDataset(images, y, names, device="mps")
        X, _ = dataset.standardized(*measure(dataset))[torch.arange(3)]
        assert str(X.device) == "mps"
        torch.testing.assert_close(X.cpu(), expected, rtol=1e-5, atol=1e-5)


def test_standardization_is_folded_there():
    W, b = torch.randn(6, 2), torch.randn(2)
    dataset = ArrayDataset(np.random.default_rng(0).normal(size=(9, 6)), torch.arange(9) % 2, "ab")
    standardization = measure(dataset)
    expected = standardization.fold(W, b)
    with FakeMPS():
        folded = standardization.fold(W.to("mps"), b.to("mps"))
        assert [str(tensor.device) for tensor in folded] == ["mps", "mps"]
        assert all(torch.equal(a.cpu(), c) for a, c in zip(folded, expected, strict=True))


@every_twin
def test_a_model_in_float64_is_loaded_as_float32_there(twin, tmp_path):
    d2l.save_model(tmp_path / "model.pt", twin.SoftmaxRegression(dtype=torch.float64))
    assert d2l.load_model(tmp_path / "model.pt", twin).W.dtype == torch.float64
    with FakeMPS():
        model = d2l.load_model(tmp_path / "model.pt", twin, device="mps")
        assert (str(model.W.device), model.W.dtype) == ("mps", torch.float32)
