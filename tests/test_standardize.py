"""Standardized inputs, the model folded back to raw inputs, and the settings that follow."""

import math

import numpy as np
import pytest
import torch
from conftest import train_on, write_arrays

from d2l_softmax.data.batches import ArrayDataset
from d2l_softmax.data.standardize import choose_defaults, largest_eigenvalue, measure

RNG = np.random.default_rng(0)


def dataset_of(kind, n=50, dtype=torch.float64):
    shape = {"gray": (n, 6, 5), "colour": (n, 6, 5, 3)}.get(kind)
    if shape:
        images = RNG.integers(0, 200, shape, np.uint8)
    else:
        images = RNG.normal(3.0, 2.0, (n, 4)) * [1e-30, 1, 1e3, 1e30]
    labels = torch.arange(n) % 3
    return ArrayDataset(images, labels, ["a", "b", "c"], dtype=dtype)


@pytest.mark.parametrize("kind", ["gray", "colour", "features"])
def test_examples_are_standardized_and_a_folded_model_takes_raw_ones(kind):
    raw = dataset_of(kind)
    standardization = measure(raw)
    (X_raw, y_raw), (X, y) = (
        dataset[torch.arange(len(raw))] for dataset in (raw, raw.standardized(*standardization))
    )
    channels = X.reshape(len(X), raw.shape[0], -1)
    assert channels.mean(dim=(0, 2)) == pytest.approx(0, abs=1e-12)
    assert channels.std(dim=(0, 2), unbiased=False) == pytest.approx(1, rel=1e-12)
    assert torch.equal(y, y_raw)
    generator = torch.Generator().manual_seed(0)
    W = torch.randn(X[0].numel(), 3, dtype=torch.float64, generator=generator)
    b = torch.randn(3, dtype=torch.float64, generator=generator)
    folded_W, folded_b = standardization.fold(W, b)
    expected = X.flatten(1) @ W + b
    torch.testing.assert_close(X_raw.flatten(1) @ folded_W + folded_b, expected)


def test_a_constant_feature_is_only_centred():
    features = np.column_stack([np.full(9, 0.1), np.arange(9.0)])
    dataset = ArrayDataset(features, torch.arange(9) % 2, ["a", "b"], dtype=torch.float64)
    mean, std = measure(dataset)
    assert std[0] == 1
    X, _ = dataset.standardized(mean, std)[torch.arange(9)]
    assert X[:, 0].abs().max() < 1e-15


def test_the_largest_eigenvalue_is_that_of_the_matrix():
    raw = dataset_of("colour", n=40)
    dataset = raw.standardized(*measure(raw))
    X = dataset[torch.arange(40)][0].flatten(1)
    X = torch.cat([X, torch.ones(40, 1, dtype=X.dtype)], dim=1)
    expected = torch.linalg.eigvalsh(X.T @ X / 40)[-1]
    assert largest_eigenvalue(dataset) == pytest.approx(float(expected), rel=1e-3)


@pytest.mark.parametrize(
    ("n", "batch_size", "epochs"), [(30, 16, 200), (640, 16, 38), (3000, 64, 32), (60_000, 256, 10)]
)
def test_batch_size_and_epochs_follow_from_the_number_of_examples(n, batch_size, epochs):
    features = np.random.default_rng(1).normal(size=(n, 2))
    dataset = ArrayDataset(features, torch.arange(n) % 2, ["a", "b"])
    defaults = choose_defaults(dataset)
    assert (defaults.batch_size, defaults.epochs) == (batch_size, epochs)
    assert 0.3 < defaults.lr < 1.1  # 1 / λ, where λ is about 1
    epochs = choose_defaults(dataset, 10).epochs  # of a batch size that was given
    assert math.ceil(n / 10) * epochs >= 1500 or epochs == 200


def test_features_whose_weights_can_not_be_folded_are_named(tmp_path, capsys):
    rng = np.random.default_rng(0)
    noise, y = rng.normal(size=(60, 1)), np.arange(60) % 2
    split = 1.7e9 + noise + 3 * y[:, None], y
    write_arrays(tmp_path / "data", split, split)
    assert train_on(tmp_path / "data", tmp_path, "--epochs=3", "--quiet") == 0
    assert "subtract a constant" in capsys.readouterr().err
    split = (noise + 3 * y[:, None]) * 1e-40, y
    write_arrays(tmp_path / "data", split, split)
    assert train_on(tmp_path / "data", tmp_path, "--epochs=3", "--quiet") == 1
    assert "multiply them by a constant" in capsys.readouterr().err
