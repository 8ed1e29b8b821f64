"""What the figures show: which number, image, name and colour stands where.

Each is drawn from a few numbers made up by hand, and read back from matplotlib's objects.
"""

import io
import math

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from PIL import Image

import scratch
from d2l_softmax import __main__ as d2l_main
from d2l_softmax.commands import losses as losses_command
from d2l_softmax.data.batches import ArrayDataset, ArrayLoader
from d2l_softmax.figures import evaluation as evaluation_figures
from d2l_softmax.figures.comparison import draw_comparison
from d2l_softmax.figures.curves import draw_curves
from d2l_softmax.figures.evaluation import (
    draw_confusion,
    draw_mistakes,
    draw_predictions,
    draw_reliability,
    write_evaluation,
)
from d2l_softmax.figures.losses import draw_losses
from d2l_softmax.figures.prediction import draw_prediction
from d2l_softmax.figures.style import as_png, draw_tile, new_tiles
from d2l_softmax.figures.templates import (
    a_few_of,
    draw_frame,
    draw_templates,
    draw_templates_by_epoch,
)
from d2l_softmax.training.agreement import Difference
from d2l_softmax.training.evaluation import Evaluation, wilson_interval
from d2l_softmax.training.history import EpochRecord

CLASSES = ("bag", "coat", "shirt")


def texts(axes):
    """Return what is written on the axes, in the order of writing."""
    return [text.get_text() for text in axes.texts]


def lines(axes):
    """Return the lines by name: the values of x and of y."""
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines
    }


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def is_red(color):
    red, green, blue = to_rgb(color)
    return red > 0.5 and green < 0.3 and blue < 0.3


def gray_images(*shades):
    return [torch.full((1, 2, 2), shade) for shade in shades]


def evaluation_of(*predictions):
    """Return an evaluation of (true class, predicted class, confidence), of three classes."""
    y_hat = torch.zeros(len(predictions), 3)
    for row, (_, guess, confidence) in enumerate(predictions):
        y_hat[row] = (1 - confidence) / 2
        y_hat[row, guess] = confidence
    return Evaluation(y_hat, torch.tensor([true for true, _, _ in predictions]), CLASSES)


# Tiles: images under their titles


def test_a_tile_stands_in_its_row_and_column_under_its_own_title():
    figure, axes = new_tiles(5, columns=3)
    for place in range(5):
        draw_tile(axes, place, 3, torch.zeros(1, 2, 2), f"tile {place}")
    assert texts(axes) == [f"tile {place}" for place in range(5)]
    lowest, highest = axes.get_ylim()
    assert lowest > highest  # y grows downwards, as in a text
    rows = []
    for place, (image, title) in enumerate(zip(axes.images, axes.texts, strict=True)):
        left, right, bottom, top = image.get_extent()
        assert int(left) == int(right) == place % 3
        assert left < title.get_position()[0] < right
        assert title.get_position()[1] < top < bottom
        assert title.get_verticalalignment() == "bottom"
        assert image.origin == "upper"  # an image's first row is its highest
        rows.append(top)
    assert rows[0] == rows[1] == rows[2] < rows[3] == rows[4]
    assert axes.get_xlim() == (0, 3)
    assert lowest >= bottom
    assert figure.axes == [axes]


# Predictions


def test_wrong_predictions_are_red_and_marked():
    figure = draw_predictions(gray_images(0.1, 0.2, 0.3), [0, 1, 2], [0, 2, 2], CLASSES)
    (axes,) = figure.axes
    assert texts(axes) == ["bag\nbag", "coat\n✗ shirt", "shirt\nshirt"]
    assert [is_red(text.get_color()) for text in axes.texts] == [False, True, False]
    assert axes.texts[0].get_color() == axes.texts[2].get_color() == "black"


def test_each_prediction_is_under_its_own_image():
    shades = (0.1, 0.2, 0.3)
    figure = draw_predictions(gray_images(*shades), [0, 1, 2], [0, 2, 2], CLASSES, columns=2)
    for image, shade in zip(figure.axes[0].images, shades, strict=True):
        assert image.get_array().tolist() == pytest.approx(np.full((2, 2), shade))
        assert image.get_clim() == (0, 1)  # all images on one scale: black is 0, white is 1
        assert image.get_cmap()(0.0)[:3] == (0, 0, 0)
        assert image.get_cmap()(1.0)[:3] == (1, 1, 1)


