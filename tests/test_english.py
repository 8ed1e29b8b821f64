"""The book's English edition: a stand-in for each chapter, in our own words, and each promise."""

import math
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from mps import FakeMPS
from torch import nn
from torch.testing import assert_close
from torch.utils.data import DataLoader, TensorDataset

import d2l_softmax as d2l
from d2l_softmax.training.metrics import NonFiniteError

pytestmark = pytest.mark.usefixtures("off_screen")


@pytest.fixture
def small(monkeypatch, made_up):
    """Make 60 + 20 random images the data set."""
    monkeypatch.setenv("D2L_SOFTMAX_DATA", str(made_up))


# The chapters


def test_chapter_on_object_oriented_design(capsys):
    class Settings(d2l.HyperParameters):
        def __init__(self, width, depth, secret, _private=0):
            self.save_hyperparameters(ignore=["secret"])

    @d2l.add_to_class(Settings)
    def area(self):
        return self.width * self.depth

    settings = Settings(3, depth=2, secret=1)
    assert settings.area() == 6
    assert settings.hparams == {"width": 3, "depth": 2}
    assert not hasattr(settings, "secret")

    board = d2l.ProgressBoard("x")
    for x in np.arange(0, 2, 0.5):
        board.draw(x, x**2, "square", every_n=2)
        board.draw(x, -x, "minus", every_n=3)
    assert board.data == {"square": [(0.25, 0.125), (1.25, 1.625)], "minus": [(0.5, -0.5)]}
    assert capsys.readouterr().out.splitlines() == [
        "x 0.25: square 0.125",
        "x 0.5: minus -0.5",
        "x 1.25: square 1.625",
    ]


def test_chapter_on_synthetic_regression_data():
    w, b = d2l.tensor([2, -3.4]), 4.2
    data = d2l.SyntheticRegressionData(w, b, noise=0.5, num_train=900, num_val=100)
    assert data.w is w
    noise = data.y - d2l.matmul(data.X, d2l.reshape(w, (-1, 1))) - b
    assert float(noise.std()) == pytest.approx(0.5, rel=0.1)
    X, y = next(iter(data.train_dataloader()))
    assert (X.shape, y.shape) == ((32, 2), (32, 1))
    assert (len(data.train_dataloader()), len(data.val_dataloader())) == (29, 4)
    (X_val, _), *_ = data.val_dataloader()
    assert torch.equal(X_val, data.X[900:932])
    shuffled = torch.cat([X for X, _ in data.train_dataloader()])
    assert not torch.equal(shuffled, data.X[:900])
    assert torch.equal(shuffled.sort(0).values, data.X[:900].sort(0).values)


class OwnSGD(d2l.SGD):
    """Gradient descent as a learner writes it; its trainer has to turn autograd off."""

    def step(self):
        for param in self.params:
            param -= self.lr * param.grad


class OwnRegression(d2l.LinearRegressionScratch):
    """A model with an optimizer of its own."""

    def configure_optimizers(self):
        return OwnSGD([self.w, self.b], self.lr)


@pytest.mark.parametrize("make", [OwnRegression, d2l.LinearRegressionScratch, d2l.LinearRegression])
def test_chapters_on_linear_regression(make):
    model = make(lr=0.03) if make is d2l.LinearRegression else make(2, lr=0.03)
    w = d2l.tensor([2, -3.4])
    data = d2l.SyntheticRegressionData(w, b=4.2)
    d2l.Trainer(max_epochs=6).fit(model, data)
    fitted = model.get_w_b() if hasattr(model, "get_w_b") else (model.w, model.b)
    assert_close(d2l.reshape(fitted[0].detach(), w.shape), w, atol=0.1, rtol=0)
    assert_close(fitted[1].detach(), d2l.tensor([4.2]), atol=0.1, rtol=0)
    assert [point.x for point in model.board.data["val_loss"]] == [1, 2, 3, 4, 5, 6]


def test_chapter_on_the_image_data_set(small):
    data = d2l.FashionMNIST(resize=(32, 32))
    assert (len(data.train), len(data.val)) == (60, 20)
    assert data.train[0][0].shape == (1, 32, 32)
    X, y = next(iter(data.val_dataloader()))
    assert (X.shape, X.dtype, y.dtype) == ((20, 1, 32, 32), torch.float32, torch.int64)
    assert data.text_labels([0, 9]) == ["t-shirt", "ankle boot"]
    data.visualize([X, y])
    assert [a.get_title() for a in d2l.plt.gcf().axes] == data.text_labels(y[:8])
    data.visualize([X, y], nrows=2, ncols=3, labels=list("abcdef"))
    assert [a.get_title() for a in d2l.plt.gcf().axes] == list("abcdef")


