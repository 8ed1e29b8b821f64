"""The JavaScript implementation in a browser, compared with PyTorch and scratch."""

import itertools
import math
import re

import numpy as np
import pytest
import torch
from conftest import LESSON, READY
from test_lesson import TEXTS, data_of

import concise
import scratch
from d2l_softmax import __main__ as d2l_main
from scratch import losses

LIMITS = {"float16": 11.09, "bfloat16": 88.72, "float32": 88.72, "float64": 709.78}
DTYPES = {name: getattr(torch, name) for name in LIMITS}


def in_page(lesson, expression, value=None):
    """Return what an expression of the page's functions gives; `value` is known there as `it`."""
    names = ", ".join(lesson.evaluate("Object.keys(d2l_softmax)"))
    return lesson.evaluate(
        f"(it) => {{ const {{ {names} }} = d2l_softmax; return {expression}; }}", value
    )


def tensor(rows, dtype=torch.float64):
    return torch.tensor(rows, dtype=dtype)


@pytest.fixture(scope="module")
def lesson(lesson_in_chromium):
    """Return the page in Chromium: arithmetic is the same in each browser."""
    return lesson_in_chromium


def zeroed(*shape, dtype=torch.float64):
    model = scratch.SoftmaxRegression(*shape, dtype=dtype)
    for parameter in model.parameters():
        parameter.zero_()
    return model


@pytest.fixture(scope="module")
def images():
    """Return the page's images, {"train": (X, y), "test": (X, y)}, X (200, 784) in float64."""
    shades, labels, _, _ = data_of(LESSON.read_text(encoding="utf-8"))
    parts = (tensor(shades) / 15).flatten(1).split(200)
    return {k: (X, torch.tensor(labels[k])) for k, X in zip(("train", "test"), parts, strict=True)}


# Scores, probabilities and their precision


@pytest.mark.parametrize("temperature", [0.1, 1, 10])
@pytest.mark.parametrize("added", [0, -1000])
def test_softmax_with_a_temperature(lesson, temperature, added):
    logits = [2 + added, 1 + added, 0.1 + added, -1 + added]
    came = in_page(lesson, "[...withTemperature(...it).probabilities]", [logits, temperature])
    expected = scratch.softmax(tensor([logits]) / temperature)[0]
    torch.testing.assert_close(tensor(came), expected, rtol=1e-14, atol=0)


def test_numbers_are_rounded_as_each_dtype_rounds(tab, generator):
    """In each browser."""
    tab.open(LESSON)
    tab.wait_for(READY)
    exponents = torch.rand(3000, dtype=torch.float64, generator=generator) * 50 - 30
    numbers = torch.cat([2**exponents, -(2**exponents), tensor([0, 65504, 65519.9, 65520, 1e9])])
    halfway = torch.arange(1, 2000).double() * 2**-25  # between neighbours, and less
    numbers = torch.cat([numbers, halfway, 1 + torch.arange(50, dtype=torch.float64) * 2**-11])
    for name, dtype in DTYPES.items():
        came = in_page(tab, f"it.map(ROUND.{name})", numbers.tolist())
        assert torch.equal(tensor(came), numbers.to(dtype).double())


@pytest.mark.parametrize("name", DTYPES)
def test_exp_overflows_where_the_page_says(lesson, name):
    limit = in_page(lesson, f"overflowsBeyond('{name}')")
    assert round(limit, 2) == LIMITS[name]
    near = [limit - 1e-6, limit + 1e-6]
    rounded = in_page(lesson, f"it.map(x => ROUND.{name}(Math.exp(x)))", near)
    for below, above in (rounded, tensor(near).exp().to(DTYPES[name]).tolist()):
        assert math.isfinite(below)
        assert above == math.inf


