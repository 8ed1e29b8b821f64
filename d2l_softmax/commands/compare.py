"""Two twins trained from one seed on the same batches, and how far apart they are.

The twins come as arguments: this file imports neither of them.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import torch

from d2l_softmax.commands.train import Console, Run, describe, prepared_directory
from d2l_softmax.figures.comparison import draw_comparison
from d2l_softmax.figures.drawing import save_figure
from d2l_softmax.pages.report import write_comparison_report
from d2l_softmax.storage.files import write_json
from d2l_softmax.training.evaluation import evaluate
from d2l_softmax.training.loop import EpochRecord


class Tolerance(NamedTuple):
    """How far apart the twins may be, by rounding alone, in an epoch."""

    train_loss: float  # nats
    accuracy: float  # of training and test, as shares
    parameter: float  # any entry of W and b


TOLERANCES = {
    "float32": Tolerance(1e-5, 2e-4, 1e-4),
    "float64": Tolerance(1e-10, 0.0, 1e-10),
}


class Difference(NamedTuple):
    """How far apart the twins are after an epoch: absolute differences, the largest for W and b."""

    train_loss: float
    train_acc: float
    test_acc: float
    W: float
    b: float

    def within(self, tolerance: Tolerance) -> bool:
        """Tell whether rounding alone may have caused it."""
        limits = (tolerance.train_loss, *[tolerance.accuracy] * 2, *[tolerance.parameter] * 2)
        # Shares are rounded: 2 images of 10,000 can come out a last digit above 2e-4.
        return all(a <= limit * (1 + 1e-9) for a, limit in zip(self, limits, strict=True))


class TwinsPartedError(ArithmeticError):
    """The twins differ by more than the tolerance; the message names the first epoch."""


class Comparison:
    """Both twins in training, side by side, epoch by epoch."""

    def __init__(self, twins: dict[str, ModuleType], options: argparse.Namespace):
        self.options = options
        self.runs = {name: Run(twin, options) for name, twin in twins.items()}
        self.records: dict[str, list[EpochRecord]] = {name: [] for name in twins}
        self.differences: list[Difference] = []

    def epochs(self) -> Iterator[tuple[tuple[EpochRecord, ...], Difference]]:
        """Train both for an epoch at a time; yield their records and how far apart they are."""
        one, other = (run.model for run in self.runs.values())
        for records in zip(*(run.records() for run in self.runs.values()), strict=True):
            for history, record in zip(self.records.values(), records, strict=True):
                history.append(record)
            ours, theirs = records
            difference = Difference(
                abs(ours.train_loss - theirs.train_loss),
                abs(ours.train_acc - theirs.train_acc),
                abs(ours.test_acc - theirs.test_acc),
                largest_difference(one.W, other.W),
                largest_difference(one.b, other.b),
            )
            self.differences.append(difference)
            yield records, difference

    def first_parting(self) -> int | None:
        """Return the first epoch in which they differ by more than rounding explains, if any."""
        tolerance = TOLERANCES[self.options.dtype]
        parted = (not difference.within(tolerance) for difference in self.differences)
        return next((epoch for epoch, apart in enumerate(parted, start=1) if apart), None)

    def count_disagreements(self) -> int:
        """Return the number of test images for which the two predict different classes."""
        one, other = (evaluate(run.model, run.test_iter).predicted for run in self.runs.values())
        return int((one != other).sum())


def largest_difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Return the largest absolute difference of two tensors' entries."""
    return float((ours - theirs).detach().abs().max())


def compare(twins: dict[str, ModuleType], options: argparse.Namespace) -> None:
    """Train both twins side by side and show how far apart they are, epoch by epoch.

    Writes comparison.json, comparison.png and report.html. Raises TwinsPartedError at the end, with
    everything written, if they differ by more than the tolerance for the dtype, and what a single
    run raises.
    """
    output_dir = prepared_directory(options.output_dir)
    comparison = Comparison(twins, options)
    first_run = next(iter(comparison.runs.values()))
    num_images = len(first_run.test_iter.dataset)
    with Console(2 * options.epochs * len(first_run.train_iter), options.quiet) as console:
        for run in comparison.runs.values():
            run.watch(console)
        console.say(f"{' and '.join(twins)}: {first_run.summary()}")
        console.say(table_head(list(twins)))
        for records, difference in comparison.epochs():
            console.say(table_row(records, difference))
        disagreements = comparison.count_disagreements()
        console.say(f"predictions that differ: {disagreements} of {num_images:,}")
        write_results(output_dir, comparison, disagreements)
        console.say(f"wrote comparison.json, comparison.png, report.html to {output_dir}")

    if epoch := comparison.first_parting():
        raise TwinsPartedError(
            f"the twins part in epoch {epoch}: they differ by "
            f"{listed(comparison.differences[epoch - 1])}; allowed are "
            f"{listed(TOLERANCES[options.dtype])}; where training is unstable, rounding "
            "grows from step to step: try a smaller --lr"
        )


def write_results(output_dir: Path, comparison: Comparison, disagreements: int) -> None:
    """Write comparison.json, the figure, and the report that shows both and the two pages."""
    summary = as_json(comparison, disagreements)
    write_json(output_dir / "comparison.json", summary)
    dtype = comparison.options.dtype
    figure = draw_comparison(comparison.records, comparison.differences, dtype)
    save_figure(output_dir / "comparison.png", figure)
    pages = {
        name: Path(run.twin.__file__).read_text("utf-8") for name, run in comparison.runs.items()
    }
    write_comparison_report(output_dir, summary, pages)


def table_head(names: list[str]) -> str:
    """Return the head of the table that a comparison prints."""
    pairs = "".join(f"  {f'{name} loss, test':>20}" for name in names)
    return f"epoch{pairs}  {'loss differs by':>15}  {'W differs by':>12}"


def table_row(records: tuple[EpochRecord, ...], difference: Difference) -> str:
    """Return an epoch's row of the table that a comparison prints."""
    pairs = "".join(f"  {f'{r.train_loss:.6f}, {r.test_acc:.4f}':>20}" for r in records)
    return f"{records[0].epoch:>5}{pairs}  {difference.train_loss:>15.1e}  {difference.W:>12.1e}"


def listed(numbers: NamedTuple) -> str:
    """Return named numbers as text, such as `train_loss 1.2e-03, W 0.0e+00`."""
    return ", ".join(f"{name} {value:.1e}" for name, value in numbers._asdict().items())


def as_json(comparison: Comparison, disagreements: int) -> dict:
    """Return what comparison.json says."""
    run = next(iter(comparison.runs.values()))
    differences = comparison.differences
    epochs = []
    for epoch, difference in enumerate(differences):
        records = {name: history[epoch].known() for name, history in comparison.records.items()}
        epochs.append({"epoch": epoch + 1, **records, "difference": difference._asdict()})
    return {
        **describe(" and ".join(comparison.runs), comparison.options, run.num_parameters),
        "epochs": epochs,
        "largest_difference": {
            field: max(getattr(d, field) for d in differences) for field in Difference._fields
        },
        "tolerance": TOLERANCES[comparison.options.dtype]._asdict(),
        "first_epoch_beyond_tolerance": comparison.first_parting(),
        "test_images": len(run.test_iter.dataset),
        "test_predictions_that_differ": disagreements,
    }
