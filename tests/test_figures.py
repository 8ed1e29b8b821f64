"""The figures: every figure draws for few and many classes, whole, with its data in its place.

Figures are drawn from a few made-up numbers and read back from matplotlib's objects.
"""

import io
import itertools
import math
import re

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from PIL import Image

import scratch
from d2l_softmax import __main__ as d2l_main
from d2l_softmax.commands import losses as losses_command
from d2l_softmax.data import CLASSES
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader
from d2l_softmax.description import OF_FASHION_MNIST, PHOTOGRAPHS
from d2l_softmax.figures import style, templates
from d2l_softmax.figures.comparison import draw_comparison
from d2l_softmax.figures.curves import draw_curves, fluctuates
from d2l_softmax.figures.evaluation import (
    FIGURES,
    EvaluatedModel,
    draw_confusion,
    draw_mistakes,
    draw_predictions,
    draw_reliability,
)
from d2l_softmax.figures.losses import draw_losses
from d2l_softmax.figures.prediction import draw_nothing_found, draw_prediction
from d2l_softmax.figures.sweep import Score, draw_learning_curve, draw_sweep
from d2l_softmax.i18n import use_language
from d2l_softmax.photographs import describe_photograph_accuracy
from d2l_softmax.training.agreement import Difference
from d2l_softmax.training.evaluation import Evaluation, evaluate, wilson_interval
from d2l_softmax.training.fit import EpochRecord

THREE = ("bag", "coat", "shirt")
SIDE = 8  # of the made-up images
MEASURED = OF_FASHION_MNIST._replace(photographs=PHOTOGRAPHS["photos"])


def texts(axes):
    """Return the texts on the axes."""
    return [text.get_text() for text in axes.texts]


def lines(axes):
    """Return the x and y values of the lines by label."""
    return {line.get_label(): tuple(map(list, line.get_data())) for line in axes.lines}


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


# Every figure × 2, 10 and 60 classes × gray and colour


def evaluated(q, channels):
    """Return an EvaluatedModel. Images of class k are black but for pixel k.

    The model predicts from that pixel. Image 1 has the label of class 2, or 0 of two classes.
    """
    n = 60 if q < 60 else 120
    lit = torch.arange(n) % q
    images = torch.zeros(n, SIDE * SIDE, channels, dtype=torch.uint8)
    images[torch.arange(n), lit] = 255
    images = images.reshape(n, SIDE, SIDE, channels)
    labels = lit.clone()
    labels[1] = 2 % q
    model = scratch.SoftmaxRegression(channels * SIDE * SIDE, q)
    model.W = 5 / channels * torch.eye(SIDE * SIDE)[:, :q].repeat(channels, 1)
    names = CLASSES if q == 10 else [f"a class with a long name {k}" for k in range(q)]
    dataset = ArrayDataset(images if channels == 3 else images.squeeze(3), labels, names)
    return EvaluatedModel(model, dataset, evaluate(model, ArrayLoader(dataset, 7)))


def history(epochs=3):
    """Return records in which no two columns are equal."""
    return [
        EpochRecord(e, 0.9 / e, 1 - 0.4 / e, 1 - 0.5 / e, 1.0 / e, 7.0, 1 - 0.6 / e, 1.1 / e)
        for e in range(1, epochs + 1)
    ]


STEPS = dict.fromkeys(("the picture", "28 pixels long, sharpened"), Image.new("RGB", (30, 20)))
DOUBT = "The object is very small: move closer, or try a background of another colour."
NOTE = describe_photograph_accuracy(MEASURED)  # the longest


def prediction_of(m, features=False):
    X = m.dataset[0][0].unsqueeze(0)
    X, steps, note = (X.flatten(1), {}, "") if features else (X, STEPS, NOTE)
    return draw_prediction(X, steps, [DOUBT], m.model, m.evaluation.classes, note=note)