def test_chapter_on_the_base_classification_model():
    model = d2l.Classifier()
    scores = d2l.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5], [2.0, 0.0, 0.0]])
    labels = d2l.tensor([0, 2, 0])
    assert float(model.accuracy(scores, labels)) == pytest.approx(2 / 3)
    assert model.accuracy(scores, labels, averaged=False).tolist() == [0, 1, 1]
    expected = -scores.log_softmax(1)[[0, 1, 2], labels]
    assert_close(model.loss(scores, labels, averaged=False), expected)
    assert_close(model.loss(scores, labels), expected.mean())
    # Sequences: scores (1, n, q), labels (1, n).
    assert_close(model.loss(scores[None], labels[None]), expected.mean())
    assert float(model.accuracy(scores[None], labels[None])) == pytest.approx(2 / 3)


class OwnSoftmax(d2l.Classifier):
    """Softmax regression by hand, from tensors that are no parameters of an nn.Module."""

    def __init__(self, lr):
        super().__init__()
        self.save_hyperparameters()
        self.W = torch.normal(0, 0.01, (784, 10), requires_grad=True)
        self.b = torch.zeros(10, requires_grad=True)

    def parameters(self):
        return [self.W, self.b]

    def forward(self, X):
        exp = d2l.exp(d2l.matmul(d2l.reshape(X, (-1, 784)), self.W) + self.b)
        return exp / d2l.reduce_sum(exp, 1, keepdims=True)

    def loss(self, y_hat, y):
        return -d2l.reduce_mean(d2l.log(y_hat[list(range(len(y_hat))), y]))


def test_chapters_on_softmax_regression(monkeypatch, part_of_real):
    monkeypatch.setenv("D2L_SOFTMAX_DATA", str(part_of_real(6000, 1000)))
    model, data = OwnSoftmax(lr=0.1), d2l.FashionMNIST(batch_size=64)
    d2l.Trainer(max_epochs=3).fit(model, data)
    assert model.board.data["val_acc"][-1].y > 0.6
    X, y = next(iter(data.val_dataloader()))
    predicted = d2l.argmax(model(X), axis=1)
    wrong = d2l.astype(predicted, y.dtype) != y
    data.visualize([X[wrong], y[wrong]], labels=data.text_labels(predicted[wrong]))
    assert d2l.plt.gcf().axes[0].get_title() in data.text_labels(range(10))


def test_chapters_on_lazy_layers_and_lenet(capsys):
    class Net(d2l.Classifier):
        def __init__(self):
            super().__init__()
            self.save_hyperparameters()
            self.net = nn.Sequential(nn.LazyConv2d(2, 5), nn.Flatten(), nn.LazyLinear(400))

    model = Net()
    model.apply_init([torch.zeros(1, 1, 9, 9)], d2l.init_cnn)
    bound = (6 / (50 + 400)) ** 0.5  # Glorot and Bengio's
    assert float(model.net[2].weight.detach().abs().max()) == pytest.approx(bound, rel=0.01)
    model.layer_summary((1, 1, 9, 9))
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "Conv2d output shape:\ttorch.Size([1, 2, 5, 5])"
    assert len(out) == 3


# The trainer


class Recorded(d2l.Classifier):
    """A network that keeps the loss of each batch."""

    def __init__(self, lr):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.Flatten(), nn.LazyLinear(16), nn.Dropout(0.5), nn.LazyLinear(10)
        )
        self.losses = {"train": [], "val": []}

    def plot(self, key, value, train):
        if key == "loss":
            self.losses["train" if train else "val"].append(value.item())
        super().plot(key, value, train)


