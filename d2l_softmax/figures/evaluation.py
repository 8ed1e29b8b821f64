"""Figures of what a model has learned and of where it errs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

from d2l_softmax.figures import alt_text as describe
from d2l_softmax.figures.style import (
    GRAY,
    WRONG,
    draw_tile,
    new_figure,
    new_tiles,
    save_figure,
    shortened,
)
from d2l_softmax.pages.svg import Shown
from d2l_softmax.figures.templates import draw_templates
from d2l_softmax.i18n import tr
from d2l_softmax.io import write_csv
from d2l_softmax.training.evaluation import (
    NUM_BINS,
    Bin,
    Evaluation,
    LabelledBatches,
    LabelledImages,
    Model,
    evaluate,
    score_table,
    wilson_interval,
)

if TYPE_CHECKING:
    import matplotlib.figure
    from matplotlib.axes import Axes

NUM_PREDICTIONS = 18
# With fewer examples in a bin, its interval reaches further than the next bin, 0.1 to each side.
FEWEST_JUDGED = 100
MOST_COUNTS = 60  # classes up to which a confusion matrix has numbers in it
MOST_NAMES = 120  # classes up to which each has its name beside the matrix
# Numbers within the axes: measuring each for the layout would take a tenth of the time of drawing.
INSIDE: dict[str, Any] = {"fontsize": 8, "in_layout": False}
TABLE = "scores.csv"
SCORES = ("class", "precision", "recall", "examples")  # a row for each class


class EvaluatedModel(NamedTuple):
    """A model, the test data, and its evaluation on them: what FIGURES are drawn from."""

    model: Model
    dataset: LabelledImages
    evaluation: Evaluation

    @property
    def shape(self) -> Sequence[int]:
        """Return the shape of an example: (c, h, w) or, for features, (d,)."""
        return self.dataset[0][0].shape

    def first_images(self) -> list[Tensor]:
        """Return the first test images, (c, h, w) each."""
        return [self.dataset[i][0] for i in range(min(NUM_PREDICTIONS, len(self.dataset)))]

    def first_labels(self) -> tuple[list[int], list[int]]:
        """Return the labels and the predicted classes of these images."""
        y, predicted = self.evaluation.y, self.evaluation.predicted
        return y[:NUM_PREDICTIONS].tolist(), predicted[:NUM_PREDICTIONS].tolist()


class Figure(NamedTuple):
    """A figure of every run: its file, its caption, and two functions of an EvaluatedModel.

    `draw` returns the figure, `alt_text` what it shows, for those who don't see it. A `vector`
    figure consists of lines and letters: pages have it as SVG. One that `needs_images` is left out
    where examples are features.
    """

    file: str
    caption: str
    draw: Callable[[EvaluatedModel], matplotlib.figure.Figure]
    alt_text: Callable[[EvaluatedModel], str]
    vector: bool = False
    needs_images: bool = False


FIGURES = [
    Figure(
        "predictions.png",
        "The first test images.",
        draw=lambda of: draw_predictions(
            of.first_images(), *of.first_labels(), of.evaluation.classes
        ),
        alt_text=lambda of: describe.of_predictions(*of.first_labels(), of.evaluation.classes),
        needs_images=True,
    ),
    Figure(
        "templates.png",
        "What was learned: the weights of each class as an image.",
        draw=lambda of: draw_templates(of.model.W, of.shape, of.evaluation.classes),
        alt_text=lambda of: describe.of_templates(of.evaluation.classes),
        needs_images=True,
    ),
    Figure(
        "confusion.png",
        "How often each class was taken for each other.",
        draw=lambda of: draw_confusion(of.evaluation),
        alt_text=lambda of: describe.of_confusion(of.evaluation),
        vector=True,
    ),
    Figure(
        "mistakes.png",
        "Where the model was most sure and wrong.",
        draw=lambda of: draw_mistakes(of.evaluation, of.dataset),
        alt_text=lambda of: describe.of_mistakes(of.evaluation),
        needs_images=True,
    ),
    Figure(
        "reliability.png",
        "Is it as often right as it is sure?",
        draw=lambda of: draw_reliability(of.evaluation),
        alt_text=lambda of: describe.of_reliability(of.evaluation),
        vector=True,
    ),
]


def write_evaluation(
    output_dir: Path, model: Model, test_iter: LabelledBatches
) -> tuple[dict[str, Shown], str, Evaluation]:
    """Evaluate a model and write FIGURES and TABLE; return what is shown by file, and the table.

    Where examples are features, the figures that show images are left out.
    """
    evaluation = evaluate(model, test_iter)
    evaluated = EvaluatedModel(model, test_iter.dataset, evaluation)
    has_images = len(evaluated.shape) == 3
    shown = {}
    for file, caption, draw, alt_text, vector, needs_images in FIGURES:
        if has_images or not needs_images:
            figure = draw(evaluated)
            save_figure(output_dir / file, figure)
            shown[file] = Shown(tr(caption), alt_text(evaluated), figure if vector else None)
    write_csv(output_dir / TABLE, SCORES, evaluation.class_scores())
    table = score_table(evaluation)
    if not has_images:
        table += "\nThe examples are features: figures that show images are left out."
    return shown, table, evaluation


def draw_predictions(
    images: Sequence[Tensor],
    y: Sequence[int],
    predicted: Sequence[int],
    classes: Sequence[str],
    columns: int = 9,
) -> matplotlib.figure.Figure:
    """Draw images (c, h, w) under their true and predicted classes, wrong ones red with ✗."""
    figure, axes = new_tiles(len(images), columns)
    title = tr("true label above predicted label, the wrong ones with ✗")
    figure.suptitle(title, fontsize="medium")
    for place, (image, true, guess) in enumerate(zip(images, y, predicted, strict=True)):
        mark, color = ("", "black") if guess == true else ("✗ ", WRONG)
        title = f"{shortened(classes[true])}\n{mark}{shortened(classes[guess])}"
        draw_tile(axes, place, columns, image, title, color, **GRAY)
    return figure


def draw_confusion(evaluation: Evaluation) -> matplotlib.figure.Figure:
    """Draw how often each true class (row) was predicted as each class (column)."""
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
        title=tr("accuracy {accuracy}", accuracy=f"{evaluation.accuracy:.4f}"),
    )
    return figure


def draw_mistakes(
    evaluation: Evaluation, dataset: LabelledImages, n: int = 12
) -> matplotlib.figure.Figure:
    """Draw the misclassified images of the data set with the highest confidence."""
    mistakes = evaluation.most_confident_errors(n).tolist()
    figure, axes = new_tiles(n, n // 2)
    figure.suptitle(
        tr("most confident mistakes: true label, predicted label, probability of each"),
        fontsize="medium",
    )
    for place, index in enumerate(mistakes):
        classes = int(evaluation.y[index]), int(evaluation.predicted[index])
        lines = (
            f"{shortened(evaluation.classes[k])} {float(evaluation.y_hat[index, k]):.3f}"
            for k in classes
        )
        draw_tile(axes, place, n // 2, dataset[index][0], "\n".join(lines), **GRAY)
    return figure


def draw_reliability(evaluation: Evaluation) -> matplotlib.figure.Figure:
    """Draw how often the model is right against how sure it is, in ten bins, and their sizes.

    Bars are Wilson's intervals; bins of too few examples to judge are hollow and not joined.
    """
    bins = evaluation.reliability()
    figure, (axes, sizes) = new_figure(5.6, 5.6, rows=2, height_ratios=(3, 1), sharex=True)
    axes.plot([0, 1], [0, 1], color="gray", linestyle="--", label=tr("as sure as right"))
    judged = [b for b in bins if b.examples >= FEWEST_JUDGED]
    few = [b for b in bins if b.examples < FEWEST_JUDGED]
    draw_bins(
        axes, judged, "o-", label=tr("this model, with Wilson's 95 % intervals"), color="tab:blue"
    )
    label = tr("fewer than {n} images: too few to judge", n=FEWEST_JUDGED)
    draw_bins(axes, few, "o", label=label, color="gray", markerfacecolor="none", alpha=0.7)
    error = tr("calibration error {error}", error=f"{evaluation.calibration_error():.4f}")
    axes.set(ylabel=tr("accuracy"), title=error, ylim=(-0.02, 1.02))
    axes.legend(fontsize="small")
    lefts, counts = [b.lowest for b in bins], [b.examples for b in bins]
    drawn = sizes.bar(lefts, counts, 1 / NUM_BINS, align="edge", edgecolor="white")
    sizes.bar_label(drawn, [f"{n:,}" for n in counts], **INSIDE, padding=1)
    sizes.margins(y=0.2)
    sizes.set(
        xlabel=tr("confidence: probability of the predicted class"),
        ylabel=tr("images"),
        xlim=(0, 1),
    )
    for each in (axes, sizes):
        each.grid(alpha=0.3)
    return figure


def draw_bins(axes: Axes, bins: Sequence[Bin], style: str, **how: Any) -> None:
    """Draw the accuracy in each bin against the confidence, with its interval."""
    if not bins:
        return
    x, y = [b.confidence for b in bins], [b.accuracy for b in bins]
    intervals = [wilson_interval(b.accuracy, b.examples) for b in bins]
    below = [b.accuracy - low for b, (low, _) in zip(bins, intervals, strict=True)]
    above = [high - b.accuracy for b, (_, high) in zip(bins, intervals, strict=True)]
    axes.errorbar(x, y, yerr=(below, above), fmt=style, capsize=3, elinewidth=1, **how)