@pytest.mark.parametrize("shift", [0, 9, 10, 50, 86, 87, 100, 700, 708, 800])
@pytest.mark.parametrize("name", DTYPES)
def test_each_step_of_softmax_is_rounded_as_in_pytorch(lesson, name, shift):
    dtype = DTYPES[name]
    logits = [2 + shift, 1 + shift, 0.1 + shift]
    for naive in (True, False):
        o = tensor(logits, dtype)
        less = o if naive else o - o.max()
        exponentials = less.exp()
        total = exponentials[0] + exponentials[1] + exponentials[2]  # sum() alone keeps more digits
        came = in_page(
            lesson,
            "(({ less, exponentials: e, sum, probabilities: p }) => [...less, ...e, sum, ...p])"
            f"(stepsOfSoftmax(it, '{name}', {str(naive).lower()}))",
            logits,
        )
        expected = torch.cat([less, exponentials, total[None], exponentials / total])
        most = 2 * torch.finfo(dtype).eps  # exp itself may differ by a unit in the last place
        torch.testing.assert_close(tensor(came, dtype), expected, rtol=most, atol=0, equal_nan=True)
        assert bool(expected.isnan().any()) == (naive and logits[0] > LIMITS[name])


@pytest.mark.parametrize("gap", [0, 1, 20, 60, 87, 88, 100, 103, 104, 120])
def test_three_forms_of_the_loss_where_a_probability_is_tiny(lesson, gap):
    forms = in_page(lesson, "formsOfLoss(it)", gap)
    logits, y = torch.tensor([[0.0, gap]]), torch.tensor([0])
    y_hat = scratch.softmax(logits)
    expected = {
        "p": y_hat[0, 0],
        "byHand": scratch.cross_entropy(y_hat, y),
        "library": concise.cross_entropy(logits, y),
        "naive": -torch.log(y_hat[0, 0]),
    }
    for name, value in expected.items():
        assert forms[name] == pytest.approx(float(value), rel=1e-6, abs=1e-6 if name != "p" else 0)
    assert math.isinf(forms["naive"]) == (gap >= 104)


# Losses of regression, sums and picking


@pytest.mark.parametrize("name", ["squared", "l1", "huber"])
def test_losses_and_gradients(lesson, name):
    y_hat = torch.linspace(-4, 4, 321, dtype=torch.float64)
    for what, function in (("loss", name), ("gradient", f"{name}_gradient")):
        came = in_page(lesson, f"it.map(e => LOSSES.{name}.{what}(e, 0.3))", y_hat.tolist())
        expected = getattr(losses, function)(y_hat, torch.full_like(y_hat, 0.3))
        torch.testing.assert_close(tensor(came), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("height", [-8, -1.5, 2.95, 8, 12])  # of the outlier
def test_each_losss_line_is_the_best_of_all(lesson, height):
    points = in_page(lesson, "pointsWith(it)", height)
    assert points[-1]["y"] == height
    x, y = (tensor([point[axis] for point in points]) for axis in "xy")

    def line(name):
        fitted = in_page(lesson, f"LOSSES.{name}.fit(it)", points)
        return tensor([fitted["w"], fitted["b"]])

    terms = torch.stack([x, torch.ones_like(x)], dim=1)
    least_squares = torch.linalg.lstsq(terms, y[:, None]).solution[:, 0]
    torch.testing.assert_close(line("squared"), least_squares, rtol=0, atol=1e-12)

    # Huber's loss is convex, so the line without a gradient is the best.
    gradient = losses.huber_gradient(terms @ line("huber"), y)
    assert float((gradient @ terms).abs().max()) < 1e-9

    # Zero must be among the subgradients: the errors that are zero make up for the others. So there
    # are s (2,) in [-1, 1] such that the sums of signs, and of signs times x, are zero.
    error = terms @ line("l1") - y
    on_it = error.abs() < 1e-9
    assert on_it.sum() == 2
    rest = losses.l1_gradient(error[~on_it], torch.zeros(1, dtype=torch.float64))
    s = torch.linalg.solve(terms[on_it].T, -rest @ terms[~on_it])
    assert (s.abs() <= 1 + 1e-9).all()


@pytest.mark.parametrize(("dim", "keepdim"), list(itertools.product([0, 1], [True, False])))
def test_sums_and_broadcasting(lesson, generator, dim, keepdim):
    X = torch.randn(2, 5, dtype=torch.float64, generator=generator)
    expected = X.sum(dim=dim, keepdim=keepdim)
    code = "((total) => [total, broadcast(total, 2, 5)])(sumOver(...it))"
    total, repeated = in_page(lesson, code, [X.tolist(), dim, keepdim])
    assert total["shape"] == list(expected.shape)
    sums = tensor(total["sums"]).flatten()
    torch.testing.assert_close(sums, expected.flatten(), rtol=0, atol=1e-15)
    if (dim, keepdim) == (1, False):
        assert repeated is None
        with pytest.raises(RuntimeError) as error:
            X / expected
        assert TEXTS["shapes.error"]["en"] == f"RuntimeError: {error.value}"
    else:
        torch.testing.assert_close(tensor(repeated), expected.expand(2, 5), rtol=0, atol=1e-15)


@pytest.mark.parametrize("y", list(itertools.product(range(3), repeat=2)))
def test_picking_is_the_product_with_one_hot_rows(lesson, y):
    y_hat = tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]])
    labels = torch.tensor(y)
    came = in_page(lesson, "picked(...it)", [y_hat.tolist(), list(y)])
    one_hot = torch.nn.functional.one_hot(labels, 3)
    assert came["labels"] == one_hot.tolist()
    assert came["products"] == (y_hat * one_hot).tolist()
    assert came["byIndex"] == y_hat[[0, 1], labels].tolist()
    assert came["byProduct"] == (y_hat * one_hot).sum(dim=1).tolist()
    expected = scratch.cross_entropy(y_hat, labels, reduction="none")
    torch.testing.assert_close(tensor(came["losses"]), expected, rtol=1e-15, atol=0)
    assert came["accuracy"] == float((y_hat.argmax(dim=1) == labels).double().mean())