@pytest.mark.parametrize("clip", [0, 0.5])
def test_losses_are_those_of_a_plain_loop(small, clip):
    """Order of batches, dropout and lazy weights included: all draw from torch's generator."""
    data = d2l.FashionMNIST(batch_size=8)
    splits = [
        TensorDataset(split[torch.arange(len(split))][0], split.labels)
        for split in (data.train, data.val)
    ]
    torch.manual_seed(7)
    model = Recorded(lr=0.5)
    d2l.Trainer(max_epochs=3, gradient_clip_val=clip).fit(model, data)

    torch.manual_seed(7)
    net, train, val = Recorded(lr=0.5).net, [], []
    loaders = [DataLoader(split, 8, shuffle=i == 0) for i, split in enumerate(splits)]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(3):
        net.train()
        for X, y in loaders[0]:
            loss = nn.functional.cross_entropy(net(X), y)
            optimizer.zero_grad()
            loss.backward()
            norm = math.sqrt(sum(float(p.grad.square().sum()) for p in net.parameters()))
            if 0 < clip < norm:
                for param in net.parameters():
                    param.grad *= clip / norm
            optimizer.step()
            train.append(loss.item())
        net.eval()
        with torch.no_grad():
            val += [nn.functional.cross_entropy(net(X), y).item() for X, y in loaders[1]]
    assert model.losses["train"] == pytest.approx(train, rel=1e-4 if clip else 1e-6)
    assert model.losses["val"] == pytest.approx(val, rel=1e-4 if clip else 1e-6)
    # A point is the mean of 4 of 8 batches, or of the 3 of validation.
    halves = np.array(model.losses["train"]).reshape(6, 4).mean(1)
    means = np.array(model.losses["val"]).reshape(3, 3).mean(1)
    curves = model.board.data
    assert [p.y for p in curves["train_loss"]] == pytest.approx(halves)
    assert [p.x for p in curves["train_loss"]] == pytest.approx([0.1875 + k / 2 for k in range(6)])
    assert [p.y for p in curves["val_loss"]] == pytest.approx(means)
    assert [p.x for p in curves["val_acc"]] == [1, 2, 3]


def test_the_trainer_says_where_it_is(small):
    model, trainer = d2l.SoftmaxRegression(10, lr=0.1), d2l.Trainer(max_epochs=2)
    for each in (d2l.SoftmaxRegression(10, lr=0.1), model):  # a trainer trains several in turn
        trainer.fit(each, d2l.FashionMNIST(batch_size=25))
    assert (trainer.num_train_batches, trainer.num_val_batches) == (3, 1)
    assert (trainer.epoch, trainer.train_batch_idx, trainer.val_batch_idx) == (1, 6, 2)
    assert trainer.model is model
    assert model.trainer is trainer
    assert model.board.axes.get_xlim() == (0, 2)
    assert len(model.board.data["train_loss"]) == 6  # 3 / 2 batches a point: each of them


def test_data_without_validation(small, monkeypatch):
    monkeypatch.setattr(d2l.FashionMNIST, "val_dataloader", lambda data: None)
    model = d2l.SoftmaxRegression(10, lr=0.1)
    d2l.Trainer(max_epochs=1).fit(model, d2l.FashionMNIST(batch_size=32))
    assert list(model.board.data) == ["train_loss"]