EQUAL = [Difference(*[0.0] * 6)] * 3
LARGE = Difference(1e-20, 0.0, 0.0, 1e30, W=1e20, b=0.0)
BOTH = {"scratch": history(), "concise": history()}
SCORES = [
    Score(setting, (0.5, 0.6))
    for setting in itertools.product((0.01, 0.1), ("adam", "sgd"), (10, 20, 30, 40, 50))
]
CURVE = {10: (0.5, 0.6), 30_000: (0.7, 0.6), 60_000: (0.9, 0.9)}
OF_A_RUN = {
    "curves.png": lambda: draw_curves(history(), "scratch, seed 0"),
    "curves.png, one epoch": lambda: draw_curves(history(1), "scratch, seed 0"),
    "comparison.png": lambda: draw_comparison(BOTH, DIFFERENCES, "float32"),
    "comparison.png, equal": lambda: draw_comparison(BOTH, EQUAL, "float64"),
    "comparison.png, large": lambda: draw_comparison(BOTH, [LARGE] * 3, "float32"),
    "losses.png": lambda: draw_losses(LOSSES),
    "no prediction": lambda: draw_nothing_found(STEPS, [DOUBT], NOTE),
    "sweep.png": lambda: draw_sweep(["lr", "optimizer", "epochs"], SCORES, 10),
    "sweep.png, one hyperparameter": lambda: draw_sweep(["lr"], [Score((0.1,), (0.5, 0.6))], 10),
    "sweep.png, one setting": lambda: draw_sweep(
        ["lr", "epochs"], [Score((0.1, 1), (0.5, 0.6))], 10
    ),
    "sweep.png, diverged": lambda: draw_sweep(
        ["lr", "epochs"], [Score((0.1, 1), (math.nan, 0.5))], 10
    ),
    "learning-curve.png": lambda: draw_learning_curve(CURVE, CURVE),
}


def assert_whole(figure):
    """Assert that nothing is outside, no image is tiny, and neighbouring texts do not overlap."""
    figure.draw_without_rendering()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(drawn.x0, drawn.y0) > -0.01
    assert drawn.x1 < width + 0.01
    assert drawn.y1 < height + 0.01
    all_axes = figure.findobj(Axes)
    images = [image for axes in all_axes for image in axes.images]
    assert all(min(image.get_window_extent().size) > 15 for image in images)
    for axes in all_axes:
        boxes = [text.get_window_extent() for text in axes.texts]
        assert not any(one.overlaps(other) for one, other in itertools.pairwise(boxes))


@pytest.mark.parametrize("name", OF_A_RUN)
def test_a_figure_of_a_run_is_whole(name):
    assert_whole(OF_A_RUN[name]())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("q", [2, 10, 60])
def test_figures_of_a_model_are_whole_and_have_their_data_in_their_places(q, channels):
    m = evaluated(q, channels)
    figures = {spec.file: spec.draw(m) for spec in FIGURES}
    for spec in FIGURES:
        if channels == 1 or spec.needs_images:
            assert_whole(figures[spec.file])
    weights = {epoch: (epoch + 1) * m.model.W for epoch in range(31)}
    assert_whole(templates.draw_templates_by_epoch(weights, m.shape, m.evaluation.classes))
    assert_whole(templates.draw_frame(m.model.W, m.shape, m.evaluation.classes))
    assert_whole(prediction_of(m))
    assert_whole(prediction_of(m, features=True))
    names = [style.shortened(name) for name in m.evaluation.classes]

    (axes,) = figures["predictions.png"].axes
    expected = [f"{names[place % q]}\n{names[place % q]}" for place in range(18)]
    expected[1] = f"{names[2 % q]}\n✗ {names[1]}"
    assert texts(axes) == expected
    assert [text.get_color() == style.WRONG for text in axes.texts] == [i == 1 for i in range(18)]
    for place, image in enumerate(axes.images):
        assert image.get_clim() == (0, 1)  # black is 0 and white is 1 in every image
        assert lit_pixel(image) == place % q

    axes = figures["templates.png"].axes[0]
    assert texts(axes) == names
    assert [lit_pixel(image) for image in axes.images] == list(range(q))
    unlit = [image.get_array().reshape(SIDE * SIDE, -1)[-1] for image in axes.images]
    assert np.all(np.array(unlit) == (0.5 if channels == 3 else 0))

    axes = figures["confusion.png"].axes[0]
    assert tick_labels(axes.xaxis) == tick_labels(axes.yaxis) == names
    n = len(m.dataset)
    assert axes.get_title() == f"confusion matrix, accuracy {1 - 1 / n:.4f}"

    (image,) = figures["mistakes.png"].axes[0].images
    assert lit_pixel(image) == 1

    points, sizes = figures["reliability.png"].axes
    assert texts(sizes) == [str(n)]
    assert points.get_title() == f"calibration error {m.evaluation.calibration_error():.4f}"