# Training, and what is learned

PLANE_FIT = """((lr, steps) => {
  const fit = new PlaneFit(POINTS, LABELS, lr);
  const results = [fit.evaluate()];
  while (fit.steps < steps) {
    fit.step();
    results.push(fit.evaluate());
  }
  const { W, b } = fit.model;
  const rest = { W: W.map((w) => [...w]), b: [...b], segments: boundaries(fit.model) };
  return { X: POINTS, y: LABELS, results, ...rest };
})(...it)"""


@pytest.mark.parametrize("lr", [0.1, 1, 3])
def test_a_fit_in_the_plane_takes_the_steps_of_scratch(lesson, lr):
    came = in_page(lesson, PLANE_FIT, [lr, 200])
    X, y = tensor(came["X"]), torch.tensor(came["y"])
    model = zeroed(2, 3)
    optimizer = scratch.SGD(model.parameters(), lr=lr)
    for result in came["results"]:
        y_hat = model(X)
        loss = float(scratch.cross_entropy(y_hat, y))
        assert result["loss"] == pytest.approx(loss, rel=1e-12)
        assert result["correct"] == int((y_hat.argmax(dim=1) == y).sum())
        last = [parameter.clone() for parameter in model.parameters()]
        optimizer.step(model.gradients(X, y_hat, y))
    torch.testing.assert_close([tensor(came["W"]), tensor(came["b"])], last, rtol=1e-12, atol=1e-12)
    assert came["results"][0]["loss"] == pytest.approx(math.log(3))
    assert came["results"][-1]["correct"] == 12


def test_boundaries_are_where_the_largest_score_changes(lesson):
    """Of 30 models, and of one whose classes 0 and 1 have no boundary, as class 2 is above."""
    rng = np.random.default_rng(0)
    models = [(rng.normal(size=(2, 3)), rng.normal(size=3)) for _ in range(30)]
    models.append((np.array([[1.0, -1, 0], [0, 0, 0]]), np.array([0.0, 0, 9])))
    x, y = np.meshgrid(np.linspace(-4, 4, 161), np.linspace(-2.2, 2.2, 89))  # 0.05 apart
    grid = np.stack([x, y], axis=-1)
    counts = []
    for W, b in models:
        segments = in_page(lesson, "boundaries(modelOf(...it))", [W.tolist(), b.tolist()])
        counts.append(len(segments))
        winners = (grid @ W + b).argmax(axis=-1)
        changes = grid[:, 1:][winners[:, 1:] != winners[:, :-1]] - [0.025, 0]
        assert bool(len(changes)) <= bool(segments)
        for start, end in np.array(segments).reshape(-1, 2, 2):
            along = start + np.linspace(0, 1, 9)[:, None] * (end - start)
            scores = np.sort(along @ W + b, axis=1)
            np.testing.assert_allclose(scores[:, 2], scores[:, 1], atol=1e-9)
            assert (np.abs(along) <= [4 + 1e-9, 2.2 + 1e-9]).all()
        far = [min(distance(place, *each) for each in np.array(segments)) for place in changes]
        assert max(far, default=0) < 0.05
    assert {1, 2, 3} <= set(counts)
    assert counts[-1] == 0