def test_a_gpu(monkeypatch):
    """Apple's; a trainer of one GPU takes the CPU if there is none."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert (d2l.gpu(), d2l.num_gpus()) == (torch.device("cuda:0"), 0)  # there or not
    assert d2l.Trainer(1, num_gpus=1).gpus == []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert (d2l.cpu(), d2l.gpu()) == (torch.device("cpu"), torch.device("mps"))
    assert d2l.num_gpus() == 1
    model, seen = d2l.LinearRegressionScratch(2, lr=0.1), []
    data = d2l.SyntheticRegressionData(torch.ones(2), 1.0, num_train=60, num_val=30)
    with FakeMPS():
        model.register_forward_hook(lambda _, inputs, y: seen.append(str(inputs[0].device)))
        d2l.Trainer(max_epochs=1, num_gpus=1).fit(model, data)
        assert str(model.w.device) == "mps"
    assert seen == ["mps"] * 3


WRONG_LABELS = (torch.zeros(2, 3), torch.tensor([0, 12]))
TOO_LARGE = (torch.full((3, 2), 1e30), torch.zeros(3, 1))


@pytest.mark.parametrize(
    ("model", "batch", "error", "message"),
    [
        (d2l.SoftmaxRegression(10, lr=0.1), WRONG_LABELS, IndexError, "0 to 12, expected 0 to 9"),
        (d2l.LinearRegressionScratch(2, lr=0.1), TOO_LARGE, NonFiniteError, "inf in step 1"),
    ],
)
def test_bad_data_are_one_clear_error(model, batch, error, message):
    data = d2l.DataModule()
    data.get_dataloader = lambda train: [batch]
    with pytest.raises(error, match=message):
        d2l.Trainer(max_epochs=1).fit(model, data)


def test_what_a_subclass_has_to_define_is_named():
    with pytest.raises(NotImplementedError, match="DataModule has no get_dataloader"):
        d2l.DataModule().train_dataloader()


# The board


def test_a_board_takes_limits_scales_and_axes_of_its_user():
    figure, (left, right) = d2l.plt.subplots(1, 2)
    board = d2l.ProgressBoard("x", "y", ylim=[1, 100], yscale="log", axes=right)
    for x in (1, 2):
        board.draw(x, 10**x, "power")
        assert board.lines["power"].get_marker() == ("." if x == 1 else "")
    assert left.lines[:] == []
    assert right.lines[0].get_xydata().tolist() == [[1, 10], [2, 100]]
    assert (right.get_xlabel(), right.get_ylabel()) == ("x", "y")
    assert (right.get_yscale(), right.get_ylim()) == ("log", (1, 100))
    assert right.get_xlim() == pytest.approx((0.95, 2.05))  # a twentieth is left on each side
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["power"]
    inside = d2l.ProgressBoard(fig=figure)
    inside.yscale = "log"  # as a model's board is given it
    inside.draw(0, 1, "one")
    assert (inside.axes.figure, inside.axes.get_yscale()) == (figure, "log")


def test_a_board_has_styles_for_any_number_of_curves():
    board = d2l.ProgressBoard(ls=["-", ":"], colors=["red", "blue", "green"])
    for k in range(5):
        board.draw(0, k, f"curve {k}")
    styles = [(line.get_linestyle(), line.get_color()) for line in board.axes.lines]
    assert len(set(styles)) == 5
    assert styles[0] == ("-", "red")


def test_a_board_that_is_not_displayed_keeps_its_points(capsys, tmp_path):
    board = d2l.ProgressBoard(display=False)
    board.draw(0, torch.tensor(1.5), "loss")
    assert board.data == {"loss": [(0, 1.5)]}
    assert capsys.readouterr().out == ""
    board.save(tmp_path / "board.png")
    assert list(board.lines) == ["loss"]


@pytest.mark.skipif(not shutil.which("xvfb-run"), reason="needs Xvfb")
def test_show_opens_a_window(monkeypatch):
    """D2l-en issue 1961: figures appeared in Jupyter only."""
    pytest.importorskip("tkinter", reason="needs tkinter")
    monkeypatch.setenv("MPLBACKEND", "TkAgg")
    code = """
import d2l_softmax as d2l

board = d2l.ProgressBoard("x")
board.draw(0, 0, "line")

def look():
    print("seen:", board.axes.figure.canvas.manager.window.winfo_viewable())
    d2l.plt.close("all")

timer = board.axes.figure.canvas.new_timer(interval=500, callbacks=[(look, (), {})])
timer.start()
d2l.plt.show()
"""
    command = ["xvfb-run", "-a", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.stdout.splitlines()[-1:] == ["seen: 1"], done.stderr


# Both editions


def test_names_that_mean_two_things(small):
    """A function of the one edition beside a class or a method of the other."""
    data = d2l.FashionMNIST(batch_size=20)
    model = d2l.SoftmaxRegression(10, lr=0.1)
    d2l.Trainer(max_epochs=1).fit(model, data)
    X, y = next(iter(data.val_dataloader()))
    # accuracy: a number of examples, a share of them
    share = float(model.accuracy(model(X), y))
    assert d2l.accuracy(model(X), y) / len(y) == pytest.approx(share)
    # data, model and training of one edition with the functions of the other
    assert d2l.evaluate_accuracy(model, data.val_dataloader()) == pytest.approx(share)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    d2l.train_ch3(model, data.train_dataloader(), data.val_dataloader(), model.loss, 1, optimizer)
    d2l.predict_ch3(model, data.val_dataloader())
    # sgd: a step with summed gradients; SGD: an optimizer with those of a mean
    by_function, by_class = (torch.ones(2, requires_grad=True) for _ in range(2))
    optimizer = d2l.SGD([by_class], lr=0.5)
    optimizer.zero_grad()  # nothing to clear yet
    (3 * by_function.sum()).backward()
    by_class.sum().backward()
    d2l.sgd([by_function], 0.5, batch_size=3)
    optimizer.step()
    assert by_function.tolist() == by_class.tolist() == [0.5, 0.5]
    optimizer.zero_grad()
    assert by_class.grad.tolist() == [0, 0]


def test_import_of_everything_keeps_pythons_names():
    names = {}
    exec("from d2l_softmax import *", names)
    assert "abs" not in names
    assert names["Trainer"] is d2l.Trainer
    assert all(hasattr(d2l, name) for name in d2l.__all__)
