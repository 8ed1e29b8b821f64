"""Data on a disk: block shuffle, and epochs that start at a later batch."""

import numpy as np
import pytest
import torch
from conftest import all_of, write_arrays

from d2l_softmax import load_data
from d2l_softmax.data import batches
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader


def loader_of(n, batch_size=7, seed=0, **order):
    """Return a loader of n images of one pixel, whose labels are their indices."""
    dataset = ArrayDataset(torch.zeros(n, 1, 1, dtype=torch.uint8), torch.arange(n), ["any"])
    generator = torch.Generator().manual_seed(seed)
    return ArrayLoader(dataset, batch_size, shuffle=True, generator=generator, **order)


@pytest.fixture
def small_blocks(monkeypatch):
    """Let a block have 5 images of one pixel, and a window 3 blocks."""
    monkeypatch.setattr(batches, "BLOCK", 5)
    monkeypatch.setattr(batches, "WINDOW", 3)


@pytest.mark.parametrize("n", [1, 4, 5, 6, 14, 15, 16, 99, 100])
@pytest.mark.usefixtures("small_blocks")
def test_an_epoch_by_blocks_has_every_example_once(n):
    indices = [y for _, y in loader_of(n, by_blocks=True)]
    assert sorted(torch.cat(indices).tolist()) == list(range(n))
    assert [len(y) for y in indices] == [7] * (n // 7) + [n % 7] * bool(n % 7)


@pytest.mark.usefixtures("small_blocks")
def test_a_window_is_some_blocks_whose_examples_are_shuffled():
    loader = loader_of(100, by_blocks=True)
    windows = list(loader.windows())
    assert [len(window) for window in windows] == [15] * 6 + [10]
    for window in windows:
        assert len(window) == 5 * len((window // 5).unique())  # whole blocks
        assert window.tolist() != window.sort().values.tolist()
    first = torch.cat(windows[:3])
    assert first.max() > 50 > first.min()  # from everywhere
    epochs = [torch.cat(windows), torch.cat([*loader.windows()])]
    assert not torch.equal(*epochs)
    assert torch.equal(all_of(loader_of(100, by_blocks=True))[1], epochs[0])


@pytest.mark.parametrize("by_blocks", [False, True])
@pytest.mark.parametrize("first", [0, 1, 5, 6, 7])
@pytest.mark.usefixtures("small_blocks")
def test_an_epoch_can_start_at_a_later_batch_without_looking_up_those_before(by_blocks, first):
    whole = [y.tolist() for _, y in loader_of(40, by_blocks=by_blocks)]
    loader = loader_of(40, by_blocks=by_blocks)
    looked_up = []
    look_up = loader.dataset.__getitem__
    loader.dataset.__class__ = type(
        "Watched", (ArrayDataset,), {"__getitem__": lambda s, i: looked_up.append(i) or look_up(i)}
    )
    assert [y.tolist() for _, y in loader.batches(first)] == whole[first:]
    assert len(looked_up) == 6 - min(first, 6)


def test_data_by_blocks_are_the_same_in_memory_and_on_disk(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (3000, 30, 30), np.uint8), np.arange(3000) % 7
    write_arrays(tmp_path, (images, labels), (images[:10], labels[:10]))
    monkeypatch.setattr(batches, "BLOCK", 9_000)

    def one_epoch(**order):
        train_iter, _ = load_data(tmp_path, 64, generator=torch.Generator().manual_seed(5), **order)
        assert train_iter.by_blocks
        return all_of(train_iter)

    in_memory, _ = load_data(tmp_path, 64)
    assert not in_memory.by_blocks
    X, y = one_epoch(shuffle="block")
    monkeypatch.setattr("d2l_softmax.data.loaders.LARGE", 1000)
    X_disk, y_disk = one_epoch()  # auto
    assert torch.equal(X, X_disk)
    assert torch.equal(y, y_disk)
    mapped, _ = load_data(tmp_path, 64)
    np.lib.format.open_memmap(tmp_path / "train_images.npy", mode="r+")[:] = 7
    assert [bool((it.dataset.images == 7).all()) for it in (mapped, in_memory)] == [True, False]