def lit_pixel(image):
    """Return the place of the brightest pixel, counted row by row."""
    pixels = image.get_array()
    return int((pixels if pixels.ndim == 2 else pixels.sum(axis=2)).argmax())


def test_alt_texts_have_the_numbers():
    described = {spec.file: spec.alt_text(evaluated(10, 1)) for spec in FIGURES}
    numbers = {"predictions": "18 17", "confusion": "59 60", "mistakes": "1", "templates": "10"}
    for name, expected in (numbers | {"reliability": "98.3%"}).items():
        found = re.findall(r"\d[\d.]*%?(?=[ ,.])", described[f"{name}.png"])
        assert set(expected.split()) <= set(found)
    for name in ("predictions", "confusion", "mistakes"):
        assert described[f"{name}.png"].endswith(" pullover was mistaken for trouser.")


# Tiles and templates


def test_a_tile_is_in_its_row_and_column_below_its_title():
    _, axes = style.new_tiles(5, columns=3)
    for place in range(5):
        style.draw_tile(axes, place, 3, torch.zeros(1, 2, 2), "")
    assert axes.yaxis_inverted()  # y grows downwards, as in a text
    for place, (image, title) in enumerate(zip(axes.images, axes.texts, strict=True)):
        left, right, bottom, top = image.get_extent()
        assert [int(left), int(right)] == [place % 3] * 2
        assert [int(top / style.TILE_HEIGHT), int(bottom / style.TILE_HEIGHT)] == [place // 3] * 2
        assert title.get_position()[1] < top < bottom


@pytest.mark.usefixtures("font_for_chinese")
@pytest.mark.parametrize(
    ("name", "language"),
    [("TRACTOR TRAILER WAGON", "en"), ("sneaker", "zh"), ("名称很长很长很长的类别", "zh")],
)
def test_titles_of_tiles_with_errors_do_not_overlap(name, language):
    y, names = torch.zeros(18, dtype=torch.int64), (name, name)
    evaluation = Evaluation(torch.tensor([[0.1, 0.9]]).repeat(18, 1), y, names)
    dataset = ArrayDataset(torch.zeros(18, SIDE, SIDE, dtype=torch.uint8), y, names)
    m = EvaluatedModel(None, dataset, evaluation)
    W = torch.eye(SIDE * SIDE)[:, :18]
    with style.default_style(), use_language(language):
        assert_whole(draw_mistakes(evaluation, dataset))
        assert_whole(draw_predictions(m.first_images(), *m.first_labels(), names))
        assert_whole(templates.draw_frame(W, (1, SIDE, SIDE), names * 9))


def test_a_template_is_a_column_of_W_blue_above_zero_and_orange_below():
    W = torch.arange(-5.0, 7.0).reshape(6, 2)  # class 0 has every other number from -5 on
    images = templates.draw_templates(W, (1, 2, 3), THREE[:2]).axes[0].images
    assert [image.get_array().tolist() for image in images] == [
        [[-5, -3, -1], [1, 3, 5]],
        [[-4, -2, 0], [2, 4, 6]],
    ]
    for image in images:
        assert image.get_clim() == (-6, 6)  # the same for all, and zero in the middle
        (against, zero, in_favour), *_ = image.to_rgba(np.array([[-6.0, 0.0, 6.0]]))
        assert in_favour[2] > in_favour[0] + 0.2
        assert against[0] > against[2] + 0.2
        assert list(zero) == [1, 1, 1, 1]
    images = templates.draw_templates(torch.zeros(4, 3), (1, 2, 2), THREE).axes[0].images
    assert [image.get_clim() for image in images] == [(-1, 1)] * 3


def test_templates_by_epoch_are_a_row_for_each_class_and_a_column_for_each_epoch():
    weights = {epoch: torch.full((4, 3), float(epoch + 1)) for epoch in range(4)}
    weights[2][:, 1] = torch.tensor([-6.0, 3.0, 0.0, 1.5])
    (axes,) = templates.draw_templates_by_epoch(weights, (1, 2, 2), THREE).axes
    pixels = axes.images[0].get_array().filled(math.nan)
    # Each template is 2×2 and has a gap of a pixel around it, so it takes 4×4.
    assert pixels.shape == (3 * 4, 4 * 4)
    assert pixels[5:7, 9:11].tolist() == [[-1, 0.5], [0, 0.25]]  # divided by its epoch's largest, 6
    assert pixels[1:3, 9:11].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert pixels[1:3, 1:3].tolist() == [[1, 1], [1, 1]]
    assert np.isnan(pixels[4]).all()
    assert np.isnan(pixels[:, 8]).all()
    assert axes.images[0].get_clim() == (-1, 1)
    assert tick_labels(axes.yaxis) == list(THREE)
    assert tick_labels(axes.xaxis) == ["0\n±1", "1\n±2", "2\n±6", "3\n±4"]
    assert list(axes.get_yticks()) == [1.5, 5.5, 9.5]  # in the middle of the template
    assert list(axes.get_xticks()) == [1.5, 5.5, 9.5, 13.5]


def test_coloured_templates_by_epoch_are_gray_where_they_are_zero():
    W = torch.zeros(12, 2)
    W[0, 0] = 2.0  # the first pixel's red
    (axes,) = templates.draw_templates_by_epoch({0: W}, (3, 2, 2), THREE[:2]).axes
    pixels = axes.images[0].get_array()
    assert pixels[1, 1].tolist() == [1.0, 0.5, 0.5]
    assert pixels[5, 1].tolist() == [0.5, 0.5, 0.5]
    assert pixels[0, 0].tolist() == [1.0, 1.0, 1.0]


def test_of_many_epochs_the_first_ones_are_drawn_closest():
    assert templates.select_epochs(dict.fromkeys(range(4)), 8) == [0, 1, 2, 3]
    some = templates.select_epochs(dict.fromkeys(range(7, 107)), 8)
    assert len(some) <= 8
    assert (some[0], some[-1]) == (7, 106)
    assert (np.diff(some, 2) >= 0).all()


def test_frames_have_each_template_in_one_place_scaled_to_its_epoch():
    weights = [torch.full((4, 3), size) for size in (0.1, 1.0, 2.0)]
    frames = [templates.draw_frame(W, (1, 2, 2), THREE) for W in weights]
    assert len({str([i.get_extent() for i in frame.axes[0].images]) for frame in frames}) == 1
    assert len({Image.open(io.BytesIO(style.as_png(frame))).size for frame in frames}) == 1
    for frame in frames:
        assert texts(frame.axes[0]) == list(THREE)
        for image in frame.axes[0].images:
            assert image.get_array().tolist() == [[1, 1], [1, 1]]
            assert image.get_clim() == (-1, 1)


# Evaluations of three classes, from (true class, predicted class, confidence)


def evaluation_of(*predictions):
    y_hat = torch.zeros(len(predictions), 3)
    for row, (_, guess, confidence) in enumerate(predictions):
        y_hat[row] = (1 - confidence) / 2
        y_hat[row, guess] = confidence
    return Evaluation(y_hat, torch.tensor([true for true, _, _ in predictions]), THREE)


def test_rows_of_the_confusion_matrix_are_true_classes_and_columns_predicted_ones():
    # Of three bags two are mistaken for coats; the one coat is mistaken for a shirt.
    evaluation = evaluation_of((0, 0, 0.9), (0, 1, 0.8), (0, 1, 0.7), (1, 2, 0.6))
    (axes,) = draw_confusion(evaluation).axes
    shares = np.array([[1 / 3, 2 / 3, 0], [0, 0, 1], [0, 0, 0]])
    assert axes.images[0].get_array().tolist() == pytest.approx(shares)
    counts = {text.get_position(): text.get_text() for text in axes.texts}
    rows = [[counts[column, row] for column in range(3)] for row in range(3)]
    assert rows == [["1", "2", "0"], ["0", "0", "1"], ["0", "0", "0"]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    for text in axes.texts:  # each count contrasts with its cell
        column, row = text.get_position()
        (cell,) = axes.images[0].to_rgba(axes.images[0].get_array()[row : row + 1, column])
        contrast = abs(np.mean(to_rgb(text.get_color())) - np.mean(cell[:3]))
        assert contrast > (0.4 if text.get_text() != "0" else 0.2)


def test_the_most_confident_errors_come_first(monkeypatch):
    evaluation = evaluation_of(
        (0, 0, 0.90), (1, 0, 0.60), (1, 2, 0.80), (2, 2, 0.99), (2, 0, 0.70), (0, 0, 0.40)
    )
    images = 25 * torch.arange(6, dtype=torch.uint8).reshape(6, 1, 1).expand(6, 2, 2)
    dataset = ArrayDataset(images, evaluation.y, THREE)
    (axes,) = draw_mistakes(evaluation, dataset).axes
    # Each line has the probability of its class; the other two classes share the rest.
    expected = ["coat 0.100\nshirt 0.800", "shirt 0.150\nbag 0.700", "coat 0.200\nbag 0.600"]
    assert texts(axes) == expected
    shades = [image.get_array().max() for image in axes.images]
    assert shades == pytest.approx([50 / 255, 100 / 255, 25 / 255])
    without = draw_mistakes(evaluation_of((0, 0, 0.9)), dataset)
    assert texts(without.axes[0]) == ["no errors"]
    assert_whole(without)
    monkeypatch.setattr("d2l_softmax.figures.evaluation.MOST_MISTAKES", 2)
    assert texts(draw_mistakes(evaluation, dataset).axes[0]) == expected[:2]


def test_reliability_has_a_point_an_interval_and_a_bar_for_each_bin():
    bins = (0.45, 100, 40), (0.65, 2, 0), (0.95, 300, 270)  # confidence, examples, correct ones
    predictions = [(int(i >= right), 0, p) for p, n, right in bins for i in range(n)]
    points, sizes = draw_reliability(evaluation_of(*predictions)).axes
    large, small = points.containers  # bins of few images are hollow and not connected
    x, y = large.lines[0].get_data()
    assert list(x) == pytest.approx([0.45, 0.95])
    assert list(y) == pytest.approx([0.4, 0.9])
    intervals = [tuple(path.vertices[:, 1]) for path in large.lines[2][0].get_paths()]
    assert intervals[0] == pytest.approx(wilson_interval(0.4, 100))
    assert intervals[1] == pytest.approx(wilson_interval(0.9, 300))
    assert lines(points)["perfect calibration"] == ([0, 1], [0, 1])
    assert list(small.lines[0].get_xdata()) == pytest.approx([0.65])
    assert small.get_label() == "bins with fewer than 100 examples"
    error = (100 * 0.05 + 2 * 0.65 + 300 * 0.05) / 402
    assert points.get_title() == f"calibration error {error:.4f}"
    assert [bar.get_x() for bar in sizes.patches] == pytest.approx([0.4, 0.6, 0.9])
    assert [bar.get_width() for bar in sizes.patches] == pytest.approx([0.1] * 3)
    assert [bar.get_height() for bar in sizes.patches] == [100, 2, 300]
    assert texts(sizes) == ["100", "2", "300"]
    assert sizes.get_xlim() == points.get_xlim() == (0, 1)


# The curves of a run


def test_each_curve_is_drawn_from_its_own_column():
    records = history(2)
    figure = draw_curves(records, "scratch, seed 0")
    splits = {"train (running mean)": "train", "test": "test", "validation": "valid"}
    units = {"loss": "cross-entropy (nats)", "acc": "accuracy"}
    for axes, (name, unit) in zip(figure.axes, units.items(), strict=True):
        assert lines(axes) == {
            label: ([1, 2], [getattr(record, f"{split}_{name}") for record in records])
            for label, split in splits.items()
        }
        assert axes.get_ylabel() == unit
        assert all(line.get_marker() not in ("", "None") for line in axes.lines)  # for one epoch
    without = draw_curves([record._replace(valid_acc=None) for record in records], "")
    assert list(lines(without.axes[1])) == ["train (running mean)", "test"]


def test_an_accuracy_fluctuates_if_it_visibly_falls():
    record, *_ = history()
    too_little = (0.80, 0.82, 0.816, 0.83)
    for accuracies in ((0.80, 0.82, 0.81), too_little, (0.80, 0.81, 0.83), (0.80,)):
        falls = accuracies[-1] == 0.81
        assert fluctuates([record._replace(test_acc=each) for each in accuracies]) == falls


# The comparison of both twins

DIFFERENCES = [
    Difference(train_loss=0.01, train_acc=0.0, test_acc=0.02, test_loss=0.0, W=1e-3, b=0.0),
    Difference(train_loss=0.0, train_acc=0.0, test_acc=0.02, test_loss=0.0, W=2e-3, b=0.0),
    Difference(train_loss=0.01, train_acc=0.0, test_acc=0.02, test_loss=0.0, W=3e-3, b=0.0),
]


@pytest.fixture
def compared():
    """Return the axes of a comparison by their label, and the legend."""
    other = [record._replace(train_loss=record.train_loss + 0.01) for record in history()]
    figure = draw_comparison({"scratch": history(), "concise": other}, DIFFERENCES, "float32")
    assert figure.get_suptitle() == "scratch (thick) and concise (dashed), float32"
    return {axes.get_ylabel() or "legend": axes for axes in figure.axes}


def test_the_comparison_has_each_number_in_its_place(compared):
    epochs, records = [1, 2, 3], history()
    assert lines(compared["loss (nats)"]) == {
        "train loss, scratch": (epochs, [r.train_loss for r in records]),
        "train loss, concise": (epochs, [r.train_loss + 0.01 for r in records]),
        "test loss, scratch": (epochs, [r.test_loss for r in records]),
        "test loss, concise": (epochs, [r.test_loss for r in records]),
    }
    accuracies = lines(compared["accuracy"])
    for twin in ("scratch", "concise"):
        assert accuracies[f"train accuracy, {twin}"] == (epochs, [r.train_acc for r in records])
        assert accuracies[f"test accuracy, {twin}"] == (epochs, [r.test_acc for r in records])
    differences = [compared[f"difference: {of}"] for of in ("loss (nats)", "accuracy", "W and b")]
    epsilon = torch.finfo(torch.float32).eps
    for axes in differences:
        assert lines(axes)[f"machine epsilon of float32, {epsilon:.1e}"][1] == [epsilon, epsilon]
        assert axes.get_yscale() == "log"
    loss, accuracy, weights = map(lines, differences)
    assert loss["train loss"][1] == pytest.approx([0.01, math.nan, 0.01], nan_ok=True)
    assert accuracy["test accuracy"] == (epochs, [0.02, 0.02, 0.02])
    assert weights["W, largest entry"] == (epochs, [1e-3, 2e-3, 3e-3])
    assert [len(each) for each in (loss, accuracy, weights)] == [2, 2, 2]
    equal = ("test loss", "train accuracy", "b, largest entry")
    assert [axes.get_title() for axes in differences] == [f"exactly equal: {of}" for of in equal]


def test_the_legend_of_the_comparison_means_what_is_drawn(compared):
    legend = {line.get_label(): line for line in compared.pop("legend").lines}
    for line in (line for axes in compared.values() for line in axes.lines):
        name, _, twin = line.get_label().partition(", ")
        meant = legend[name if twin in BOTH else line.get_label()]
        assert line.get_color() == meant.get_color()
        if twin in BOTH:
            assert line.get_linestyle() == legend[twin].get_linestyle()


def test_twins_that_are_equal_have_a_text_in_place_of_lines():
    axes = draw_comparison(BOTH, EQUAL, "float32").axes[4]
    assert texts(axes) == ["exactly equal: \nW, largest entry\nb, largest entry"]
    assert not axes.lines


# The prediction of a picture, and the losses of regression


def test_a_prediction_has_the_steps_the_input_and_the_bars_in_their_places():
    picture = Image.new("RGB", (3, 2), (10, 20, 30))
    steps = {"the picture": picture, "trimmed": Image.new("L", (3, 2), 99)}
    X = torch.tensor([[[[0.0, 0.25], [0.5, 1.0]]]])
    model = scratch.SoftmaxRegression(4, 3)
    model.W.zero_()
    model.b += torch.tensor([0.2, 0.7, 0.1]).log()  # the biases decide
    figure = draw_prediction(X, steps, ("A doubt.",), model, THREE)
    assert figure.get_suptitle() == "A doubt."
    original, trimmed, seen = (axes.images[0].get_array() for axes in figure.axes[:3])
    assert [axes.get_title() for axes in figure.axes[:3]] == [*steps, "model input"]
    assert original.shape == (2, 3, 4)
    assert original[1, 2].tolist() == [10, 20, 30, 255]
    assert trimmed[0, 0, 0] == 99
    assert seen.tolist() == [[0.0, 0.25], [0.5, 1.0]]
    assert figure.axes[2].images[0].get_clim() == (0, 1)
    (bars,) = [axes for axes in figure.axes if axes.get_xlabel() == "probability"]
    names = dict(zip(bars.get_yticks(), tick_labels(bars.yaxis), strict=True))
    widths = {names[bar.get_y() + bar.get_height() / 2]: bar.get_width() for bar in bars.patches}
    assert widths == pytest.approx({"bag": 0.2, "coat": 0.7, "shirt": 0.1})
    assert [names[place] for place in sorted(names)] == list(THREE)
    assert bars.yaxis_inverted()  # so the first class is at the top
    assert texts(bars) == ["0.200", "0.700", "0.100"]


LOSSES = {
    "squared loss": (scratch.losses.squared, scratch.losses.squared_gradient),
    "L1 loss": (scratch.losses.l1, scratch.losses.l1_gradient),
}


def test_each_loss_has_its_values_likelihood_and_gradient():
    squared, l1 = draw_losses(LOSSES).axes
    for axes, most, slope in ((squared, 4.5, 3.0), (l1, 3.0, 1.0)):
        drawn = {name: (x[0], y[0], x[-1], y[-1]) for name, (x, y) in lines(axes).items()}
        assert drawn["loss"] == (-3, most, 3, most)
        likelihood = math.exp(-most)
        assert drawn["likelihood exp(-loss)"] == pytest.approx((-3, likelihood, 3, likelihood))
        assert drawn["gradient"] == (-3, -slope, 3, slope)
    assert [squared.get_title(), l1.get_title()] == list(LOSSES)
    assert not squared.collections
    limits, value = (each.get_offsets().tolist() for each in l1.collections)
    assert (limits, value) == ([[0, -1], [0, 1]], [[0, 0]])  # of the gradient at 0, where it jumps
    x, y = lines(l1)["gradient"]
    assert np.array(x)[np.isnan(y)].tolist() == [0]


def test_delta_of_the_command_is_the_threshold_of_hubers_loss(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(losses_command, "save_figure", lambda path, figure: drawn.append(figure))
    assert d2l_main.main(["losses", "--delta=2", f"--output-dir={tmp_path}"]) == 0
    assert drawn[0].axes[2].get_title() == "Huber's loss, δ = 2"
    # At 3, beyond δ = 2: δ (3 - δ / 2) = 4, and the gradient stays at 2.
    at_three = {name: float(y[-1]) for name, (_, y) in lines(drawn[0].axes[2]).items()}
    assert at_three == pytest.approx(
        {"loss": 4.0, "likelihood exp(-loss)": math.exp(-4), "gradient": 2.0}
    )


def test_of_many_classes_the_first_are_shown_and_a_figure_says_so():
    names, shape = [f"k{k}" for k in range(70)], (1, 10, 10)
    W = torch.eye(100)[:, :70]
    figure = templates.draw_templates(W, shape, names)
    assert_whole(figure)
    assert len(figure.axes[0].images) == 60
    assert "Only the first 60 classes are shown." in figure.get_suptitle()
    assert templates.describe_templates(names).startswith("The weights of 60 classes")
    by_epoch = templates.describe_templates_by_epoch([0, 1], names)
    assert by_epoch.startswith("The weights of 20 classes")