def distance(place, start, end):
    """Return the distance of a place from a segment."""
    along = end - start
    share = np.clip((place - start) @ along / (along @ along), 0, 1)
    return np.linalg.norm(start + share * along - place)


TRAIN = """((lr, batchSize, dtype, epochs) => {
  const training = new Training(examples, { lr, batchSize, dtype });
  const batches = [];
  while (training.epochs < epochs) {
    training.step();
    batches.push(training.batch);
  }
  const { W, b } = training.model;
  return { W: W.map((w) => [...w]), b: [...b], batches, history: training.history };
})(...it)"""


def measured(model, split):
    X, y = split
    y_hat = model(X)
    accuracy = float((y_hat.argmax(dim=1) == y).double().mean())
    return {"loss": float(scratch.cross_entropy(y_hat, y)), "accuracy": accuracy}


@pytest.mark.parametrize("lr", [0.03, 0.1])  # at 0.3 the loss rises at times, and rounding with it
@pytest.mark.parametrize("batch_size", [20, 150, 200])
@pytest.mark.parametrize(("name", "most"), [("float64", 1e-12), ("float32", 1e-6)])
def test_fifty_epochs_are_those_of_scratch(lesson, images, name, most, batch_size, lr):
    dtype = DTYPES[name]
    came = in_page(lesson, TRAIN, [lr, batch_size, name, 50])
    split = {k: (X.to(dtype), y) for k, (X, y) in images.items()}
    (X, y), model = split["train"], zeroed(dtype=dtype)
    optimizer = scratch.SGD(model.parameters(), lr=lr)
    history = [{k: measured(model, each) for k, each in split.items()}]
    batches = iter(came["batches"])
    per_epoch = math.ceil(200 / batch_size)
    orders = set()
    for _ in range(50):
        rows = list(itertools.islice(batches, per_epoch))
        orders.add(tuple(itertools.chain(*rows)))
        scratch.train_epoch(model, [(X[row], y[row]) for row in rows], optimizer)
        history.append({k: measured(model, each) for k, each in split.items()})
    assert len(orders) == 50  # a new one in each epoch
    assert all(sorted(order) == list(range(200)) for order in orders)
    torch.testing.assert_close(tensor(came["W"], dtype), model.W, rtol=0, atol=most)
    torch.testing.assert_close(tensor(came["b"], dtype), model.b, rtol=0, atol=most)
    assert float(model.W.abs().max()) > 0.03  # that much was learned
    assert torch.equal(tensor(came["W"], dtype).double(), tensor(came["W"]))  # rounded to it
    for ours, theirs in zip(came["history"], history, strict=True):
        for k in ("train", "test"):
            assert ours[k]["loss"] == pytest.approx(theirs[k]["loss"], abs=10 * most)
            assert ours[k]["accuracy"] == pytest.approx(theirs[k]["accuracy"], abs=1e-9)


def test_class_means_are_less_the_mean_of_all(lesson, images):
    X, y = images["train"]
    means = torch.stack([X[y == c].mean(dim=0) - X.mean(dim=0) for c in range(10)], dim=1)
    came = in_page(lesson, "centredClassMeans(examples.train).map(row => [...row])")
    torch.testing.assert_close(tensor(came), means, rtol=0, atol=1e-14)


