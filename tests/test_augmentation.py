"""Augmentation: what it does to images, and which images a loader varies."""

import numpy as np
import pytest
import torch
from conftest import all_of

from d2l_softmax import load_data, load_data_fashion_mnist
from d2l_softmax.data.arrays import DatasetError
from d2l_softmax.data.augmentation import NUM_DRAWS, PHOTOS, Augmentation
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader

LOW, MIDDLE, HIGH = 0.0, 0.5, 1.0  # draws: the largest change one way, none, and the other way
(STRETCH_X, STRETCH_Y, TURN, SHEAR, RIGHT, DOWN, CONTRAST, BRIGHTNESS) = range(NUM_DRAWS)


def vary(augmentation, X, changes):
    """Return variants of X, with these draws by their number and all others in the middle."""
    draws = torch.full((len(X), NUM_DRAWS), MIDDLE)
    for number, value in changes.items():
        draws[:, number] = value
    return augmentation(X, draws)


def on_black(sides, *, margin=4):
    """Return two images (2, 1, h, w), random within a black margin."""
    X = torch.zeros(2, 1, *sides, dtype=torch.float64)
    inside = X[..., margin:-margin, margin:-margin]
    inside.copy_(torch.rand(inside.shape, generator=torch.Generator().manual_seed(0)))
    inside.clamp_(min=0.1)  # not black
    return X


def pixel_wise(change):
    return lambda X: change(X).clamp(max=1)


@pytest.mark.parametrize("sides", [(28, 28), (20, 40)])
@pytest.mark.parametrize(
    ("augmentation", "changes", "expected"),
    [
        (PHOTOS, {}, lambda X: X),
        (Augmentation(shift=3), {RIGHT: HIGH, DOWN: LOW}, lambda X: X.roll((-3, 3), (2, 3))),
        (Augmentation(rotation=180), {TURN: HIGH}, lambda X: X.flip(2, 3)),
        (Augmentation(contrast=1.5), {CONTRAST: HIGH}, pixel_wise(lambda X: 1.5 * X)),
        (Augmentation(brightness=0.5), {BRIGHTNESS: HIGH}, pixel_wise(lambda X: X + 0.5 * (X > 0))),
    ],
)
def test_a_known_change(sides, augmentation, changes, expected):
    X = on_black(sides)
    torch.testing.assert_close(vary(augmentation, X, changes), expected(X), rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("augmentation", "changes", "size"),
    [
        (Augmentation(stretch_x=2), {STRETCH_X: HIGH}, (4, 8)),
        (Augmentation(stretch_y=2), {STRETCH_Y: LOW}, (2, 4)),
        (Augmentation(rotation=90), {TURN: HIGH, STRETCH_X: HIGH}, (4, 4)),
        (Augmentation(shear=2), {SHEAR: HIGH}, (4, 10)),
    ],
)
def test_the_size_of_a_square(augmentation, changes, size):
    X = torch.zeros(1, 1, 12, 12, dtype=torch.float64)
    X[..., 4:8, 4:8] = 1
    lit = vary(augmentation, X, changes)[0, 0] > 0.4
    assert (int(lit.any(dim=1).sum()), int(lit.any(dim=0).sum())) == size


def test_pixels_stay_from_0_to_1_and_black_stays_black():
    draws = torch.rand(100, NUM_DRAWS, generator=torch.Generator().manual_seed(0))
    strong = Augmentation(2, 180, 1, 9, 4, 0.9)
    varied = strong(torch.rand(100, 3, 28, 28), draws)
    assert (varied.min(), varied.max()) == (0, 1)
    assert not strong(torch.zeros(100, 3, 28, 28), draws).any()


def loaders(data_dir, **arguments):
    generator = torch.Generator().manual_seed(1)
    return load_data_fashion_mnist(16, data_dir=data_dir, generator=generator, **arguments)


@pytest.mark.parametrize("shuffle", ["full", "block"])
def test_a_seed_gives_the_same_variants_and_each_epoch_others(made_up, shuffle):
    how = {"shuffle": shuffle, "augment": PHOTOS, "dtype": torch.float64}
    first, again = (loaders(made_up, **how)[0] for _ in range(2))
    (X, y), (X_next, y_next), (X_again, y_again) = map(all_of, (first, first, again))
    assert torch.equal(X, X_again)
    assert torch.equal(y, y_again)
    assert not torch.equal(
        X[X.flatten(1).sum(1).argsort()], X_next[X_next.flatten(1).sum(1).argsort()]
    )
    assert torch.equal(y.sort().values, y_next.sort().values)


def test_only_training_images_are_varied(made_up):
    plain = loaders(made_up, validation=7)
    varied = loaders(made_up, validation=7, augment=PHOTOS)
    for name, one, other in zip(("train", "test", "valid"), plain, varied, strict=True):
        sums = [all_of(loader)[0].sum((1, 2, 3)).sort().values for loader in (one, other)]
        assert torch.equal(*sums) == (name != "train"), name


def test_images_are_varied_before_they_are_standardized():
    images, labels = torch.randint(0, 256, (4, 6, 6), dtype=torch.uint8), torch.arange(4) % 2
    dataset = ArrayDataset(images, labels, ("a", "b"), dtype=torch.float64)
    mean, std = torch.tensor([0.3]), torch.tensor([0.2])

    def first(dataset):
        generator = torch.Generator().manual_seed(0)
        return next(iter(ArrayLoader(dataset, 4, augment=PHOTOS, generator=generator)))[0]

    expected = (first(dataset) - mean.double()) / std.double()
    torch.testing.assert_close(first(dataset.standardized(mean, std)), expected)


def test_features_are_refused(tmp_path):
    np.savez(tmp_path / "data.npz", X_train=np.random.rand(20, 3), y_train=np.arange(20) % 2)
    with pytest.raises(
        DatasetError, match=r"has features; leave augment out, or the recipe with it"
    ):
        load_data(tmp_path, 4, augment=PHOTOS)
