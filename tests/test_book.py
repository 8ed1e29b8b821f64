"""The book's interfaces: chapters written from them in our own words, and each name."""

import functools
import multiprocessing
import os

import pytest
import torch
import torchvision
from mps import FakeMPS
from torch import nn
from torch.testing import assert_close
from torch.utils import data
from torchvision import transforms

import d2l_softmax as d2l
from d2l_softmax.data.sources import ensure_fashion_mnist

pytestmark = pytest.mark.usefixtures("off_screen")


def last_point(capsys):
    """Return what was printed of the last epoch: {"train loss": 0.4, ...}."""
    line = capsys.readouterr().out.splitlines()[-1]
    named = (part.rsplit(" ", 1) for part in line.split(": ")[1].split(", "))
    return {name: float(value) for name, value in named}


def test_chapter_on_the_image_data_set(real_data):
    d2l.use_svg_display()
    root = ensure_fashion_mnist()
    train_set = torchvision.datasets.FashionMNIST(
        root=root, train=True, transform=transforms.ToTensor(), download=True
    )
    X, y = next(iter(data.DataLoader(train_set, batch_size=18)))
    axes = d2l.show_images(X.reshape(18, 28, 28), 2, 9, titles=d2l.get_fashion_mnist_labels(y))
    assert len(axes) == 18
    assert axes[0].get_title() == "ankle boot"


def test_chapter_on_softmax_regression_from_scratch(real_data, capsys):
    train_iter, test_iter = d2l.load_data_fashion_mnist(256)
    W = torch.normal(0, 0.01, size=(784, 10), requires_grad=True)
    b = torch.zeros(10, requires_grad=True)

    def softmax(X):
        X_exp = torch.exp(X)
        return X_exp / X_exp.sum(1, keepdim=True)

    def net(X):
        return softmax(torch.matmul(X.reshape((-1, W.shape[0])), W) + b)

    def cross_entropy(y_hat, y):
        return -torch.log(y_hat[range(len(y_hat)), y])

    y_hat, y = torch.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]]), torch.tensor([0, 2])
    assert d2l.accuracy(y_hat, y) / len(y) == 0.5
    assert d2l.evaluate_accuracy(net, test_iter) < 0.4

    def updater(batch_size):
        return d2l.sgd([W, b], 0.1, batch_size)

    d2l.train_ch3(net, train_iter, test_iter, cross_entropy, 3, updater)
    point = last_point(capsys)
    assert point["train loss"] < 0.65
    assert 0.7 < point["train acc"] <= 1
    assert 0.7 < point["test acc"] <= 1
    d2l.predict_ch3(net, test_iter)
    assert d2l.plt.gcf().axes[0].get_title() == "ankle boot\nankle boot"