def test_an_images_share_is_its_gradient(lesson, images):
    (X, y), model = images["train"], zeroed()
    model.W.copy_(tensor(in_page(lesson, "trained.W.map((w) => [...w])")))
    model.b.copy_(tensor(in_page(lesson, "[...trained.b]")))
    error = in_page(lesson, "[...errorOf(trained, examples.train.X[7], examples.train.y[7])]")
    dW, _ = model.gradients(X[7:8], model(X[7:8]), y[7:8])
    torch.testing.assert_close(torch.outer(X[7], tensor(error)), dW, rtol=0, atol=1e-14)


def test_the_held_out_loss_turns_where_the_page_says(lesson, images):
    """A step on all images is an epoch: 700 of them, at the rate that the page begins with."""
    (X, y), model = images["train"], zeroed()
    optimizer = scratch.SGD(model.parameters(), lr=0.1)
    history = [{k: measured(model, each) for k, each in images.items()}]
    for _ in range(700):
        scratch.train_epoch(model, [(X, y)], optimizer)
        history.append({k: measured(model, each) for k, each in images.items()})
    losses = [each["test"]["loss"] for each in history]
    epoch = losses.index(min(losses))
    assert f"until epoch {epoch}." in TEXTS["training.see"]["en"]
    assert f"降到第 {epoch} 个周期" in TEXTS["training.see"]["zh-CN"]
    # What the page notices by itself: nothing so far; overfitting; divergence
    assert in_page(lesson, "noticed(it)", history) == []
    turned = [*history[::100], *({**each, "test": {"loss": 1}} for each in history[-10:])]
    (said,) = in_page(lesson, "noticed(it)", turned)
    assert said.startswith("The held-out loss was lowest after epoch 6, at 0.705 nats")
    code = "(t) => { while (t.epochs < 5) t.step(); return noticed(t.history); }"
    (said,) = in_page(lesson, f"({code})(new Training(examples, {{ lr: 3, batchSize: 200 }}))")
    assert said.startswith("Warning: divergence. The training loss reached 65.0 nats")


def test_weights_of_a_file_give_the_models_own_scores(lesson, images, trained, tmp_path):
    argv = ["demo", f"--model={trained / 'model.pt'}", f"--output-dir={tmp_path}"]
    assert d2l_main.main(argv) == 0
    text = (tmp_path / "weights.json").read_text(encoding="utf-8")
    came = in_page(
        lesson, "parseWeights(it).model.logits(examples.test.X).map(row => [...row])", text
    )
    model = torch.load(trained / "model.pt", weights_only=True)
    X, _ = images["test"]
    expected = X @ model["W"].double() + model["b"].double()
    np.testing.assert_allclose(np.array(came), expected, rtol=0, atol=1e-12)


def test_two_pixels_to_the_right_change_as_many_answers_as_the_page_says(lesson, images, real_data):
    W, b = in_page(lesson, "[trained.W.map((w) => [...w]), [...trained.b]]")
    X, _ = images["test"]
    moved = torch.zeros(200, 28, 28, dtype=torch.float64)
    moved[:, :, 2:] = X.reshape(200, 28, 28)[:, :, :-2]
    shifted = in_page(lesson, "examples.test.X.map((x) => [...shifted(x, 2, 0)])")
    assert torch.equal(tensor(shifted), moved.flatten(1))
    before, after = ((each @ tensor(W) + tensor(b)).argmax(dim=1) for each in (X, moved.flatten(1)))
    changed = int((before != after).sum())
    _, (images_of_all, labels) = real_data
    X = images_of_all.reshape(-1, 28, 28).double() / 255
    moved = torch.nn.functional.pad(X, (2, 0))[:, :, :-2]
    logits = (each.flatten(1) @ tensor(W) + tensor(b) for each in (X, moved))
    right = [100 * float((o.argmax(dim=1) == labels).double().mean()) for o in logits]
    for language in ("en", "zh-CN"):
        numbers = re.findall(r"[\d,.]+(?=%| of the| 幅的)", TEXTS["own_picture.see"][language])
        assert numbers == [str(changed), *(f"{each:.1f}" for each in right)]
