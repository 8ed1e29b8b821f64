"""What the book's functions are given: losses of every kind, images, labels, other editions."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Subset, TensorDataset
from torchvision import transforms

import d2l_softmax as d2l

pytestmark = pytest.mark.usefixtures("off_screen")

X, Y = torch.linspace(-1, 1, 40).reshape(10, 4), torch.arange(10) % 3
BATCHES = [(X[:7], Y[:7]), (X[7:], Y[7:])]


# A sum and a mean


def picked(y_hat, y):
    return -torch.log_softmax(y_hat, dim=1)[range(len(y)), y]


LOSSES = {}
for reduction, reduce in {"mean": torch.mean, "sum": torch.sum, "each": torch.clone}.items():
    named = reduction.replace("each", "none")
    LOSSES |= {
        f"{reduction}, module": nn.CrossEntropyLoss(reduction=named),
        f"{reduction}, function": partial(cross_entropy, reduction=named),
        f"{reduction}, by hand": lambda y_hat, y, reduce=reduce: reduce(picked(y_hat, y)),
        f"{reduction}, a row": lambda y_hat, y, reduce=reduce: reduce(picked(y_hat, y)).view(-1),
    }
for name in ("sum, function", "sum, by hand", "sum, a row"):
    LOSSES[name].reduction = "sum"


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("by_hand", [True, False])
def test_every_loss_takes_its_step_and_is_shown_as_a_mean(name, by_hand):
    W = torch.zeros(4, 3, requires_grad=True)
    updater = partial(d2l.sgd, [W], 0.1)
    if not by_hand:  # an optimizer's step is on the loss as it is: here the batches are of 7 and 3
        updater = torch.optim.SGD([W], 0.1)
    shown = d2l.train_epoch_ch3(lambda X: X @ W, BATCHES, LOSSES[name], updater)

    V, total = torch.zeros(4, 3), 0.0
    for features, labels in BATCHES:
        probabilities = torch.softmax(features @ V, dim=1)
        total -= float(probabilities[range(len(labels)), labels].log().sum())
        gradient = features.T @ (probabilities - nn.functional.one_hot(labels, 3))
        V -= 0.1 * gradient / (1 if name.startswith("sum") and not by_hand else len(labels))
    torch.testing.assert_close(W.detach(), V)
    assert shown[0] == pytest.approx(total / 10, rel=1e-6)
    mean = d2l.evaluate_loss(lambda X: X @ V, BATCHES, LOSSES[name])
    assert mean == pytest.approx(float(cross_entropy(X @ V, Y)), rel=1e-6)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_evaluate_loss_of_values_and_of_soft_labels(reduction):
    values, mse = X.sum(dim=1, keepdim=True), nn.MSELoss(reduction=reduction)
    shown = d2l.evaluate_loss(nn.Identity(), [(values, torch.zeros(10))], mse)
    assert shown == pytest.approx(float(values.square().mean()))
    soft = nn.functional.one_hot(Y, 3).float()
    loss = nn.CrossEntropyLoss(reduction=reduction)
    shown = d2l.evaluate_loss(lambda X: X[:, :3], [(X, soft)], loss)
    assert shown == pytest.approx(float(cross_entropy(X[:, :3], Y)), rel=1e-6)


def test_a_single_number_without_a_reduction_is_taken_as_the_mean():
    mean = d2l.evaluate_loss(lambda X: X[:, :3], BATCHES[:1], lambda *batch: picked(*batch).sum())
    assert mean == pytest.approx(float(cross_entropy(X[:7, :3], Y[:7], reduction="sum")))


# Labels and batches


@pytest.mark.parametrize("n", [3, 7])
@pytest.mark.parametrize(
    ("loss", "q", "label_shape"),
    [
        (lambda y_hat, y: -torch.log(y_hat[range(len(y)), y]), 3, (-1, 1)),
        (lambda y_hat, y: (y_hat - y) ** 2 / 2, 1, (-1,)),
    ],
)
def test_losses_of_all_pairs_are_an_error(n, loss, q, label_shape):
    net = nn.Sequential(nn.Linear(4, q), nn.Sigmoid())
    updater = torch.optim.SGD(net.parameters(), 0.0)
    with pytest.raises(ValueError, match=rf"\({n}, {n}\), expected {n} .*flatten"):
        d2l.train_epoch_ch3(net, [(X[:n], Y[:n].reshape(label_shape))], loss, updater)
    each_output = nn.MSELoss(reduction="none")  # (3, q), also where q is 3
    shown, _ = d2l.train_epoch_ch3(net, [(X[:3], torch.zeros(3, q))], each_output, updater)
    assert shown == pytest.approx(net(X[:3]).square().mean().item())


def test_batch_normalization_trains_without_a_last_batch_of_one(made_up):
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.BatchNorm1d(10))
    train_iter, test_iter = d2l.load_data_fashion_mnist(59, data_dir=made_up, drop_last=True)
    d2l.train_ch6(net, train_iter, test_iter, 1, 0.1, "cpu")
    arrays = (torch.rand(9, 784), torch.zeros(9, dtype=torch.int64))
    loader = d2l.load_array(arrays, np.int64(4), drop_last=True)
    assert [len(y) for _, y in loader] == [4, 4]


@pytest.mark.parametrize(
    "call",
    [
        lambda net, loss: d2l.evaluate_loss(net, [], loss),
        lambda net, loss: d2l.train_epoch_ch3(net, [], loss, lambda n: None),
        lambda net, loss: d2l.train_ch6(net, [], BATCHES, 1, 0.1, "cpu"),
        lambda net, loss: d2l.train_ch6(net, BATCHES, BATCHES, 0, 0.1, "cpu"),
    ],
)
def test_no_batches_and_no_epochs(call):
    with pytest.raises(ValueError, match="at least one"):
        call(nn.Linear(4, 3), nn.MSELoss())


# Images and names


def loader_of(shape, classes, batch_size=8, n=16):
    """Return a loader of a data set with classes; the label of an example is its number mod q."""
    dataset = TensorDataset(torch.rand(n, *shape), torch.arange(n) % len(classes))
    dataset.classes = classes
    return DataLoader(dataset, batch_size)


def titles():
    return [axes.get_title() for axes in d2l.plt.gcf().axes]


@pytest.mark.parametrize(("shape", "subset"), [((1, 9, 7), False), ((9, 7), True)])
def test_predictions_have_the_names_of_the_data(shape, subset):
    test_iter = loader_of(shape, ["cat", "dog"])
    if subset:
        test_iter = DataLoader(Subset(test_iter.dataset, range(1, 16)), 8)
    d2l.predict_ch3(lambda X: torch.tensor([0.0, 1.0]).expand(len(X), 2), test_iter, n=3)
    expected = ["cat\ndog", "dog\ndog", "cat\ndog", "dog\ndog"]
    assert titles() == expected[subset : 3 + subset]
    assert d2l.plt.gcf().axes[0].images[0].get_array().shape == (9, 7)


def test_predictions_without_names_are_numbers_unless_there_are_ten():
    """Of flat images, and no more of them than the batch has."""
    for q, name, other in ((2, "0", "1"), (10, "t-shirt", "trouser"), (12, "0", "1")):
        batches = [(torch.rand(2, 784), torch.tensor([1, 0]))]
        d2l.predict_ch3(lambda X, q=q: torch.eye(q)[[0] * len(X)], batches)
        assert titles() == [f"{other}\n{name}", f"{name}\n{name}"]
        shown = [axes.images[0].get_array().shape for axes in d2l.plt.gcf().axes]
        assert shown == [(28, 28)] * 2


def test_prediction_leaves_running_statistics_as_they_are():
    net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(25))
    d2l.predict_ch3(net, loader_of((1, 5, 5), [str(k) for k in range(25)]))
    assert int(net[1].num_batches_tracked) == 0


def test_show_images_takes_colours_of_every_layout():
    image = torch.linspace(0, 1, 90).reshape(3, 6, 5)
    last = image.permute(1, 2, 0)
    images = [image, image.numpy(), last, (image * 255).round().byte(), image * 4 - 2]
    images.append(transforms.ToPILImage()(image))
    *drawn, empty = d2l.show_images(images, 1, 7, titles=["a"])
    assert (drawn[0].get_title(), len(empty.images)) == ("a", 0)
    for each in drawn:
        shown = np.asarray(each.images[0].get_array(), dtype=float)
        np.testing.assert_allclose(shown / (255 if shown.max() > 1 else 1), last, atol=4e-3)
    with pytest.raises(ValueError, match=r"shape \(2, 6, 5\), expected \(h, w\) or \(3, h, w\)"):
        d2l.show_images([image[:2]], 1, 1)


# Devices and other editions


@pytest.mark.parametrize(("i", "expected"), [(0, "mps"), (1, "cpu"), (-1, "cpu")])
def test_try_gpu(monkeypatch, i, expected):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert d2l.try_gpu(i) == torch.device(expected)
    assert d2l.try_all_gpus() == [torch.device("mps")]
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert d2l.try_all_gpus() == [torch.device("cpu")]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert d2l.try_gpu() == torch.device("cuda:0")
    assert d2l.try_all_gpus() == [torch.device("cuda:0"), torch.device("cuda:1")]


NET, ITER = nn.Linear(4, 3), DataLoader(TensorDataset(X, Y), 5)
LOSS, OPTIMIZER = nn.CrossEntropyLoss(), torch.optim.SGD(NET.parameters(), 0.1)
BY_HAND = {"batch_size": 256, "params": [torch.zeros(4, 3)], "lr": 0.1}
ORDER = r"first argument: \w+\(net, "
NINE = r"Dive-into-DL-PyTorch.* train_ch3\(net, .*sgd"
ON_A_DEVICE = r"evaluate_accuracy_gpu\(net, data_iter, device\)"
NO_OPTIMIZER = "updater is of type list, expected an optimizer"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: d2l.evaluate_accuracy(BATCHES, lambda X: X), ORDER),
        (lambda: d2l.evaluate_accuracy_gpu(ITER, NET, "cpu"), ORDER),
        (lambda: d2l.evaluate_loss(ITER, NET, LOSS), ORDER),
        (lambda: d2l.predict_ch3(ITER, NET), ORDER),
        (lambda: d2l.train_epoch_ch3(ITER, NET, LOSS, OPTIMIZER), ORDER),
        (lambda: d2l.train_ch3(ITER, NET, ITER, LOSS, 1, OPTIMIZER), ORDER),
        (lambda: d2l.train_ch6(ITER, NET, ITER, 1, 0.1, "cpu"), ORDER),
        (lambda: d2l.train_ch3(NET, ITER, ITER, LOSS, 1, 256, None, None, OPTIMIZER), NINE),
        (lambda: d2l.train_ch3(NET, ITER, ITER, LOSS, 1, 256, optimizer=OPTIMIZER), NINE),
        (lambda: d2l.train_ch3(NET, ITER, ITER, LOSS, 1, **BY_HAND), NINE),
        (lambda: d2l.evaluate_accuracy(NET, ITER, torch.device("cpu")), ON_A_DEVICE),
        (lambda: d2l.train_ch3(NET, ITER, ITER, LOSS, 1, []), NO_OPTIMIZER),
    ],
)
def test_calls_of_other_editions_and_other_types_are_named(call, message):
    with pytest.raises(TypeError, match=message):
        call()