# Templates


def test_a_template_is_a_column_of_W_as_an_image():
    # W (6, 2) holds -5, -4, …, 6 row by row: class 0 has every other number from -5 on.
    W = torch.arange(-5.0, 7.0).reshape(6, 2)
    figure = draw_templates(W, (1, 2, 3), CLASSES[:2])
    axes = figure.axes[0]
    assert texts(axes) == ["bag", "coat"]
    assert [image.get_array().tolist() for image in axes.images] == [
        [[-5, -3, -1], [1, 3, 5]],
        [[-4, -2, 0], [2, 4, 6]],
    ]


def test_in_a_template_blue_counts_towards_a_class_and_orange_against_it():
    W = torch.tensor([[2.0, 1.0], [-4.0, -1.0]])
    for image in draw_templates(W, (1, 1, 2), CLASSES[:2]).axes[0].images:
        assert image.get_clim() == (-4, 4)  # the same for all, and zero in the middle
        (against, zero, in_favour), *_ = image.to_rgba(np.array([[-4.0, 0.0, 4.0]]))
        assert in_favour[2] > in_favour[0] + 0.2
        assert against[0] > against[2] + 0.2
        assert list(zero) == [1, 1, 1, 1]


def test_templates_of_weights_that_are_all_zero_can_be_drawn():
    figure = draw_templates(torch.zeros(4, 3), (1, 2, 2), CLASSES)
    assert [image.get_clim() for image in figure.axes[0].images] == [(-1, 1)] * 3


# Templates, epoch by epoch

COURSE = {epoch: torch.full((4, 3), float(epoch + 1)) for epoch in range(4)}


def test_templates_by_epoch_are_a_row_for_each_class_and_a_column_for_each_epoch():
    course = {epoch: W.clone() for epoch, W in COURSE.items()}
    course[2][:, 1] = torch.tensor([-6.0, 3.0, 0.0, 1.5])
    figure = draw_templates_by_epoch(course, (1, 2, 2), CLASSES)
    (axes,) = figure.axes
    pixels = axes.images[0].get_array().filled(math.nan)
    # Each template is 2×2 and has a gap of a pixel around it; so each takes 4×4.
    assert pixels.shape == (3 * 4, 4 * 4)
    assert pixels[5:7, 9:11].tolist() == [[-1, 0.5], [0, 0.25]]  # divided by its epoch's largest, 6
    assert pixels[1:3, 9:11].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert pixels[1:3, 1:3].tolist() == [[1, 1], [1, 1]]
    assert np.isnan(pixels[4]).all()
    assert np.isnan(pixels[:, 8]).all()
    assert axes.images[0].get_clim() == (-1, 1)
    assert tick_labels(axes.yaxis) == list(CLASSES)
    assert tick_labels(axes.xaxis) == ["0\n±1", "1\n±2", "2\n±6", "3\n±4"]
    assert list(axes.get_yticks()) == [1.5, 5.5, 9.5]  # in the middle of the template
    assert list(axes.get_xticks()) == [1.5, 5.5, 9.5, 13.5]
    assert "the weight that is drawn in full colour" in figure.get_suptitle()


def test_names_beside_templates_by_epoch_are_not_cut():
    names = [f"class of a long name {k}" for k in range(30)]
    course = {epoch: torch.ones(15, 30) for epoch in range(31)}
    figure = draw_templates_by_epoch(course, (1, 3, 5), names)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    labels = axes.get_yticklabels()
    assert len(labels) == 20  # those of many classes that are drawn
    for label in [*labels, *axes.get_xticklabels()]:
        box = label.get_window_extent()
        assert figure.bbox.contains(*box.min)
        assert figure.bbox.contains(*box.max)


def test_of_many_epochs_the_first_ones_are_drawn_closest():
    assert a_few_of(COURSE, 8) == [0, 1, 2, 3]
    some = a_few_of(dict.fromkeys(range(101)), 8)
    assert len(some) <= 8
    assert (some[0], some[-1]) == (0, 100)
    steps = np.diff(some)
    assert (steps[1:] >= steps[:-1]).all()
    assert a_few_of(dict.fromkeys(range(7, 107)), 8)[0] == 7


