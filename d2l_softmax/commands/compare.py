"""The command `compare`: train both twins side by side and measure their differences."""

import argparse
import inspect
from pathlib import Path
from typing import Any, NamedTuple

from d2l_softmax.commands.cli import Command, Twins
from d2l_softmax.commands.console import Console
from d2l_softmax.commands.options import (
    add_language,
    add_output_dir,
    add_training_options,
    complete_training_options,
    drawn_in,
)
from d2l_softmax.commands.train import load_training_data, make_config, prepare, summary
from d2l_softmax.figures.comparison import describe_comparison, draw_comparison
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
from d2l_softmax.training.fit import EpochRecord, Training, new_divergence_reason

FIGURE = "comparison.png"
CAPTION = "Both histories and, below, their differences."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_training_options(parser)
    add_language(parser)
    add_output_dir(parser, Path("runs", "compare"))


def compare(options: argparse.Namespace, twins: Twins) -> None:
    """Train both implementations side by side and print their differences after each epoch.

    Writes comparison.json, comparison.png and report.html. Then raises MismatchError if the
    implementations differ by more than the tolerance of the dtype.
    """
    output_dir = prepare_directory(options.output_dir, options.dataset)
    tolerance = TOLERANCES[options.dtype]
    options, data = load_training_data(options)
    trainings = {name: prepare(twin, options, data.loaders) for name, twin in twins.items()}
    first, second = trainings.values()
    differences = []
    with Console(2 * options.epochs * len(first.train_iter), options.quiet) as console:
        console.print(f"{' and '.join(twins)}: {summary(options, first)}")
        if data.notes:
            console.print("; ".join(data.notes))
        console.print(table_head(list(twins)))
        epochs = (training.fit(console.bar.update) for training in (first, second))
        for records in zip(*epochs, strict=True):
            differences.append(Difference.between(records, (first.model, second.model)))
            console.print(table_row(records, differences[-1]))
            for name, training in trainings.items():
                if reason := new_divergence_reason(training.history, len(training.model.b)):
                    console.warn(f"{options.prog}: warning: {name}: {reason}")
        predicted = (evaluate(each.model, each.test_iter).predicted for each in (first, second))
        disagreements = count_disagreements(*predicted)
        console.print(
            f"predictions that differ: {disagreements} of {len(first.test_iter.dataset):,}"
        )
        mismatch = first_mismatch(differences, tolerance)
        result = {
            **make_config(" and ".join(twins), options, first),
            **comparison_to_dict(trainings, differences),
            "tolerance": tolerance._asdict(),
            "first_epoch_beyond_tolerance": mismatch,
            "test_images": len(first.test_iter.dataset),
            "test_predictions_that_differ": disagreements,
        }
        write_json(output_dir / "comparison.json", result)
        write_results(options, twins, trainings, differences, result)
        console.print(f"wrote comparison.json, comparison.png, report.html to {output_dir}")

    if mismatch:
        raise MismatchError(
            f"results diverge in epoch {mismatch}: {join_numbers(differences[mismatch - 1])}; "
            f"expected at most {join_numbers(tolerance)}; if training is unstable, rounding error "
            "grows from step to step:",
            "try a smaller {lr}",
        )


def write_results(
    options: argparse.Namespace,
    twins: Twins,
    trainings: dict[str, Training],
    differences: list[Difference],
    result: dict[str, Any],
) -> None:
    """Write the figure, and the report with the figure and both source files side by side."""
    histories = {name: training.history for name, training in trainings.items()}
    code = {name: inspect.getsource(twin.softmax_regression) for name, twin in twins.items()}
    with drawn_in(options.lang):
        figure = draw_comparison(histories, differences, options.dtype)
        save_figure(options.output_dir / FIGURE, figure)
        alt = describe_comparison(histories, differences)
        captioned = CaptionedFigure(tr(CAPTION), alt, figure)
        write_comparison_report(options.output_dir, {FIGURE: captioned}, result, code)


def table_head(names: list[str]) -> str:
    """Return the header of the printed table."""
    pairs = "".join(f"  {f'{name} loss, test':>20}" for name in names)
    return f"epoch{pairs}  {'loss differs by':>15}  {'W differs by':>12}"


def table_row(records: tuple[EpochRecord, ...], difference: Difference) -> str:
    """Return an epoch's row of the printed table."""
    pairs = "".join(f"  {f'{r.train_loss:.6f}, {r.test_acc:.4f}':>20}" for r in records)
    return f"{records[0].epoch:>5}{pairs}  {difference.train_loss:>15.1e}  {difference.W:>12.1e}"


def join_numbers(numbers: NamedTuple) -> str:
    """Return named numbers as text, such as `train_loss 1.2e-03, W 0.0e+00`."""
    return ", ".join(f"{name} {value:.1e}" for name, value in numbers._asdict().items())


def comparison_to_dict(
    trainings: dict[str, Training], differences: list[Difference]
) -> dict[str, Any]:
    """Return the measurements and differences of each epoch, and the largest differences."""
    epochs = []
    for epoch, difference in enumerate(differences):
        records = {name: each.history[epoch].measurements() for name, each in trainings.items()}
        epochs.append({"epoch": epoch + 1, **records, "difference": difference._asdict()})
    largest = {name: max(getattr(d, name) for d in differences) for name in Difference._fields}
    return {"epochs": epochs, "largest_difference": largest}


COMMAND = Command(
    "compare",
    "train scratch and concise side by side",
    add_options,
    compare,
    complete_training_options,
)
