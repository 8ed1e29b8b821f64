"""One self-contained HTML page on a run or a comparison: figures embedded, nothing from outside."""

import difflib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from d2l_softmax.pages.page import Picture, embedded, write_page
from d2l_softmax.training.loop import EpochRecord

COLUMNS = {
    "epoch": ("epoch", "{}"),
    "train_loss": ("train loss (nats)", "{:.4f}"),
    "train_acc": ("train accuracy", "{:.4f}"),
    "valid_acc": ("validation accuracy", "{:.4f}"),
    "test_acc": ("test accuracy", "{:.4f}"),
    "seconds": ("seconds", "{:.2f}"),
}
COMPARISON = {"comparison.png": "Both histories; below, how far apart they are."}


class Animation(NamedTuple):
    """Pictures that are shown one after the other, the last one where nothing may move.

    `frames` are PNG files of equal sizes, `labels` is what stands below each.
    """

    frames: list[bytes]
    labels: list[str]
    caption: str


class CodeLine(NamedTuple):
    """A line of two texts side by side; a number is empty where a text has no such line."""

    left_number: int | str
    left: str
    right_number: int | str
    right: str
    differs: bool


def write_run_report(
    output_dir: Path,
    captions: dict[str, str],
    history: Sequence[EpochRecord],
    config: dict,
    table: str,
    animation: Animation | None = None,
) -> None:
    """Write report.html on a run: its history, its figures (file name: caption), its options."""
    last = history[-1]
    columns = {name: column for name, column in COLUMNS.items() if name in last.measurements()}
    write_page(
        output_dir / "report.html",
        "report.html.jinja",
        title=f"Softmax regression on {config['data']}: {config['twin']}",
        summary=f"Epoch {last.epoch}: train loss {last.train_loss:.4f} nats, "
        f"train accuracy {last.train_acc:.4f}, test accuracy {last.test_acc:.4f}.",
        figures=pictures(output_dir, captions),
        columns=[title for title, _ in columns.values()],
        rows=[
            [form.format(getattr(record, name)) for name, (_, form) in columns.items()]
            for record in history
        ],
        text=table,
        facts=facts(config),
    )


def write_comparison_report(output_dir: Path, summary: dict, pages: dict[str, str]) -> None:
    """Write report.html on a comparison: what comparison.json says, and the two pages of code."""
    names = list(pages)
    rows = []
    for epoch in summary["epochs"]:
        records = [EpochRecord(**epoch[name]) for name in names]
        losses = [f"{record.train_loss:.6f}" for record in records]
        accuracies = [f"{record.test_acc:.4f}" for record in records]
        apart = [f"{epoch['difference'][key]:.1e}" for key in ("train_loss", "test_acc", "W", "b")]
        rows.append([epoch["epoch"], *losses, *accuracies, *apart])
    parted = summary["first_epoch_beyond_tolerance"]
    verdict = f"They part in epoch {parted}" if parted else "They agree to rounding in every epoch"
    write_page(
        output_dir / "report.html",
        "report.html.jinja",
        title=f"{' and '.join(names)}, side by side",
        summary=f"{verdict}; their predictions differ on "
        f"{summary['test_predictions_that_differ']} of {summary['test_images']:,} test images.",
        figures=pictures(output_dir, COMPARISON),
        columns=[
            "epoch",
            *(f"train loss, {name}" for name in names),
            *(f"test accuracy, {name}" for name in names),
            *(f"{name} differs by" for name in ("loss", "test accuracy", "W", "b")),
        ],
        rows=rows,
        code={"names": names, "lines": list(side_by_side(*pages.values()))},
        facts=facts(summary),
    )


def pictures(folder: Path, captions: dict[str, str]) -> list[Picture]:
    """Read the PNG files of a folder for embedding."""
    return [embedded((folder / name).read_bytes(), text) for name, text in captions.items()]


def facts(config: dict) -> dict[str, object]:
    """Return options, machine and versions as one flat table, without the user's own paths."""
    private = ("data_dir", "dataset", "output_dir", "quiet", "resume", "checkpoint_every", "lang")
    shown = {name: value for name, value in config["options"].items() if name not in private}
    options = {name.replace("_", " "): value for name, value in shown.items()}
    machine = {name: config[name] for name in ("parameters", "threads", "machine")}
    return options | machine | config["versions"]


def side_by_side(left: str, right: str) -> Iterator[CodeLine]:
    """Yield the lines of two texts next to each other, those they have in common aligned."""
    texts: tuple[Sequence[str], Sequence[str]] = (left.splitlines(), right.splitlines())
    matcher = difflib.SequenceMatcher(None, *texts, autojunk=False)
    for kind, *bounds in matcher.get_opcodes():
        spans = (range(*bounds[:2]), range(*bounds[2:]))
        for one, other in itertools.zip_longest(*spans):
            left_number, left_line = ("", "") if one is None else (one + 1, texts[0][one])
            right_number, right_line = ("", "") if other is None else (other + 1, texts[1][other])
            yield CodeLine(left_number, left_line, right_number, right_line, kind != "equal")