def test_chapter_on_lenet(part_of_real, capsys):
    """Its layers with all or some of their shapes left to the first batch."""
    train_iter, test_iter = d2l.load_data_fashion_mnist(32, data_dir=part_of_real(5000, 1000))
    net = nn.Sequential(
        *(nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.LazyConv2d(16, kernel_size=5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.LazyLinear(120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    d2l.train_ch6(net, train_iter, test_iter, 1, 0.1, d2l.try_gpu())
    *_, last_epoch, _, speed = capsys.readouterr().out.splitlines()
    assert float(last_epoch.removeprefix("epoch 1: test acc ")) > 0.4
    assert speed.endswith(f"examples/sec on {d2l.try_gpu()}")


class Recorder(nn.Module):
    """Gives X back as logits, times a parameter; remembers the modes it was called in."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))
        self.modes = []

    def forward(self, X):
        self.modes.append(self.training)
        return X * self.factor


def right_and_wrong(right, wrong):
    """Return a batch of logits: `right` rows with a 1 for their class, 0 in `wrong` rows."""
    y = torch.arange(right + wrong) % 3
    X = torch.eye(3)[y]
    X[right:] = X[right:].roll(1, dims=1)
    return X, y


@pytest.mark.parametrize(
    ("num_epochs", "num_batches", "shown"),
    [(1, 1, [1]), (2, 3, [1, 2, 3]), (2, 11, [2, 4, 6, 8, 10, 11])],
)
def test_curves_have_the_books_points(num_epochs, num_batches, shown):
    batches = [right_and_wrong(2, 1)] * num_batches
    d2l.train_ch6(Recorder(), batches, batches[:1], num_epochs, 0.0, "cpu")
    axes = d2l.plt.gcf().axes[0]
    train_loss, train_acc, test_acc = ([*line.get_xdata()] for line in axes.lines)
    expected = [epoch + i / num_batches for epoch in range(num_epochs) for i in shown]
    assert train_loss == train_acc == pytest.approx(expected)
    assert test_acc == [epoch + 1 for epoch in range(num_epochs)]
    assert axes.get_xlim() == (num_epochs - 1, num_epochs)  # (0, 1) and (1, 2)


def test_training_shows_means_of_the_epoch_so_far(capsys, clock):
    # logits (1, 0, 0) for the right class: log(e + 2) - 1, for a wrong one 1 more
    train_iter = [right_and_wrong(6, 0), right_and_wrong(0, 2)]
    test_iter = [right_and_wrong(1, 3)]
    net = Recorder()

    class SlowLoader(list):
        def __iter__(self):
            for batch in super().__iter__():
                clock.now += 100
                yield batch

    net.register_forward_hook(lambda *_: setattr(clock, "now", clock.now + 0.5))
    d2l.train_ch6(net, SlowLoader(train_iter), SlowLoader(test_iter), 2, 0.0, "cpu")
    epoch = (
        "epoch {}.5: train loss 0.5514, train acc 1\n"
        "epoch {}: train loss 0.8014, train acc 0.75\n"
        "epoch {}: test acc 0.25\n"
    )
    assert capsys.readouterr().out == (
        "training on cpu\n"
        + epoch.format(0, 1, 1)
        + epoch.format(1, 2, 2)
        + "loss 0.801, train acc 0.750, test acc 0.250\n"
        + "8.0 examples/sec on cpu\n"  # 16 examples in 4 steps of half a second
    )
    assert net.modes == [True, True, False] * 2


def test_training_starts_from_new_weights():
    net = nn.Sequential(nn.Conv2d(8, 32, 5), nn.Flatten(), nn.Linear(32, 500), nn.BatchNorm1d(500))
    for param in net.parameters():
        nn.init.constant_(param, 7)
    batches = [(torch.randn(4, 8, 5, 5), torch.arange(4))]
    d2l.train_ch6(net, batches, batches, 1, 0.0, "cpu")
    for layer, inputs, outputs in ((net[0], 8 * 25, 32 * 25), (net[2], 32, 500)):
        bound = (6 / (inputs + outputs)) ** 0.5
        assert float(layer.weight.detach().abs().max()) == pytest.approx(bound, rel=0.01)
        assert float(layer.weight.detach().std()) == pytest.approx(bound / 3**0.5, rel=0.05)
        assert (layer.bias == 7).all()
    assert (net[3].weight == 7).all()


def test_training_is_gradient_descent_on_the_mean_cross_entropy():
    net, other, (X, y) = Recorder(), Recorder(), right_and_wrong(2, 1)
    optimizer = torch.optim.SGD(other.parameters(), lr=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        nn.functional.cross_entropy(other(X), y).backward()
        optimizer.step()
    d2l.train_ch6(net, [(X, y)], [(X, y)], 2, 0.5, "cpu")
    assert_close(net.factor, other.factor)


def test_model_and_batches_are_moved_to_the_device(capsys):
    net, batches, seen = nn.Linear(3, 3), [right_and_wrong(2, 1)], []
    net.register_forward_hook(lambda _, inputs, y_hat: seen.append(str(inputs[0].device)))
    with FakeMPS():
        d2l.train_ch6(net, batches, batches, 1, 0.1, "mps")
        assert str(net.weight.device) == "mps"
        d2l.evaluate_accuracy_gpu(net, batches)  # on the device of the net
        d2l.evaluate_accuracy_gpu(lambda X: net(X[0]), [([X, X], y) for X, y in batches], "mps")
    assert seen == ["mps"] * 4
    assert "examples/sec on mps" in capsys.readouterr().out
    assert d2l.evaluate_accuracy_gpu(nn.Identity(), [right_and_wrong(1, 3)]) == 0.25


def test_corr2d():
    X, K = torch.arange(9.0).reshape(3, 3), torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    assert d2l.corr2d(X, K).tolist() == [[19.0, 25.0], [37.0, 43.0]]
    assert d2l.corr2d(X, K[:1]).shape == (3, 2)


def test_linear_regression_with_the_books_helpers():
    w, b = torch.tensor([2.0, -3.4]), 4.2
    features, labels = d2l.synthetic_data(w, b, 1000)
    assert (features.shape, labels.shape) == ((1000, 2), (1000, 1))
    train_iter = d2l.load_array((features, labels), 10)
    estimate = torch.zeros((2, 1), requires_grad=True)
    intercept = torch.zeros(1, requires_grad=True)

    def net(X):
        return d2l.linreg(X, estimate, intercept)

    def updater(n):
        return d2l.sgd([estimate, intercept], 0.03, n)

    for _ in range(3):
        for X, y in train_iter:
            d2l.squared_loss(net(X), y).sum().backward()
            updater(10)
    assert_close(estimate.detach().reshape(-1), w, rtol=0, atol=0.01)
    assert_close(intercept.detach(), torch.tensor([b]), rtol=0, atol=0.01)
    assert d2l.squared_loss(torch.ones(2, 1), torch.tensor([3, 1.5])).tolist() == [[2], [0.125]]
    noise = d2l.evaluate_loss(net, train_iter, d2l.squared_loss)
    assert noise == pytest.approx(0.01**2 / 2, rel=0.25)
    assert features.std(dim=0).tolist() == pytest.approx([1, 1], rel=0.1)
    assert d2l.train_epoch_ch3(net, train_iter, d2l.squared_loss, updater)[0] < 1e-4


@pytest.mark.parametrize(("num_epochs", "xlim"), [(1, (1, 2)), (5, (1, 5))])
def test_training_shows_both_accuracies_over_all_epochs(capsys, num_epochs, xlim):
    net, loss = Recorder().eval(), nn.CrossEntropyLoss(reduction="none")
    batches = [right_and_wrong(3, 0)], [right_and_wrong(1, 2)]
    d2l.train_ch3(net, *batches, loss, num_epochs, lambda n: None)
    assert net.modes == [True, False] * num_epochs
    # Each row has logits (1, 0, 0) in some order, the 1 for its class: a loss of -log(e / (e + 2)).
    expected = {"train loss": 0.5514, "train acc": 1.0, "test acc": 0.3333}
    assert last_point(capsys) == expected
    axes = d2l.plt.gcf().axes[0]
    assert axes.get_xlim() == xlim
    drawn = [line.get_ydata()[-1] for line in axes.lines]
    assert drawn == pytest.approx(list(expected.values()), abs=1e-4)


@pytest.mark.parametrize("by_hand", [False, True])
def test_targets_in_rows_train_as_classes_do(by_hand):
    X, y = torch.randn(20, 4), torch.arange(20) % 5
    results = []
    for targets in (y, nn.functional.one_hot(y, 5).float()):
        W = torch.full((4, 5), 0.1, requires_grad=True)
        updater = functools.partial(d2l.sgd, [W], 0.5) if by_hand else torch.optim.SGD([W], 0.5)
        loss = nn.CrossEntropyLoss(reduction="none")
        shown = d2l.train_epoch_ch3(lambda X, W=W: X @ W, [(X, targets)], loss, updater)
        results.append(torch.tensor([*shown, *W.detach().flatten()]))
    assert_close(*results)


def test_workers_by_platform(monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    assert d2l.get_dataloader_workers() == 0
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["fork", "spawn"])
    for cores, workers in {64: 4, 4: 4, 3: 3, 1: 1, None: 1}.items():  # None: nobody knows
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        assert d2l.get_dataloader_workers() == workers


def test_plt_is_pyplot():
    from matplotlib import pyplot

    assert d2l.plt is pyplot
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        d2l.no_such_name  # noqa: B018


@pytest.mark.parametrize(
    ("X", "Y", "expected"),
    [
        ([1, 2, 3], None, [([0, 1, 2], [1, 2, 3])]),
        ([1, 2, 3], [4, 5, 6], [([1, 2, 3], [4, 5, 6])]),
        ([1, 2], [[4, 5], [6, 7]], [([1, 2], [4, 5]), ([1, 2], [6, 7])]),
        ([[1, 2], [2, 3]], [[4, 5], [6, 7]], [([1, 2], [4, 5]), ([2, 3], [6, 7])]),
        (torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]), [([1, 2], [3, 4])]),
        ([torch.tensor([1.0, 2.0])], [torch.tensor([3.0, 4.0])], [([1, 2], [3, 4])]),
    ],
)
def test_plot(X, Y, expected):
    d2l.plot(X, Y, xlabel="x", ylabel="f(x)", legend=["f"], xlim=[0, 4], yscale="linear")
    axes = d2l.plt.gca()
    assert [tuple(map(list, line.get_data())) for line in axes.lines] == expected
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_xlim()) == ("x", "f(x)", (0, 4))


def test_animator_in_a_terminal_prints_lines_and_saves_when_asked(tmp_path, capsys):
    animator = d2l.Animator(xlabel="epoch", xlim=[1, 3], legend=["train loss", "test acc"])
    for epoch in (1, 2):
        animator.add(epoch, (1 / epoch, None if epoch == 1 else 0.5))
    printed = "epoch 1: train loss 1\nepoch 2: train loss 0.5, test acc 0.5\n"
    assert capsys.readouterr().out == printed
    assert (animator.X, animator.Y) == ([[1.0, 2.0], [2.0]], [[1.0, 0.5], [0.5]])
    animator.save(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 5000


def test_animator_takes_one_number_or_more_than_it_has_formats(capsys):
    animator = d2l.Animator(xlabel="step")
    for x in (93 / 469, 12 + 1 / 3, torch.tensor(12_345_678), 2.0):
        animator.add(x, torch.tensor(3.0))
    printed = ["step 0.1983: y0 3", "step 12.33: y0 3", "step 12345678: y0 3", "step 2: y0 3"]
    assert capsys.readouterr().out.splitlines() == printed
    animator = d2l.Animator()
    animator.add(1, [1.0, 2.0, 3.0, 4.0, 5.0])
    assert len(animator.axes[0].lines) == 5


@pytest.mark.parametrize("make", [d2l.Animator, d2l.ProgressBoard])
def test_curves_in_a_notebook_are_redrawn_in_their_place(make, notebook, capsys):
    curves = make()
    draw = curves.add if make is d2l.Animator else functools.partial(curves.draw, label="loss")
    for x in range(3):
        draw(x, x)
    assert [kind for kind, _ in notebook] == ["format", "display", "update", "update"]
    assert {figure for _, figure in notebook[1:]} == {curves.fig}
    assert capsys.readouterr().out == ""
    assert d2l.plt.get_fignums() == []