def test_coloured_templates_by_epoch_are_gray_where_they_are_zero():
    W = torch.zeros(12, 2)
    W[0, 0] = 2.0  # the first pixel's red
    (axes,) = draw_templates_by_epoch({0: W}, (3, 2, 2), CLASSES[:2]).axes
    pixels = axes.images[0].get_array()
    assert pixels[1, 1].tolist() == [1.0, 0.5, 0.5]
    assert pixels[5, 1].tolist() == [0.5, 0.5, 0.5]
    assert pixels[0, 0].tolist() == [1.0, 1.0, 1.0]


def test_frames_have_each_template_at_one_place_as_bright_as_its_epoch():
    frames = [draw_frame(W, (1, 2, 2), CLASSES) for W in COURSE.values()]
    places = [[image.get_extent() for image in frame.axes[0].images] for frame in frames]
    assert all(each == places[0] for each in places)
    assert texts(frames[0].axes[0]) == list(CLASSES)
    for frame in frames:
        for image in frame.axes[0].images:
            assert image.get_array().tolist() == [[1, 1], [1, 1]]
            assert image.get_clim() == (-1, 1)
    sizes = {Image.open(io.BytesIO(as_png(frame))).size for frame in frames}
    assert len(sizes) == 1


# The confusion matrix


def test_rows_of_the_confusion_matrix_are_true_classes_and_columns_predicted_ones():
    # Of three bags one was taken for a bag and two for coats; the one coat was taken for a shirt.
    evaluation = evaluation_of((0, 0, 0.9), (0, 1, 0.8), (0, 1, 0.7), (1, 2, 0.6))
    (axes,) = draw_confusion(evaluation).axes
    shares = np.array([[1 / 3, 2 / 3, 0], [0, 0, 1], [0, 0, 0]])
    assert axes.images[0].get_array().tolist() == pytest.approx(shares)
    counts = {text.get_position(): text.get_text() for text in axes.texts}
    rows = [[counts[column, row] for column in range(3)] for row in range(3)]
    assert rows == [["1", "2", "0"], ["0", "0", "1"], ["0", "0", "0"]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert tick_labels(axes.xaxis) == tick_labels(axes.yaxis) == list(CLASSES)
    assert axes.get_title() == "accuracy 0.2500"


def test_counts_of_the_confusion_matrix_can_be_read_on_their_ground():
    evaluation = evaluation_of((0, 0, 0.9), (0, 1, 0.8), (0, 1, 0.7), (1, 2, 0.6))
    (axes,) = draw_confusion(evaluation).axes
    for text in axes.texts:
        column, row = text.get_position()
        (ground,) = axes.images[0].to_rgba(axes.images[0].get_array()[row : row + 1, column])
        difference = abs(np.mean(to_rgb(text.get_color())) - np.mean(ground[:3]))
        assert difference > (0.4 if text.get_text() != "0" else 0.2)


# The most confident mistakes


class Shades:
    """A data set of three classes in which image i has the shade i / 10."""

    classes = CLASSES

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return gray_images(index / 10)[0], torch.tensor(0)


MISTAKES = evaluation_of(
    (0, 0, 0.90), (1, 0, 0.60), (1, 2, 0.80), (2, 2, 0.99), (2, 0, 0.70), (0, 0, 0.40)
)


def test_mistakes_are_drawn_from_the_most_confident_on():
    (axes,) = draw_mistakes(MISTAKES, Shades()).axes
    # Each line has the probability of its class; what is left of 1 is shared by the other two.
    assert texts(axes) == [
        "coat 0.100\nshirt 0.800",
        "shirt 0.150\nbag 0.700",
        "coat 0.200\nbag 0.600",
    ]
    drawn = [image.get_array().max() for image in axes.images]
    assert drawn == pytest.approx([0.2, 0.4, 0.1])


def test_only_the_worst_mistakes_are_drawn_if_there_are_too_many():
    (axes,) = draw_mistakes(MISTAKES, Shades(), n=2).axes
    assert [image.get_array().max() for image in axes.images] == pytest.approx([0.2, 0.4])
    assert [int(image.get_extent()[0]) for image in axes.images] == [0, 0]


# Reliability


def bins_of(*sizes):
    """Return an evaluation: for each (confidence, examples, right ones) that many predictions."""
    rows = [
        (0 if place < right else 1, 0, confidence)
        for confidence, examples, right in sizes
        for place in range(examples)
    ]
    return evaluation_of(*rows)


def test_reliability_has_a_point_and_a_bar_for_each_bin():
    evaluation = bins_of((0.45, 100, 40), (0.95, 300, 270))
    points, sizes = draw_reliability(evaluation).axes
    judged, *few = points.containers
    x, y = judged.lines[0].get_data()
    assert list(x) == pytest.approx([0.45, 0.95])
    assert list(y) == pytest.approx([0.4, 0.9])
    assert few == []
    assert lines(points)["as sure as right"] == ([0, 1], [0, 1])
    error = (100 * 0.05 + 300 * 0.05) / 400
    assert points.get_title() == f"calibration error {error:.4f}"
    assert [bar.get_x() for bar in sizes.patches] == [0.4, 0.9]
    assert [bar.get_width() for bar in sizes.patches] == pytest.approx([0.1, 0.1])
    assert [bar.get_height() for bar in sizes.patches] == [100, 300]
    assert texts(sizes) == ["100", "300"]
    assert sizes.get_xlim() == points.get_xlim() == (0, 1)
    assert points.get_ylabel() == "accuracy"
    assert sizes.get_ylabel() == "images"


def test_bins_of_few_images_are_hollow_and_no_line_leads_to_them():
    evaluation = bins_of((0.45, 100, 40), (0.65, 2, 0), (0.95, 300, 270))
    judged, few = draw_reliability(evaluation).axes[0].containers
    assert list(judged.lines[0].get_xdata()) == pytest.approx([0.45, 0.95])
    assert list(few.lines[0].get_xdata()) == pytest.approx([0.65])
    assert judged.lines[0].get_linestyle() == "-"
    assert few.lines[0].get_linestyle() == "None"
    assert few.lines[0].get_markerfacecolor() == "none"
    assert few.get_label() == "fewer than 100 images: too few to judge"


def test_reliability_can_be_drawn_where_all_predictions_of_a_bin_are_right_or_none():
    evaluation = bins_of(*((share / 100, n, n) for share, n in ((45, 7), (55, 16), (65, 162))))
    draw_reliability(evaluation)
    draw_reliability(bins_of((0.45, 29, 0), (0.95, 300, 0)))


def test_each_bin_has_its_interval():
    evaluation = bins_of((0.95, 300, 270))
    (judged,) = draw_reliability(evaluation).axes[0].containers
    ((low, high),) = (path.vertices[:, 1] for path in judged.lines[2][0].get_paths())
    assert (low, high) == pytest.approx(wilson_interval(0.9, 300))


# The curves of a run

HISTORY = (
    EpochRecord(1, train_loss=0.9, train_acc=0.60, test_acc=0.55, seconds=7.0, valid_acc=0.50),
    EpochRecord(2, train_loss=0.7, train_acc=0.75, test_acc=0.70, seconds=8.0, valid_acc=0.65),
    EpochRecord(3, train_loss=0.6, train_acc=0.80, test_acc=0.72, seconds=9.0, valid_acc=0.68),
)


def test_each_curve_is_drawn_from_its_own_column_and_says_when_it_is_measured():
    figure = draw_curves(HISTORY, "scratch, seed 0")
    loss_axes, accuracy_axes = figure.axes
    assert lines(loss_axes) == {"train, during the epoch": ([1, 2, 3], [0.9, 0.7, 0.6])}
    assert lines(accuracy_axes) == {
        "train, during the epoch": ([1, 2, 3], [0.60, 0.75, 0.80]),
        "test, after it": ([1, 2, 3], [0.55, 0.70, 0.72]),
        "validation, after it": ([1, 2, 3], [0.50, 0.65, 0.68]),
    }
    assert loss_axes.get_ylabel() == "cross-entropy (nats)"
    assert accuracy_axes.get_ylabel() == "accuracy"
    assert figure.get_suptitle() == "scratch, seed 0"


def test_no_curve_of_validation_without_held_out_images():
    history = [record._replace(valid_acc=None) for record in HISTORY]
    names = ["train, during the epoch", "test, after it"]
    assert list(lines(draw_curves(history, "").axes[1])) == names


def test_one_epoch_is_seen_as_a_mark():
    for axes in draw_curves(HISTORY[:1], "").axes:
        assert all(line.get_marker() not in ("", "None", None) for line in axes.lines)


def test_epochs_are_marked_by_whole_numbers():
    for axes in draw_curves(HISTORY, "").axes:
        assert all(tick == round(tick) for tick in axes.get_xticks())


# The comparison of both twins

OTHER_HISTORY = tuple(
    record._replace(train_loss=record.train_loss + 0.01, test_acc=record.test_acc - 0.02)
    for record in HISTORY
)
DIFFERENCES = [
    Difference(train_loss=0.01, train_acc=0.0, test_acc=0.02, W=1e-3, b=0.0),
    Difference(train_loss=0.0, train_acc=0.0, test_acc=0.02, W=2e-3, b=0.0),
    Difference(train_loss=0.01, train_acc=0.0, test_acc=0.02, W=3e-3, b=0.0),
]


@pytest.fixture
def compared():
    """Return the figure of two made-up histories and of how far they are apart."""
    records = {"scratch": HISTORY, "concise": OTHER_HISTORY}
    return draw_comparison(records, DIFFERENCES, "float32")


def test_each_line_of_the_comparison_belongs_to_its_twin_and_column(compared):
    losses, accuracies = map(lines, compared.axes[:2])
    assert (len(losses), len(accuracies)) == (2, 4)
    epochs = [1, 2, 3]
    for twin, history in {"scratch": HISTORY, "concise": OTHER_HISTORY}.items():
        assert losses[f"train loss, {twin}"] == (epochs, [r.train_loss for r in history])
        assert accuracies[f"train accuracy, {twin}"] == (epochs, [r.train_acc for r in history])
        assert accuracies[f"test accuracy, {twin}"] == (epochs, [r.test_acc for r in history])


def test_the_comparison_has_one_unit_an_axes(compared):
    assert [axes.get_ylabel() for axes in compared.axes] == [
        "loss (nats)",
        "accuracy",
        "difference: loss (nats)",
        "difference: accuracy",
        "difference: W and b",
        "",  # the legend
    ]


def test_the_twins_are_told_apart_by_style_and_the_columns_by_colour(compared):
    assert compared.get_suptitle() == "scratch (broad) and concise (dashed), float32"
    for axes in compared.axes[:2]:
        for line in axes.lines:
            broad = line.get_label().endswith("scratch")
            assert (line.get_linewidth() > 3) == broad
            assert line.get_linestyle() == ("-" if broad else "--")


def test_the_legend_of_the_comparison_means_what_is_drawn(compared):
    legend = {line.get_label(): line for line in compared.axes[5].lines}
    named = [text.get_text() for text in compared.axes[5].get_legend().get_texts()]
    assert named == list(legend)
    assert len({legend[name].get_color() for name in named[2:]}) == len(named) - 2
    for axes in compared.axes[:5]:
        for line in axes.lines:
            name, _, twin = line.get_label().partition(", ")
            if twin in ("scratch", "concise"):
                assert line.get_color() == legend[name].get_color()
                assert line.get_linestyle() == legend[twin].get_linestyle()
                assert line.get_linewidth() == legend[twin].get_linewidth()
            else:
                assert line.get_color() == legend[line.get_label()].get_color()


def test_differences_are_drawn_by_name_and_what_is_equal_is_said(compared):
    differences = compared.axes[2:5]
    epsilon = torch.finfo(torch.float32).eps
    for axes in differences:
        rounding = lines(axes)[f"rounding of float32, {epsilon:.1e}"]
        assert rounding[1] == [epsilon, epsilon]
        assert axes.get_yscale() == "log"
        assert axes.get_xlabel() == "epoch"
    losses, accuracies, weights = map(lines, differences)
    epochs, gaps = losses["train loss"]
    assert list(epochs) == [1, 2, 3]
    assert gaps == pytest.approx([0.01, math.nan, 0.01], nan_ok=True)
    assert accuracies["test accuracy"] == ([1, 2, 3], [0.02, 0.02, 0.02])
    assert weights["W, largest entry"] == ([1, 2, 3], [1e-3, 2e-3, 3e-3])
    assert [len(each) for each in (losses, accuracies, weights)] == [2, 2, 2]
    titles = [axes.get_title() for axes in differences]
    assert titles == ["", "exactly equal: train accuracy", "exactly equal: b, largest entry"]


def test_epochs_stand_above_each_other_also_where_the_twins_are_equal():
    equal = [Difference(0.0, 0.0, 0.0, 0.0, 0.0)] * 3
    figure = draw_comparison({"scratch": HISTORY, "concise": HISTORY}, equal, "float32")
    (limits,) = {axes.get_xlim() for axes in figure.axes[:5]}
    assert limits[0] < 1 < 3 < limits[1]
    assert figure.axes[4].get_title() == "exactly equal: W, largest entry; b, largest entry"


# The prediction of a picture


@pytest.fixture
def predicted():
    """Return the axes of a prediction, by title or else by the label below.

    The picture is three pixels wide, and the model's weights are zero: its biases decide.
    """
    picture = Image.new("RGB", (3, 2), (10, 20, 30))
    X = torch.tensor([[[[0.0, 0.25], [0.5, 1.0]]]])
    model = scratch.SoftmaxRegression(4, 3)
    model.W.zero_()
    model.b += torch.tensor([0.2, 0.7, 0.1]).log()
    figure = draw_prediction(X, {"the picture": picture}, (), model, CLASSES)
    return {axes.get_title() or axes.get_xlabel(): axes for axes in figure.axes}


def test_bars_belong_to_their_classes_and_stand_in_their_order(predicted):
    axes = predicted["probability"]
    names = dict(zip(axes.get_yticks(), tick_labels(axes.yaxis), strict=True))
    widths = {names[bar.get_y() + bar.get_height() / 2]: bar.get_width() for bar in axes.patches}
    assert widths == pytest.approx({"bag": 0.2, "coat": 0.7, "shirt": 0.1})
    assert [names[place] for place in sorted(names)] == list(CLASSES)
    assert axes.yaxis_inverted()  # so the first class is at the top
    assert texts(axes) == ["0.200", "0.700", "0.100"]


def test_the_most_probable_class_stands_out(predicted):
    bar_colors = [bar.get_facecolor() for bar in predicted["probability"].patches]
    assert bar_colors[0] == bar_colors[2] != bar_colors[1]
    assert sum(bar_colors[1][:3]) < sum(bar_colors[0][:3])  # it is darker


def test_the_picture_and_what_the_model_saw_are_drawn_as_they_are(predicted):
    original, seen = predicted["the picture"], predicted["what the model saw"]
    assert original.images[0].get_array().shape == (2, 3, 4)
    assert original.images[0].get_array()[1, 2].tolist() == [10, 20, 30, 255]
    assert seen.images[0].get_array().tolist() == [[0.0, 0.25], [0.5, 1.0]]
    assert seen.images[0].get_clim() == (0, 1)


# The losses of regression


def test_each_loss_has_its_values_likelihood_and_gradient():
    squared = (scratch.losses.squared, scratch.losses.squared_gradient)
    absolute = (scratch.losses.l1, scratch.losses.l1_gradient)
    figure = draw_losses({"squared loss": squared, "L1 loss": absolute})
    assert [axes.get_title() for axes in figure.axes] == ["squared loss", "L1 loss"]
    at_minus_two = {"squared loss": (2.0, math.exp(-2), -2.0), "L1 loss": (2.0, math.exp(-2), -1.0)}
    at_three = {"squared loss": (4.5, math.exp(-4.5), 3.0), "L1 loss": (3.0, math.exp(-3), 1.0)}
    for axes in figure.axes:
        x = np.array(axes.lines[0].get_xdata())
        assert (x[0], x[-1]) == (-3, 3)
        for place, expected in ((-2.0, at_minus_two), (3.0, at_three)):
            nearest = int(np.abs(x - place).argmin())
            drawn = {name: float(values[1][nearest]) for name, values in lines(axes).items()}
            loss, likelihood, gradient = expected[axes.get_title()]
            assert drawn == pytest.approx(
                {"loss": loss, "likelihood exp(-loss)": likelihood, "gradient": gradient}
            )


def test_losses_have_the_lectures_colours():
    figure = draw_losses({"L1 loss": (scratch.losses.l1, scratch.losses.l1_gradient)})
    colors = {line.get_label(): line.get_color() for line in figure.axes[0].lines}
    assert colors == {
        "loss": "tab:blue",
        "likelihood exp(-loss)": "tab:green",
        "gradient": "tab:orange",
    }


def test_delta_of_the_command_is_where_both_curves_of_huber_turn(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(losses_command, "save_figure", lambda path, figure: drawn.append(figure))
    assert d2l_main.main(["losses", "--delta=2", f"--output-dir={tmp_path}"]) == 0
    axes = drawn[0].axes[2]
    assert [a.get_title() for a in drawn[0].axes] == [
        "squared loss",
        "L1 loss",
        "Huber's loss, δ = 2",
    ]
    # At 3, beyond δ = 2: δ (3 - δ / 2) = 4, and the gradient stays at 2.
    at_three = {name: float(values[1][-1]) for name, values in lines(axes).items()}
    assert at_three == pytest.approx(
        {"loss": 4.0, "likelihood exp(-loss)": math.exp(-4), "gradient": 2.0}
    )


# The files of an evaluation


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Return the figures of a model by file name, and the table of its classes.

    There are 20 images of 2×2 pixels, of which one is lit, and the model takes a lit first pixel
    for a bag, a second for a coat, a third for a shirt. Image 1 is wrongly labelled a shirt.
    """
    lit = torch.arange(20) % 3
    images = torch.zeros(20, 4, dtype=torch.uint8)
    images[torch.arange(20), lit] = 255
    labels = lit.clone()
    labels[1] = 2
    model = scratch.SoftmaxRegression(4, 3)
    model.W = 5 * torch.eye(4)[:, :3]
    loader = ArrayLoader(ArrayDataset(images.reshape(20, 2, 2), labels, CLASSES), 6)
    figures = {}
    monkeypatch.setattr(
        evaluation_figures,
        "save_figure",
        lambda path, figure: figures.setdefault(path.name, figure),
    )
    shown, table, _ = write_evaluation(tmp_path, model, loader)
    assert shown.keys() == figures.keys()
    rows = (tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()
    # Of the 20 images 7 are bags, 6 coats, 7 shirts; a shirt was taken for a coat.
    assert rows == [
        "class,precision,recall,examples",
        "bag,1.0,1.0,7",
        f"coat,{6 / 7},1.0,6",
        f"shirt,1.0,{6 / 7},7",
    ]
    return figures, table


def test_each_figure_of_an_evaluation_is_in_the_file_of_its_name(drawn):
    figures, table = drawn
    assert table.startswith("loss ")
    assert set(figures) == {
        "predictions.png",
        "templates.png",
        "confusion.png",
        "mistakes.png",
        "reliability.png",
    }
    assert "true label above predicted label" in figures["predictions.png"].get_suptitle()
    assert "weights of each class" in figures["templates.png"].get_suptitle()
    assert figures["confusion.png"].axes[0].get_title() == "accuracy 0.9500"
    assert "most confident mistakes" in figures["mistakes.png"].get_suptitle()
    assert "calibration error" in figures["reliability.png"].axes[0].get_title()


def test_an_evaluation_shows_the_first_images_with_what_was_predicted_of_them(drawn):
    (axes,) = drawn[0]["predictions.png"].axes
    assert texts(axes)[:4] == ["bag\nbag", "shirt\n✗ coat", "shirt\nshirt", "bag\nbag"]
    assert len(axes.images) == 18
    for place, image in enumerate(axes.images):
        assert int(image.get_array().argmax()) == place % 3


def test_an_evaluation_shows_the_weights_in_the_shape_of_the_images(drawn):
    axes = drawn[0]["templates.png"].axes[0]
    assert axes.images[1].get_array().tolist() == [[0, 5], [0, 0]]
    assert axes.images[2].get_array().tolist() == [[0, 0], [5, 0]]


def test_an_evaluation_shows_its_one_mistake(drawn):
    (axes,) = drawn[0]["mistakes.png"].axes
    ((shirt, coat),) = (text.splitlines() for text in texts(axes))
    # Logits (0, 5, 0): the lit pixel's class has exp(5) / (exp(5) + 2), the others share the rest.
    assert shirt == f"shirt {1 / (math.exp(5) + 2):.3f}"
    assert coat == f"coat {math.exp(5) / (math.exp(5) + 2):.3f}"
    assert axes.images[0].get_array().tolist() == [[0, 1], [0, 0]]
