"""The command `compare`: both twins trained side by side, and how far apart they are."""

import argparse
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from d2l_softmax.commands.console import Console
from d2l_softmax.commands.language import add_language, drawn_in
from d2l_softmax.commands.options import (
    add_output_dir,
    add_training_options,
    complete_training_options,
)
from d2l_softmax.commands.program import Command, Twins
from d2l_softmax.commands.train import describe, prepare, summary
from d2l_softmax.figures.alt_text import describe_comparison
from d2l_softmax.figures.comparison import draw_comparison
from d2l_softmax.figures.style import CaptionedFigure, save_figure
from d2l_softmax.i18n import tr
from d2l_softmax.io import prepare_directory, write_json
from d2l_softmax.pages.report import write_comparison_report
from d2l_softmax.training.agreement import (
    TOLERANCES,
    Difference,
    MismatchError,
    count_disagreements,
    first_mismatch,
)
from d2l_softmax.training.evaluation import evaluate
from d2l_softmax.training.fit import EpochRecord, new_divergence_reason

FIGURE = "comparison.png"
CAPTION = "Both histories and, below, their differences."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_training_options(parser)
    add_language(parser)
    add_output_dir(parser, Path("runs", "compare"))


def compare(options: argparse.Namespace, twins: Twins) -> None:
    """Train both twins side by side and show how far apart they are, epoch by epoch.

    Writes comparison.json, comparison.png and report.html. Raises MismatchError at the end, with
    everything written, if they differ by more than the tolerance for the dtype, and what a single
    run raises.
    """
    output_dir = prepare_directory(options.output_dir)
    comparison = Comparison(twins, options)
    first = next(iter(comparison.trainings.values()))
    with Console(2 * options.epochs * len(first.train_iter), options.quiet) as console:
        console.say(f"{' and '.join(twins)}: {summary(options, first)}")
        console.say(table_head(list(twins)))
        for records, difference in comparison.epochs(console.bar.update):
            console.say(table_row(records, difference))
            for name, training in comparison.trainings.items():
                if reason := new_divergence_reason(training.history, len(training.model.b)):
                    console.warn(f"python -m d2l_softmax compare: {name}: {reason}")
        disagreements = comparison.count_disagreements()
        console.say(f"predictions that differ: {disagreements} of {len(first.test_iter.dataset):,}")
        write_results(output_dir, comparison, disagreements)
        console.say(f"wrote comparison.json, comparison.png, report.html to {output_dir}")

    if epoch := comparison.first_mismatch():
        raise MismatchError(
            f"the twins part in epoch {epoch}: they differ by "
            f"{in_words(comparison.differences[epoch - 1])}; allowed are "
            f"{in_words(comparison.tolerance)}; where training is unstable, rounding "
            "grows from step to step:",
            "try a smaller {lr}",
        )


class Comparison:
    """Both twins in training, side by side, epoch by epoch."""

    def __init__(self, twins: Twins, options: argparse.Namespace):
        """Make both ready; DataUnavailableError without data."""
        self.options, self.twins = options, twins
        self.tolerance = TOLERANCES[options.dtype]
        self.trainings = {name: prepare(twin, options) for name, twin in twins.items()}
        self.differences: list[Difference] = []

    @property
    def records(self) -> dict[str, list[EpochRecord]]:
        """Return the history of each twin."""
        return {name: training.history for name, training in self.trainings.items()}

    def epochs(
        self, after_batch: Callable[[], object] | None = None
    ) -> Iterator[tuple[tuple[EpochRecord, EpochRecord], Difference]]:
        """Train both for an epoch at a time; yield their records and how far apart they are."""
        one, other = self.trainings.values()
        both = (each.fit(after_batch) for each in (one, other))
        for records in zip(*both, strict=True):
            self.differences.append(Difference.between(records, (one.model, other.model)))
            yield records, self.differences[-1]

    def first_mismatch(self) -> int | None:
        """Return the first epoch in which they differ by more than rounding explains, if any."""
        return first_mismatch(self.differences, self.tolerance)

    def count_disagreements(self) -> int:
        """Return the number of test images for which the two predict different classes."""
        one, other = (evaluate(t.model, t.test_iter).predicted for t in self.trainings.values())
        return count_disagreements(one, other)


def write_results(output_dir: Path, comparison: Comparison, disagreements: int) -> None:
    """Write comparison.json, the figure, and the report that shows both and the two pages."""
    summary = as_json(comparison, disagreements)
    write_json(output_dir / "comparison.json", summary)
    dtype = comparison.options.dtype
    pages = {
        name: inspect.getsource(twin.softmax_regression) for name, twin in comparison.twins.items()
    }
    with drawn_in(comparison.options.lang):
        figure = draw_comparison(comparison.records, comparison.differences, dtype)
        save_figure(output_dir / FIGURE, figure)
        alt = describe_comparison(comparison.records, comparison.differences)
        captioned = CaptionedFigure(tr(CAPTION), alt, figure)
        write_comparison_report(output_dir, {FIGURE: captioned}, summary, pages)


def table_head(names: list[str]) -> str:
    """Return the head of the table that a comparison prints."""
    pairs = "".join(f"  {f'{name} loss, test':>20}" for name in names)
    return f"epoch{pairs}  {'loss differs by':>15}  {'W differs by':>12}"


def table_row(records: tuple[EpochRecord, ...], difference: Difference) -> str:
    """Return an epoch's row of the table that a comparison prints."""
    pairs = "".join(f"  {f'{r.train_loss:.6f}, {r.test_acc:.4f}':>20}" for r in records)
    return f"{records[0].epoch:>5}{pairs}  {difference.train_loss:>15.1e}  {difference.W:>12.1e}"


def in_words(numbers: NamedTuple) -> str:
    """Return named numbers as text, such as `train_loss 1.2e-03, W 0.0e+00`."""
    return ", ".join(f"{name} {value:.1e}" for name, value in numbers._asdict().items())


def as_json(comparison: Comparison, disagreements: int) -> dict:
    """Return what comparison.json says."""
    training = next(iter(comparison.trainings.values()))
    differences = comparison.differences
    epochs = []
    for epoch, difference in enumerate(differences):
        records = {
            name: history[epoch].measurements() for name, history in comparison.records.items()
        }
        epochs.append({"epoch": epoch + 1, **records, "difference": difference._asdict()})
    return {
        **describe(" and ".join(comparison.trainings), comparison.options, training),
        "epochs": epochs,
        "largest_difference": {
            field: max(getattr(d, field) for d in differences) for field in Difference._fields
        },
        "tolerance": comparison.tolerance._asdict(),
        "first_epoch_beyond_tolerance": comparison.first_mismatch(),
        "test_images": len(training.test_iter.dataset),
        "test_predictions_that_differ": disagreements,
    }


COMMAND = Command(
    "compare",
    "train both twins side by side",
    add_options,
    compare,
    complete_training_options,
)
