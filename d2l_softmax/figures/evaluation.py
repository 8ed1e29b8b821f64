"""Figures of what a model has learned and of where it errs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from d2l_softmax.figures import descriptions
from d2l_softmax.figures.drawing import (
    GRAY,
    WRONG,
    draw_tile,
    new_figure,
    new_tiles,
    save_figure,
    shortened,
)
from d2l_softmax.figures.vector import Shown
from d2l_softmax.language import tr
from d2l_softmax.storage.files import write_text
from d2l_softmax.training.evaluation import (
    NUM_BINS,
    Evaluation,
    LabelledBatches,
    LabelledImages,
    Model,
    evaluate,
    score_table,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NUM_PREDICTIONS = 18
MOST_TEMPLATES = 60
MOST_COUNTS = 60  # classes up to which a confusion matrix has numbers in it
MOST_NAMES = 120  # classes up to which each has its name beside the matrix
TABLE = "classes.txt"
FIGURES = {
    "predictions.png": "The first test images.",
    "templates.png": "What was learned: the weights of each class as an image.",
    "confusion.png": "How often each class was taken for each other.",
    "mistakes.png": "Where the model was most sure and wrong.",
    "reliability.png": "Is it as often right as it is sure?",
}
VECTOR = ("confusion.png", "reliability.png")  # of lines and letters: a page has them as SVG
OF_IMAGES = ("predictions.png", "templates.png", "mistakes.png")


def write_evaluation(
    output_dir: Path, model: Model, test_iter: LabelledBatches
) -> tuple[dict[str, Shown], str, Evaluation]:
    """Evaluate a model and write FIGURES and TABLE; return what is shown by file, and the table.

    Where examples are features, the figures that show images are left out.
    """
    evaluation = evaluate(model, test_iter)
    dataset = test_iter.dataset
    n = min(NUM_PREDICTIONS, len(dataset))
    examples = [dataset[i][0] for i in range(n)]
    shape = examples[0].shape
    y, predicted = evaluation.y[:n].tolist(), evaluation.predicted[:n].tolist()
    figures = {
        "predictions.png": lambda: draw_predictions(examples, y, predicted, evaluation.classes),
        "templates.png": lambda: draw_templates(model.W, shape, evaluation.classes),
        "confusion.png": lambda: draw_confusion(evaluation),
        "mistakes.png": lambda: draw_mistakes(evaluation, dataset),
        "reliability.png": lambda: draw_reliability(evaluation),
    }
    alts = {
        "predictions.png": descriptions.of_predictions(y, predicted, evaluation.classes),
        "templates.png": descriptions.of_templates(evaluation.classes),
        "confusion.png": descriptions.of_confusion(evaluation),
        "mistakes.png": descriptions.of_mistakes(evaluation),
        "reliability.png": descriptions.of_reliability(evaluation),
    }
    table = score_table(evaluation)
    if len(shape) == 1:
        figures = {name: draw for name, draw in figures.items() if name not in OF_IMAGES}
        table += "\nThe examples are features: figures that show images are left out."
    shown = {}
    for name, draw in figures.items():
        figure = draw()
        save_figure(output_dir / name, figure)
        shown[name] = Shown(tr(FIGURES[name]), alts[name], figure if name in VECTOR else None)
    write_text(output_dir / TABLE, f"{table}\n")
    return shown, table, evaluation


def draw_predictions(
    images: Sequence[Tensor],
    y: Sequence[int],
    predicted: Sequence[int],
    classes: Sequence[str],
    columns: int = 9,
) -> Figure:
    """Draw images (c, h, w) under their true and predicted classes, wrong ones red with ✗."""
    figure, axes = new_tiles(len(images), columns)
    figure.suptitle("true label above predicted label, the wrong ones with ✗", fontsize="medium")
    for place, (image, true, guess) in enumerate(zip(images, y, predicted, strict=True)):
        mark, color = ("", "black") if guess == true else ("✗ ", WRONG)
        title = f"{shortened(classes[true])}\n{mark}{shortened(classes[guess])}"
        draw_tile(axes, place, columns, image, title, color, **GRAY)
    return figure


def draw_templates(W: Tensor, shape: Sequence[int], classes: Sequence[str]) -> Figure:
    """Draw the weights (d,) of each class as an image (c, h, w), of the first 60 at most.

    Blue is below zero, red above. Weights of three channels are drawn in these colours, gray where
    they are zero.
    """
    classes = classes[:MOST_TEMPLATES]
    columns = 5 if len(classes) <= 20 else 10
    figure, axes = new_tiles(len(classes), columns, side=1.4, margin=0.9)
    templates = W.detach().cpu().T[: len(classes)].reshape(-1, *shape)
    limit = float(templates.abs().max()) or 1.0
    style: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    in_colour = shape[0] == 3
    for place, (template, label) in enumerate(zip(templates, classes, strict=True)):
        shown = template / limit / 2 + 0.5 if in_colour else template
        image = draw_tile(axes, place, columns, shown, shortened(label), **style)
    if in_colour:
        title = "weights of each class: a colour brighter than in gray speaks for it"
    else:
        title = "weights of each class: red speaks for it, blue against it"
        figure.colorbar(image, ax=axes, shrink=0.8)
    figure.suptitle(title, fontsize="medium")
    return figure


def draw_confusion(evaluation: Evaluation) -> Figure:
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
            axes.text(column, row, count, ha="center", va="center", fontsize=8, color=color)
    if q <= MOST_NAMES:
        names = [shortened(name) for name in evaluation.classes]
        axes.set_xticks(range(q), names, rotation=45, ha="right")
        axes.set_yticks(range(q), names)
    axes.set(
        xlabel="predicted class", ylabel="true class", title=f"accuracy {evaluation.accuracy:.4f}"
    )
    return figure


def draw_mistakes(evaluation: Evaluation, dataset: LabelledImages, n: int = 12) -> Figure:
    """Draw the misclassified images of the data set with the highest confidence."""
    mistakes = evaluation.worst_mistakes(n).tolist()
    figure, axes = new_tiles(n, n // 2)
    figure.suptitle(
        "most confident mistakes: true label, predicted label, probability of each",
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


def draw_reliability(evaluation: Evaluation) -> Figure:
    """Draw how often the model is right against how sure it is, in ten bins, and their sizes."""
    bins = evaluation.reliability()
    figure, (axes, sizes) = new_figure(4.6, 5, rows=2, height_ratios=(3, 1), sharex=True)
    axes.plot([0, 1], [0, 1], color="gray", linestyle="--", label="as sure as right")
    confidences = [b.confidence for b in bins]
    axes.plot(confidences, [b.accuracy for b in bins], "o-", label="this model")
    axes.set(ylabel="accuracy", title=f"calibration error {evaluation.calibration_error():.4f}")
    axes.legend()
    sizes.bar(
        [b.lowest for b in bins],
        [b.examples for b in bins],
        1 / NUM_BINS,
        align="edge",
        edgecolor="white",
    )
    sizes.set(xlabel="confidence: probability of the predicted class", ylabel="images", xlim=(0, 1))
    for each in (axes, sizes):
        each.grid(alpha=0.3)
    return figure
