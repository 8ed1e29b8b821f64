"""One self-contained HTML page on a run or a comparison: figures embedded, nothing from outside."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from d2l_softmax.i18n import tr
from d2l_softmax.pages.page import Picture, embedded, write_page
from d2l_softmax.pages.twins import side_by_side
from d2l_softmax.training.evaluation import Evaluation
from d2l_softmax.training.history import EpochRecord

COLUMNS = {
    "epoch": ("epoch", "{}"),
    "train_loss": ("train loss (nats)", "{:.4f}"),
    "train_acc": ("train accuracy", "{:.4f}"),
    "valid_acc": ("validation accuracy", "{:.4f}"),
    "test_acc": ("test accuracy", "{:.4f}"),
    "seconds": ("seconds", "{:.2f}"),
}
# Options that say where and how, not what: a person's own paths among them.
UNTOLD = {"data_dir", "dataset", "output_dir", "quiet", "resume", "checkpoint_every"}
UNTOLD |= {"lang", "templates"}


class Figure(Protocol):
    """What is needed of a figure beside its PNG file."""

    @property
    def caption(self) -> str:
        """Return what stands below it."""

    @property
    def alt(self) -> str:
        """Return what it shows, for those who don't see it."""

    def svg(self) -> str:
        """Return it as an <svg> element, "" if the PNG file is to be shown."""


class Animation(NamedTuple):
    """Pictures that are shown one after the other, the last one where nothing may move.

    `frames` are PNG files of equal sizes, `labels` is what stands below each.
    """

    frames: list[bytes]
    labels: list[str]
    caption: str


def write_run_report(
    output_dir: Path,
    figures: Mapping[str, Figure],
    history: Sequence[EpochRecord],
    config: dict,
    evaluation: Evaluation,
    animation: Animation | None = None,
) -> None:
    """Write report.html on a run: its history, its figures (by file name), classes and options."""
    last = history[-1]
    columns = {name: column for name, column in COLUMNS.items() if name in last.measurements()}
    write_report(
        output_dir,
        title=tr("Softmax regression on {data}: {twin}", data=config["data"], twin=config["twin"]),
        summary=tr(
            "Epoch {epoch}: train loss {loss} nats, train accuracy {train}, test accuracy {test}.",
            epoch=last.epoch,
            loss=f"{last.train_loss:.4f}",
            train=f"{last.train_acc:.4f}",
            test=f"{last.test_acc:.4f}",
        ),
        figures=pictures(output_dir, figures),
        history={
            "caption": tr("Loss, accuracies and time of each epoch"),
            "columns": [tr(title) for title, _ in columns.values()],
            "rows": [
                [form.format(getattr(record, name)) for name, (_, form) in columns.items()]
                for record in history
            ],
        },
        animation=animation,
        frames=[embedded(frame, "") for frame in animation.frames] if animation else [],
        classes=class_table(evaluation),
        facts=facts(config),
    )


def write_comparison_report(
    output_dir: Path, figures: Mapping[str, Figure], summary: dict, pages: dict[str, str]
) -> None:
    """Write report.html on a comparison: its figures, its numbers, and the two pages of code."""
    names = list(pages)
    parted = summary["first_epoch_beyond_tolerance"]
    verdict = (
        tr("They part in epoch {epoch}", epoch=parted)
        if parted
        else tr("They agree to rounding in every epoch")
    )
    write_report(
        output_dir,
        title=tr("{one} and {other}, side by side", one=names[0], other=names[1]),
        summary=tr(
            "{verdict}; their predictions differ on {differ} of {images} test images.",
            verdict=verdict,
            differ=summary["test_predictions_that_differ"],
            images=f"{summary['test_images']:,}",
        ),
        figures=pictures(output_dir, figures),
        history=comparison_table(summary, names),
        code={"names": names, "definitions": list(side_by_side(*pages.values()))},
        facts=facts(summary),
    )


def write_report(output_dir: Path, **content: Any) -> None:
    """Fill in the template of reports and write report.html."""
    write_page(output_dir / "report.html", "report.html.jinja", **content)


def pictures(folder: Path, figures: Mapping[str, Figure]) -> list[Picture]:
    """Return the figures of a folder as a page has them: as SVG, or else their PNG files."""
    return [
        embedded((folder / name).read_bytes(), figure.caption, figure.alt, figure.svg())
        for name, figure in figures.items()
    ]


def class_table(evaluation: Evaluation) -> dict[str, Any]:
    """Return precision and recall of each class as a table."""
    return {
        "caption": tr(
            "On the test data: loss {loss} nats, accuracy {accuracy}, calibration error {error}",
            loss=f"{evaluation.loss:.4f}",
            accuracy=f"{evaluation.accuracy:.4f}",
            error=f"{evaluation.calibration_error():.4f}",
        ),
        "columns": [tr("class"), tr("precision"), tr("recall"), tr("examples")],
        "rows": [
            [
                tr(score.label),
                *("-" if s is None else f"{s:.4f}" for s in (score.precision, score.recall)),
                f"{score.examples:,}",
            ]
            for score in evaluation.class_scores()
        ],
    }


def comparison_table(summary: dict, names: Sequence[str]) -> dict[str, Any]:
    """Return losses and accuracies of both twins, and how far apart they are, as a table."""
    rows = []
    for epoch in summary["epochs"]:
        records = [EpochRecord(**epoch[name]) for name in names]
        losses = [f"{record.train_loss:.6f}" for record in records]
        accuracies = [f"{record.test_acc:.4f}" for record in records]
        apart = [f"{epoch['difference'][key]:.1e}" for key in ("train_loss", "test_acc", "W", "b")]
        rows.append([epoch["epoch"], *losses, *accuracies, *apart])
    parts = (tr("train loss"), tr("test accuracy"), "W", "b")
    return {
        "caption": tr("Both twins after each epoch, and by how much they differ"),
        "columns": [
            tr("epoch"),
            *(tr("train loss, {twin}", twin=name) for name in names),
            *(tr("test accuracy, {twin}", twin=name) for name in names),
            *(tr("{part} differs by", part=part) for part in parts),
        ],
        "rows": rows,
    }


def facts(config: dict) -> dict[str, object]:
    """Return options, machine and versions as one flat table, without the user's own paths."""
    shown = {name: value for name, value in config["options"].items() if name not in UNTOLD}
    options = {name.replace("_", " "): value for name, value in shown.items()}
    machine = {name: config[name] for name in ("parameters", "threads", "machine")}
    return options | machine | config["versions"]
