"""The report on a run or a comparison: a self-contained HTML file with embedded figures."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from d2l_softmax.i18n import tr
from d2l_softmax.pages.page import EmbeddedFigure, as_svg, embed, write_page
from d2l_softmax.pages.twins import side_by_side
from d2l_softmax.training.evaluation import NUM_BINS, Evaluation
from d2l_softmax.training.fit import EpochRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# File name: caption, alt text, and the figure if the report should embed it as SVG.
Figures = Mapping[str, tuple[str, str, "Figure | None"]]

REPORT = "report.html.jinja"
COLUMNS = {
    "epoch": ("epoch", "{}"),
    "train_loss": ("train loss (nats)", "{:.4f}"),
    "train_acc": ("train accuracy", "{:.4f}"),
    "valid_loss": ("validation loss (nats)", "{:.4f}"),
    "valid_acc": ("validation accuracy", "{:.4f}"),
    "test_loss": ("test loss (nats)", "{:.4f}"),
    "test_acc": ("test accuracy", "{:.4f}"),
    "seconds": ("seconds", "{:.2f}"),
}
# Options that do not change the result; the paths may be private.
HIDDEN_OPTIONS = {
    *("data_dir", "dataset", "output_dir", "quiet", "resume", "checkpoint_every"),
    *("lang", "templates", "overwrite", "keep_best"),
}
# Not shown in the command either
PATH_OPTIONS = ("--data-dir", "--dataset", "--output-dir")


class Animation(NamedTuple):
    """PNG files of equal size, shown one after the other; `labels` has a text for each frame.

    On paper, and for readers who prefer reduced motion, only the last frame is shown.
    """

    frames: list[bytes]
    labels: list[str]
    caption: str


def write_run_report(
    output_dir: Path,
    figures: Figures,
    history: Sequence[EpochRecord],
    config: dict,
    evaluation: Evaluation,
    animation: Animation | None = None,
    best_epoch: int | None = None,
) -> None:
    """Write report.html of a run: figures, history, scores of the classes, and options.

    The model, and with it the evaluation, is that of `best_epoch` or else of the last epoch.
    """
    record = history[-1 if best_epoch is None else best_epoch - 1]
    columns = {name: column for name, column in COLUMNS.items() if name in record.measurements()}
    summary = tr(
        "Epoch {epoch}: train loss {loss} nats, train accuracy {train}, test accuracy {test}.",
        epoch=record.epoch,
        loss=f"{record.train_loss:.4f}",
        train=f"{record.train_acc:.4f}",
        test=f"{record.test_acc:.4f}",
    )
    if best_epoch is not None:
        summary += tr(" Its model was kept: of all epochs it is the best on held-out data.")
    write_page(
        output_dir / "report.html",
        REPORT,
        title=tr("Softmax regression on {data}: {twin}", data=config["data"], twin=config["twin"]),
        summary=summary,
        figures=embed_figures(output_dir, figures),
        history={
            "caption": tr("Loss, accuracies and time per epoch"),
            "columns": [tr(title) for title, _ in columns.values()],
            "rows": [
                [
                    "-" if (value := getattr(record, name)) is None else form.format(value)
                    for name, (_, form) in columns.items()
                ]
                for record in history
            ],
        },
        animation=animation,
        frames=[embed(frame, "") for frame in animation.frames] if animation else [],
        classes=class_table(evaluation),
        configuration=configuration_table(config),
    )


def write_comparison_report(
    output_dir: Path, figures: Figures, summary: dict, pages: dict[str, str]
) -> None:
    """Write report.html of a comparison: figures, differences by epoch, and both source files.

    `pages` maps the names of both implementations to their source code.
    """
    names = list(pages)
    epoch = summary["first_epoch_beyond_tolerance"]
    if epoch:
        verdict = tr("Results diverge in epoch {epoch}", epoch=epoch)
    else:
        verdict = tr("Results agree to rounding error in every epoch")
    write_page(
        output_dir / "report.html",
        REPORT,
        title=tr("{one} and {other}, side by side", one=names[0], other=names[1]),
        summary=tr(
            "{verdict}; predictions differ on {differ} of {n} test examples.",
            verdict=verdict,
            differ=summary["test_predictions_that_differ"],
            n=f"{summary['test_images']:,}",
        ),
        figures=embed_figures(output_dir, figures),
        history=comparison_table(summary, names),
        code={"names": names, "definitions": list(side_by_side(*pages.values()))},
        configuration=configuration_table(summary),
    )


def embed_figures(folder: Path, figures: Figures) -> list[EmbeddedFigure]:
    """Return the figures of a folder to embed, as SVG where given and smaller than PNG."""
    return [
        embed((folder / name).read_bytes(), caption, alt, as_svg(figure, caption) if figure else "")
        for name, (caption, alt, figure) in figures.items()
    ]


def class_table(evaluation: Evaluation) -> dict[str, Any]:
    """Return the table of precision and recall of each class."""
    rows = []
    for score in evaluation.class_scores():
        shares = ["-" if s is None else f"{s:.4f}" for s in (score.precision, score.recall)]
        rows.append([tr(score.label), *shares, f"{score.examples:,}"])
    caption = tr(
        "Test data: loss {loss} nats, accuracy {accuracy} {uncertainty}, expected "
        "calibration error {error} in {bins} bins",
        loss=f"{evaluation.loss:.4f}",
        accuracy=f"{evaluation.accuracy:.4f}",
        uncertainty=evaluation.uncertainty,
        error=f"{evaluation.calibration_error():.4f}",
        bins=NUM_BINS,
    )
    if not evaluation.is_balanced:
        accuracy = f"{evaluation.balanced_accuracy:.4f}"
        caption += tr("; balanced accuracy (mean recall) {accuracy}", accuracy=accuracy)
    return {
        "caption": caption,
        "columns": [tr("class"), tr("precision"), tr("recall"), tr("examples")],
        "rows": rows,
    }


def comparison_table(summary: dict, names: Sequence[str]) -> dict[str, Any]:
    """Return the table of losses and accuracies of both implementations, and their differences."""
    rows = []
    for epoch in summary["epochs"]:
        losses = [f"{epoch[name]['train_loss']:.6f}" for name in names]
        accuracies = [f"{epoch[name]['test_acc']:.4f}" for name in names]
        fields = ("train_loss", "test_acc", "W", "b")
        differences = [f"{d:.1e}" if d else "0" for d in map(epoch["difference"].get, fields)]
        rows.append([epoch["epoch"], *losses, *accuracies, *differences])
    quantities = (tr("train loss"), tr("test accuracy"), "W", "b")
    return {
        "caption": tr("Both implementations after each epoch, and their differences"),
        "columns": [
            tr("epoch"),
            *(tr("{quantity}, {twin}", quantity=tr("train loss"), twin=name) for name in names),
            *(tr("{quantity}, {twin}", quantity=tr("test accuracy"), twin=name) for name in names),
            *(tr("difference: {quantity}", quantity=quantity) for quantity in quantities),
        ],
        "rows": rows,
    }


def configuration_table(config: dict) -> dict[str, object]:
    """Return the table of command, options, machine and versions, without private paths."""
    shown = {name: value for name, value in config["options"].items() if name not in HIDDEN_OPTIONS}
    shown |= {name: config[name] for name in ("parameters", "threads", "machine")}
    shown = {"command": without_paths(config["command"], config["data"])} | shown
    return {tr(name.replace("_", " ")): value for name, value in shown.items()} | config["versions"]


def without_paths(command: str, data: str) -> str:
    """Remove the path options from a command; --dataset is kept, with the name of the data."""
    shown, words = [], iter(shlex.split(command))
    for word in words:
        option, equals, _ = word.partition("=")
        if option not in PATH_OPTIONS:
            shown.append(word)
            continue
        if not equals:
            next(words)
        if option == "--dataset":
            shown += [option, data]
    return shlex.join(shown)
