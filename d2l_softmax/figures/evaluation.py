"""Figures of an evaluated model: predictions, weights, errors and calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

from d2l_softmax.figures.style import (
    BLUE,
    GRAY,
    WRONG,
    CaptionedFigure,
    draw_tile,
    new_figure,
    new_tiles,
    save_figure,
    shortened,
    whole_numbers,
)
from d2l_softmax.figures.templates import describe_templates, draw_templates
from d2l_softmax.i18n import tr
from d2l_softmax.io import write_csv
from d2l_softmax.training.evaluation import (
    MOST_CONFUSED,
    NUM_BINS,
    Bin,
    Evaluation,
    Model,
    evaluate,
    score_table,
    wilson_interval,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUM_PREDICTIONS = 18
MOST_MISTAKES = 12
# With fewer examples, the confidence interval of a bin is wider than ± 0.1, the adjacent bins.
FEWEST_JUDGED = 100
MOST_COUNTS = 60  # classes up to which a confusion matrix shows the counts
MOST_NAMES = 120  # classes up to which a confusion matrix shows the class names
MOST_ERRORS = 3  # errors that an alt text names
# Text inside the axes: measuring it for the layout would take a tenth of the drawing time.
INSIDE: dict[str, Any] = {"fontsize": 8, "in_layout": False}
CONFUSION, TABLE = "confusion.png", "scores.csv"
SCORES = ("class", "precision", "recall", "examples")


class EvaluatedModel(NamedTuple):
    """A model, the test data, and its evaluation on them: the input of all FIGURES."""

    model: Model
    dataset: Any  # with classes, examples as images and labels, and their number
    evaluation: Evaluation

    @property
    def shape(self) -> Sequence[int]:
        """Return the shape of an example: (c, h, w), or (d,) for features."""
        return self.dataset[0][0].shape

    def first_images(self) -> list[Tensor]:
        """Return the first test images, (c, h, w) each."""
        return [self.dataset[i][0] for i in range(min(NUM_PREDICTIONS, len(self.dataset)))]

    def first_labels(self) -> tuple[list[int], list[int]]:
        """Return the true and the predicted classes of the first test images."""
        y, predicted = self.evaluation.y, self.evaluation.predicted
        return y[:NUM_PREDICTIONS].tolist(), predicted[:NUM_PREDICTIONS].tolist()


class FigureSpec(NamedTuple):
    """A figure that every run draws: its file name, its caption, and how to draw it.

    `draw` and `alt_text` take an EvaluatedModel; `alt_text` returns a description for screen
    readers. Pages embed the figure as SVG if `vector` is true: it has lines and text only. With
    `needs_images` the figure is left out if the examples are features.
    """

    file: str
    caption: str
    draw: Callable[[EvaluatedModel], Figure]
    alt_text: Callable[[EvaluatedModel], str]
    vector: bool = False
    needs_images: bool = False


FIGURES = [
    FigureSpec(
        "predictions.png",
        "The first test images.",
        draw=lambda m: draw_predictions(m.first_images(), *m.first_labels(), m.evaluation.classes),
        alt_text=lambda m: describe_predictions(*m.first_labels(), m.evaluation.classes),
        needs_images=True,
    ),
    FigureSpec(
        "templates.png",
        "The weights of each class as an image.",
        draw=lambda m: draw_templates(m.model.W, m.shape, m.evaluation.classes),
        alt_text=lambda m: describe_templates(m.evaluation.classes),
        needs_images=True,
    ),
    FigureSpec(
        CONFUSION,
        "Confusion matrix: how often each class was mistaken for another.",
        draw=lambda m: draw_confusion(m.evaluation),
        alt_text=lambda m: describe_confusion(m.evaluation),
        vector=True,
    ),
    FigureSpec(
        "mistakes.png",
        "The most confident errors.",
        draw=lambda m: draw_mistakes(m.evaluation, m.dataset),
        alt_text=lambda m: describe_mistakes(m.evaluation),
        needs_images=True,
    ),
    FigureSpec(
        "reliability.png",
        "Reliability diagram: accuracy against confidence.",
        draw=lambda m: draw_reliability(m.evaluation),
        alt_text=lambda m: describe_reliability(m.evaluation),
        vector=True,
    ),
]


def write_evaluation(
    output_dir: Path, model: Model, test_iter: Any
) -> tuple[dict[str, CaptionedFigure], str, Evaluation]:
    """Evaluate a model, and write FIGURES and TABLE.

    Return the figures by file name, the score table as text, and the evaluation. Figures of images
    are left out if the examples are features. The confusion matrix is left out if there are more
    than MOST_CONFUSED classes.
    """
    evaluation = evaluate(model, test_iter)
    evaluated = EvaluatedModel(model, test_iter.dataset, evaluation)
    has_images = len(evaluated.shape) == 3
    written = {}
    has_many_classes = len(evaluation.classes) > MOST_CONFUSED
    for spec in FIGURES:
        if spec.file == CONFUSION and has_many_classes:
            continue
        if has_images or not spec.needs_images:
            figure = spec.draw(evaluated)
            save_figure(output_dir / spec.file, figure)
            alt = spec.alt_text(evaluated)
            vector = figure if spec.vector else None
            written[spec.file] = CaptionedFigure(tr(spec.caption), alt, vector)
    write_csv(output_dir / TABLE, SCORES, evaluation.class_scores())
    table = score_table(evaluation)
    if not has_images:
        table += "\nThe examples are features: figures that show images are left out."
    if has_many_classes:
        table += f"\nMore than {MOST_CONFUSED:,} classes: the confusion matrix is left out."
    return written, table, evaluation


def draw_predictions(
    images: Sequence[Tensor],
    y: Sequence[int],
    predicted: Sequence[int],
    classes: Sequence[str],
) -> Figure:
    """Draw images (c, h, w) below their true and predicted classes; ✗ and red mark errors."""
    columns = min(9, max(5, len(images)))  # the title needs the width of five
    figure, axes = new_tiles(len(images), columns)
    title = tr("true class above predicted class; errors are marked with ✗")
    figure.suptitle(title, fontsize="medium")
    for place, (image, true, guess) in enumerate(zip(images, y, predicted, strict=True)):
        mark, color = ("", "black") if guess == true else ("✗ ", WRONG)
        title = f"{shortened(classes[true])}\n{mark}{shortened(classes[guess])}"
        draw_tile(axes, place, columns, image, title, color, **GRAY)
    return figure


def describe_predictions(y: Sequence[int], predicted: Sequence[int], classes: Sequence[str]) -> str:
    """Return the alt text of `draw_predictions`."""
    wrong = [pair for pair in zip(y, predicted, strict=True) if pair[0] != pair[1]]
    text = tr(
        "{n} images with their true and predicted classes, {right} predicted correctly.",
        n=len(y),
        right=len(y) - len(wrong),
    )
    return text + name_errors(wrong, classes)


def draw_confusion(evaluation: Evaluation) -> Figure:
    """Draw the confusion matrix: true classes in rows, predicted classes in columns."""
    confusion = evaluation.confusion()
    shares = confusion / confusion.sum(dim=1, keepdim=True).clamp(min=1)
    q = len(evaluation.classes)
    side = min(max(4.4, 0.36 * q), 22)  # of the matrix, in inches
    figure, (axes,) = new_figure(side + 2, side + 1.4)
    axes.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
    for row, counts in enumerate(confusion.tolist() if q <= MOST_COUNTS else []):
        for column, count in enumerate(counts):
            color = "white" if shares[row, column] > 0.5 else "black" if count else "#bbbbbb"
            axes.text(column, row, count, **INSIDE, ha="center", va="center", color=color)
    if q <= MOST_NAMES:
        names = [shortened(name) for name in evaluation.classes]
        axes.set_xticks(range(q), names, rotation=45, ha="right")
        axes.set_yticks(range(q), names)
    axes.set(
        xlabel=tr("predicted class"),
        ylabel=tr("true class"),
        title=tr("confusion matrix, accuracy {accuracy}", accuracy=f"{evaluation.accuracy:.4f}"),
    )
    return figure


def describe_confusion(evaluation: Evaluation) -> str:
    """Return the alt text of `draw_confusion`: accuracy and most frequent errors."""
    errors = evaluation.confusion()
    right = int(errors.diagonal().sum())
    text = tr("{right} of {n} examples are predicted correctly.", right=right, n=len(evaluation.y))
    counts = errors.fill_diagonal_(0).flatten()
    most = counts.argsort(descending=True, stable=True)[:MOST_ERRORS].tolist()
    pairs = [divmod(place, len(errors)) for place in most if counts[place]]
    return text + name_errors(pairs, evaluation.classes)


def draw_mistakes(evaluation: Evaluation, dataset: Any) -> Figure:
    """Draw the misclassified images of the data set with the highest confidence."""
    indices = evaluation.most_confident_errors(MOST_MISTAKES).tolist()
    columns = min(MOST_MISTAKES // 2, max(4, len(indices)))  # the title needs the width of four
    figure, axes = new_tiles(max(1, len(indices)), columns, side=1.6)  # for names and numbers
    title = tr("most confident errors: true class, predicted class, probability of each")
    figure.suptitle(title, fontsize="medium")
    if not indices:
        axes.text(0.5, 0.5, tr("no errors"), ha="center", transform=axes.transAxes)
    for place, index in enumerate(indices):
        lines = [
            f"{shortened(evaluation.classes[k])} {float(evaluation.y_hat[index, k]):.3f}"
            for k in (int(evaluation.y[index]), int(evaluation.predicted[index]))
        ]
        draw_tile(axes, place, columns, dataset[index][0], "\n".join(lines), **GRAY)
    return figure


def describe_mistakes(evaluation: Evaluation) -> str:
    """Return the alt text of `draw_mistakes`."""
    indices = evaluation.most_confident_errors(MOST_MISTAKES).tolist()
    pairs = [(int(evaluation.y[i]), int(evaluation.predicted[i])) for i in indices]
    text = tr("{n} misclassified images.", n=len(indices))
    return text + name_errors(pairs, evaluation.classes)


def draw_reliability(evaluation: Evaluation) -> Figure:
    """Draw a reliability diagram of ten bins, and below it a histogram of the confidence.

    Error bars are 95 % Wilson intervals. Bins with fewer than FEWEST_JUDGED examples are hollow
    and not connected.
    """
    bins = evaluation.reliability()
    figure, (axes, sizes) = new_figure(5.6, 5.6, rows=2, height_ratios=(3, 1), sharex=True)
    axes.plot([0, 1], [0, 1], color="gray", linestyle="--", label=tr("perfect calibration"))
    large = [b for b in bins if b.examples >= FEWEST_JUDGED]
    small = [b for b in bins if b.examples < FEWEST_JUDGED]
    label = tr("this model, with 95 % Wilson intervals")
    draw_bins(axes, large, fmt="o-", label=label, color=BLUE)
    label = tr("bins with fewer than {n} examples", n=FEWEST_JUDGED)
    hollow = {"color": "gray", "markerfacecolor": "none", "alpha": 0.7}
    draw_bins(axes, small, fmt="o", label=label, **hollow)
    error = tr("calibration error {error}", error=f"{evaluation.calibration_error():.4f}")
    axes.set(ylabel=tr("accuracy"), title=error, ylim=(-0.02, 1.02))
    axes.legend(fontsize="small")
    lefts, counts = [b.lowest for b in bins], [b.examples for b in bins]
    bars = sizes.bar(lefts, counts, 1 / NUM_BINS, align="edge", edgecolor="white")
    sizes.bar_label(bars, [f"{n:,}" for n in counts], **INSIDE, padding=1)
    sizes.margins(y=0.2)
    xlabel = tr("confidence: probability of the predicted class")
    sizes.set(xlabel=xlabel, ylabel=tr("examples"), xlim=(0, 1))
    whole_numbers(sizes.yaxis, 4)
    for each in (axes, sizes):
        each.grid(alpha=0.3)
    return figure


def describe_reliability(evaluation: Evaluation) -> str:
    """Return the alt text of `draw_reliability`."""
    return tr(
        "Accuracy against confidence: the accuracy is {accuracy:.1%}, the mean confidence "
        "{confidence:.1%}, the expected calibration error {error:.4f}.",
        accuracy=evaluation.accuracy,
        confidence=float(evaluation.confidence.mean()),
        error=evaluation.calibration_error(),
    )


def draw_bins(axes: Axes, bins: Sequence[Bin], **style: Any) -> None:
    """Plot accuracy against confidence, a point for each bin, with Wilson intervals."""
    if not bins:
        return
    x, y = [b.confidence for b in bins], [b.accuracy for b in bins]
    intervals = [wilson_interval(b.accuracy, b.examples) for b in bins]
    below = [b.accuracy - low for b, (low, _) in zip(bins, intervals, strict=True)]
    above = [high - b.accuracy for b, (_, high) in zip(bins, intervals, strict=True)]
    axes.errorbar(x, y, yerr=(below, above), capsize=3, elinewidth=1, **style)


def name_errors(pairs: Sequence[tuple[int, int]], classes: Sequence[str]) -> str:
    """Return a sentence for each of the first MOST_ERRORS pairs (true class, predicted class)."""
    return "".join(
        tr(
            " {true} was mistaken for {predicted}.",
            true=shortened(classes[true]),
            predicted=shortened(classes[predicted]),
        )
        for true, predicted in dict.fromkeys(pairs[:MOST_ERRORS])
    )
